"""
``twist trailcam-connect``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.testing import MemoryReactorClock
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from tests.connect.logs import LogCapture
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.status.service import StatusService
from trailcam.tap.connect import Options, connect_service, makeService
from trailcam.tap.demo import Demo
from trailcam.tap.keeper import Keeper
from trailcam.testing.network import MemoryNetwork

CAMERA = "192.168.43.1"


def parsed(*words: str) -> Options:
    """The options that these words spell."""
    options = Options()
    options.parseOptions(list(words))
    return options


class OptionsTests(SynchronousTestCase):
    """What it knows beyond the connection's options."""

    def test_status_on_loopback(self) -> None:
        """The status can be seen from this machine only, unless somebody says otherwise."""
        fake = MemoryReactorClock()
        endpoint = parsed("--camera=10.0.0.1").endpoint(fake)
        self.assertIsInstance(endpoint, TCP4ServerEndpoint)
        endpoint.listen(None)
        [(port, _, _, interface)] = fake.tcpServers
        self.assertEqual((port, interface), (8650, "127.0.0.1"))

    def test_not_an_endpoint(self) -> None:
        """A wrong description is refused in one line."""
        for wrong in ("8650", "tcp:http", "telephone:5", ""):
            problem = str(self.assertRaises(UsageError, parsed, f"--status={wrong}"))
            self.assertTrue(problem.startswith(f"--status: {wrong!r} is not a Twisted endpoint"))
            self.assertNotIn("\n", problem)

    def test_port_of_the_endpoint(self) -> None:
        """A port that does not exist is refused, however the endpoint is spelled."""
        for wrong in (
            "tcp:99999",
            "tcp:-1",
            "tcp6:65536",
            "tcp:port=99999",
            "tcp:interface=127.0.0.1:port=99999",
            "tcp:99999:interface=127.0.0.1",
        ):
            problem = str(self.assertRaises(UsageError, parsed, f"--status={wrong}"))
            self.assertTrue(problem.startswith(f"--status: {wrong!r} is not"), problem)
            self.assertTrue(problem.endswith("is outside 0..65535)"), problem)
        for right in ("tcp:0", "tcp:65535", "tcp6:80:interface=\\:\\:1", "unix:99999"):
            self.assertEqual(parsed(f"--status={right}")["status"], right)

    def test_unused_endpoint_is_not_checked(self) -> None:
        """Who wants no status may leave a wrong description where it is."""
        self.assertTrue(parsed("--no-status", "--status=8650")["no-status"])

    def test_the_connection_is_checked(self) -> None:
        """The options of the connection are checked as everywhere."""
        problem = str(self.assertRaises(UsageError, parsed, "--port=70000"))
        self.assertEqual(problem, "--port: port 70000 is outside 1..65535")

    def test_help(self) -> None:
        """The help says what this is for, and where the status is by default."""
        text = str(Options())
        self.assertIn("tcp:8650:interface=127.0.0.1", text)
        self.assertIn("holds the session", text)


class ServiceTests(SynchronousTestCase):
    """What it is made of."""

    def kinds(self, *words: str) -> list[type]:
        """The classes of its parts, in the order of their start."""
        return [type(part) for part in connect_service(MemoryReactorClock(), parsed(*words))]

    def test_parts(self) -> None:
        """The demonstration comes before who connects to it, and the status comes last."""
        self.assertEqual(self.kinds("--camera=10.0.0.1"), [Keeper, StatusService])
        self.assertEqual(self.kinds("--camera=10.0.0.1", "--no-status"), [Keeper])
        self.assertEqual(self.kinds("--demo"), [Demo, Keeper, StatusService])

    def test_readable_secret(self) -> None:
        """A secret that others may read is warned of."""
        log, path = LogCapture(self), Path(self.mktemp())
        path.write_text("correct-horse-battery\n")
        for mode in (0o600, 0o640):
            path.chmod(mode)
            self.kinds("--camera=10.0.0.1", f"--secret-file={path}")
        [line] = log.lines()
        self.assertIn(f"may read {path} (mode 640)", line)

    def test_make_service(self) -> None:
        """``twist`` gets it with the process's reactor, and nothing is opened before the start."""
        before = set(reactor.getReaders())
        service: Any = makeService(parsed("--demo"))
        self.assertEqual([type(part) for part in service], [Demo, Keeper, StatusService])
        self.assertEqual(set(reactor.getReaders()), before)


class RunningTests(SynchronousTestCase):
    """The whole of it, on a network in memory."""

    def setUp(self) -> None:
        """A machine, and a camera beside it."""
        self.network = MemoryNetwork()
        self.host = self.network.host("192.168.43.20")
        self.camera_host = self.network.host(CAMERA)
        self.camera = SimulatedCamera(self.camera_host, Behaviour.prompt())

    def start(self, *words: str) -> Keeper:
        """Start the service; the result is its heart."""
        self.service: Any = connect_service(self.host, parsed("--no-status", *words))
        self.service.startService()
        [keeper] = [part for part in self.service if isinstance(part, Keeper)]
        return keeper

    def stop(self) -> None:
        """Stop it, and see that nothing is left."""
        stopping = self.service.stopService()
        self.network.advance(1.0)
        self.successResultOf(stopping)

    def test_demo(self) -> None:
        """With --demo it is connected to its own camera."""
        keeper = self.start("--demo")
        self.network.advance(1.0)
        self.assertEqual(keeper.snapshot()["mode"], "p2p")
        self.assertTrue(keeper.snapshot()["peer"].startswith("127.0.0.1:"))
        self.stop()
        self.network.assert_quiet()

    def test_stays_and_says_goodbye(self) -> None:
        """A session is kept for as long as the service runs, and closed when it stops."""
        self.camera.start(CAMERA)
        keeper = self.start(f"--camera={CAMERA}")
        self.network.advance(60.0)
        self.assertEqual(keeper.snapshot()["reconnects"], 0)
        self.assertEqual(self.camera.open_sessions, 1)
        self.stop()
        self.assertEqual(self.camera.open_sessions, 0)
        self.assertEqual(self.camera.counters.sessions_timed_out, 0)
        self.successResultOf(self._camera_off())
        self.network.assert_quiet()

    def test_camera_that_comes_back(self) -> None:
        """A camera that goes to sleep and wakes is connected again."""
        self.camera.start(CAMERA)
        keeper = self.start(f"--camera={CAMERA}")
        self.network.advance(5.0)
        self.successResultOf(self._camera_off())
        self.network.advance(20.0)
        self.assertIn(keeper.snapshot()["state"], ("waiting", "connecting"))
        report = keeper.snapshot()["last_report"]["threads_info"]
        self.assertEqual(report["p2pConnectThread"]["code"], "refused")
        self.camera.start(CAMERA)
        self.network.advance(70.0)
        picture = keeper.snapshot()
        self.assertEqual((picture["state"], picture["reconnects"]), ("connected", 1))
        self.stop()

    def _camera_off(self) -> Any:
        stopping = self.camera.stop()
        self.network.advance(0.1)
        return stopping
