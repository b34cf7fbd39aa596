"""A delayed call that can be moved."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Timer:
    """
    Calls ``action`` once, some time after :meth:`start`; starting it again moves that time.

    :param clock: where time comes from.
    :param action: called without arguments.
    """

    __slots__ = ("_action", "_call", "_clock")

    def __init__(self, clock: IReactorTime, action: Callable[[], object]) -> None:
        self._clock = clock
        self._action = action
        self._call: IDelayedCall | None = None

    @property
    def running(self) -> bool:
        """Whether the action is still to come."""
        return self._call is not None and self._call.active()

    def start(self, delay: float) -> None:
        """Act ``delay`` seconds from now, and not when it was said before."""
        if self._call is not None and self._call.active():
            # Moving a call to a later time is cheap; a new one for every datagram would not be.
            self._call.reset(delay)
        else:
            self._call = self._clock.callLater(delay, self._action)

    def stop(self) -> None:
        """Do not act, after all.  Does nothing when there is nothing to come."""
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None
