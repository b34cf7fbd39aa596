"""
One delayed call for whatever is due first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Wakeup:
    """
    Calls ``action`` in time, and sometimes too early, which costs less than moving the call again
    and again: who is called looks what is due, and says when he wants to be called next.
    """

    __slots__ = ("_action", "_call", "_clock")

    def __init__(self, clock: IReactorTime, action: Callable[[], None]) -> None:
        """:param clock: provides IReactorTime."""
        self._clock = clock
        self._action = action
        self._call: IDelayedCall | None = None

    def by(self, time: float | None) -> None:
        """Call no later than at ``time``, in seconds of the clock; ``None`` asks for nothing."""
        if time is None:
            return
        if self._call is None:
            delay = max(0.0, time - self._clock.seconds())
            self._call = self._clock.callLater(delay, self._wake)
        elif time < self._call.getTime():
            self._call.reset(max(0.0, time - self._clock.seconds()))

    def stop(self) -> None:
        """Do not call, after all."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _wake(self) -> None:
        self._call = None
        self._action()
