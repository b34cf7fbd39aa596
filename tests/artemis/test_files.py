"""Files of photo and thumbnail records."""

from __future__ import annotations

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trailcam.artemis.files import (
    FILE_HEAD_SIZE,
    File,
    FileHead,
    check_of,
    decode_file,
    decode_file_head,
    encode_file,
)
from trailcam.errors import LengthMismatch, Truncated, WireError

JPEG = b"\xff\xd8\xff" + bytes(range(100)) + b"\xff\xd9"
HEAD = FileHead("00:11:22:33:44:55", 0x1234, 0x5678, len(JPEG), JPEG[-8:], 0x89ABCDEF)

U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFF_FFFF)
DEVICES = st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=32)


class HeadTests(SynchronousTestCase):
    """The 72 octets before a file."""

    def test_layout(self) -> None:
        """Every field is where it belongs, little-endian; the rest is zero."""
        octets = encode_file(File(HEAD, JPEG))
        self.assertEqual(octets[:32], b"00:11:22:33:44:55".ljust(32, b"\0"))
        self.assertEqual(octets[32:36].hex(), "34127856")
        self.assertEqual(int.from_bytes(octets[36:40], "little"), len(JPEG))
        self.assertEqual(octets[40:48], JPEG[-8:])
        self.assertEqual(octets[48:52].hex(), "efcdab89")
        self.assertEqual(octets[52:72], bytes(20))
        self.assertEqual(octets[72:], JPEG)

    def test_does_not_fit(self) -> None:
        """What is too large for its field is refused, not cut."""
        for change in (
            {"device": "x" * 33},
            {"device": "käse"},
            {"directory": 65536},
            {"number": -1},
            {"length": 2**32},
            {"check": b"seven.."},
            {"check": b"nine....."},
            {"media_id": 2**32},
        ):
            self.assertRaises(WireError, attrs.evolve(HEAD, **change).to_bytes)

    def test_hostile_device(self) -> None:
        """A device's name of any octets is read."""
        octets = b"\xff" * 32 + HEAD.to_bytes()[32:]
        self.assertEqual(decode_file_head(octets).device, "\N{REPLACEMENT CHARACTER}" * 32)

    def test_cut_short(self) -> None:
        """Less than a head is refused; a head alone can be read."""
        octets = encode_file(File(HEAD, JPEG))
        for size in (0, FILE_HEAD_SIZE - 1):
            self.assertRaises(Truncated, decode_file, octets[:size])
            self.assertRaises(Truncated, decode_file_head, octets[:size])
        self.assertEqual(decode_file_head(octets[:FILE_HEAD_SIZE]), HEAD)


class FileTests(SynchronousTestCase):
    """Head and data."""

    def test_lying_lengths(self) -> None:
        """A head that promises more than there is is refused; one that promises less is not."""
        octets = encode_file(File(HEAD, JPEG))
        self.assertRaises(LengthMismatch, decode_file, octets[:-1])
        huge = octets[:36] + b"\xff" * 4 + octets[40:]
        self.assertRaises(LengthMismatch, decode_file, huge)
        self.assertEqual(decode_file(octets + b"unexplained"), File(HEAD, JPEG))

    def test_wrong_length_is_not_written(self) -> None:
        """The head must have the length of the data."""
        self.assertRaises(LengthMismatch, encode_file, File(HEAD, JPEG + b"x"))

    def test_intact(self) -> None:
        """The last 8 octets tell whether the file is what was sent."""
        self.assertTrue(File(HEAD, JPEG).intact)
        self.assertFalse(File(HEAD, JPEG[:-1] + b"x").intact)

    def test_short_files(self) -> None:
        """A file of less than 8 octets has check data, too."""
        self.assertEqual(check_of(b"abc"), b"abc\0\0\0\0\0")
        self.assertEqual(check_of(b""), bytes(8))

    @settings(max_examples=50, deadline=None)
    @given(DEVICES, U16, U16, U32, st.binary(max_size=300))
    def test_round_trip(
        self, device: str, directory: int, number: int, media_id: int, data: bytes
    ) -> None:
        """What is written is read again."""
        head = FileHead(device, directory, number, len(data), check_of(data), media_id)
        file = File(head, data)
        self.assertEqual(decode_file(encode_file(file)), file)

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=200))
    def test_anything(self, payload: bytes) -> None:
        """Nothing but WireError is raised."""
        try:
            file = decode_file(payload)
        except WireError:
            return
        self.assertEqual(len(file.data), file.head.length)
