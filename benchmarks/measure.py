"""
Rounds in which all contenders take their turns, and what their numbers have in common.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Spread:
    """
    How the values of several rounds lie.

    :ivar p10: a tenth of the values is below.
    :ivar p90: a tenth of the values is above.
    """

    median: float
    minimum: float
    p10: float
    p90: float
    maximum: float


def spread(values: Sequence[float | None]) -> Spread | None:
    """The spread of the values that there are; ``None`` when there are none."""
    there = sorted(value for value in values if value is not None)
    if not there:
        return None
    return Spread(
        median=statistics.median(there),
        minimum=there[0],
        p10=percentile(there, 0.1),
        p90=percentile(there, 0.9),
        maximum=there[-1],
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """
    The value below which ``share`` of the values lie, between two of them where it must be.

    :param ordered: at least one value, the smallest first.
    """
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def ratios(
    values: Sequence[float | None], base: Sequence[float | None]
) -> tuple[float | None, ...]:
    """
    Each round's value by the base's of the same round.

    The two were measured right after each other, so what slowed one has slowed the other.
    """
    return tuple(
        None if value is None or not other else value / other
        for value, other in zip(values, base, strict=False)
    )


def interleaved(
    contenders: Mapping[_Key, Callable[[], _Value]], rounds: int
) -> dict[_Key, list[_Value]]:
    """
    Ask each contender once a round, so that the machine's moods hit all of them alike.

    The one that begins changes from round to round: nobody always runs after the same neighbour.
    """
    taken: dict[_Key, list[_Value]] = {key: [] for key in contenders}
    for number in range(rounds):
        for key in _rotated(tuple(contenders), number):
            taken[key].append(contenders[key]())
    return taken


def _rotated(keys: Sequence[_Key], number: int) -> Iterator[_Key]:
    first = number % len(keys) if keys else 0
    yield from keys[first:]
    yield from keys[:first]
