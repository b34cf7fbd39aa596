"""The command line, the guard's verdicts, plots and page, and the small parts of the cases."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from benchmarks import __main__ as command
from benchmarks import guard, page, plots
from benchmarks.available import Peers, find
from benchmarks.bench import Bench, Case, series
from benchmarks.cases import CASES
from benchmarks.cases.startup import BARE, above
from benchmarks.errors import BenchmarkError
from benchmarks.guard import Verdict
from benchmarks.procfs import ticks
from benchmarks.results import Result
from tests.benchmarks.samples import SAMPLE
from tests.scripts import ROOT

NOBODY = Peers(None, None, None, None)


class CommandTestCase(SynchronousTestCase):
    """Runs the command in this process, with cases that measure nothing."""

    def setUp(self) -> None:
        """Signals stay as they are, and peers are not looked for."""
        self.patch(command.signal, "signal", lambda *signals: None)
        self.patch(command, "find", lambda *where: NOBODY)
        self.ran: list[tuple[str, bool]] = []
        self.patch(command, "CASES", tuple(self.case(name) for name in ("one", "two")))

    def case(self, name: str) -> Case:
        """A case that only notes that it was run."""

        def run(bench: Bench) -> Result:
            self.ran.append((name, bench.quick))
            return SAMPLE

        return Case(name, f"about {name}", run)

    def run_command(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, output and errors."""
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            try:
                status = command.main(arguments)
            except SystemExit as end:
                status = int(end.code or 0)
        return status, output.getvalue(), errors.getvalue()


class MeasuringTests(CommandTestCase):
    """What it does with cases."""

    def test_all(self) -> None:
        """Without names all are run, and shown."""
        status, output, _ = self.run_command()
        self.assertEqual((status, self.ran), (0, [("one", False), ("two", False)]))
        self.assertEqual(output.count("A race\n"), 2)

    def test_named(self) -> None:
        """Otherwise those that are named."""
        self.run_command("two", "--quick")
        self.assertEqual(self.ran, [("two", True)])

    def test_unknown(self) -> None:
        """The known ones are listed."""
        status, _, errors = self.run_command("three")
        self.assertEqual((status, self.ran), (2, []))
        self.assertIn("no case 'three'; there are one, two", errors)

    def test_help(self) -> None:
        """Each case has its line."""
        status, output, _ = self.run_command("--help")
        self.assertEqual(status, 0)
        self.assertIn("two         about two", output)

    def test_trouble(self) -> None:
        """A contender that does not work ends the run, with a line and no traceback."""

        def run(bench: Bench) -> Result:
            raise BenchmarkError("peer: it rains")

        self.patch(command, "CASES", (Case("wet", "about rain", run),))
        status, _, errors = self.run_command()
        self.assertEqual((status, errors), (1, "benchmarks: peer: it rains\n"))

    def test_files(self) -> None:
        """Numbers, plots and page are written."""
        if plots.missing():
            raise SkipTest("no matplotlib")
        folder, numbers = Path(self.mktemp()), Path(self.mktemp())
        status, _, _ = self.run_command("one", "--json", str(numbers), "--plots", str(folder))
        self.assertEqual(status, 0)
        self.assertIn('"case": "race"', numbers.read_text())
        self.assertEqual(
            {path.name for path in folder.iterdir()},
            {"race-time.svg", "race-rests.svg", "results.rst"},
        )

    def test_without_matplotlib(self) -> None:
        """That there can be no plots is said before anything is measured."""
        self.patch(plots, "missing", lambda: "no plots today")
        status, _, errors = self.run_command("--plots", "anywhere")
        self.assertEqual((status, self.ran), (2, []))
        self.assertIn("no plots today", errors)


class GuardTests(CommandTestCase):
    """What is too slow."""

    def test_bounds(self) -> None:
        """A value may be on its bound, and not beyond."""
        for verdict, good in (
            (Verdict("it", 2.0, most=2.0), True),
            (Verdict("it", 2.1, most=2.0), False),
            (Verdict("it", 0.2, least=0.2), True),
            (Verdict("it", 0.1, least=0.2), False),
            (Verdict("it", float("inf"), most=2.0), False),
        ):
            self.assertEqual(verdict.good, good, verdict)

    def test_shown(self) -> None:
        """A line tells value, bound and verdict."""
        self.assertRegex(Verdict("it", 3.0, most=2.0).shown(), r"it +3  \(at most 2\)  NOT OK$")
        self.assertRegex(Verdict("it", 0.5, least=0.2).shown(), r"\(at least 0.2\)  ok$")

    def test_status(self) -> None:
        """One that is not good is enough; the others are looked at all the same."""
        verdicts = [
            Verdict("a", 1.0, most=2.0),
            Verdict("b", 3.0, most=2.0),
            Verdict("c", 1.0, 2.0),
        ]
        self.patch(guard, "verdicts", lambda: iter(verdicts))
        status, output, _ = self.run_command("--check")
        self.assertEqual((status, len(output.splitlines())), (1, 3))
        verdicts.pop(1)
        self.assertEqual(self.run_command("--check")[0], 0)


class PageTests(SynchronousTestCase):
    """Plots and page."""

    def test_page(self) -> None:
        """It shows tables and plots of each case."""
        folder = Path(self.mktemp())
        folder.mkdir()
        text = page.write([SAMPLE], {"race": [folder / "race-time.svg"]}, folder, True).read_text()
        for part in (
            ".. _benchmark-race:\n\nA race\n------\n",
            ".. image:: race-time.svg",
            "quick",
        ):
            self.assertIn(part, text)

    def test_axis(self) -> None:
        """Values that are far apart need another one."""
        self.assertFalse(plots.is_wide(SAMPLE.of("time")))
        self.assertFalse(plots.is_wide(SAMPLE.of("rests")))
        far = [one for one in SAMPLE.series if one.done]
        self.assertFalse(plots.is_wide(far))  # nothing is zero times as much

    def test_same_file(self) -> None:
        """The same numbers make the same file."""
        if plots.missing():
            raise SkipTest("no matplotlib")
        folders = Path(self.mktemp()), Path(self.mktemp())
        one, other = (plots.draw(SAMPLE, folder) for folder in folders)
        self.assertEqual([p.read_bytes() for p in one], [p.read_bytes() for p in other])


class CaseTests(SynchronousTestCase):
    """What the cases reckon."""

    def test_documented(self) -> None:
        """The page names each of them."""
        text = (ROOT / "docs" / "benchmarks" / "index.rst").read_text(encoding="utf-8")
        for case in CASES:
            self.assertIn(f"``{case.name}``", text)

    def test_series(self) -> None:
        """Ordered by condition, whatever the order of the rounds."""
        taken = {("up", "a"): [{"n": 1}], ("down", "a"): [{"n": 2}], ("up", "b"): [{"n": 3}]}
        made = series("height", "m", taken, lambda one: one["n"])
        self.assertEqual(
            [(one.condition, one.contender, one.values) for one in made],
            [("up", "a", (1,)), ("up", "b", (3,)), ("down", "a", (2,))],
        )

    def test_above(self) -> None:
        """Times over the interpreter's own, round by round."""
        times = {
            ("warm disk", BARE): [{"seconds": 1.0}, {"seconds": 2.0}],
            ("warm disk", "it"): [{"seconds": 4.0}, {"seconds": 3.0}],
        }
        self.assertEqual(above(times), {("warm disk", "it"): [{"seconds": 3.0}, {"seconds": 1.0}]})

    def test_ticks(self) -> None:
        """A process may call itself anything."""
        stat = "12 (a ) b) S " + " ".join(str(number) for number in range(4, 30))
        self.assertEqual(ticks(stat), 14 + 15)

    def test_missing(self) -> None:
        """Peers that are not there are named with their remedies."""
        bench = Bench(NOBODY, quick=True, tell=lambda line: None)
        self.assertEqual(
            list(bench.missing({"HAProxy": None, "coturn": "/bin/there"})), ["HAProxy"]
        )

    def test_find(self) -> None:
        """A Python that is not there has no packages."""
        found = find("/there/is/no/python", "/there/is/no/twist")
        self.assertEqual((found.aiopppp, found.transit), (None, None))
