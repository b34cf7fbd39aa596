"""
What the camera sends: octets by chance, but the same ones for the same seed, so that whoever knows
the seed can tell whether every octet came once and in its place.
"""

from __future__ import annotations

import hashlib
import random
from typing import Final

SEED: Final = 1

#: Payloads until they repeat: a prime, so that a piece that was taken for one 65 536 earlier or
#: later, or a window away, is seen.
PERIOD: Final = 4093

#: Payloads of one picture, as a camera with live view frames it, and what begins one.
FRAME: Final = 64
_FRAME_HEAD: Final = b"\x55\xaa\x15\xa8\x03".ljust(32, b"\0")

#: Begins all others: none of them may look like a picture or a command.
_PLAIN: Final = b"\xff"


class Content:
    """A stream without end, in payloads of ``chunk`` octets."""

    def __init__(self, chunk: int, seed: int = SEED) -> None:
        chance = random.Random(seed)
        self.chunk = chunk
        self._payloads = [self._payload(number, chance) for number in range(PERIOD)]

    def _payload(self, number: int, chance: random.Random) -> bytes:
        head = _PLAIN if number % FRAME else _FRAME_HEAD
        return (head + chance.randbytes(self.chunk))[: self.chunk]

    def packets(self, octets: int) -> int:
        """How many payloads so many octets take."""
        return -(-octets // self.chunk)

    def payload(self, number: int, octets: int) -> bytes:
        """The payload with this number of a stream of so many octets; the last may be short."""
        whole = self._payloads[number % PERIOD]
        left = octets - number * self.chunk
        return whole if left >= self.chunk else whole[:left]

    def digest(self, octets: int) -> str:
        """SHA-256 of so many octets, in hexadecimal digits."""
        summed = hashlib.sha256()
        for number in range(self.packets(octets)):
            summed.update(self.payload(number, octets))
        return summed.hexdigest()
