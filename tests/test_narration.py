"""Tests of the log lines: the guide's "Expected Log Output", word for word."""

from __future__ import annotations

import logging

from twisted.trial.unittest import SynchronousTestCase

from tests.connect.cameras import CAMERA, NetworkTestCase, Watch
from trailcam.connect.connector import Connector
from trailcam.connect.events import (
    HeatAborted,
    HeatFailed,
    HeatStarted,
    HeatWon,
    ProbeSent,
    RaceEvent,
    RaceFinished,
    RaceStarted,
)
from trailcam.connect.target import Target
from trailcam.errors import NothingAnswered
from trailcam.model import ConnectionMode, Report
from trailcam.narration import narrator
from trailcam.simulator import SimulatedCamera

P2P, LAN, RELAY = ConnectionMode.P2P, ConnectionMode.LAN, ConnectionMode.RELAY

GUIDES_STORY: list[RaceEvent] = [
    RaceStarted((P2P, LAN)),
    HeatStarted(P2P),
    HeatStarted(LAN),
    ProbeSent(P2P, 1, 56799, 40611),
    ProbeSent(LAN, 1, 56800, 40611),
    ProbeSent(P2P, 2, 56799, 32100),
    ProbeSent(LAN, 2, 56800, 32100),
    HeatWon(P2P, 56799, 32100, 2.34),
    HeatAborted(LAN, P2P),
    RaceFinished(Report(P2P, 2.35, ())),
]

GUIDES_LINES = """
[INFO] [CONNECT] Starting parallel connection attempt...
[DEBUG] [CONNECT] Started thread: p2pConnectThread
[DEBUG] [CONNECT] Started thread: lanConnectThread
[DEBUG] [P2P] Starting P2P direct connection thread
[DEBUG] [LAN] Starting LAN direct connection thread
[DEBUG] [P2P] Attempt 1: local_port=56799, dest_port=40611
[DEBUG] [LAN] Attempt 1: local_port=56800, dest_port=40611
[DEBUG] [P2P] Attempt 2: local_port=56799, dest_port=32100
[DEBUG] [LAN] Attempt 2: local_port=56800, dest_port=32100
[INFO] [P2P] ✓ P2P connection succeeded: port=56799, dest_port=32100, time=2.34s
[DEBUG] [LAN] Another thread succeeded (p2pConnectThread), aborting LAN attempts
[INFO] [CONNECT] Parallel connection attempt completed in 2.35s
""".strip().splitlines()


class Keeper(logging.Handler):
    """Keeps each line with its level, as the guide prints it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(f"[{record.levelname}] {record.getMessage()}")


def listen(level: int = logging.DEBUG) -> tuple[logging.Logger, Keeper]:
    """A logger of its own, and what it is told."""
    logger, keeper = logging.Logger("test", level), Keeper()
    logger.addHandler(keeper)
    return logger, keeper


class LineTests(SynchronousTestCase):
    """One event after the other."""

    def lines(self, *events: RaceEvent, level: int = logging.DEBUG) -> list[str]:
        """What is logged for some events."""
        logger, keeper = listen(level)
        observer = narrator(logger)
        for event in events:
            observer(event)
        return keeper.lines

    def test_the_guides_story(self) -> None:
        """Every line of the guide, each once, in the order of the events."""
        lines = self.lines(*GUIDES_STORY)
        self.assertEqual(sorted(lines), sorted(GUIDES_LINES))
        # Here each mode's two first lines come together; the order of all others is the guide's.
        started = [line for line in GUIDES_LINES if "Start" in line]
        others = [line for line in GUIDES_LINES if line not in started]
        self.assertEqual([line for line in lines if line not in started], others)

    def test_levels(self) -> None:
        """At INFO one sees start, success and end."""
        lines = self.lines(*GUIDES_STORY, level=logging.INFO)
        self.assertEqual(lines, [line for line in GUIDES_LINES if line.startswith("[INFO]")])

    def test_failure(self) -> None:
        """A mode that failed is a warning with the diagnosis."""
        error = NothingAnswered(LAN, "searching", 30.0, "nothing answered; 100 % sure")
        self.assertEqual(
            self.lines(HeatFailed(LAN, error)),
            ["[WARNING] [LAN] ✗ LAN connection failed: nothing answered; 100 % sure"],
        )

    def test_relay(self) -> None:
        """The relay thread is not called direct."""
        self.assertEqual(
            self.lines(HeatStarted(RELAY)),
            [
                "[DEBUG] [CONNECT] Started thread: relayConnectThread",
                "[DEBUG] [RELAY] Starting relay connection thread",
            ],
        )

    def test_called_off(self) -> None:
        """Without a winner nobody is named."""
        self.assertEqual(
            self.lines(HeatAborted(P2P, None)), ["[DEBUG] [P2P] Cancelled, aborting P2P attempts"]
        )

    def test_rounding(self) -> None:
        """Two digits."""
        (line,) = self.lines(RaceFinished(Report(None, 30.005001, ())))
        self.assertTrue(line.endswith("completed in 30.01s"), line)

    def test_unknown_event(self) -> None:
        """An event of a later version is passed over."""

        class Later(RaceEvent):
            pass

        self.assertEqual(self.lines(Later()), [])


class RaceTests(NetworkTestCase):
    """The lines of real races."""

    def race(self) -> tuple[Watch, list[str]]:
        """A race to its end, and its lines."""
        logger, keeper = listen()
        target = Target(CAMERA, ports=(40611, 32108))
        connector = Connector(self.client, target, max_time=2.0, observer=narrator(logger))
        watch = self.watch(connector.connect())
        self.network.run_until(lambda: watch.at is not None)
        return watch, keeper.lines

    def test_won(self) -> None:
        """A race that is won."""
        self.simulated(SimulatedCamera(self.camera_host))
        watch, lines = self.race()
        link, report = watch.result
        self.closers.append(link.abandon)
        p2p, lan = link.local[1], report.attempt(LAN).port
        expected = f"""
[INFO] [CONNECT] Starting parallel connection attempt...
[DEBUG] [CONNECT] Started thread: p2pConnectThread
[DEBUG] [P2P] Starting P2P direct connection thread
[DEBUG] [P2P] Attempt 1: local_port={p2p}, dest_port=40611
[DEBUG] [P2P] Attempt 2: local_port={p2p}, dest_port=32108
[DEBUG] [CONNECT] Started thread: lanConnectThread
[DEBUG] [LAN] Starting LAN direct connection thread
[DEBUG] [LAN] Attempt 1: local_port={lan}, dest_port=40611
[DEBUG] [LAN] Attempt 2: local_port={lan}, dest_port=32108
[INFO] [P2P] ✓ P2P connection succeeded: port={p2p}, dest_port=40611, time=0.00s
[DEBUG] [LAN] Another thread succeeded (p2pConnectThread), aborting LAN attempts
[INFO] [CONNECT] Parallel connection attempt completed in 0.00s
"""
        self.assertEqual(lines, expected.strip().splitlines())

    def test_lost(self) -> None:
        """A race that is lost: a warning for each mode, and the end."""
        self.camera_host.silent = True
        _, lines = self.race()
        diagnosis = (
            "nothing answered from 192.168.43.1 on ports 40611, 32108 within 2.0 s: "
            "is it awake and near, and does a firewall here let UDP in?"
        )
        self.assertEqual(
            lines[-3:],
            [
                f"[WARNING] [P2P] ✗ P2P connection failed: {diagnosis}",
                f"[WARNING] [LAN] ✗ LAN connection failed: {diagnosis}",
                "[INFO] [CONNECT] Parallel connection attempt completed in 2.00s",
            ],
        )
        self.assertEqual(len(lines), 12)
