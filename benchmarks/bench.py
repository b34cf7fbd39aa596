"""What a case is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from benchmarks.available import REMEDIES, Peers
from benchmarks.results import Result, Series

_Value = TypeVar("_Value")

#: Condition and contender.
Key = tuple[str, str]


@dataclass(frozen=True)
class Bench:
    """
    How a run is to be done.

    :ivar quick: few rounds of little, to see that everything works.
    :ivar tell: shows a line about the progress.
    """

    peers: Peers
    quick: bool
    tell: Callable[[str], None]

    def choose(self, full: _Value, quick: _Value) -> _Value:
        """The one or the other."""
        return quick if self.quick else full

    def missing(self, found: Mapping[str, Hashable]) -> dict[str, str]:
        """Of peers and what was found of them, those that are missing, and their remedies."""
        return {name: REMEDIES[name] for name, there in found.items() if there is None}


@dataclass(frozen=True)
class Case:
    """
    One thing to be measured.

    :ivar name: what it is chosen by.
    :ivar about: one line for the help.
    """

    name: str
    about: str
    run: Callable[[Bench], Result]


def series(
    quantity: str,
    unit: str,
    taken: Mapping[Key, Sequence[dict[str, Any]]],
    pick: Callable[[dict[str, Any]], float | None],
) -> list[Series]:
    """
    A series for each condition and contender, ordered by condition.

    :param taken: what each of them answered, round by round.
    :param pick: takes the number out of an answer.
    """
    order = list(dict.fromkeys(condition for condition, _ in taken))
    return [
        Series(quantity, unit, condition, contender, tuple(map(pick, taken[condition, contender])))
        for condition, contender in sorted(taken, key=lambda key: order.index(key[0]))
    ]
