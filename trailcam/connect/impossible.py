"""
An attempt that cannot be made: it fails at once, and says what is missing.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail
from zope.interface import implementer

from trailcam.errors import NotPossible
from trailcam.interfaces import IAttempt, ILink
from trailcam.model import ConnectionMode


@implementer(IAttempt)
class ImpossibleAttempt:
    """Stands in the race for a mode that was enabled but lacks what it needs."""

    phase = "idle"
    port: int | None = None
    retries = 0
    round_trip: float | None = None

    def __init__(self, mode: ConnectionMode, reason: str) -> None:
        """:param reason: what is missing, and how to give it."""
        self.mode = mode
        self._reason = reason

    def connect(self, budget: float) -> Deferred[ILink]:
        """Fails at once with :class:`~trailcam.errors.NotPossible`."""
        return fail(NotPossible(self.mode, self.phase, 0.0, self._reason))
