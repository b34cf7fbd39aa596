"""What is said of a run: lines, a bar, a summary."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.library.case import LibraryTestCase
from tests.library.fakes import photo
from trailcam.errors import MediaNotFound, SessionLost
from trailcam.library.bar import ProgressBar, observer_for
from trailcam.library.lines import PlainLines
from trailcam.library.observer import SyncObserver
from trailcam.library.summary import FailedItem, Summary, amount, title


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


class FakeBar:
    """Keeps what it is told."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.n = 0.0
        self.postfix = ""
        self.shown: list[tuple[float, str]] = []
        self.closed = self.cleared = self.refreshed = 0

    def set_postfix_str(self, text: str, refresh: bool = True) -> None:
        """Keep it."""
        self.postfix = text

    def update(self, n: float) -> None:
        """Keep what is shown now."""
        self.shown.append((self.n, self.postfix))

    def clear(self) -> None:
        """Count it."""
        self.cleared += 1

    def refresh(self) -> None:
        """Count it."""
        self.refreshed += 1

    def close(self) -> None:
        """Count it."""
        self.closed += 1


class LinesTests(LibraryTestCase):
    """Plain lines."""

    def test_lines(self) -> None:
        """One for each item."""
        stream = io.StringIO()
        self.camera.faults[photo(2)] = [MediaNotFound("it is gone")]
        self.run_once(observer=PlainLines(stream))
        folder = self.directory / "100"
        self.assertEqual(
            stream.getvalue().splitlines(),
            [
                "3 to fetch",
                f"[1/3] 100/DSCF0003.JPG -> {folder}/DSCF0003.JPG (0.3 kB)",
                "[2/3] 100/DSCF0002.JPG failed: it is gone",
                f"[3/3] 100/DSCF0001.JPG -> {folder}/DSCF0001.JPG (0.3 kB)",
            ],
        )

    def test_reconnecting(self) -> None:
        """Pauses are told."""
        stream = io.StringIO()
        PlainLines(stream).reconnecting("lost", 2.0)
        self.assertEqual(stream.getvalue(), "lost; connecting again in 2 s\n")

    def test_broken_off(self) -> None:
        """What is there all the same is told; nothing is nothing to tell of."""
        stream = io.StringIO()
        self.camera.faults[photo(2)] = [SessionLost(7.0)]
        self.fails(self.start(observer=PlainLines(stream)), SessionLost)
        *_, last = stream.getvalue().splitlines()
        self.assertRegex(last, r"^until then: 1 new \(.*\), 0 already here, 0 failed; ")
        PlainLines(stream).broken_off(Summary())
        self.assertTrue(stream.getvalue().endswith(f"{last}\n"))

    def test_nothing_to_do(self) -> None:
        """Nothing is nothing to talk about."""
        stream = io.StringIO()
        self.run_once()
        self.run_once(observer=PlainLines(stream))
        self.assertEqual(stream.getvalue(), "")


class BarTests(LibraryTestCase):
    """The bar."""

    def setUp(self) -> None:
        """Make one, but its real half."""
        super().setUp()
        self.bars: list[FakeBar] = []
        self.stream = Terminal()
        self.bar = ProgressBar(self.stream, self.clock, self.make)

    def make(self, **options: Any) -> FakeBar:
        """A bar."""
        self.bars.append(FakeBar(**options))
        return self.bars[-1]

    def test_run(self) -> None:
        """It moves with the octets, and ends full."""
        self.run_once(observer=self.bar)
        (bar,) = self.bars
        self.assertEqual((bar.options["total"], bar.options["file"]), (3, self.stream))
        moves = [n for n, _ in bar.shown]
        self.assertEqual(moves, sorted(moves))
        self.assertEqual((moves[0], moves[-1], bar.closed), (0.0, 3, 1))
        self.assertRegex(bar.shown[1][1], r"^0/3 100/DSCF0003\.JPG 0\.1 kB, 1\.3 kB/s$")

    def test_failed(self) -> None:
        """Why one failed is written above it."""
        self.camera.faults[photo(2)] = [MediaNotFound("it is gone")]
        self.run_once(observer=self.bar)
        self.assertEqual(self.stream.getvalue(), "100/DSCF0002.JPG failed: it is gone\n")
        self.assertEqual((self.bars[0].cleared, self.bars[0].refreshed), (1, 1))
        self.assertEqual(self.bars[0].n, 3)

    def test_cancelled(self) -> None:
        """It goes away with the run."""
        work = self.start(observer=self.bar)
        self.clock.advance(0.1)
        work.cancel()
        self.failureResultOf(work)
        self.assertEqual(self.bars[0].closed, 1)

    def test_broken_off(self) -> None:
        """What is there all the same is told in place of the bar."""
        self.bar.planned(1)
        self.bar.broken_off(Summary(1, 2))
        self.assertEqual(
            self.stream.getvalue(), "until then: 1 new (0.0 kB), 2 already here, 0 failed; 0.0 s\n"
        )
        self.assertEqual(self.bars[0].closed, 1)
        self.bar.broken_off(Summary())
        self.assertEqual(self.stream.getvalue().count("\n"), 1)

    def test_unknown_total(self) -> None:
        """Without a total it does not move, and without a bar nothing is shown."""
        self.bar.began(photo(1))
        self.bar.advanced(photo(1), 5, None)
        self.bar.failed(photo(1), "x")
        self.bar.reconnecting("lost", 1.5)
        self.bar.planned(1)
        self.clock.advance(2.0)
        self.bar.began(photo(1))
        self.bar.advanced(photo(1), 4_000_000, None)
        self.assertEqual(self.bars[0].shown[-1], (0.0, "0/1 100/DSCF0001.JPG 4.0 MB, 2.0 MB/s"))


class ChoiceTests(SynchronousTestCase):
    """Which of the two."""

    def test_choice(self) -> None:
        """A bar needs a terminal and tqdm."""
        module = ModuleType("tqdm")
        module.tqdm = FakeBar  # type: ignore[attr-defined]
        with mock.patch.dict(sys.modules, {"tqdm": module}):
            self.assertIsInstance(observer_for(Terminal(), Clock()), ProgressBar)
            self.assertIsInstance(observer_for(io.StringIO(), Clock()), PlainLines)
        with mock.patch.dict(sys.modules, {"tqdm": None}):  # type: ignore[dict-item]
            self.assertIsInstance(observer_for(Terminal(), Clock()), PlainLines)

    def test_nothing(self) -> None:
        """The base does nothing."""
        base = SyncObserver()
        base.planned(1)
        base.began(photo(1))
        base.advanced(photo(1), 1, None)
        base.finished(photo(1), Path("x"))
        base.skipped(photo(1), Path("x"))
        base.failed(photo(1), "x")
        base.reconnecting("x", 1.0)
        base.passed(Summary())
        base.broken_off(Summary())
        base.close()


class SummaryTests(SynchronousTestCase):
    """The summary."""

    def test_people(self) -> None:
        """Lines for people; a long list is cut."""
        self.assertEqual(
            str(Summary(12, 300, (), 13_400_000, 61.04, 2)),
            "12 new (13.4 MB), 300 already here, 0 failed; 61.0 s, 2 reconnects",
        )
        failed = tuple(FailedItem(photo(n), f"n{n}", "gone", "x") for n in range(23))
        lines = str(Summary(failed=failed)).splitlines()
        self.assertEqual((lines[1], lines[-1], len(lines)), ("  n0: gone", "  ... and 3 more", 22))

    def test_amount(self) -> None:
        """Small amounts are kilobytes, so that they do not look like nothing."""
        for octets, text in ((0, "0.0 kB"), (345, "0.3 kB"), (99_949, "99.9 kB")):
            self.assertEqual(amount(octets), text)
        for octets, text in ((100_000, "0.1 MB"), (13_400_000, "13.4 MB")):
            self.assertEqual(amount(octets), text)

    def test_programs(self) -> None:
        """One JSON object for programs."""
        summary = Summary(1, 2, (FailedItem(photo(1), "n", "gone", "x"),), 3, 4.0, 5, 6)
        self.assertEqual(
            json.loads(json.dumps(summary.as_json())),
            {
                "new": 1,
                "present": 2,
                "failed": [{"name": "n", "code": "x", "reason": "gone"}],
                "octets": 3,
                "seconds": 4.0,
                "reconnects": 5,
                "raw_videos": 6,
            },
        )
        self.assertEqual((summary.status, Summary().status), (1, 0))

    def test_title(self) -> None:
        """Any numbers have some title."""
        self.assertEqual(title(photo(318)), "100/DSCF0318.JPG")
        self.assertLess(len(title(photo(10**5000))), 250)
