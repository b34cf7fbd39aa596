"""
The little that has to be known of H.264 in Annex B form.
"""

from __future__ import annotations

#: The NAL unit type of a sequence parameter set: without one nothing can be decoded.
_SPS = 7


def has_parameters(unit: bytes) -> bool:
    """Whether an access unit has a sequence parameter set, so that decoding can begin with it."""
    at = unit.find(b"\0\0\1")
    while 0 <= at < len(unit) - 3:
        if unit[at + 3] & 0x1F == _SPS:
            return True
        at = unit.find(b"\0\0\1", at + 3)
    return False
