"""A bad network in front of a good camera: loss, delay, jitter, reordering, duplicates."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from trailcam.simulator.behaviour import Behaviour
from trailcam.simulator.counters import Counters

#: Datagrams under way at a time; more than that are lost, as in any queue.
MAX_UNDER_WAY: Final = 4096

#: Seconds that a reordered datagram is held back: longer than a burst, shorter than a copy's wait.
HELD_BACK: Final = 0.025


class ImpairedPath:
    """
    Carries deliveries, badly.

    The same seed and the same traffic give the same accidents.

    :param clock: where time comes from.
    :param behaviour: how bad.
    :param rng: decides every accident.
    :param counters: where the losses go.
    """

    def __init__(
        self, clock: IReactorTime, behaviour: Behaviour, rng: random.Random, counters: Counters
    ) -> None:
        self._clock = clock
        self._behaviour = behaviour
        self._rng = rng
        self._counters = counters
        self._bad = False
        self._under_way: set[IDelayedCall] = set()

    def start(self) -> None:
        """Be as bad as the behaviour says; before that, and after :meth:`stop`, be perfect."""
        self._bad = self._behaviour.impaired

    def carry(self, deliver: Callable[[], object]) -> None:
        """Call ``deliver`` never, once or twice: now, or (on a path that takes time) later."""
        if not self._bad:
            deliver()
        elif self._happens(self._behaviour.loss):
            self._counters.lost += 1
        else:
            for _ in range(1 + self._happens(self._behaviour.duplicate)):
                self._deliver_after(self._travel_time(), deliver)

    def stop(self) -> None:
        """Lose everything that is under way, and be perfect again."""
        self._bad = False
        while self._under_way:
            self._under_way.pop().cancel()

    def _happens(self, chance: float) -> bool:
        return self._rng.random() < chance

    def _travel_time(self) -> float:
        seconds = self._behaviour.delay + self._behaviour.jitter * self._rng.random()
        return seconds + HELD_BACK * self._happens(self._behaviour.reorder)

    def _deliver_after(self, seconds: float, deliver: Callable[[], object]) -> None:
        if not seconds:
            deliver()
            return
        if len(self._under_way) >= MAX_UNDER_WAY:
            self._counters.lost += 1
            return

        def arrive() -> None:
            self._under_way.remove(call)
            deliver()

        call = self._clock.callLater(seconds, arrive)
        self._under_way.add(call)
