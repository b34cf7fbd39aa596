"""
``trailcam connect``: its work, on a network in memory.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import CannotListenError

from tests.connect.relaying import DATA_PORT, DID, ScriptedRelay
from tests.streams import Full, Streams
from trailcam.cli import ConnectCommand
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.testing.network import MemoryNetwork

CAMERA = "192.168.43.1"
THREADS = ["p2pConnectThread", "lanConnectThread", "relayConnectThread"]
THREAD_KEYS = ["mode", "state", "port", "retries", "elapsed", "error", "code", "phase"]


class ConnectTests(Streams):
    """The command's work, on a network in memory."""

    def setUp(self) -> None:
        """A camera, and a machine beside it."""
        super().setUp()
        self.network = MemoryNetwork()
        self.host = self.network.host("192.168.43.20")
        self.camera = SimulatedCamera(self.network.host(CAMERA), Behaviour.prompt())

    def work(self, *words: str) -> Deferred[int]:
        """Begin."""
        command = ConnectCommand()
        command.parseOptions(list(words))
        return Deferred.fromCoroutine(command.work(self.host))

    def status(self, working: Deferred[int]) -> int:
        """The status, a second later."""
        self.network.advance(1.0)
        return self.successResultOf(working)

    def switch_off(self) -> None:
        """Stop the camera, and see that nothing is left."""
        stopping = self.camera.stop()
        self.network.advance(0.1)
        self.successResultOf(stopping)
        self.network.assert_quiet()

    def test_connected(self) -> None:
        """Who won is told, and the camera that we leave."""
        self.camera.start(CAMERA)
        self.assertEqual(self.status(self.work(f"--camera={CAMERA}", "--port=40611")), 0)
        self.assertIn(f"-> {CAMERA}:40611\n", self.told())
        self.assertEqual(self.errors.getvalue(), "")
        self.assertEqual(self.camera.open_sessions, 0)
        self.assertEqual(self.camera.counters.sessions_timed_out, 0)
        self.switch_off()

    def test_json(self) -> None:
        """With --json there is the info, and nothing else."""
        self.camera.start(CAMERA)
        self.status(self.work(f"--camera={CAMERA}", "--no-lan", "--json"))
        info = json.loads(self.told())
        self.assertEqual(
            list(info),
            [
                "mode",
                "port",
                "destination_port",
                "elapsed_time",
                "winning_thread",
                "threads_info",
            ],
        )
        self.assertEqual((info["mode"], info["winning_thread"]), ("p2p", "p2pConnectThread"))
        self.assertEqual(info["destination_port"], 40611)
        self.assertEqual(list(info["threads_info"]), THREADS)
        self.assertEqual(list(info["threads_info"]["lanConnectThread"]), THREAD_KEYS)
        self.switch_off()

    def test_readable_secret(self) -> None:
        """A secret that others may read is warned of, which changes nothing else."""
        self.camera.start(CAMERA)
        path = Path(self.mktemp())
        path.write_text("correct-horse-battery\n")
        for mode, warning in (
            (0o600, ""),
            (
                0o644,
                f"trailcam: others on this machine may read {path} (mode 644); "
                "'chmod 600' prevents that\n",
            ),
        ):
            path.chmod(mode)
            work = self.work(f"--camera={CAMERA}", "--no-lan", f"--secret-file={path}", "--json")
            self.assertEqual(self.status(work), 0)
            self.assertEqual(json.loads(self.told())["mode"], "p2p")
            self.assertEqual(self.errors.getvalue(), warning)
        self.switch_off()

    def test_refused(self) -> None:
        """Failures have a table, a line on standard error, and status 1."""
        self.assertEqual(self.status(self.work(f"--camera={CAMERA}", "--port=9")), 1)
        self.assertIn(f"{CAMERA} refused port 9 (ICMP)", self.told())
        self.assertEqual(
            self.errors.getvalue(), "trailcam: could not connect (P2P: refused, LAN: refused)\n"
        )
        self.network.assert_quiet()

    def test_refused_as_json(self) -> None:
        """With --json a failure is the info as well."""
        self.status(self.work(f"--camera={CAMERA}", "--port=9", "--json"))
        info = json.loads(self.told())
        self.assertEqual(list(info), ["elapsed_time", "threads_info"])
        self.assertEqual(list(info["threads_info"]), THREADS)
        self.assertEqual(info["threads_info"]["p2pConnectThread"]["code"], "refused")

    def test_relay_says_why_not(self) -> None:
        """The relay mode is tried when asked for, and says why it fails."""
        self.network.host("10.0.0.5")
        self.status(self.work(f"--camera={CAMERA}", "--port=9", "--relay=10.0.0.5:1"))
        self.assertIn("the relay 10.0.0.5:1 refused the connection", self.told())
        self.assertIn("RELAY: relay_unreachable", self.errors.getvalue())

    def test_relay(self) -> None:
        """A relay may be what connects, and its answer is not taken for the camera's."""
        relay = ScriptedRelay(self.network.host("10.0.0.5"))
        words = (f"--uid={DID}", "--no-p2p", "--no-lan", "--relay=10.0.0.5:65527")
        self.assertEqual(self.status(self.work(*words)), 0)
        told = self.told()
        self.assertIn("connected over RELAY", told)
        self.assertIn(f"-> 10.0.0.5:{DATA_PORT}\n", told)
        self.assertIn("the relay's first answer took 0.002 s", told)
        self.assertEqual(relay.kinds(DATA_PORT), ["RLY_PKT", "ALIVE", "CLOSE"])
        relay.close()
        self.network.advance(1.0)
        self.network.assert_quiet()

    def test_hold(self) -> None:
        """With --hold the session lasts; when it is lost the status is 1."""
        self.camera.start(CAMERA)
        working = self.work(f"--camera={CAMERA}", "--hold")
        self.network.advance(60.0)
        self.assertNoResult(working)
        self.assertIn("holding the session", self.told())
        self.assertEqual(self.camera.open_sessions, 1)
        self.camera.stop()
        self.assertEqual(self.status(working), 1)
        self.assertEqual(
            self.errors.getvalue(), "trailcam: the session ended: the camera closed the session\n"
        )
        self.network.assert_quiet()

    def test_hold_as_json(self) -> None:
        """Holding adds nothing to the JSON."""
        self.camera.start(CAMERA)
        working = self.work(f"--camera={CAMERA}", "--hold", "--json")
        self.network.advance(5.0)
        self.assertEqual(json.loads(self.told())["mode"], "p2p")
        working.cancel()
        self.network.advance(1.0)
        self.failureResultOf(working, CancelledError)
        self.switch_off()

    def test_cancelled_while_holding(self) -> None:
        """When it is cancelled it takes leave of the camera."""
        self.camera.start(CAMERA)
        working = self.work(f"--camera={CAMERA}", "--hold")
        self.network.advance(5.0)
        working.cancel()
        self.network.advance(1.0)
        self.failureResultOf(working, CancelledError)
        self.assertEqual(self.camera.counters.sessions_closed_by_client, 1)
        self.switch_off()

    def test_cancelled_in_the_race(self) -> None:
        """When the race is cancelled nothing is left of it."""
        working = self.work("--camera=10.9.9.9")
        self.network.advance(1.0)
        working.cancel()
        self.network.advance(0.1)
        self.failureResultOf(working, CancelledError)
        self.network.assert_quiet()
        self.assertEqual(self.told(), "")

    def test_output_that_nobody_reads(self) -> None:
        """When the result cannot be written the camera is told CLOSE all the same."""
        self.camera.start(CAMERA)
        self.patch(sys, "stdout", Full())
        working = self.work(f"--camera={CAMERA}")
        self.network.advance(1.0)
        self.failureResultOf(working, OSError)
        self.assertEqual(self.camera.open_sessions, 0)
        self.switch_off()

    def test_demo(self) -> None:
        """The demonstration shows the race, its winner, and what the camera saw."""
        self.assertEqual(self.status(self.work("--demo")), 0)
        text = self.told()
        self.assertTrue(text.startswith("a simulated camera listens on 127.0.0.1: "))
        self.assertIn("\nconnected over P2P in ", text)
        self.assertIn("P2P was faster", text)
        self.assertIn("sessions opened 1, of these closed by us 1", text)
        self.network.assert_quiet()

    def test_demo_of_one_mode(self) -> None:
        """The demonstration takes the other options as they are."""
        self.assertEqual(self.status(self.work("--demo", "--no-p2p")), 0)
        self.assertIn("connected over LAN", self.told())

    def test_demo_without_a_port(self) -> None:
        """A camera that gets no port is one line, and status 1."""

        def refuse(*_: object, **__: object) -> None:
            raise CannotListenError("127.0.0.1", 0, OSError(24, "Too many open files"))

        self.patch(self.host, "listenUDP", refuse)
        self.assertEqual(self.status(self.work("--demo")), 1)
        self.assertEqual(self.told(), "")
        self.assertEqual(
            self.errors.getvalue(),
            "trailcam: the simulated camera has no port: [Errno 24] Too many open files\n",
        )
        self.network.assert_quiet()

    def test_demo_as_json(self) -> None:
        """The demonstration's words are for people, too."""
        self.assertEqual(self.status(self.work("--demo", "--json")), 0)
        self.assertEqual(json.loads(self.told())["winning_thread"], "p2pConnectThread")

    def test_narration(self) -> None:
        """The steps are told to the log in the words of the narration."""
        handler = logging.Handler()
        lines: list[str] = []
        handler.emit = lambda record: lines.append(record.getMessage())
        logger = logging.getLogger("trailcam")
        self.patch(logger, "level", logging.DEBUG)
        self.patch(logger, "_cache", {})
        logger.addHandler(handler)
        self.addCleanup(logger.removeHandler, handler)
        self.status(self.work(f"--camera={CAMERA}", "--port=9"))
        self.assertIn("[CONNECT] Starting parallel connection attempt...", lines)
        self.assertIn("[CONNECT] Started thread: p2pConnectThread", lines)
