"""
What is on its way: a queue in the order of arrival, behind a single call on the clock.

A delayed call per datagram would do too, but :class:`twisted.internet.task.Clock` sorts all its
calls every time one is added, and a burst of thousands would take minutes.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock

from trailcam.testing.datagram import Datagram


class Flights:
    """
    Everything in flight over one clock.

    What is due at the same time arrive in the order in which they were launched.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queue: list[tuple[float, int, Datagram | None, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._wakeup: IDelayedCall | None = None

    def launch(self, delay: float, datagram: Datagram | None, arrive: Callable[[], None]) -> None:
        """
        Let something travel.

        :param delay: seconds from now to the arrival.
        :param datagram: what travels; ``None`` for a part of a connection, which answers for
            itself as long as it is open.
        :param arrive: called without arguments at the arrival.
        """
        due = self._clock.seconds() + delay
        heapq.heappush(self._queue, (due, next(self._numbers), datagram, arrive))
        self._arm()

    def pending(self) -> list[tuple[float, Datagram]]:
        """The datagrams in flight, each after its time of arrival in seconds, soonest first."""
        flights = ((due, datagram) for due, _, datagram, _ in sorted(self._queue))
        return [(due, datagram) for due, datagram in flights if datagram is not None]

    def owns(self, call: IDelayedCall) -> bool:
        """Whether ``call`` is this queue's own call on the clock."""
        return call is self._wakeup

    def _arm(self) -> None:
        """Be called at the first arrival; does nothing while :meth:`_land` runs."""
        due = self._queue[0][0]
        if self._wakeup is not None:
            if self._wakeup.getTime() <= due:
                return
            self._wakeup.cancel()
        self._wakeup = self._clock.callLater(max(0.0, due - self._clock.seconds()), self._land)

    def _land(self) -> None:
        """Let everything arrive whose time has come."""
        try:
            while self._queue and self._queue[0][0] <= self._clock.seconds():
                heapq.heappop(self._queue)[-1]()
        finally:
            self._wakeup = None
            if self._queue:
                self._arm()
