"""Secrets of devices, as text and as octets."""

from __future__ import annotations

import random
import secrets

from twisted.trial.unittest import SynchronousTestCase

from trailcam.errors import WireError
from trailcam.wire.dsk import DSK_SIZE, dsk_from_text, new_secret


class TextTests(SynchronousTestCase):
    """Secrets that people type."""

    def test_full_length(self) -> None:
        """24 characters are 24 octets."""
        text = "abcdefghijklmnopqrstuvwx"
        self.assertEqual(dsk_from_text(text), text.encode())

    def test_shorter(self) -> None:
        """A shorter one is NUL-padded."""
        self.assertEqual(dsk_from_text("eightabc"), b"eightabc" + bytes(16))
        self.assertEqual(dsk_from_text("eightabc!"), b"eightabc!" + bytes(15))

    def test_every_visible_character(self) -> None:
        """Any visible ASCII character will do."""
        visible = [chr(code) for code in range(0x21, 0x7F)]
        for start in range(0, len(visible) - 8, 8):
            text = "".join(visible[start : start + 8])
            self.assertEqual(dsk_from_text(text).rstrip(b"\0"), text.encode())

    def refused(self, text: str, said: str) -> None:
        """``text`` is no secret; the complaint does not show it."""
        complaint = str(self.assertRaises(WireError, dsk_from_text, text))
        self.assertIn(said, complaint)
        if text:
            self.assertNotIn(text, complaint)

    def test_length(self) -> None:
        """Too short, and too long."""
        for text in ("", "sevenab", "abcdefghijklmnopqrstuvwxy", "x" * 100_000):
            self.refused(text, f"8 to 24 characters, not {len(text)}")

    def test_characters(self) -> None:
        """Anything else than visible ASCII."""
        for text in (
            "with space",
            "pässword",
            "new\nline!",
            "tabu\tlator",
            "nul\0nul\0nul",
            "८" * 8,
        ):
            self.refused(text, "visible ASCII")


class NewTests(SynchronousTestCase):
    """Secrets that we make."""

    def test_can_be_read(self) -> None:
        """A new one is a secret of full length, made of signs that are not mistaken."""
        text = new_secret(random.Random(1).randbytes)
        self.assertEqual(len(text), DSK_SIZE)
        self.assertEqual(dsk_from_text(text), text.encode())
        self.assertEqual(set(text) & set("lo01LO"), set())

    def test_every_bit_counts(self) -> None:
        """Each of 32 values of an octet gives another sign: five bits each, 120 in all."""
        signs = {new_secret(lambda size, octet=octet: bytes([octet]) * size) for octet in range(32)}
        self.assertEqual(len(signs), 32)

    def test_evenly(self) -> None:
        """Each sign is made by as many values of an octet."""
        made = [new_secret(lambda size, octet=octet: bytes([octet]) * size) for octet in range(256)]
        self.assertEqual({made.count(text) for text in made}, {8})

    def test_from_the_system(self) -> None:
        """Two are never the same."""
        self.assertNotEqual(new_secret(secrets.token_bytes), new_secret(secrets.token_bytes))
