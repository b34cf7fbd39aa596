"""
One stream of packets to a client, without any input or output of its own.

At most ``window`` packets are unacknowledged.  One is sent again when three that were sent after it
have been acknowledged, so that a lossy link is kept busy, or when nothing was heard for too long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

#: Packets that may be ahead of a missing one.
_AHEAD: Final = 512
#: Packets sent later that tell that one is lost.
_OVERTAKEN: Final = 3
#: Seconds: the shortest wait for an acknowledgment, and the share of a new round trip.
_SHORTEST: Final = 0.03
_GAIN: Final = 0.125


class Outflow:
    """
    A number of packets with consecutive indexes.

    :ivar again: packets that were sent again.
    """

    def __init__(
        self, datagram: Callable[[int], bytes], first: int, packets: int, window: int
    ) -> None:
        """
        :param datagram: makes the packet with a number.
        :param first: the first number; its last 16 bits are the index.
        """
        self.again = 0
        self._datagram = datagram
        self._next = self._oldest = first
        self._end = first + packets
        self._window = window
        # Index -> order of sending, second of sending, number, sent before; in order of sending.
        self._flying: dict[int, tuple[int, float, int, bool]] = {}
        self._order = 0
        self._newest = 0
        self._round_trip: float | None = None

    @property
    def done(self) -> bool:
        """Whether every packet has been acknowledged."""
        return self._next == self._end and not self._flying

    @property
    def wake_at(self) -> float | None:
        """When :meth:`due` has something to send again, in seconds."""
        for _, sent, _, _ in self._flying.values():
            return sent + self._patience()
        return None

    def acknowledged(self, indexes: Iterable[int], now: float) -> list[bytes]:
        """Some have come; what may be sent now."""
        flying = self._flying
        for index in indexes:
            flown = flying.pop(index, None)
            if flown is not None and flown[0] > self._newest:
                self._newest = flown[0]
                if not flown[3]:
                    self._measured(now - flown[1])
        return [*self._lost(now), *self.launch(now)]

    def launch(self, now: float) -> list[bytes]:
        """New packets, as far as the window is open."""
        flying, following = self._flying, self._next
        while self._oldest < following and self._oldest & 0xFFFF not in flying:
            self._oldest += 1
        until = min(following + self._window - len(flying), self._oldest + _AHEAD, self._end)
        self._next = max(following, until)
        return [self._sent(number, now, again=False) for number in range(following, until)]

    def due(self, now: float) -> list[bytes]:
        """What nothing was heard of for too long."""
        late = now - self._patience()
        return self._repeat((i for i, flown in self._flying.items() if flown[1] <= late), now)

    def _lost(self, now: float) -> list[bytes]:
        overtaken = self._newest - _OVERTAKEN
        flying = self._flying
        for flown in flying.values():
            if flown[0] > overtaken:
                return []
            break
        return self._repeat((i for i, flown in flying.items() if flown[0] <= overtaken), now)

    def _repeat(self, indexes: Iterable[int], now: float) -> list[bytes]:
        numbers = [self._flying.pop(index)[2] for index in tuple(indexes)]
        self.again += len(numbers)
        return [self._sent(number, now, again=True) for number in numbers]

    def _sent(self, number: int, now: float, again: bool) -> bytes:
        self._order += 1
        self._flying[number & 0xFFFF] = (self._order, now, number, again)
        return self._datagram(number)

    def _measured(self, seconds: float) -> None:
        if self._round_trip is None:
            self._round_trip = seconds
        self._round_trip += _GAIN * (seconds - self._round_trip)

    def _patience(self) -> float:
        return max(_SHORTEST, 2 * (self._round_trip or 0.0))
