"""Text from outside, for terminals."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text as one line that a terminal cannot mistake for orders."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
