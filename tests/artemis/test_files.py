"""Files of thumbnail and photo records."""

from __future__ import annotations

import struct

from twisted.trial.unittest import SynchronousTestCase

from trailcam.artemis.files import FILE_HEAD_SIZE, FileHead, decode_file
from trailcam.errors import LengthMismatch, Truncated


def file(data: bytes, camera: bytes = b"00:11:22:33:44:55", length: int | None = None) -> bytes:
    """The payload of a record with a file, every field of its head different."""
    promised = len(data) if length is None else length
    head = struct.pack("<32sHHI8sI", camera, 100, 318, promised, b"checksum", 3361310203)
    return head.ljust(FILE_HEAD_SIZE, b"\0") + data


class FileTests(SynchronousTestCase):
    """Heads and data."""

    def test_file(self) -> None:
        """Every documented field is where it belongs, and the file ends where the head says."""
        head, data = decode_file(file(b"jpeg") + b"behind")
        self.assertEqual(data, b"jpeg")
        self.assertEqual(
            head,
            FileHead(
                camera="00:11:22:33:44:55",
                directory=100,
                number=318,
                length=4,
                check=b"checksum",
                media_id=3361310203,
            ),
        )

    def test_strange_camera(self) -> None:
        """A name that is no text does not spoil the file."""
        head, data = decode_file(file(b"jpeg", camera=b"\xff" * 32))
        self.assertEqual((len(head.camera), data), (32, b"jpeg"))

    def test_head_cut_short(self) -> None:
        """Less than a head is refused; an empty file is none of that."""
        for size in (0, FILE_HEAD_SIZE - 1):
            self.assertRaises(Truncated, decode_file, bytes(size))
        self.assertEqual(decode_file(bytes(FILE_HEAD_SIZE))[1], b"")

    def test_lying_length(self) -> None:
        """A head that promises more than there is, is refused."""
        self.assertRaises(LengthMismatch, decode_file, file(b"jpeg", length=5))
