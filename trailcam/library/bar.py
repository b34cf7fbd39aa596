"""
The progress of a run as a bar, on terminals.

This needs tqdm, the extra ``trailcam[progress]``; without it there are plain lines.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from trailcam.library.lines import PlainLines
from trailcam.library.observer import SyncObserver
from trailcam.library.summary import Summary, amount, title
from trailcam.model import MediaItem

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime

_FORM = "{l_bar}{bar}{postfix} [{elapsed}<{remaining}]"


def observer_for(stream: TextIO, clock: IReactorTime) -> SyncObserver:
    """
    What suits ``stream``: a bar on a terminal where tqdm is installed, otherwise lines.

    :param clock: provides IReactorTime.
    """
    if stream.isatty():
        try:
            make = importlib.import_module("tqdm").tqdm
        except ImportError:
            return PlainLines(stream)
        return ProgressBar(stream, clock, make)
    return PlainLines(stream)


class ProgressBar(SyncObserver):
    """A bar over all items, with the rate of octets and the remaining time."""

    def __init__(self, stream: TextIO, clock: IReactorTime, make: Callable[..., Any]) -> None:
        """
        Show nothing yet.

        :param clock: provides IReactorTime.
        :param make: makes a bar, as ``tqdm.tqdm`` does.
        """
        self._stream = stream
        self._clock = clock
        self._make = make
        self._bar: Any = None
        self._total = self._done = 0
        self._began = 0.0
        self._octets = self._current = 0

    def planned(self, total: int) -> None:
        """A new bar, if there is anything to do."""
        self.close()
        self._total, self._done = total, 0
        self._began, self._octets = self._clock.seconds(), 0
        if total:
            self._bar = self._make(
                total=total, file=self._stream, bar_format=_FORM, dynamic_ncols=True, leave=False
            )

    def began(self, item: MediaItem) -> None:
        """Show its name."""
        self._current = 0
        self._show(item, 0.0)

    def advanced(self, item: MediaItem, octets: int, total: int | None) -> None:
        """Move by what is known of it."""
        self._octets += max(0, octets - self._current)
        self._current = octets
        self._show(item, min(1.0, octets / total) if total else 0.0)

    def finished(self, item: MediaItem, path: Path) -> None:
        """One more is done."""
        self._done += 1
        self._show(item, 0.0)

    def failed(self, item: MediaItem, reason: str) -> None:
        """One more is done; why it failed stays to be read."""
        if self._bar is not None:
            self._done = min(self._done + 1, self._total)
        self._say(f"{title(item)} failed: {reason}")

    def reconnecting(self, reason: str, pause: float) -> None:
        """Why, and when."""
        self._say(f"{reason}; connecting again in {pause:g} s")

    def passed(self, summary: Summary) -> None:
        """Take the bar away."""
        self.close()

    def broken_off(self, summary: Summary) -> None:
        """What is there all the same, if anything."""
        self.close()
        if summary.worth_telling:
            self._say(f"until then: {summary}")

    def close(self) -> None:
        """Take the bar away.  May be called again."""
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.close()

    def _show(self, item: MediaItem, fraction: float) -> None:
        if self._bar is None:
            return
        seconds = self._clock.seconds() - self._began
        rate = f", {amount(self._octets / seconds)}/s" if seconds > 0 else ""
        self._bar.n = min(self._done + fraction, self._total)
        text = f"{self._done}/{self._total} {title(item)} {amount(self._current)}{rate}"
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(0)  # refreshes as often as the bar thinks right

    def _say(self, line: str) -> None:
        if self._bar is not None:
            self._bar.clear()
        self._stream.write(f"{line}\n")
        self._stream.flush()
        if self._bar is not None:
            self._bar.refresh()
