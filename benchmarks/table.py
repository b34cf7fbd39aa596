"""
Results as tables: for a terminal and, being simple tables of reStructuredText, for a page, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.measure import Spread
from benchmarks.results import Result, Series

_HEAD = ("condition", "contender", "median", "min", "p10", "p90", "done", "ratio", "p10 .. p90")


def shown(result: Result, mark: str = "-") -> str:
    """
    A case with all its tables.

    :param mark: what underlines its title.
    """
    lines = [result.title, mark * len(result.title), ""]
    for quantity, unit in result.quantities():
        lines += [f"{quantity}, {unit}:", "", *table(result, quantity), ""]
    for name, remedy in result.missing.items():
        lines += [f"* missing: {name} ({remedy})"]
    lines += [f"* {note}" for note in result.notes]
    return "\n".join([*lines, ""])


def table(result: Result, quantity: str) -> Sequence[str]:
    """One quantity: a line for each condition and contender."""
    rows = [_row(result, one) for one in result.of(quantity)]
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    return [rule, _line(_HEAD, widths), rule, *(_line(row, widths) for row in rows), rule]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def _row(result: Result, one: Series) -> tuple[str, ...]:
    return (
        one.condition,
        one.contender,
        *_numbers(one.spread()),
        f"{one.done}/{len(one.values)}",
        *_compared(result.ratio(one)),
    )


def _numbers(lying: Spread | None) -> Iterator[str]:
    for name in ("median", "minimum", "p10", "p90"):
        yield "-" if lying is None else number(getattr(lying, name))


def _compared(ratio: Spread | None) -> tuple[str, str]:
    if ratio is None:
        return "-", "-"
    return number(ratio.median), f"{number(ratio.p10)} .. {number(ratio.p90)}"


def number(value: float) -> str:
    """Three digits that matter, and no exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    text = f"{value:.3g}"
    return f"{value:.6f}".rstrip("0") if "e" in text else text
