"""
``twist trailcam-connect``.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any
from unittest import mock

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogLevel
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from tests.commands import CommandTestCase
from tests.connect.logs import LogCapture
from tests.tap.processes import Processes
from trailcam.library.folder import Folder
from trailcam.library.saver import Settings
from trailcam.model import Credentials
from trailcam.simulator import Behaviour, Card, Contents, Manners, SimulatedCamera
from trailcam.status.service import StatusService
from trailcam.tap.connect import Options, connect_service, makeService
from trailcam.tap.demo import Demo
from trailcam.tap.eventcommand import EventCommand
from trailcam.tap.keeper import Keeper
from trailcam.tap.syncing import Syncing
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

    def test_only_held(self) -> None:
        """Without more options nobody logs in."""
        options = parsed("--camera=10.0.0.1")
        self.assertEqual((options.logs_in, options.directory, options.command), (False, None, ()))

    def test_sync(self) -> None:
        """The folder, and how often; where it is does not depend on where we are later."""
        options = parsed("--sync=pictures", "--every=7.5", "--utc", "--username=me")
        self.assertTrue(options.logs_in)
        self.assertEqual((options.directory, options.every), (Path.cwd() / "pictures", 7.5))
        self.assertEqual(options.chosen(Settings()), Settings(utc=True))
        self.assertEqual(options.credentials, Credentials("me", "admin"))

    def test_on_event(self) -> None:
        """The command's words."""
        options = parsed("--on-event", f"{sys.executable} -c 'print(1)'")
        self.assertTrue(options.logs_in)
        self.assertEqual(options.command, (sys.executable, "-c", "print(1)"))

    def test_password(self) -> None:
        """It comes from where the commands about pictures have it from."""
        path = Path(self.mktemp())
        path.write_text("secret\n")
        options = parsed("--sync=x", f"--password-file={path}")
        self.assertEqual(options.credentials, Credentials("admin", "secret"))

    def test_mistakes(self) -> None:
        """Each is one line that names its option."""
        path = Path(self.mktemp())
        path.write_text("secret\n")
        for words, complaint in {
            ("--sync=",): "--sync: the name of a folder is wanted, got ''",
            ("--sync=a\0b",): "--sync: the name of a folder is wanted, got 'a\\x00b'",
            (f"--sync={path}",): f"--sync: {str(path)!r} is there already, and is not a folder",
            ("--sync=x", "--every=0"): "--every: expected seconds, at most a year of them, got '0'",
            ("--every=3",): "--every: goes with --sync; give both, or leave it out",
            ("--on-event=",): "--on-event: a command is wanted, got ''",
            ("--on-event=nobody-has-this",): "--on-event: 'nobody-has-this' is not a program that "
            "can be run here",
            (f"--password-file={path}",): "--password-file: only --sync and --on-event log in",
        }.items():
            self.assertEqual(str(self.assertRaises(UsageError, parsed, *words)), complaint)

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
        self.assertEqual(
            self.kinds("--demo", "--sync=x", f"--on-event={sys.executable}"),
            [Demo, EventCommand, Keeper, Syncing, StatusService],
        )

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


class PicturesTests(SynchronousTestCase):
    """Pictures and events, on a network in memory."""

    def setUp(self) -> None:
        """A camera with four photos that says something at times."""
        self.network = MemoryNetwork()
        self.host: Any = self.network.host("192.168.43.20")
        self.processes = Processes()
        self.host.spawnProcess = self.processes.spawnProcess
        self.camera_host = self.network.host(CAMERA)
        self.card = Card.generated(Contents(photos=4, videos=0, photo_size=300_000))
        self.camera = SimulatedCamera(
            self.camera_host,
            Behaviour.recorded(),
            card=lambda: self.card,
            manners=Manners(events=((0.0, 4), (1.0, 9))),
        )
        self.camera.start(CAMERA)
        self.directory = Path(self.mktemp()).resolve()
        self.log = LogCapture(self)

    def start(self, *words: str) -> None:
        """Start the service."""
        options = parsed(f"--camera={CAMERA}", "--no-lan", "--no-status", *words)
        self.service: Any = connect_service(self.host, options)
        self.service.startService()

    def stop(self) -> None:
        """Stop everything, and see that nothing is left."""
        stopping = self.service.stopService()
        self.network.advance(2.0)
        self.successResultOf(stopping)
        self.assertEqual((self.camera.open_sessions, self.processes.running()), (0, []))
        self.assertEqual(self.processes.getDelayedCalls(), [])
        self.camera.stop()
        self.network.advance(0.1)
        self.network.assert_quiet()
        Folder(self.directory).close()

    def missing(self) -> list[str]:
        """The photos that are not in the folder as they are on the card."""
        return [
            file.item.name
            for file in self.card.files()
            if file.photo is not None and self.content(file.item.name) != file.photo()
        ]

    def content(self, name: str) -> bytes | None:
        """What is in a file of the folder; ``None`` when there is none."""
        path = self.directory / "100" / name
        return path.read_bytes() if path.exists() else None

    def events(self) -> list[str]:
        """The numbers that the command was run for."""
        return [process.environment["TRAILCAM_EVENT"] for process in self.processes.all]

    def test_both(self) -> None:
        """One session and one login are enough for pictures and events."""
        self.start(f"--sync={self.directory}", f"--on-event={sys.executable} -V")
        self.network.run_until(lambda: not self.missing(), 30.0)
        self.network.advance(2.0)
        self.assertEqual(self.events(), ["4", "9"])
        self.assertEqual(self.processes.all[0].words, (sys.executable, "-V"))
        self.assertEqual(self.camera.counters.sessions_opened, 1)
        self.assertEqual(len(self.log.lines(LogLevel.info)) - len(self._fetched()), 4)
        self.stop()

    def test_events_only(self) -> None:
        """Without --sync nothing is fetched."""
        self.start(f"--on-event={sys.executable}")
        self.network.advance(5.0)
        self.assertEqual((self.events(), self.directory.exists()), (["4", "9"], False))
        self.stop()

    def test_cut(self) -> None:
        """A link that is cut in the middle, again and again, costs time and no octet."""
        self.start(f"--sync={self.directory}", f"--on-event={sys.executable}")
        for left in (3, 2, 1):
            self.network.run_until(lambda left=left: len(self.missing()) == left, 60.0)
            self.network.advance(0.004)  # the next one is on its way
            mend = self.network.cut(self.host)
            self.network.advance(8.0)
            mend()
        self.network.run_until(lambda: not self.missing(), 60.0)
        self.network.advance(2.0)
        self.assertEqual(self.camera.counters.sessions_opened, 4)
        self.assertEqual(len(self._fetched()), 4)
        lines = self.log.lines()
        self.assertEqual(lines, ["session lost: the camera has been silent for 7.0 s"] * 3)
        self.stop()

    def test_stopped_in_the_middle(self) -> None:
        """The camera is told, the folder let go, and nothing is there by halves."""
        self.start(f"--sync={self.directory}", f"--on-event={sys.executable}")
        self.network.run_until(lambda: len(self.missing()) == 3, 60.0)
        self.network.advance(0.004)
        self.stop()
        self.assertEqual(self.camera.counters.sessions_timed_out, 0)
        self.assertEqual((len(self.missing()), len(self._fetched())), (3, 1))
        self.assertEqual(len(list((self.directory / "100").iterdir())), 1)
        self.assertEqual(list((self.directory / ".trailcam-partial").iterdir()), [])

    def test_wrong_password(self) -> None:
        """One line; the session is held."""
        with mock.patch.dict(os.environ, {"TRAILCAM_PASSWORD": "wrong"}):
            self.start(f"--sync={self.directory}")
        self.network.advance(600.0)
        [line] = self.log.lines()
        self.assertTrue(line.startswith("not logged in: the camera refused the user name"), line)
        self.assertEqual(self.camera.counters.sessions_opened, 1)
        self.assertEqual(self.camera.open_sessions, 1)
        self.stop()

    def test_status(self) -> None:
        """The status tells of the folder."""
        options = parsed(f"--camera={CAMERA}", f"--sync={self.directory}", "--status=tcp:0")
        self.service = connect_service(self.host, options)
        self.service.startService()
        self.network.run_until(lambda: not self.missing(), 30.0)
        self.network.advance(1.0)
        [status] = [part for part in self.service if isinstance(part, StatusService)]
        child: Any = status._site.resource.children[b"status.json"]
        picture = child._source.snapshot()
        self.assertEqual(picture["state"], "connected")
        self.assertEqual(picture["sync"], {"new": 4, "present": 0, "failed": 0, "problem": None})
        self.stop()

    def _fetched(self) -> list[str]:
        return [line for line in self.log.lines(LogLevel.info) if line.startswith("fetched ")]


class ProcessTests(CommandTestCase):
    """The whole of it as people run it."""

    def test_pictures_and_events(self) -> None:
        """Everything is fetched, the command is run, and Ctrl-C ends it at once."""
        folder = Path(self.mktemp()).resolve()
        say = "import os, sys; print('event', os.environ['TRAILCAM_EVENT'], sys.stdin.read())"
        command = self.start(
            *("-m", "twisted", "--log-format=text", "trailcam-connect", "--demo", "--no-status"),
            *("--sync", str(folder), "--on-event", f'{sys.executable} -c "{say}"'),
        )
        command.wait_for("in the folder: 12 new")
        command.signal(signal.SIGINT)
        finished = command.finish()
        self.assertEqual((finished.status, finished.errors), (-signal.SIGINT, ""), finished)
        self.assertIn('event 4 {"evtId": 4}\n', finished.output)
        self.assertEqual(finished.output.count("connected to "), 1)
        self.assertEqual(len(list((folder / "100").iterdir())), 12)
