"""
The 16-bit numbers on the wire, as whole numbers that never wrap.  Protocol: DRW reliability.
"""

from __future__ import annotations

_MASK = 0xFFFF
_HALF = 0x8000


def wrapped(number: int) -> int:
    """The index that stands for ``number`` on the wire."""
    return number & _MASK


def unwrapped(index: int, near: int) -> int:
    """The number that ``index`` stands for: the one closest to ``near``, which may be negative."""
    return near + ((index - near + _HALF) & _MASK) - _HALF
