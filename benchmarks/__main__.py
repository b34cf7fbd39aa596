"""
The command line: ``python -m benchmarks``.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from benchmarks import guard, page, plots
from benchmarks.available import find
from benchmarks.bench import Bench
from benchmarks.cases import CASES
from benchmarks.errors import BenchmarkError
from benchmarks.processes import ENDINGS
from benchmarks.results import Result, run_as_json
from benchmarks.table import shown

EXIT_OK, EXIT_FAILED = 0, 1


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; exits with 2 after a mistake."""
    cases = "\n".join(f"  {case.name:<12}{case.about}" for case in CASES)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure this package beside its peers, in one run on loopback.",
        epilog=f"cases:\n{cases}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [case.name for case in CASES]
    parser.add_argument("case", nargs="*", help="what to measure; everything without any")
    parser.add_argument("--quick", action="store_true", help="few rounds of little")
    parser.add_argument(
        "--check",
        action="store_true",
        help="instead of measuring, see in half a minute that nothing has slipped tenfold",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers to FILE")
    parser.add_argument(
        "--plots",
        type=Path,
        metavar="DIR",
        help="draw SVG into DIR, and write the tables to results.rst there; needs matplotlib",
    )
    parser.add_argument(
        "--aiopppp-python",
        metavar="PYTHON",
        default=os.environ.get("BENCHMARKS_AIOPPPP_PYTHON"),
        help="a Python that has aiopppp (also BENCHMARKS_AIOPPPP_PYTHON)",
    )
    parser.add_argument(
        "--transit-twist",
        metavar="TWIST",
        default=os.environ.get("BENCHMARKS_TRANSIT_TWIST"),
        help="a twist that has transitrelay (also BENCHMARKS_TRANSIT_TWIST)",
    )
    options = parser.parse_args(arguments)
    for name in options.case:
        if name not in names:
            parser.error(f"no case {name!r}; there are {', '.join(names)}")
    problem = plots.missing() if options.plots is not None else None
    if problem is not None:
        parser.error(problem)
    return options


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; the exit status."""
    options = parse(arguments)
    for number in ENDINGS:
        signal.signal(number, _end)
    try:
        return _check() if options.check else _measure(options)
    except BenchmarkError as error:
        _tell(f"benchmarks: {error}")
        return EXIT_FAILED


def _check() -> int:
    verdicts = []
    for verdict in guard.verdicts():
        _show(verdict.shown())
        verdicts.append(verdict)
    return EXIT_OK if all(verdict.good for verdict in verdicts) else EXIT_FAILED


def _measure(options: argparse.Namespace) -> int:
    began = time.time()
    bench = Bench(find(options.aiopppp_python, options.transit_twist), options.quick, _tell)
    results: list[Result] = []
    for case in CASES:
        if not options.case or case.name in options.case:
            results.append(case.run(bench))
            _show(shown(results[-1]))
    if options.json is not None:
        written = json.dumps(run_as_json(results, options.quick, began), indent=1)
        options.json.write_text(f"{written}\n", encoding="utf-8")
    if options.plots is not None:
        drawn = {result.case: plots.draw(result, options.plots) for result in results}
        page.write(results, drawn, options.plots, options.quick)
    return EXIT_OK


def _end(number: int, frame: FrameType | None) -> None:
    """Leave, by way of everything that has to be ended; a second signal changes nothing."""
    for other in ENDINGS:
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _show(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
