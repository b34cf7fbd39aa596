"""A result to be shown."""

from __future__ import annotations

from benchmarks.results import Result, Series

SAMPLE = Result(
    case="race",
    title="A race",
    baseline="hare",
    series=(
        Series("time", "ms", "uphill", "hare", (1.0, 2.0, 3.0)),
        Series("time", "ms", "uphill", "tortoise", (2.0, 3.0, 9.0)),
        Series("time", "ms", "asleep", "hare", (None, None, None)),
        Series("rests", "1/s", "uphill", "tortoise", (0.0, 0.0, 0.0)),
    ),
    missing={"snail": "wait"},
    notes=("Only by day.",),
)
