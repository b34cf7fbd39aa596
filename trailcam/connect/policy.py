"""
Who starts when, and for how long: pure arithmetic over weights and past outcomes.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import attrs
from zope.interface import implementer

from trailcam.interfaces import IRacePolicy
from trailcam.model import ConnectionMode, Heat, Outcome

_HEAD_START = 0.25  # seconds between a mode of full weight and one of none
_PENALTY = 1.0  # seconds that a mode which keeps failing starts late
_FAILURES_RUNNING = 5
_BUDGET_FLOOR = 1.0
_BUDGET_FACTOR = 4.0


@implementer(IRacePolicy)
@attrs.frozen
class WeightedPolicy:
    """
    Heavier modes first; with ``adaptive``, what history teaches on top.

    A mode of weight ``w`` starts ``0.25 s * (1 - w / heaviest)`` after the start of the race, one
    of weight 0 not at all, and one that is not mentioned has the weight of the heaviest.

    :ivar weights: weights from 0 up.
    :ivar adaptive: bound each mode's budget by its past successes, and hold back a mode that
        failed five times running.
    """

    weights: Mapping[ConnectionMode, float] = attrs.field(factory=dict)
    adaptive: bool = False

    def plan(
        self, modes: Collection[ConnectionMode], deadline: float, past: Sequence[Outcome]
    ) -> Sequence[Heat]:
        """The heats in order of their start; ties in the order of :class:`ConnectionMode`."""
        running = [mode for mode in ConnectionMode if mode in modes and self._weight(mode) > 0]
        heaviest = max(map(self._weight, running), default=1.0)
        heats = [self._heat(mode, heaviest, deadline, past) for mode in running]
        return sorted(heats, key=lambda heat: heat.delay)

    def outranks(self, mode: ConnectionMode, other: ConnectionMode) -> bool:
        """Whether ``mode`` is heavier than ``other``."""
        return self._weight(mode) > self._weight(other)

    def _weight(self, mode: ConnectionMode) -> float:
        return self.weights.get(mode, max(self.weights.values(), default=1.0) or 1.0)

    def _heat(
        self, mode: ConnectionMode, heaviest: float, deadline: float, past: Sequence[Outcome]
    ) -> Heat:
        delay = _HEAD_START * (1 - self._weight(mode) / heaviest)
        budget = deadline
        if self.adaptive:
            own = [outcome for outcome in past if outcome.mode is mode]
            # Not all of the time, or the mode could never work again.
            delay += min(_PENALTY, deadline / 2) if _keeps_failing(own) else 0.0
            budget = _budget([o.elapsed for o in own if o.succeeded], deadline)
        delay = min(delay, deadline)
        return Heat(mode, delay, min(budget, deadline - delay))


def _keeps_failing(outcomes: Sequence[Outcome]) -> bool:
    last = outcomes[-_FAILURES_RUNNING:]
    return len(last) == _FAILURES_RUNNING and not any(outcome.succeeded for outcome in last)


def _budget(successes: Sequence[float], deadline: float) -> float:
    """Four times the 95th percentile (nearest rank) of past successes, within bounds."""
    if not successes:
        return deadline
    p95 = sorted(successes)[math.ceil(0.95 * len(successes)) - 1]
    return min(deadline, max(_BUDGET_FLOOR, _BUDGET_FACTOR * p95))
