"""Frames of live and playback records."""

from __future__ import annotations

import struct

from twisted.trial.unittest import SynchronousTestCase

from trailcam.artemis.crypto import encipher
from trailcam.artemis.media import FRAME_HEAD_SIZE, FrameHead, decode_frame
from trailcam.errors import LengthMismatch, Truncated


def frame(video: bytes, audio: bytes = b"", behind: bytes = b"") -> bytes:
    """The payload of a record with a frame, every field of its head different."""
    head = struct.pack("<QQ9I", 7, 25_645_156, len(video), len(audio), 1, 1280, 720, 2, 3, 4, 5)
    return head.ljust(FRAME_HEAD_SIZE, b"\0") + video + audio + behind


class FrameTests(SynchronousTestCase):
    """Heads and data."""

    def test_head(self) -> None:
        """Every documented field is where it belongs."""
        self.assertEqual(
            decode_frame(frame(b"abc", b"de")).head,
            FrameHead(
                number=7,
                timestamp=25_645_156,
                video_length=3,
                audio_length=2,
                key_frame=1,
                width=1280,
                height=720,
                audio_format=2,
                frame_type=3,
                wifi_quality=4,
                playback_session=5,
            ),
        )

    def test_video(self) -> None:
        """The video is deciphered, and ends where the head says."""
        clear = b"\0\0\0\1\x41".ljust(96, b"v")
        payload = frame(encipher(clear) + b"rest", b"audio", behind=b"unexplained")
        self.assertEqual(decode_frame(payload).video, clear + b"rest")

    def test_audio_only(self) -> None:
        """A frame may have no video; its audio is enciphered in the same way."""
        clear = b"\xff\xf1".ljust(96, b"a")
        decoded = decode_frame(frame(b"", encipher(clear) + b"rest", behind=b"unexplained"))
        self.assertEqual((decoded.video, decoded.audio), (b"", clear + b"rest"))

    def test_both(self) -> None:
        """With video and audio, the pages run through both."""
        clear = b"v" * 50 + b"a" * 46
        decoded = decode_frame(frame(encipher(clear)[:50], encipher(clear)[50:]))
        self.assertEqual((decoded.video, decoded.audio), (b"v" * 50, b"a" * 46))

    def test_head_cut_short(self) -> None:
        """Less than a head is refused."""
        for size in (0, FRAME_HEAD_SIZE - 1):
            self.assertRaises(Truncated, decode_frame, bytes(size))
        self.assertEqual(decode_frame(bytes(FRAME_HEAD_SIZE)).video, b"")

    def test_lying_lengths(self) -> None:
        """A head that promises more than there is, of video or of both together, is refused."""
        for payload in (frame(b"abc")[:-1], frame(b"abc", b"de")[:-1]):
            self.assertRaises(LengthMismatch, decode_frame, payload)
