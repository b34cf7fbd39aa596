"""MP4 files; with PyAV where it is installed, and without it."""

from __future__ import annotations

import importlib
import os
from fractions import Fraction
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from trailcam.camera import mp4
from trailcam.camera.mp4 import Mp4Writer, available
from trailcam.camera.sinks import VideoHead
from trailcam.errors import MediaTruncated, VideoLibraryMissing

#: For the ``skip`` attribute of a test.
MISSING = None if available() else "PyAV is not installed (pip install trailcam[video])"

HEAD = VideoHead(320, 176, 30, 1.0)


def units(count: int) -> list[tuple[bytes, bool]]:
    """Access units of a video, and which are key frames."""
    av: Any = importlib.import_module("av")
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 320, 176, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 30), 30
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "g": "15"}
    packets = []
    for number in range(count):
        frame = av.VideoFrame(320, 176, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([number * 5 % 256]) * plane.buffer_size)
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return [(bytes(packet), packet.is_keyframe) for packet in packets]


#: A frame of silence: AAC-LC, 16 kHz, mono, with its ADTS head.
SILENCE = bytes.fromhex("fff16040017ffc") + bytes.fromhex("01182007")


class Mp4Tests(SynchronousTestCase):
    """Files that players can play."""

    skip = MISSING

    def setUp(self) -> None:
        """Begin."""
        self.path = self.mktemp()
        self.writer = Mp4Writer(self.path)
        self.writer.head(HEAD)

    def write(self, *, count: int = 30, sound: bool = True, start: float = 5.0) -> None:
        """Write a second of video, and sound."""
        for number, (data, key) in enumerate(units(count)):
            self.writer.video(data, start + number / 30, key)
            if sound and number % 2:
                self.writer.audio(SILENCE, start + number / 30)

    def streams(self) -> dict[str, tuple[int, float]]:
        """Frames and seconds of what is in the file; every frame of video can be decoded."""
        av: Any = importlib.import_module("av")
        with av.open(self.path) as opened:
            found = {
                stream.type: (stream.frames, round(float(stream.duration * stream.time_base), 2))
                for stream in opened.streams
            }
        with av.open(self.path) as opened:
            decoded = sum(1 for _ in opened.decode(video=0))
        self.assertEqual(decoded, found["video"][0])
        return found

    def test_both(self) -> None:
        """Video and sound are there, as long as they were."""
        self.write()
        self.writer.close()
        self.writer.close()
        found = self.streams()
        self.assertEqual(found["video"], (30, 1.0))
        self.assertEqual(found["audio"][0], 15)
        self.assertEqual(self.writer.dropped, 0)

    def test_without_sound(self) -> None:
        """Video alone is a file, too, whether it is short or long."""
        for count in (10, 120):
            self.setUp()
            self.write(count=count, sound=False)
            self.writer.close()
            self.assertEqual(self.streams(), {"video": (count, round(count / 30, 2))})

    def test_late_start(self) -> None:
        """Frames that nothing can be decoded from are dropped, as is late sound."""
        recorded = units(30)
        for number, (data, key) in enumerate(recorded[1:] + recorded * 4):
            self.writer.video(data, number / 30, key)
        self.writer.audio(SILENCE, 1.0)
        self.writer.close()
        self.assertEqual(self.writer.dropped, 1 + 14)
        self.assertEqual(list(self.streams()), ["video"])

    def test_early_sound(self) -> None:
        """Sound before the first picture is dropped, and yet says that there is sound."""
        self.writer.audio(SILENCE, 4.9)
        self.write(count=4)
        self.writer.close()
        self.assertEqual(self.writer.dropped, 1)
        self.assertEqual(
            {kind: n for kind, (n, _) in self.streams().items()}, {"video": 4, "audio": 2}
        )

    def test_strange_time(self) -> None:
        """Time stamps that jump, stand or go back make no gaps and no failure."""
        stamps = [9.0, 9.0, 8.0, 2.0**64, 0.0, 1.8e16, *(1.8e16 for _ in range(24))]
        for (data, key), timestamp in zip(units(30), stamps, strict=True):
            self.writer.video(data, timestamp, key)
        self.writer.close()
        frames, seconds = self.streams()["video"]
        self.assertEqual(frames, 30)
        self.assertLess(seconds, 1.1)

    def test_no_sound_format(self) -> None:
        """Sound that is none is dropped."""
        for number, (data, key) in enumerate(units(10)):
            self.writer.video(data, number / 30, key)
            self.writer.audio(b"noise" * 20, number / 30)
        self.writer.close()
        self.assertEqual(list(self.streams()), ["video"])

    def test_nothing(self) -> None:
        """Without a frame to begin with there is no file, and that is said."""
        for data in (b"", b"\0\0\1", b"\0\0\0\1\x41rest", b"\0\0\0\1\x67nonsense"):
            self.writer.video(data, 0.0, True)
        self.assertRaises(MediaTruncated, self.writer.close)
        self.assertFalse(os.path.exists(self.path))

    def test_discard(self) -> None:
        """Nothing stays of a video that is not wanted any more."""
        self.writer.discard()
        self.setUp()
        self.write()
        self.assertTrue(os.path.exists(self.path))
        self.writer.discard()
        self.writer.discard()
        self.assertFalse(os.path.exists(self.path))


class MissingTests(SynchronousTestCase):
    """Without PyAV."""

    def test_missing(self) -> None:
        """The error says what to install."""

        def missing(name: str) -> None:
            raise ImportError(name)

        self.patch(mp4.importlib, "import_module", missing)
        failed = self.assertRaises(VideoLibraryMissing, Mp4Writer, "x.mp4")
        self.assertIn("trailcam[video]", str(failed))

    def test_available(self) -> None:
        """It can be asked before."""
        self.patch(mp4.importlib.util, "find_spec", lambda name: None)
        self.assertFalse(available())
