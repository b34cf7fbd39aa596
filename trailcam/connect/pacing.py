"""
How long to wait for an answer before asking again.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

_GRANULARITY = 0.001


@attrs.frozen
class Pace:
    """
    Intervals between resends: each longer than the one before, up to a ceiling.

    :ivar first: seconds before the first resend.
    :ivar factor: how much longer each interval is than the one before.
    :ivar ceiling: seconds that no interval exceeds.
    """

    first: float = 0.1
    factor: float = 1.2
    ceiling: float = 0.25

    def interval(self, resends: int) -> float:
        """Seconds to wait after the ``resends``-th resend (0: after the first sending)."""
        # The exponent is capped because the ceiling is reached long before it.
        return min(self.ceiling, self.first * self.factor ** min(resends, 64))


def measured_pace(round_trips: Iterable[float], default: Pace) -> Pace:
    """
    A pace from measured round trips, as RFC 6298 computes a retransmission timeout.

    :param round_trips: seconds, oldest first.
    :param default: what to use when there are none; it also gives factor and ceiling.
    """
    smoothed: float | None = None
    variation = 0.0
    for sample in round_trips:
        if smoothed is None:
            smoothed, variation = sample, sample / 2
        else:
            variation += (abs(smoothed - sample) - variation) / 4
            smoothed += (sample - smoothed) / 8
    if smoothed is None:
        return default
    timeout = smoothed + max(_GRANULARITY, 4 * variation)
    first = min(1.0, max(0.02, timeout))
    return attrs.evolve(default, first=first, ceiling=max(default.ceiling, 2 * first))
