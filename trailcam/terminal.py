"""
A race put into words for people who look at a terminal.
"""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Collection, Iterator
from typing import TextIO

import attrs

from trailcam.interfaces import ILink
from trailcam.model import AttemptReport, AttemptState, ConnectionMode, Report

_GREEN, _RED, _DIM = "32", "31", "2"
_COLOURS = {
    AttemptState.SUCCESS: _GREEN,
    AttemptState.FAILED: _RED,
    AttemptState.CANCELLED: _DIM,
    AttemptState.NOT_STARTED: _DIM,
}
_LEAST_WIDTH = 20  # characters that a reason gets on the narrowest terminal


@attrs.frozen
class Style:
    """
    What the place where text goes can show.

    :ivar colour: whether it knows ANSI colours.
    :ivar width: columns at which to break lines; ``None`` breaks none.
    """

    colour: bool = False
    width: int | None = None

    @classmethod
    def of(cls, stream: TextIO | None) -> Style:
        """The style of ``stream``: nothing special unless it is a terminal."""
        if stream is None or not stream.isatty():
            return cls()
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return cls(not plain, shutil.get_terminal_size().columns)

    def paint(self, text: str, colour: str) -> str:
        """``text`` in ``colour``, if there are any."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colour else text


def connected(link: ILink, report: Report, modes: Collection[ConnectionMode], style: Style) -> str:
    """
    Who won, and what became of the others.

    :param modes: those that were enabled.
    """
    assert link.peer is not None  # a winner is proven
    host, port = link.peer
    headline = style.paint(f"connected over {link.mode.label}", _GREEN)
    way = f"local port {link.local[1]} -> {host}:{port}"
    return f"{headline} in {_seconds(report.elapsed)}: {way}\n\n{_table(report, modes, style)}"


def not_connected(report: Report, modes: Collection[ConnectionMode], style: Style) -> str:
    """That nobody won, and why.  :param modes: those that were enabled."""
    headline = style.paint("not connected", _RED)
    return f"{headline} after {_seconds(report.elapsed)}\n\n{_table(report, modes, style)}"


def failure_codes(report: Report) -> str:
    """Mode and code of each failure in a few words, e.g. ``P2P: refused, LAN: no_answer``."""
    return ", ".join(f"{a.mode.label}: {a.code}" for a in report.attempts if a.code is not None)


def _table(report: Report, modes: Collection[ConnectionMode], style: Style) -> str:
    return "\n".join(
        line
        for attempt in report.attempts
        for line in _row(attempt, _reason(attempt, report, modes), style)
    )


def _row(attempt: AttemptReport, reason: str, style: Style) -> Iterator[str]:
    state = f"{attempt.state.value.replace('_', ' '):11}"
    elapsed = "-" if attempt.elapsed is None else _seconds(attempt.elapsed)
    start = f"  {attempt.mode.label:5}  {state}  {elapsed:>9}  "
    first, *rest = _broken(reason, style, len(start)) or [""]
    yield start.replace(state, style.paint(state, _COLOURS.get(attempt.state, _DIM))) + first
    yield from (" " * len(start) + line for line in rest)


def _broken(text: str, style: Style, indent: int) -> list[str]:
    """``text`` in lines that fit behind ``indent`` columns."""
    if style.width is None:
        return [text]
    return textwrap.wrap(text, max(_LEAST_WIDTH, style.width - indent - 1))


def _reason(attempt: AttemptReport, report: Report, modes: Collection[ConnectionMode]) -> str:
    if attempt.error is not None:
        return attempt.error
    if attempt.state is AttemptState.SUCCESS:
        return _first_answer(attempt)
    if attempt.mode not in modes:
        return "not enabled"
    if attempt.state is AttemptState.NOT_STARTED:
        return "all was decided before its start"
    if report.winner is None:
        return f"stopped while {attempt.phase}"
    return f"{report.winner.label} was faster; this one was still {attempt.phase}"


def _first_answer(attempt: AttemptReport) -> str:
    if attempt.round_trip is None:
        return "the first to prove its connection"
    answer = _seconds(attempt.round_trip)
    who = "relay" if attempt.mode is ConnectionMode.RELAY else "camera"
    return f"the first to prove its connection; the {who}'s first answer took {answer}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f} s"
