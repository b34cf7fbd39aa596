"""
From the wish for a session to a session that has proved itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from benchmarks import rig
from benchmarks.bench import Bench, Case, Key, series
from benchmarks.measure import interleaved
from benchmarks.processes import LOOPBACK, free_ports
from benchmarks.results import Result
from benchmarks.workers import Worker

#: Seconds that one try may take.
PATIENCE = 5.0

#: Ports that are asked, of which one is the camera's.
_PORTS = 6

_LOSSES = (0.0, 0.2, 0.4)
_ROUND_TRIPS = (0.0, 0.02, 0.1)

_NOTES = (
    "All six ports are asked at once; behind the other five nobody listens.  aiopppp asks one.",
    "The bare socket searches, punches who answers, and waits for P2P_RDY, as cameras' own "
    "applications do: two round trips.  The package punches at the same time: one.",
    "Loss and round trip are made by a process between client and camera, both ways; the camera "
    "answers at once.",
    f"A start that takes more than {PATIENCE:.0f} s counts as not done, and in no number.",
    "aiopppp waits for 0.2 s of quiet after P2P_RDY by itself.",
)

Try = Callable[[], dict[str, Any]]


def run(bench: Bench) -> Result:
    """All conditions."""
    taken: dict[Key, list[dict[str, Any]]] = {}
    with contextlib.ExitStack() as stack:
        workers = {
            rig.BARE: stack.enter_context(rig.bare()),
            rig.API: stack.enter_context(rig.api()),
            rig.FACADE: stack.enter_context(rig.facade()),
        }
        if bench.peers.aiopppp is not None:
            workers[rig.AIOPPPP] = stack.enter_context(rig.aiopppp(bench.peers.aiopppp))
        own, *closed = free_ports(_PORTS)
        stack.enter_context(rig.camera(port=own))
        for name, worker in workers.items():
            bench.tell(f"start: {name} warms up")
            worker.ask("start", host=LOOPBACK, ports=[own], seconds=PATIENCE)
        taken |= _positions(bench, workers, own, closed)
        for loss in _LOSSES:
            port = stack.enter_context(rig.impaired(own, loss=loss))
            taken |= _alike(bench, workers, f"loss {loss:.0%}", port, bench.choose(12, 3))
        for trip in _ROUND_TRIPS:
            port = stack.enter_context(rig.impaired(own, delay=trip / 2))
            condition = f"round trip {trip * 1e3:.0f} ms"
            taken |= _alike(bench, workers, condition, port, bench.choose(20, 3))
    return Result(
        case="start",
        title="Start to proven session",
        baseline=rig.BARE,
        series=tuple(series("time to the proven session", "ms", taken, milliseconds)),
        missing=bench.missing({"aiopppp": bench.peers.aiopppp}),
        notes=_NOTES,
    )


def milliseconds(answer: dict[str, Any]) -> float | None:
    """Of an answer; ``None`` when there was no session in time."""
    return None if answer["seconds"] is None else answer["seconds"] * 1e3


def _positions(
    bench: Bench, workers: Mapping[str, Worker], own: int, closed: list[int]
) -> dict[Key, list[dict[str, Any]]]:
    """The camera's port is the first of six, the second, and so on."""
    bench.tell("start: port 1 to 6")
    tries: dict[Key, Try] = {}
    for place in range(_PORTS):
        ports = [*closed[:place], own, *closed[place:]]
        for name, worker in workers.items():
            if name != rig.AIOPPPP or place == 0:
                tries[f"port {place + 1} of {_PORTS}", name] = partial(_start, worker, ports)
    return interleaved(tries, bench.choose(40, 5))


def _alike(
    bench: Bench, workers: Mapping[str, Worker], condition: str, port: int, rounds: int
) -> dict[Key, list[dict[str, Any]]]:
    """All contenders with one port."""
    bench.tell(f"start: {condition}")
    tries = {(condition, name): partial(_start, worker, [port]) for name, worker in workers.items()}
    return interleaved(tries, rounds)


def _start(worker: Worker, ports: list[int]) -> dict[str, Any]:
    return worker.ask("start", host=LOOPBACK, ports=ports, seconds=PATIENCE)


CASE = Case("start", "time from the call to a proven session", run)
