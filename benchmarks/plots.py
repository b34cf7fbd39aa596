"""
Results as plots: bars of medians, with lines from the tenth to the ninetieth percentile.
"""

from __future__ import annotations

import importlib.util
import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.errors import BenchmarkError
from benchmarks.results import Result, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Inches: of a plot's width, of its head and foot, of a bar, and between two conditions.
_WIDTH, _AROUND, _BAR, _GAP = 9.0, 1.4, 0.17, 0.15

#: From this ratio of the largest to the smallest median on, the axis is logarithmic.
_WIDE: Final = 50.0

_COLOURS: Final = ("#4c72b0", "#dd8452", "#55a868", "#c44e52", "#8172b3", "#937860")


def missing() -> str | None:
    """What would make plots possible; ``None`` when they are."""
    if importlib.util.find_spec("matplotlib") is None:
        return "plots need matplotlib: pip install matplotlib"
    return None


def draw(result: Result, folder: Path) -> Sequence[Path]:
    """
    Draw each quantity of a case as an SVG.

    :return: the files.
    :raises BenchmarkError: matplotlib is missing.
    """
    problem = missing()
    if problem is not None:
        raise BenchmarkError(problem)
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _draw(result, quantity, unit, folder / file_name(result, quantity))
        for quantity, unit in result.quantities()
        if any(one.done for one in result.of(quantity))
    ]


def file_name(result: Result, quantity: str) -> str:
    """The name of a quantity's plot."""
    words = re.sub(r"[^a-z0-9]+", "-", quantity.lower()).strip("-")
    return f"{result.case}-{words}.svg"


def _draw(result: Result, quantity: str, unit: str, path: Path) -> Path:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # The same numbers make the same file, octet by octet; and texts stay texts.
    matplotlib.rcParams.update({"svg.hashsalt": "benchmarks", "svg.fonttype": "none"})
    series = result.of(quantity)
    conditions = list(dict.fromkeys(one.condition for one in series))
    height = _AROUND + len(series) * _BAR + len(conditions) * _GAP
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    _bars(axes, series, conditions)
    handles = [_handle(name, colour) for name, colour in colours(series).items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    axes.set_title(result.title)
    axes.set_xlabel(f"{quantity}, {unit}")
    axes.grid(axis="x", alpha=0.3)
    FigureCanvasSVG(figure)
    figure.savefig(path, metadata={"Date": None})
    return path


def _bars(axes: Axes, series: Sequence[Series], conditions: Sequence[str]) -> None:
    coloured = colours(series)
    place = 0.0
    ticks = []
    for condition in conditions:
        here = [one for one in series if one.condition == condition]
        ticks.append(place + (len(here) - 1) * _BAR / 2)
        for one in here:
            _bar(axes, place, one, coloured[one.contender])
            place += _BAR
        place += _GAP
    axes.set_yticks(ticks, conditions)
    axes.invert_yaxis()
    if is_wide(series):
        axes.set_xscale("log")


def colours(series: Sequence[Series]) -> dict[str, str]:
    """A colour for each contender, in order of appearance."""
    contenders = dict.fromkeys(one.contender for one in series)
    return dict(zip(contenders, itertools.cycle(_COLOURS), strict=False))


def is_wide(series: Sequence[Series]) -> bool:
    """Whether the medians are too far apart for an even axis."""
    medians = [lying.median for one in series if (lying := one.spread()) is not None]
    return bool(medians) and min(medians) > 0 and max(medians) / min(medians) >= _WIDE


def _bar(axes: Axes, place: float, one: Series, colour: str) -> None:
    lying = one.spread()
    if lying is None:
        axes.plot([], [])
        return
    around = [[lying.median - lying.p10], [lying.p90 - lying.median]]
    axes.barh(place, lying.median, _BAR * 0.9, color=colour)
    axes.errorbar(lying.median, place, xerr=around, color="#333333", linewidth=1, capsize=1.5)


def _handle(name: str, colour: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=colour, label=name)
