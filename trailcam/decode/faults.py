"""What could not be read: the first faults of a recording, and how many there are."""

from __future__ import annotations

import math
from typing import Final

import attrs

#: Faults of one recording that are kept; a file full of them must not fill the memory.
MOST_FAULTS: Final = 1000


@attrs.frozen
class Fault:
    """
    Something that could not be read.

    :ivar number: number of the packet at fault.
    """

    number: int
    why: str


class Faults:
    """
    Collects faults, which come in nearly any order.

    :ivar count: all that were added.
    """

    def __init__(self) -> None:
        self.count = 0
        self._kept: list[Fault] = []
        self._end: float = math.inf

    def add(self, number: int, why: str) -> None:
        """The packet of this number is at fault."""
        self.count += 1
        if number < self._end:
            self._kept.append(Fault(number, why))
            if len(self._kept) >= 2 * MOST_FAULTS:
                self._kept = self.first()
                self._end = self._kept[-1].number

    def first(self) -> list[Fault]:
        """The first :data:`MOST_FAULTS` by number; those of one packet as they came."""
        return sorted(self._kept, key=lambda fault: fault.number)[:MOST_FAULTS]
