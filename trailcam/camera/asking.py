"""
What the single jobs of this room need from a camera: to ask, and to tell.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from trailcam.model import MediaItem


class Asker(Protocol):
    """Sends commands."""

    def ask(self, number: int, members: Mapping[str, Any]) -> Awaitable[dict[str, Any]]:
        """Send a command; gives its answer, whatever that says."""

    def tell(self, number: int, members: Mapping[str, Any]) -> None:
        """Send a command whose answer nobody waits for.  Never raises."""


def requested(item: MediaItem) -> dict[str, int]:
    """How a request names an item."""
    return {"fileType": int(item.kind), "dirNum": item.directory, "mediaNum": item.number}
