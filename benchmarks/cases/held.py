"""
What a session costs that is held and idle.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Any

from benchmarks import rig
from benchmarks.bench import Bench, Case, Key, series
from benchmarks.errors import BenchmarkError
from benchmarks.processes import LOOPBACK, Program, free_ports, program, twist
from benchmarks.procfs import cpu_seconds, resident
from benchmarks.results import Result
from benchmarks.rlimits import raise_file_limit
from benchmarks.workers import Worker

#: Sessions at a time.
COUNTS = (1, 100, 1000, 5000)

#: Cameras that share the sessions, each a process.
_CAMERAS = 2

#: Seconds: for one session to start, for all of them, and until the noise of it is over.
_START, _ALL, _SETTLE = 30.0, 300.0, 3.0

_NOTES = (
    "All sessions are in one process; the simulated cameras are in two others.  The CPU is a share "
    "of one core, the memory is what the process has grown by, once it had all of its code.",
    "Both sides say ALIVE once a second and answer the other's.",
)


def run(bench: Bench) -> Result:
    """All counts, in one process that gets more and more."""
    limit = raise_file_limit()
    counts = [count for count in bench.choose(COUNTS, COUNTS[:2]) if count < limit - 100]
    taken: dict[Key, list[dict[str, Any]]] = {}
    with cameras(max(counts)) as ports, rig.api() as api:
        before = resident_when_ready(api, ports)
        for count in counts:
            bench.tell(f"held: {count}")
            hold(api, ports, count)
            rounds = [
                look(api, count, before, bench.choose(5.0, 2.0)) for _ in range(bench.choose(5, 2))
            ]
            taken[f"{count} sessions", rig.API] = rounds
    skipped = [count for count in bench.choose(COUNTS, COUNTS[:2]) if count not in counts]
    notes = [f"{count} sessions: not with {limit} open files, see ulimit -n" for count in skipped]
    return Result(
        case="held",
        title="Held sessions",
        baseline=rig.API,
        series=(
            *series("CPU of one core", "%", taken, lambda look: look["cpu"] * 100),
            *series("memory of each", "KiB", taken, lambda look: look["each"] / 1024),
        ),
        notes=(*_NOTES, *notes),
    )


@contextlib.contextmanager
def cameras(slots: int) -> Iterator[list[int]]:
    """Simulated cameras with room for so many sessions, in each; their ports."""
    with contextlib.ExitStack() as stack:
        ports = free_ports(_CAMERAS)
        options = ["--prompt", "--slots", slots, "--search-port", 0, "--interface", LOOPBACK]
        for port in ports:
            command = twist("simulator", *options, "--session-port", port)
            running = stack.enter_context(program("simulator", command))
            _until_listening(running, port)
        yield ports


def _until_listening(running: Program, port: int) -> None:
    sign = re.compile(rf"\b{port}\b")
    running.until(lambda: sign.search(running.output()) is not None, f"word of port {port}")


def resident_when_ready(api: Worker, ports: list[int]) -> int:
    """The memory of the process that holds, after a session that it did not hold."""
    api.ask("start", host=LOOPBACK, ports=ports[:1], seconds=_START)
    return resident(api.pid)


def hold(api: Worker, ports: list[int], count: int) -> None:
    """
    Have so many sessions held.

    :raises BenchmarkError: there are fewer.
    """
    question = {"host": LOOPBACK, "ports": ports, "seconds": _START, "sessions": count}
    held = api.ask("hold", patience=_ALL, **question)["sessions"]
    if held != count:
        raise BenchmarkError(f"{held} of {count} sessions are held")
    time.sleep(_SETTLE)


def look(api: Worker, count: int, before: int, seconds: float) -> dict[str, Any]:
    """
    CPU and memory while nothing happens for some seconds.

    :param before: octets of memory before the first session.
    :raises BenchmarkError: a session was lost.
    """
    used, began = cpu_seconds(api.pid), time.monotonic()
    time.sleep(seconds)
    used, elapsed = cpu_seconds(api.pid) - used, time.monotonic() - began
    alive = api.ask("count")["sessions"]
    if alive != count:
        raise BenchmarkError(f"{count - alive} of {count} idle sessions were lost")
    return {"cpu": used / elapsed, "each": (resident(api.pid) - before) / count}


CASE = Case("held", "CPU and memory of idle sessions, up to 5000 in a process", run)
