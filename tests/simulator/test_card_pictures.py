"""Photos and thumbnails made by hand, and thumbnails found; Pillow and ffmpeg read them."""

from __future__ import annotations

import hashlib
import random
import struct

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trailcam.simulator.exif import embedded_thumbnail
from trailcam.simulator.jpeg import make_jpeg, padded
from trailcam.simulator.pattern import colour_of, photo_of, stripes_of, thumbnail_of

THUMBNAIL = b"\xff\xd8tiny\xff\xd9"
SMALL = make_jpeg(4, 3, lambda column, row: (column * 60, 128, row * 100))


def segments(jpeg: bytes) -> list[tuple[int, bytes]]:
    """Markers and payloads up to the scan, this read without the help of the product."""
    assert jpeg[:2] == b"\xff\xd8"
    assert jpeg[-2:] == b"\xff\xd9"
    found, at = [], 2
    while True:
        assert jpeg[at] == 0xFF
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        found.append((marker, jpeg[at + 4 : at + 2 + length]))
        if marker == 0xDA:
            return found
        at += 2 + length


class JpegTests(SynchronousTestCase):
    """Made pictures."""

    def test_segments(self) -> None:
        """All that a decoder needs is there, with the size in pixels."""
        found = segments(SMALL)
        self.assertEqual([m for m, _ in found], [0xE0, 0xDB, 0xC0, 0xC4, 0xC4, 0xDA])
        self.assertEqual(found[2][1][:5], struct.pack(">BHH", 8, 24, 32))

    def test_octets(self) -> None:
        """These octets were decoded by Pillow and by ffmpeg."""
        self.assertEqual(hashlib.sha256(SMALL).hexdigest()[:16], "ec447caf9c4ebcd9")

    def test_extremes(self) -> None:
        """The largest steps of a colour can be written, and no marker is in the scan."""
        jpeg = make_jpeg(8, 8, lambda column, row: (255 * (column % 2), 0, 255))
        scan = jpeg[jpeg.index(b"\xff\xda") + 2 : -2]
        self.assertEqual(scan.count(b"\xff"), scan.count(b"\xff\0"))

    @settings(max_examples=40, deadline=None)
    @given(st.integers(4, 140_000))
    def test_padded(self, more: int) -> None:
        """Comments bring a picture to exactly the size that is asked for."""
        jpeg = padded(SMALL, len(SMALL) + more, random.Random(1))
        self.assertEqual(len(jpeg), len(SMALL) + more)
        found = segments(jpeg)
        self.assertEqual([s for s in found if s[0] != 0xFE], segments(SMALL))
        for _, text in (s for s in found if s[0] == 0xFE):
            self.assertNotIn(b"\xff", text)

    def test_padded_at_the_border(self) -> None:
        """Around the largest comment, too."""
        for more in range(65537 - 5, 65537 + 12):
            self.assertEqual(
                len(padded(SMALL, len(SMALL) + more, random.Random(1))) - len(SMALL), more
            )

    def test_no_room(self) -> None:
        """A picture is not made smaller, nor longer by less than a comment takes."""
        for size in (0, len(SMALL), len(SMALL) + 3):
            self.assertEqual(padded(SMALL, size, random.Random(1)), SMALL)


class PatternTests(SynchronousTestCase):
    """What they show."""

    def test_size(self) -> None:
        """Photos and thumbnails are as large as asked for."""
        self.assertEqual(len(photo_of(318, 20_000, random.Random(1))), 20_000)
        self.assertEqual(len(thumbnail_of(318, 5_000, random.Random(1))), 5_000)

    def test_small(self) -> None:
        """Without comments they are small."""
        self.assertLess(len(photo_of(9999, 0, random.Random(1))), 12_000)
        self.assertLess(len(thumbnail_of(9999, 0, random.Random(1))), 4_000)

    def test_different(self) -> None:
        """Each number looks different, and the same every time."""
        made = {photo_of(number, 0, random.Random(1)) for number in range(1, 30)}
        self.assertEqual(len(made), 29)
        self.assertIn(photo_of(7, 0, random.Random(2)), made)
        self.assertEqual(len({colour_of(number) for number in range(241)}), 176)
        self.assertEqual(len(stripes_of(1)), 4)


def exif(
    order: str, thumbnail: bytes, start: int | None = None, length: int | None = None
) -> bytes:
    """A JPEG with a thumbnail in EXIF data; ``start`` and ``length`` may lie."""
    tiff = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, 8)
    tiff += struct.pack(order + "HHHIII", 1, 0x010F, 2, 1, 0, 26)
    at = len(tiff) + 2 + 24 + 4
    tiff += struct.pack(
        order + "HHHIIHHIII",
        *(2, 0x0201, 4, 1, at if start is None else start),
        *(0x0202, 4, 1, len(thumbnail) if length is None else length, 0),
    )
    payload = b"Exif\0\0" + tiff + thumbnail
    app0 = b"\xff\xe0\0\4ab"
    return b"\xff\xd8" + app0 + struct.pack(">HH", 0xFFE1, len(payload) + 2) + payload + SMALL[2:]


class ExifTests(SynchronousTestCase):
    """Thumbnails in the user's photos."""

    def test_found(self) -> None:
        """In either order of octets."""
        for order in "<>":
            self.assertEqual(embedded_thumbnail(exif(order, THUMBNAIL)), THUMBNAIL)

    def test_none(self) -> None:
        """Photos without EXIF data, or without a second directory, have none."""
        self.assertIsNone(embedded_thumbnail(SMALL))
        whole = exif("<", THUMBNAIL)
        at = whole.index(b"II") + 22
        self.assertIsNone(embedded_thumbnail(whole[:at] + bytes(4) + whole[at + 4 :]))

    def test_lies(self) -> None:
        """Pointers behind the end, and to what is no JPEG, find nothing."""
        for start, length in ((2**32 - 1, None), (None, 2**32 - 1), (0, None), (None, 0)):
            self.assertIsNone(embedded_thumbnail(exif("<", THUMBNAIL, start, length)))

    def test_cut_anywhere(self) -> None:
        """However a file ends, nothing is raised."""
        whole = exif(">", THUMBNAIL)
        for size in range(len(whole)):
            self.assertIn(embedded_thumbnail(whole[:size]), (None, THUMBNAIL))

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=100))
    def test_anything(self, octets: bytes) -> None:
        """Nothing is raised."""
        embedded_thumbnail(octets)
        payload = b"Exif\0\0" + octets
        embedded_thumbnail(b"\xff\xd8" + struct.pack(">HH", 0xFFE1, len(payload) + 2) + payload)
