"""
What was measured, as values that :mod:`json` can write.
"""

from __future__ import annotations

import datetime
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

from benchmarks.measure import Spread, ratios, spread

#: The form of the JSON; it changes when a member is renamed or dropped.
FORMAT = 1


@dataclass(frozen=True)
class Series:
    """
    One quantity of one contender under one condition, round by round.

    :ivar values: ``None`` where a round brought nothing, as a start that took too long.
    """

    quantity: str
    unit: str
    condition: str
    contender: str
    values: tuple[float | None, ...]

    def spread(self) -> Spread | None:
        """How the values lie."""
        return spread(self.values)

    @property
    def done(self) -> int:
        """Rounds that brought something."""
        return sum(value is not None for value in self.values)


@dataclass(frozen=True)
class Result:
    """
    What one case has found out.

    :ivar baseline: the contender that the others are compared with.
    :ivar missing: peers that are not installed, with what would install them.
    :ivar notes: what a reader should know to read the numbers.
    """

    case: str
    title: str
    baseline: str
    series: tuple[Series, ...]
    missing: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def quantities(self) -> Sequence[tuple[str, str]]:
        """Each quantity with its unit, in order of appearance."""
        return tuple(dict.fromkeys((one.quantity, one.unit) for one in self.series))

    def of(self, quantity: str) -> Sequence[Series]:
        """The series of one quantity."""
        return tuple(one for one in self.series if one.quantity == quantity)

    def find(self, quantity: str, condition: str, contender: str) -> Series | None:
        """One series, if there is one."""
        key = (quantity, condition, contender)
        for one in self.series:
            if (one.quantity, one.condition, one.contender) == key:
                return one
        return None

    def ratio(self, one: Series) -> Spread | None:
        """How a series compares with the baseline's, round by round."""
        base = self.find(one.quantity, one.condition, self.baseline)
        if base is None or base is one:
            return None
        return spread(ratios(one.values, base.values))

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "case": self.case,
            "title": self.title,
            "baseline": self.baseline,
            "missing": self.missing,
            "notes": list(self.notes),
            "series": [self._one_as_json(one) for one in self.series],
        }

    def _one_as_json(self, one: Series) -> dict[str, Any]:
        return {
            **asdict(one),
            "values": list(one.values),
            "spread": _maybe(one.spread()),
            "ratio": _maybe(self.ratio(one)),
        }


def _maybe(value: Spread | None) -> dict[str, float] | None:
    return None if value is None else asdict(value)


def run_as_json(results: Iterable[Result], quick: bool, began: float) -> dict[str, Any]:
    """
    A whole run.

    :param began: when, in seconds since 1970.
    """
    return {
        "format": FORMAT,
        "quick": quick,
        "began": datetime.datetime.fromtimestamp(began, datetime.timezone.utc).isoformat(),
        "machine": machine(),
        "results": [result.as_json() for result in results],
    }


def machine() -> dict[str, Any]:
    """On what it was measured."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "python": sys.version.split()[0],
        "twisted": version("twisted"),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as told:
            names = [line for line in told if line.startswith("model name")]
    except OSError:
        names = []
    return names[0].partition(":")[2].strip() if names else platform.machine()
