"""
What one channel sends: pieces wait, fly, and are sent again until they are acknowledged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from trailcam.session.roundtrip import RoundTrip
from trailcam.session.sequence import unwrapped, wrapped
from trailcam.wire.messages import Drw

#: Pieces that may wait for their acknowledgment.
WINDOW: Final = 64

#: A piece counts as overtaken when so many that were sent after it have arrived.  Some must be
#: allowed to: paths change the order.
OVERTAKEN: Final = 8


class _Flight:
    """
    One piece that is on its way.

    :ivar turn: how many sendings came before this one, on its channel.
    """

    __slots__ = ("drw", "once", "sent", "turn")

    def __init__(self, drw: Drw, now: float, turn: int) -> None:
        self.drw = drw
        self.sent = now
        self.turn = turn
        self.once = True


class Outgoing:
    """
    One direction of one channel.

    A piece is sent again when its acknowledgment does not come in time, and sooner when later ones
    have overtaken it, which says that it was lost and not that the path is slow (the idea of
    RFC 8985).

    :ivar waiting: octets that were written and not yet sent for the first time.
    :ivar resent: pieces that were sent again.
    """

    def __init__(self, channel: int, max_payload: int, window: int, trip: RoundTrip) -> None:
        """
        :param max_payload: octets of a piece.
        :param window: pieces that may be unacknowledged.  The newest is at most twice as many
            ahead of the oldest: the receiver has to keep what it cannot use yet.
        :param trip: the path's, shared by its channels.
        """
        self.waiting = 0
        self.resent = 0
        self._channel = channel
        self._max_payload = max_payload
        self._window = window
        self._trip = trip
        self._next = 0
        self._queue: deque[bytes] = deque()
        # In the order of the last time they were sent, so the first is the first to be due.
        self._flying: dict[int, _Flight] = {}
        self._oldest = 0
        self._turns = 0
        self._latest_arrived = -1

    @property
    def due_at(self) -> float | None:
        """When the first piece has to be sent again, in seconds; ``None`` while none flies."""
        # Who was sent first was also overtaken first.
        for flight in self._flying.values():
            return flight.sent + self._patience(flight)
        return None

    def write(self, data: bytes) -> None:
        """Put octets into the queue, in pieces of their own."""
        size = self._max_payload
        self.waiting += len(data)
        if len(data) <= size:
            if data:
                self._queue.append(data)
            return
        view = memoryview(data)
        self._queue.extend(bytes(view[at : at + size]) for at in range(0, len(data), size))

    def launch(self, now: float) -> list[Drw]:
        """The pieces that may be sent now, for the first time."""
        launched = []
        flying, queue = self._flying, self._queue
        most, ahead = self._window, self._oldest + 2 * self._window
        while queue and len(flying) < most and self._next < ahead:
            payload = queue.popleft()
            self.waiting -= len(payload)
            drw = Drw(self._channel, wrapped(self._next), payload)
            flying[self._next] = _Flight(drw, now, self._turns)
            self._next += 1
            self._turns += 1
            launched.append(drw)
        return launched

    def acknowledged(self, indexes: Iterable[int], now: float) -> None:
        """The other side has these; what it cannot have is ignored."""
        first_sent = now
        for index in indexes:
            number = unwrapped(index, self._next)
            flight = self._flying.pop(number, None)
            if flight is None:
                if 0 <= number < self._next:
                    self._trip.hasty()
                continue
            self._latest_arrived = max(self._latest_arrived, flight.turn)
            if flight.once:
                first_sent = min(first_sent, flight.sent)
        # Once for all of them: dozens of equal values would hide how much others vary.
        if first_sent < now:
            self._trip.measured(now - first_sent)
        while self._oldest < self._next and self._oldest not in self._flying:
            self._oldest += 1

    def overdue(self, now: float) -> list[Drw]:
        """The pieces to send again now; they count as sent."""
        late = []
        for number, flight in self._flying.items():
            if now < flight.sent + self._patience(flight):
                break
            late.append((number, flight))
        if not late:
            return []
        if not self._overtaken(late[-1][1]):
            self._trip.missed()
        for number, flight in late:
            flight.sent, flight.once, flight.turn = now, False, self._turns
            self._turns += 1
            del self._flying[number]
            self._flying[number] = flight
        self.resent += len(late)
        return [flight.drw for _, flight in late]

    def forget(self) -> None:
        """Nothing is sent any more."""
        self._queue.clear()
        self._flying.clear()
        self.waiting = 0

    def _overtaken(self, flight: _Flight) -> bool:
        return flight.turn + OVERTAKEN <= self._latest_arrived

    def _patience(self, flight: _Flight) -> float:
        return self._trip.reordering if self._overtaken(flight) else self._trip.timeout
