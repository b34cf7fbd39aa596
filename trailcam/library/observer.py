"""
Who hears how a run goes on.
"""

from __future__ import annotations

from pathlib import Path

from trailcam.library.summary import Summary
from trailcam.model import MediaItem


class SyncObserver:
    """
    Does nothing; made to be inherited from.  No method may raise.

    An item has one ``began``, any number of ``advanced``, and one ``finished`` or ``failed``,
    unless the run or the connection ends meanwhile.  One that is refused before it is asked for
    only has ``failed``.
    """

    def planned(self, total: int) -> None:
        """A list has come: ``total`` items are to be fetched.  After a reconnect, the rest."""

    def began(self, item: MediaItem) -> None:
        """One is asked for."""

    def advanced(self, item: MediaItem, octets: int, total: int | None) -> None:
        """So many of its octets have come, of how many when that is known.  May fall back."""

    def finished(self, item: MediaItem, path: Path) -> None:
        """It is whole and in its place."""

    def skipped(self, item: MediaItem, path: Path) -> None:
        """It had been fetched before this run."""

    def failed(self, item: MediaItem, reason: str) -> None:
        """It was not fetched.  Not said again of one that fails again."""

    def reconnecting(self, reason: str, pause: float) -> None:
        """The connection is lost; there will be another in ``pause`` seconds."""

    def passed(self, summary: Summary) -> None:
        """The whole list is done; who watches begins again later."""

    def broken_off(self, summary: Summary) -> None:
        """The run ends before all is done: by an error, or because somebody stops it."""

    def close(self) -> None:
        """The run is over, however it ended.  May be called again."""
