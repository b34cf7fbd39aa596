"""
The secret of a device (DSK) as people write it, and as the wire carries it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from trailcam.errors import WireError

#: Octets of a secret on the wire.
DSK_SIZE: Final = 24

_SHORTEST = 8
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 signs, without those that look alike


def dsk_from_text(text: str) -> bytes:
    """
    The 24 octets of a secret: its text, NUL-padded.

    :param text: 8 to 24 visible ASCII characters without spaces.
    :raises WireError: for anything else; the message does not show the text.
    """
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise WireError("a secret is written in visible ASCII characters without spaces")
    if not _SHORTEST <= len(text) <= DSK_SIZE:
        raise WireError(f"a secret has {_SHORTEST} to {DSK_SIZE} characters, not {len(text)}")
    return text.encode().ljust(DSK_SIZE, b"\0")


def new_secret(token_bytes: Callable[[int], bytes]) -> str:
    """
    A secret of 24 characters, 120 random bits.

    :param token_bytes: makes random octets, as :func:`secrets.token_bytes` does.
    """
    return "".join(_ALPHABET[octet % len(_ALPHABET)] for octet in token_bytes(DSK_SIZE))


__all__ = ["DSK_SIZE", "dsk_from_text", "new_secret"]
