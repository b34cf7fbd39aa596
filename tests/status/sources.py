"""
A source of status for the tests of what shows it.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from trailcam.interfaces import IStatusSource
from trailcam.status.snapshot import Snapshot, State

#: Words that would do harm on a page if they were not escaped.
HOSTILE = "<script>alert('x')</script> & co_1"

REPORT: dict[str, Any] = {
    "winner": None,
    "elapsed_time": 0.5,
    "threads_info": {
        "p2pConnectThread": {
            "mode": "p2p",
            "state": "failed",
            "elapsed": 0.25,
            "error": HOSTILE,
        },
    },
}


@implementer(IStatusSource)
class Source:
    """
    Gives the snapshot it has, and counts.

    :ivar asked: how often.
    """

    def __init__(self, **changes: Any) -> None:
        self.picture = Snapshot(**{"state": State.WAITING, "since": 86400.0, **changes}).as_json()
        self.asked = 0

    def snapshot(self) -> dict[str, Any]:
        """Give it."""
        self.asked += 1
        return self.picture
