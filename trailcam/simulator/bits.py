"""Bits, written one after the other, as H.264 and JPEG want them."""

from __future__ import annotations


class BitWriter:
    """
    Gathers bits, the most significant of each octet first.

    :ivar octets: the whole octets that have been gathered.
    """

    __slots__ = ("_count", "_value", "octets")

    def __init__(self) -> None:
        self.octets = bytearray()
        self._value = 0
        self._count = 0

    def write(self, value: int, count: int) -> None:
        """Write the ``count`` lowest bits of ``value``, which must have no others."""
        self._value = self._value << count | value
        self._count += count
        while self._count >= 8:
            self._count -= 8
            self.octets.append(self._value >> self._count)
            self._value &= (1 << self._count) - 1

    def write_ue(self, value: int) -> None:
        """Write an unsigned Exp-Golomb number, H.264's ``ue(v)``."""
        length = (value + 1).bit_length()
        self.write(value + 1, 2 * length - 1)

    def write_se(self, value: int) -> None:
        """Write a signed Exp-Golomb number, H.264's ``se(v)``."""
        self.write_ue(2 * value - 1 if value > 0 else -2 * value)

    def align(self, bit: int) -> None:
        """Fill the last octet with ``bit``, 0 or 1."""
        missing = -self._count % 8
        self.write((1 << missing) - 1 if bit else 0, missing)

    def write_octets(self, octets: bytes) -> None:
        """Write whole octets; only where an octet begins."""
        self.octets += octets
