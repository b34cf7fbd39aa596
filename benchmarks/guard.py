"""
Sees in half a minute that nothing has become ten times as slow.

Only ratios are looked at, and amounts that do not depend on the machine: whatever the machine, and
whoever else works on it, a bound is reached only by a change of the package.  Each bound is several
times what is measured.
"""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks import rig
from benchmarks.cases import download, held, startup
from benchmarks.measure import interleaved, ratios
from benchmarks.processes import LOOPBACK, free_ports
from benchmarks.table import number
from benchmarks.workers import Worker

#: Seconds for one start.
_PATIENCE = 5.0

_OCTETS = 10_000_000
_LOSSY_OCTETS = 3_000_000
_SESSIONS = 200


@dataclass(frozen=True)
class Verdict:
    """
    One thing that was looked at.

    :ivar most: the bound, ``None`` when there is only a :attr:`least`.
    """

    what: str
    value: float
    most: float | None = None
    least: float | None = None

    @property
    def good(self) -> bool:
        """Whether it keeps within its bounds."""
        above = self.least is None or self.value >= self.least
        return above and (self.most is None or self.value <= self.most)

    def shown(self) -> str:
        """One line."""
        bounds = [
            f"at {word} {number(bound)}"
            for word, bound in (("least", self.least), ("most", self.most))
            if bound is not None
        ]
        verdict = "ok" if self.good else "NOT OK"
        return f"{self.what:<58}  {number(self.value):>7}  ({' and '.join(bounds)})  {verdict}"


def verdicts() -> Iterator[Verdict]:
    """
    Look at everything.

    :raises BenchmarkError: something does not work at all.
    """
    with contextlib.ExitStack() as stack:
        bare, api = stack.enter_context(rig.bare()), stack.enter_context(rig.api())
        yield from _starts(bare, api)
        yield from _downloads(bare, api)
    yield from _held()
    yield from _startup()


def _starts(bare: Worker, api: Worker) -> Iterator[Verdict]:
    own, *closed = free_ports(6)
    with rig.camera(port=own), rig.impaired(own, loss=0.2) as lossy:
        starts = {
            "bare": partial(_start, bare, [own, *closed]),
            "first": partial(_start, api, [own, *closed]),
            "last": partial(_start, api, [*closed, own]),
        }
        interleaved(starts, 3)  # what is done for the first time takes its time
        taken = interleaved(starts, 15)
        yield Verdict("start: API by bare socket", _ratio(taken["first"], taken["bare"]), 60.0)
        yield Verdict("start: sixth port by first port", _ratio(taken["last"], taken["first"]), 5.0)
        tries = [_start(api, [lossy]) for _ in range(4)]
        done = sum(one is not None for one in tries)
        yield Verdict("start: of 4 through 20% loss, within 5 s", done, least=4)


def _start(worker: Worker, ports: list[int]) -> float | None:
    answer = worker.ask("start", host=LOOPBACK, ports=ports, seconds=_PATIENCE)
    seconds: float | None = answer["seconds"]
    return seconds


def _ratio(values: Sequence[float | None], base: Sequence[float | None]) -> float:
    """The median of the rounds' ratios; beyond every bound when there is none."""
    there = [ratio for ratio in ratios(values, base) if ratio is not None]
    return statistics.median(there) if there else float("inf")


def _downloads(bare: Worker, api: Worker) -> Iterator[Verdict]:
    with rig.camera(64) as narrow, rig.camera(256) as wide, rig.impaired(narrow, 0.03) as lossy:
        download.verify(api, lossy, _LOSSY_OCTETS)
        taken = interleaved(
            {
                "bare": partial(_rate, bare, narrow, _OCTETS, batch=17),
                "narrow": partial(_rate, api, narrow, _OCTETS),
                "wide": partial(_rate, api, wide, _OCTETS),
                "bare, loss": partial(_rate, bare, lossy, _LOSSY_OCTETS, batch=17),
                "loss": partial(_rate, api, lossy, _LOSSY_OCTETS),
            },
            3,
        )
        ratio = _ratio(taken["narrow"], taken["bare"])
        yield Verdict("download: API by bare socket", ratio, least=0.2)
        ratio = _ratio(taken["wide"], taken["narrow"])
        yield Verdict("download: window 256 by window 64", ratio, least=0.2)
        ratio = _ratio(taken["loss"], taken["bare, loss"])
        yield Verdict("download, 3% loss: API by bare socket", ratio, least=0.15)


def _rate(worker: Worker, port: int, octets: int, **options: Any) -> float:
    return download.megabytes_per_second(download.whole(worker, port, octets, **options))


def _held() -> Iterator[Verdict]:
    with held.cameras(_SESSIONS) as ports, rig.api() as api:
        before = held.resident_when_ready(api, ports)
        held.hold(api, ports, _SESSIONS)
        look = held.look(api, _SESSIONS, before, 2.0)
    yield Verdict(f"held: KiB for each of {_SESSIONS} sessions", look["each"] / 1024, 150.0)


def _startup() -> Iterator[Verdict]:
    times = {
        name: [one["seconds"] for one in taken] for (_, name), taken in startup.measured(3).items()
    }
    ratio = _ratio(times[startup.HELP], times[startup.BESIDE])
    yield Verdict("startup: trailcam --help by twist --help", ratio, 5.0)
    ratio = _ratio(times[startup.IMPORT], times[startup.BARE])
    yield Verdict("startup: import by python -c pass", ratio, 15.0)
