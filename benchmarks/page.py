"""
The page of results that belongs to the plots: ``results.rst``, which the documentation includes.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.results import Result, machine
from benchmarks.table import shown

_HEAD = """.. This file is written by ``python -m benchmarks --plots``.

Results
=======

Measured on {date} with Python {python} and Twisted {twisted} on {system}, {cores} cores of
{processor}{quick}.
"""


def write(
    results: Sequence[Result], plots: Mapping[str, Sequence[Path]], folder: Path, quick: bool
) -> Path:
    """
    Write the page.

    :param plots: the files of each case.
    :param folder: where they are.
    """
    path = folder / "results.rst"
    today = datetime.datetime.now(datetime.timezone.utc).date()
    remark = ".  It was a quick run, which only shows that everything works" if quick else ""
    parts = [_HEAD.format(date=today, quick=remark, **machine())]
    for result in results:
        parts.append(_section(result, plots[result.case]))
    path.write_text("\n".join(parts), encoding="utf-8")
    return path


def _section(result: Result, plots: Sequence[Path]) -> str:
    text = shown(result)
    images = "\n".join(f".. image:: {plot.name}\n   :width: 100%\n" for plot in plots)
    return f".. _benchmark-{result.case}:\n\n{text}\n{images}"
