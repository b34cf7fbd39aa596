"""
One delayed call of the reactor for what many want to do about once a second.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from twisted.logger import Logger

from trailcam.session.wakeup import Wakeup

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime

#: Seconds from round to round, a power of two: so the times of rounds are exact.
GRAIN: Final = 1 / 128


class Ticker:
    """
    Makes calls in rounds.

    So thousands of idle sessions wake the reactor 128 times a second and not thousands of times,
    and what their cameras answer comes together as well.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        """:param clock: provides IReactorTime."""
        self._clock = clock
        # By the number of the round; in dictionaries, which unlike sets keep an order.
        self._rounds: dict[int, dict[Callable[[], None], None]] = {}
        self._waking = Wakeup(clock, self._wake)

    def at(self, time: float, call: Callable[[], None]) -> int:
        """
        Call once, up to :data:`GRAIN` after ``time``, in seconds of the clock.

        :return: the number of the round, for :meth:`cancel`.
        """
        number = ceil(time / GRAIN)
        calls = self._rounds.get(number)
        if calls is None:
            calls = self._rounds[number] = {}
            self._waking.by(number * GRAIN)
        calls[call] = None
        return number

    def cancel(self, number: int, call: Callable[[], None]) -> None:
        """Do not call, after all; within a round it is too late for that."""
        calls = self._rounds.get(number, {})
        calls.pop(call, None)
        if not calls:
            self._rounds.pop(number, None)
        if not self._rounds:
            self._waking.stop()

    def _wake(self) -> None:
        now = self._clock.seconds()
        due = sorted(number for number in self._rounds if number * GRAIN <= now)
        calls = [call for number in due for call in self._rounds.pop(number)]
        if self._rounds:
            self._waking.by(min(self._rounds) * GRAIN)
        for call in calls:
            self._make(call)

    def _make(self, call: Callable[[], None]) -> None:
        """What one does wrong is not for the others to suffer."""
        try:
            call()
        except Exception:
            name = getattr(call, "__qualname__", repr(call))
            self._log.failure("bug: {call} raised", call=name)


_tickers: WeakValueDictionary[IReactorTime, Ticker] = WeakValueDictionary()


def ticker(clock: IReactorTime) -> Ticker:
    """The one of this clock; it lives for as long as somebody keeps it."""
    found = _tickers.get(clock)
    if found is None:
        found = _tickers[clock] = Ticker(clock)
    return found
