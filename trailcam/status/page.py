"""
The status as a small HTML page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from html import escape
from typing import Any

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width">
<title>trailcam: {state}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2em; max-width: 60em; }}
table {{ border-collapse: collapse; }}
th, td {{ text-align: left; vertical-align: top; padding: .1em 1.5em .1em 0; }}
</style>
</head>
<body>
<h1>{state}</h1>
"""
_FOOT = '<p><a href="status.json">status.json</a></p>\n</body>\n</html>\n'

_COLUMNS = ("mode", "state", "elapsed", "error")
_ELSEWHERE = ("state", "last_report")


def page(picture: Mapping[str, Any]) -> str:
    """
    A page that loads itself again every five seconds.

    :param picture: what :meth:`trailcam.interfaces.IStatusSource.snapshot` gives.
    """
    facts = [
        (name.replace("_", " "), _time(value) if name == "since" else value)
        for name, value in picture.items()
        if name not in _ELSEWHERE
    ]
    report = picture["last_report"]
    race = "" if report is None else _race(report)
    return f"{_HEAD.format(state=_text(picture['state']))}{_table(facts)}{race}{_FOOT}"


def _race(report: Mapping[str, Any]) -> str:
    modes = report["threads_info"].values()
    rows = ([mode[column] for column in _COLUMNS] for mode in modes)
    title = f"<h2>last race: {_text(report['elapsed_time'])} s</h2>\n"
    return title + _table(rows, _COLUMNS)


def _table(rows: Iterable[Iterable[Any]], heads: Iterable[str] = ()) -> str:
    lines = [_row(heads, "th"), *(_row(row, "td") for row in rows)]
    return f"<table>\n{''.join(lines)}</table>\n"


def _row(values: Iterable[Any], tag: str) -> str:
    cells = "".join(f"<{tag}>{_text(value)}</{tag}>" for value in values)
    return f"<tr>{cells}</tr>\n" if cells else ""


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{escape(name)} {_text(each)}" for name, each in value.items())
    return escape(f"{value:.3f}" if isinstance(value, float) else str(value))


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
