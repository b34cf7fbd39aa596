"""
How long to wait for an acknowledgment before sending again, from measured round trips.

RFC 6298 with other bounds: cameras acknowledge on a tick of 10 ms, and repeat after 8 to 41 ms.
"""

from __future__ import annotations

from typing import Final

#: Seconds before anything was measured, and the bounds after that.
INITIAL: Final = 0.1
FLOOR: Final = 0.03
CEILING: Final = 1.0

_BACKOFF = 1.5


class RoundTrip:
    """
    One estimate for one path.

    :ivar timeout: seconds to wait.
    :ivar smoothed: seconds that a round trip takes, ``None`` before the first was measured.
    """

    def __init__(
        self, initial: float = INITIAL, floor: float = FLOOR, ceiling: float = CEILING
    ) -> None:
        self.timeout = initial
        self.smoothed: float | None = None
        self._variation = 0.0
        self._floor = floor
        self._ceiling = ceiling

    def measured(self, seconds: float) -> None:
        """A piece that was sent once was acknowledged after ``seconds``."""
        if self.smoothed is None:
            self.smoothed = seconds
            self._variation = seconds / 2
        else:
            self._variation += (abs(self.smoothed - seconds) - self._variation) / 4
            self.smoothed += (seconds - self.smoothed) / 8
        self._wait(self.smoothed + 4 * self._variation)

    def missed(self) -> None:
        """Nothing came in time: be patient until the next measurement."""
        self._wait(self.timeout * _BACKOFF)

    def _wait(self, seconds: float) -> None:
        self.timeout = min(max(seconds, self._floor), self._ceiling)
