"""
What it takes to start a program that uses the package.
"""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial
from typing import Any, Final

from benchmarks.bench import Bench, Case, Key, series
from benchmarks.errors import BenchmarkError
from benchmarks.measure import interleaved
from benchmarks.processes import environment, module
from benchmarks.results import Result

BARE: Final = "python -c pass"
IMPORT: Final = "import trailcam"
HELP: Final = "trailcam --help"
#: A program of Twisted that has little of this package to load.
BESIDE: Final = "twist --help"

#: What is run; the commands are run as modules of this Python, so that none can be missing.
COMMANDS: Final = {
    BARE: [sys.executable, "-c", "pass"],
    IMPORT: [sys.executable, "-c", "import trailcam"],
    HELP: module("trailcam", "--help"),
    BESIDE: module("twisted", "--help"),
    "import the reactor": [sys.executable, "-c", "from twisted.internet import reactor"],
}

_PATIENCE = 60.0
_CONDITION = "warm disk"


def run(bench: Bench) -> Result:
    """All commands, many times."""
    bench.tell("startup")
    taken = measured(bench.choose(25, 5))
    return Result(
        case="startup",
        title="Start-up",
        baseline=BARE,
        series=(
            *series(
                "time to the end of the process", "ms", taken, lambda one: one["seconds"] * 1e3
            ),
            *series(f"over {BARE}", "ms", above(taken), lambda one: one["seconds"] * 1e3),
        ),
        notes=("Each command is run once before its rounds, so that its files are in memory.",),
    )


def measured(rounds: int) -> dict[Key, list[dict[str, Any]]]:
    """The times of all commands."""
    runs = {(_CONDITION, name): partial(timed, command) for name, command in COMMANDS.items()}
    for once in runs.values():
        once()
    return interleaved(runs, rounds)


def timed(command: list[str]) -> dict[str, Any]:
    """
    Run it once.

    :raises BenchmarkError: it fails.
    """
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, env=environment())
    elapsed = time.perf_counter() - began
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command)}: {done.stderr.decode()[-500:]}")
    return {"seconds": elapsed}


def above(taken: dict[Key, list[dict[str, Any]]]) -> dict[Key, list[dict[str, Any]]]:
    """Each time less that of the bare interpreter in the same round."""
    base = taken[_CONDITION, BARE]
    return {
        key: [
            {"seconds": one["seconds"] - other["seconds"]}
            for one, other in zip(times, base, strict=True)
        ]
        for key, times in taken.items()
        if key[1] != BARE
    }


CASE = Case("startup", "start of the commands, and of an import", run)
