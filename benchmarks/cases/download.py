"""
How fast a channel's octets arrive, and what that costs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks import rig
from benchmarks.bench import Bench, Case, Key, series
from benchmarks.errors import BenchmarkError
from benchmarks.measure import interleaved
from benchmarks.peers.content import Content
from benchmarks.peers.pppp import MOST_PAYLOAD
from benchmarks.processes import LOOPBACK
from benchmarks.results import Result
from benchmarks.workers import Worker

#: The plain socket, with as many numbers in an acknowledgment as the package has, and with one.
BATCHED, EACH = rig.BARE, "bare socket, an ACK each"
_BATCH = 17

#: Seconds that one download may take.
_PATIENCE = 120.0

#: The octets that a slow contender is sent, as a share of what the others are: where the network
#: is slow, it is not slower than they.
_SLOW, _SLOW_NETWORK = 0.2, 1.0

_NOTES = (
    f"Payloads of {MOST_PAYLOAD} octets.  Before its rounds each condition is run once with the "
    "SHA-256 of what the package delivers compared; then every octet is counted.",
    "The bare socket keeps nothing.  It acknowledges like the package, up to 17 pieces at a time "
    "within 10 ms; the other one acknowledges each piece by itself.",
    "aiopppp delivers pictures of 64 pieces, and drops those that are not whole: what counts is "
    "what it delivers.",
    "With an unlimited camera, packets are handed to the system 60 at a time, at a quarter of the "
    "cost: then only the client limits the rate.  A camera that sends one by one limits it, too.",
    "Loss and delay are made by a process between client and camera, both ways; it needs a core "
    "of its own, so compare these rows with those of 0 % through it.",
    "With 20 ms each way the camera's window is the limit: so many pieces in a round trip.",
)


@dataclass(frozen=True)
class Condition:
    """
    How the camera and the network are.

    :ivar loss: chance that a datagram is lost, either way; ``None`` without a network between.
    :ivar delay: seconds that it takes, either way.
    :ivar octets: what is sent in one round.
    """

    name: str
    window: int = 64
    trains: bool = False
    loss: float | None = None
    delay: float = 0.0
    octets: int = 100_000_000


CONDITIONS = (
    Condition("window 32", window=32),
    Condition("window 64"),
    Condition("window 256", window=256),
    Condition("window 64, unlimited camera", trains=True),
    Condition("window 256, unlimited camera", window=256, trains=True),
    *(Condition(f"loss {loss}%", loss=loss / 100, octets=30_000_000) for loss in (0, 1, 3, 5)),
    Condition("20 ms each way", loss=0.0, delay=0.02, octets=5_000_000),
    Condition("20 ms each way, loss 3%", loss=0.03, delay=0.02, octets=5_000_000),
    Condition("20 ms, loss 3%, window 256", window=256, loss=0.03, delay=0.02, octets=10_000_000),
)

Download = Callable[[], dict[str, Any]]


def run(bench: Bench) -> Result:
    """All conditions."""
    taken: dict[Key, list[dict[str, Any]]] = {}
    for condition in CONDITIONS:
        bench.tell(f"download: {condition.name}")
        octets = bench.choose(condition.octets, condition.octets // 10)
        taken |= measured(bench, condition, octets, bench.choose(7, 2))
    pictures = {key: answers for key, answers in taken.items() if key[1] == rig.AIOPPPP}
    return Result(
        case="download",
        title="Download",
        baseline=BATCHED,
        series=(
            *series("goodput", "MB/s", taken, megabytes_per_second),
            *series("client's CPU per 100 MB", "s", taken, cpu),
            *series("delivered in whole pictures", "%", pictures, lambda one: 100 * one["share"]),
        ),
        missing=bench.missing({"aiopppp": bench.peers.aiopppp}),
        notes=_NOTES,
    )


def megabytes_per_second(answer: dict[str, Any]) -> float:
    """What was delivered, by the time that it took."""
    return float(answer["octets"] / answer["seconds"] / 1e6)


def cpu(answer: dict[str, Any]) -> float | None:
    """Seconds for 100 MB that were delivered."""
    return None if not answer["octets"] else float(answer["cpu"] / answer["octets"] * 1e8)


def measured(
    bench: Bench, condition: Condition, octets: int, rounds: int
) -> dict[Key, list[dict[str, Any]]]:
    """
    One condition, after a check that everything arrives as it was sent.

    :param octets: of each download.
    """
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(rig.camera(condition.window, condition.trains))
        if condition.loss is not None:
            port = stack.enter_context(rig.impaired(port, condition.loss, condition.delay))
        bare = stack.enter_context(rig.bare())
        api = stack.enter_context(rig.api())
        verify(api, port, octets)
        downloads: dict[str, Download] = {
            BATCHED: partial(whole, bare, port, octets, batch=_BATCH),
            EACH: partial(whole, bare, port, octets, batch=1),
            rig.API: partial(whole, api, port, octets),
        }
        if bench.peers.aiopppp is not None:
            other = stack.enter_context(rig.aiopppp(bench.peers.aiopppp))
            share = _SLOW_NETWORK if condition.delay else _SLOW
            downloads[rig.AIOPPPP] = partial(_download, other, port, int(octets * share))
        return interleaved({(condition.name, name): one for name, one in downloads.items()}, rounds)


def verify(worker: Worker, port: int, octets: int) -> None:
    """:raises BenchmarkError: what it delivers is not what the camera sent."""
    answer = _download(worker, port, octets, verify=True)
    if answer["digest"] != Content(MOST_PAYLOAD).digest(octets):
        raise BenchmarkError(f"what arrived was not what was sent: {answer}")


def whole(worker: Worker, port: int, octets: int, **options: object) -> dict[str, Any]:
    """
    One download of which nothing may be missing.

    :raises BenchmarkError: something is.
    """
    answer = _download(worker, port, octets, **options)
    if answer["octets"] != octets:
        raise BenchmarkError(f"{octets} octets were sent, and {answer['octets']} arrived")
    return answer


def _download(worker: Worker, port: int, octets: int, **options: object) -> dict[str, Any]:
    question = {"host": LOOPBACK, "port": port, "octets": octets, "chunk": MOST_PAYLOAD}
    patience = _PATIENCE + 30.0
    answer = worker.ask("download", patience=patience, seconds=_PATIENCE, **question, **options)
    return {**answer, "share": answer["octets"] / octets}


CASE = Case("download", "goodput and CPU of a channel, by window, loss and delay", run)
