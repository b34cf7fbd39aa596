"""The ciphers of command payloads and of media pages, against recorded octets."""

from __future__ import annotations

import base64
import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trailcam.artemis.crypto import (
    PAGE,
    Side,
    decipher,
    decipher_pages,
    encipher,
    encipher_pages,
    seal,
    unseal,
    unseal_beginning,
)
from trailcam.errors import CipherError

HEARTBEAT = b"MzlB36X/IVo8ZzI5rG9j1w==\0"
TEXTS = st.binary(min_size=1, max_size=100).filter(lambda text: 0 not in text)


class PayloadTests(SynchronousTestCase):
    """Command and answer payloads."""

    def test_recorded_heartbeat(self) -> None:
        """A client's payload opens; the left-over octets behind the text's NUL are cut."""
        self.assertEqual(unseal(HEARTBEAT), b'{"cmdId":525}')
        self.assertEqual(decipher(base64.b64decode(HEARTBEAT[:-1])), b'{"cmdId":525}\x005\n')

    def test_same_octets_again(self) -> None:
        """With the same left-over octets the payload is the client's, octet for octet."""
        self.assertEqual(seal(b'{"cmdId":525}\x005\n', Side.CLIENT), HEARTBEAT)

    def test_nuls_behind(self) -> None:
        """A client writes one NUL, a camera 21; the length of a device info shows it."""
        self.assertEqual(len(seal(bytes(2286), Side.CAMERA)), 3052 + 21)
        self.assertEqual(len(seal(bytes(2286), Side.CLIENT)), 3052 + 1)

    def test_filled_with_nuls(self) -> None:
        """The text is filled up to whole blocks, and not at all when it fits."""
        for size, blocks in ((0, 0), (1, 1), (15, 1), (16, 1), (17, 2)):
            sealed = base64.b64decode(seal(b"x" * size, Side.CLIENT).rstrip(b"\0"))
            self.assertEqual(decipher(sealed), (b"x" * size).ljust(16 * blocks, b"\0"))

    def test_no_nul_at_all(self) -> None:
        """Neither behind the base64 text nor behind the clear text is a NUL required."""
        self.assertEqual(unseal(seal(b"x" * 16, Side.CLIENT).rstrip(b"\0")), b"x" * 16)

    @settings(max_examples=50, deadline=None)
    @given(TEXTS, st.sampled_from(Side))
    def test_round_trip(self, text: bytes, side: Side) -> None:
        """What is sealed by either side opens."""
        self.assertEqual(unseal(seal(text, side)), text)

    def test_not_base64(self) -> None:
        """Other octets are refused."""
        for payload in (b"!!!!", b"abc", b"\xff\xfe\xfd\xfc", b"MzlB 36X"):
            self.assertRaises(CipherError, unseal, payload)

    def test_not_whole_blocks(self) -> None:
        """Base64 of a part of a block is refused."""
        error = self.assertRaises(CipherError, unseal, base64.b64encode(b"x" * 17))
        self.assertIn("17", str(error))

    def test_empty(self) -> None:
        """Nothing opens to nothing."""
        self.assertEqual(unseal(b"\0" * 21), b"")

    @settings(max_examples=50, deadline=None)
    @given(st.binary(max_size=80))
    def test_anything(self, payload: bytes) -> None:
        """Nothing but CipherError is raised."""
        try:
            unseal(payload)
        except CipherError as error:
            self.assertEqual(error.code, "cipher")
        self.assertIsInstance(unseal_beginning(payload), bytes)


class BeginningTests(SynchronousTestCase):
    """Payloads of which only the beginning was recorded."""

    def test_every_length(self) -> None:
        """However much is there, the text of the whole blocks is read."""
        text = bytes(range(1, 100))
        sealed = seal(text, Side.CAMERA)
        for count in range(len(sealed)):
            blocks = min(count // 4 * 4, 152) * 3 // 4 // 16
            self.assertEqual(unseal_beginning(sealed[:count]), text[: 16 * blocks], count)

    def test_not_base64(self) -> None:
        """What does not open is empty, not an error."""
        self.assertEqual(unseal_beginning(b"\xff" * 40), b"")


class PageTests(SynchronousTestCase):
    """Media data, enciphered at the beginning of every page."""

    def test_pages(self) -> None:
        """96 octets of every page are deciphered, the others left alone."""
        clear = bytes(n % 251 for n in range(2 * PAGE + 200))
        wire = b"".join(
            encipher(clear[start : start + 96]) + clear[start + 96 : start + PAGE]
            for start in (0, PAGE, 2 * PAGE)
        )
        self.assertEqual(decipher_pages(wire), clear)
        self.assertEqual(encipher_pages(clear), wire)

    def test_short_last_page(self) -> None:
        """A last page of less than 96 octets is clear; one of 96 is not."""
        self.assertEqual(decipher_pages(b"x" * 95), b"x" * 95)
        self.assertEqual(decipher_pages(encipher(b"x" * 96)), b"x" * 96)
        page = encipher(b"y" * 96) + bytes(PAGE - 96)
        self.assertEqual(decipher_pages(page + b"z" * 95)[PAGE:], b"z" * 95)

    def test_empty(self) -> None:
        """No data, no page."""
        self.assertEqual(decipher_pages(b""), b"")
        self.assertEqual(encipher_pages(b""), b"")

    @settings(max_examples=50, deadline=None)
    @given(st.integers(0, 3 * PAGE), st.binary(min_size=1, max_size=20))
    def test_round_trip(self, size: int, pattern: bytes) -> None:
        """What is enciphered is deciphered, at any size, and keeps its size."""
        clear = (pattern * size)[:size]
        enciphered = encipher_pages(clear)
        self.assertEqual(len(enciphered), size)
        self.assertEqual(decipher_pages(enciphered), clear)


class ImportTests(SynchronousTestCase):
    """What an import costs."""

    def test_library_is_loaded_late(self) -> None:
        """Neither this room nor the decoder loads the cipher library before it is needed."""
        code = (
            "import sys, trailcam.decode, trailcam.artemis.crypto as c\n"
            "early = 'cryptography' in sys.modules\n"
            "c.encipher(bytes(16))\n"
            "sys.exit(early or 'cryptography' not in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)})
        self.assertEqual(done.returncode, 0)
