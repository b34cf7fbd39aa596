"""Frames of live and playback records."""

from __future__ import annotations

import struct

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trailcam.artemis.crypto import encipher, encipher_pages
from trailcam.artemis.media import (
    FRAME_HEAD_SIZE,
    Frame,
    FrameHead,
    decode_frame,
    encode_frame,
)
from trailcam.errors import LengthMismatch, Truncated, WireError

U32 = st.integers(0, 0xFFFF_FFFF)
U64 = st.integers(0, 0xFFFF_FFFF_FFFF_FFFF)


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
        """A frame may have no video."""
        read = decode_frame(frame(b"", b"audio", behind=b"unexplained"))
        self.assertEqual((read.video, read.audio), (b"", b"audio"))

    def test_audio_of_playback(self) -> None:
        """The audio of a record without video is deciphered."""
        clear = b"\xff\xf1".ljust(150, b"a")
        self.assertEqual(decode_frame(frame(b"", encipher_pages(clear))).audio, clear)

    def test_pages_of_both(self) -> None:
        """The pages run through video and audio together."""
        video, audio = bytes(4000), b"a" * 300
        read = decode_frame(frame(*_cut(encipher_pages(video + audio), 4000)))
        self.assertEqual((read.video, read.audio), (video, audio))

    def test_head_cut_short(self) -> None:
        """Less than a head is refused."""
        for size in (0, FRAME_HEAD_SIZE - 1):
            self.assertRaises(Truncated, decode_frame, bytes(size))
        self.assertEqual(decode_frame(bytes(FRAME_HEAD_SIZE)).video, b"")

    def test_lying_lengths(self) -> None:
        """A head that promises more than there is, of video or of both together, is refused."""
        for payload in (frame(b"abc")[:-1], frame(b"abc", b"de")[:-1]):
            self.assertRaises(LengthMismatch, decode_frame, payload)


class WrittenFrameTests(SynchronousTestCase):
    """Frames, written."""

    def test_layout(self) -> None:
        """The head's fields are where a reader of the recorded frame finds them."""
        head = FrameHead(7, 25_645_156, 3, 2, 1, 1280, 720, 2, 3, 4, 5)
        octets = encode_frame(Frame(head, b"abc", b"de"))
        self.assertEqual(octets[:52], frame(b"abc", b"de")[:52])
        self.assertEqual(octets[52:56], b"\1\0\0\0")
        self.assertEqual(octets[FRAME_HEAD_SIZE:], b"abcde")

    def test_repeated_tail(self) -> None:
        """As in the recorded frame, reserved octets repeat the end of the video."""
        video = b"v" * 96 + b"last"
        octets = encode_frame(Frame(FrameHead(1, 2, len(video)), video))
        self.assertEqual(octets[56:FRAME_HEAD_SIZE], bytes(10) + b"last" + bytes(38))

    def test_wrong_lengths(self) -> None:
        """The head must have the lengths of the data."""
        for head in (FrameHead(1, 2, 4, 2), FrameHead(1, 2, 3, 1)):
            self.assertRaises(LengthMismatch, encode_frame, Frame(head, b"abc", b"de"))

    def test_does_not_fit(self) -> None:
        """A number too large for its field is refused."""
        head = FrameHead(1, 2)
        for change in ({"number": 2**64}, {"timestamp": -1}, {"width": 2**32}):
            self.assertRaises(WireError, encode_frame, Frame(attrs.evolve(head, **change), b""))

    @settings(max_examples=50, deadline=None)
    @given(U64, U64, U32, U32, st.integers(0, 9000), st.integers(0, 9000))
    def test_round_trip(
        self, number: int, time: int, width: int, session: int, video: int, audio: int
    ) -> None:
        """What is written is read again, at any length of video and audio."""
        head = FrameHead(number, time, video, audio, 1, width, 720, playback_session=session)
        written = Frame(head, _octets(video, 1), _octets(audio, 7))
        self.assertEqual(decode_frame(encode_frame(written)), written)

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=300))
    def test_anything(self, payload: bytes) -> None:
        """Nothing but WireError is raised."""
        try:
            read = decode_frame(payload)
        except WireError:
            return
        self.assertEqual(len(read.video), read.head.video_length)


def _cut(data: bytes, at: int) -> tuple[bytes, bytes]:
    return data[:at], data[at:]


def _octets(count: int, step: int) -> bytes:
    return bytes(n * step % 251 for n in range(count))
