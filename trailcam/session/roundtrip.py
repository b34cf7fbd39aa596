"""
How long to wait for an acknowledgment before sending again, from measured round trips.

RFC 6298 with other bounds: cameras acknowledge on a tick of 10 ms, and repeat after 8 to 41 ms.
"""

from __future__ import annotations

from typing import Final

#: Seconds before anything was measured, and the bounds after that.
INITIAL: Final = 0.1
FLOOR: Final = 0.03
CEILING: Final = 3.0

#: So many misses in a row are blamed on loss; from then on the path may have become slower.
_BLAMED_ON_LOSS = 3
_BACKOFF = 1.5
_LESS_HASTE = 1.1
_REORDERING = 1.25
#: Seconds that an acknowledgment may wait for others.
_TICK = 0.01


class RoundTrip:
    """
    One estimate for one path.

    :ivar timeout: seconds to wait.
    :ivar reordering: seconds after which a piece that others have overtaken counts as lost.
    :ivar smoothed: seconds that a round trip takes, ``None`` before the first was measured.
    """

    def __init__(self, initial: float = INITIAL, *, patient: bool = True) -> None:
        """
        :param initial: seconds to wait before anything was measured.
        :param patient: whether silence makes the wait longer; cameras repeat on and on.
        """
        self.timeout = self.reordering = initial
        self.smoothed: float | None = None
        self._variation = 0.0
        self._misses = 0
        self._patient = patient

    def measured(self, seconds: float) -> None:
        """A piece that was sent once was acknowledged after ``seconds``."""
        self._misses = 0
        if self.smoothed is None:
            self.smoothed = seconds
            self._variation = seconds / 2
        else:
            self._variation += (abs(self.smoothed - seconds) - self._variation) / 4
            self.smoothed += (seconds - self.smoothed) / 8
        self._wait(self.smoothed + max(_TICK, 4 * self._variation))
        self.reordering = min(self.smoothed * _REORDERING, self.timeout)

    def missed(self) -> None:
        """Nothing came in time; when that repeats itself, be patient until the next measurement."""
        self._misses += 1
        if self._patient and self._misses > _BLAMED_ON_LOSS:
            self._wait(self.timeout * _BACKOFF)

    def hasty(self) -> None:
        """A piece was acknowledged twice: the second copy was sent too early."""
        self._wait(self.timeout * _LESS_HASTE)

    def _wait(self, seconds: float) -> None:
        self.timeout = min(max(seconds, FLOOR), CEILING)
