"""
What one channel receives: pieces in any order become octets in order, once.
"""

from __future__ import annotations

from typing import Final

from trailcam.session.sequence import unwrapped

#: Octets that wait for a reader before the other side has to wait, too.
MOST_WAITING: Final = 256 * 1024
#: Pieces that may be ahead of a missing one; cameras have been seen 120 ahead.
MOST_AHEAD: Final = 1024


class Incoming:
    """
    One direction of one channel.

    :ivar ready: pieces in order, for the reader to take.
    :ivar waiting: octets in :attr:`ready`; who takes from it says so by :meth:`take`.
    :ivar doubled: pieces that had come before.
    :ivar refused: pieces that there was no room for.
    """

    def __init__(self) -> None:
        self.ready: list[bytes] = []
        self.waiting = 0
        self.doubled = 0
        self.refused = 0
        self._next = 0
        self._early: dict[int, bytes] = {}

    def receive(self, index: int, payload: bytes) -> bool:
        """
        A piece came.

        :return: whether to acknowledge it; one that is not is sent again later.
        """
        number = unwrapped(index, self._next)
        if number == self._next:
            if self.waiting >= MOST_WAITING:
                self.refused += 1
                return False
            self._append(payload)
            while self._early and (early := self._early.pop(self._next, None)) is not None:
                self._append(early)
            return True
        if number < self._next or number in self._early:
            self.doubled += 1
            return True
        if number >= self._next + MOST_AHEAD or self.waiting >= MOST_WAITING:
            self.refused += 1
            return False
        self._early[number] = payload
        return True

    def take(self) -> bytes:
        """The next octets in order, of which there must be some; empties :attr:`ready`."""
        ready = self.ready
        data = ready[0] if len(ready) == 1 else b"".join(ready)
        ready.clear()
        self.waiting = 0
        return data

    def forget(self) -> None:
        """Nothing is kept any more."""
        self.ready.clear()
        self._early.clear()
        self.waiting = 0

    def _append(self, payload: bytes) -> None:
        if payload:  # what is empty would wait without counting
            self.ready.append(payload)
            self.waiting += len(payload)
        self._next += 1
