"""
The progress of a run in plain lines: one for each item, for logs and pipes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from trailcam.library.observer import SyncObserver
from trailcam.library.summary import Summary, amount, title
from trailcam.model import MediaItem


class PlainLines(SyncObserver):
    """Writes lines to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._total = self._count = self._octets = 0

    def planned(self, total: int) -> None:
        """How much there is to do, if anything."""
        self._total, self._count = total, 0
        if total:
            self.say(f"{total} to fetch")

    def began(self, item: MediaItem) -> None:
        """Nothing: a line is written when it is over."""
        self._count += 1
        self._octets = 0

    def advanced(self, item: MediaItem, octets: int, total: int | None) -> None:
        """Nothing, for the same reason."""
        self._octets = octets

    def finished(self, item: MediaItem, path: Path) -> None:
        """Which, and where."""
        self.say(f"{self._place()} {title(item)} -> {path} ({amount(self._octets)})")

    def failed(self, item: MediaItem, reason: str) -> None:
        """Which, and why."""
        self.say(f"{self._place()} {title(item)} failed: {reason}")

    def reconnecting(self, reason: str, pause: float) -> None:
        """Why, and when."""
        self.say(f"{reason}; connecting again in {pause:g} s")

    def broken_off(self, summary: Summary) -> None:
        """What is there all the same, if anything."""
        if summary.worth_telling:
            self.say(f"until then: {summary}")

    def say(self, line: str) -> None:
        """Write one line."""
        self._stream.write(f"{line}\n")
        self._stream.flush()

    def _place(self) -> str:
        return f"[{self._count}/{self._total}]"
