"""A card made of files; PyAV is not needed here."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from twisted.logger import LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.test_card_pictures import SMALL, THUMBNAIL, exif
from trailcam.model import MediaKind
from trailcam.simulator import folder, moviefile
from trailcam.simulator.card import Card


class FakePacket:
    """As PyAV has them."""

    def __init__(self, stream: Any, data: bytes, dts: int | None, key: bool = False) -> None:
        self.stream, self.data, self.dts, self.is_keyframe = stream, data, dts, key
        self.size = len(data)
        self.time_base = Fraction(1, 10)

    def __bytes__(self) -> bytes:
        return self.data


class FakeAv:
    """What is used of PyAV: a container with one H.264 video and one AAC audio stream."""

    def __init__(self, codec: str = "h264", frames: int = 2, rate: int = 44100) -> None:
        video = SimpleNamespace(index=0, codec_context=SimpleNamespace(name=codec))
        video.width, video.height, video.frames = 640, 480, frames
        video.average_rate = Fraction(10)
        context = SimpleNamespace(name="aac", sample_rate=rate, channels=2)
        audio = SimpleNamespace(index=1, codec_context=context)
        self.streams = SimpleNamespace(video=[video], audio=[audio])
        self.packets = [
            FakePacket(video, b"one", 0, key=True),
            FakePacket(audio, b"sound", 0),
            FakePacket(video, b"two", 1),
            FakePacket(video, b"", None),
        ]
        self.bitstream = SimpleNamespace(BitStreamFilterContext=lambda name, stream: self)
        self.opened = 0

    def open(self, path: str) -> FakeAv:
        if Path(path).read_bytes() != b"film":
            raise OSError("no film")
        return self

    def __enter__(self) -> FakeAv:
        self.opened += 1
        return self

    def __exit__(self, *args: object) -> None:
        self.opened -= 1

    def demux(self, *streams: Any) -> list[FakePacket]:
        return [packet for packet in self.packets if packet.stream in streams]

    def filter(self, packet: FakePacket) -> list[FakePacket]:
        return [FakePacket(packet.stream, b"annex b " + packet.data, 0, packet.is_keyframe)]


class FolderTests(SynchronousTestCase):
    """Photos and videos of the user."""

    def setUp(self) -> None:
        """An empty folder, and a log that is read."""
        self.path = Path(self.mktemp())
        self.path.mkdir()
        self.events: list[LogEvent] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def put(self, name: str, octets: bytes, time: int) -> None:
        """Write a file."""
        (self.path / name).write_bytes(octets)
        os.utime(self.path / name, (time, time))

    def card(self, av: FakeAv | None = None) -> Card:
        """The card of the folder."""
        with patch.object(moviefile, "import_module", self.importer(av)):
            return folder.card_of(self.path)

    def importer(self, av: FakeAv | None) -> Any:
        """What replaces ``import_module``."""

        def find(name: str) -> FakeAv:
            self.assertEqual(name, "av")
            if av is None:
                raise ImportError(name)
            return av

        return find

    def logged(self) -> list[str]:
        """The namespaces' warnings, as they are formatted."""
        return [e["log_format"] for e in self.events if e["log_namespace"].endswith("folder")]

    def test_photos(self) -> None:
        """Numbered from 1, the oldest first, whatever they are called."""
        self.put("Zebra.JPG", SMALL, 100)
        self.put("a fox.jpeg", SMALL + b"x", 200)
        self.put("notes.txt", b"", 300)
        (self.path / "folder.jpg").mkdir()
        newest, oldest = self.card().files()
        self.assertEqual(
            (newest.item.number, newest.item.time, newest.size), (2, 200, len(SMALL) + 1)
        )
        self.assertEqual((oldest.item.number, oldest.item.time), (1, 100))
        self.assertEqual({f.item.directory for f in (newest, oldest)}, {100})
        assert newest.photo is not None
        self.assertEqual(newest.photo(), SMALL + b"x")
        self.assertEqual(self.logged(), [])

    def test_thumbnails(self) -> None:
        """The one in the photo, else one that is made."""
        self.put("a.jpg", SMALL, 1)
        self.put("b.jpg", exif("<", THUMBNAIL), 2)
        b, a = self.card().files()
        self.assertEqual(b.thumbnail(), THUMBNAIL)
        self.assertTrue(a.thumbnail().startswith(b"\xff\xd8\xff\xfe"))

    def test_no_jpeg(self) -> None:
        """A file that is something else is left out, and takes no number."""
        self.put("a.jpg", b"GIF89a", 1)
        self.put("b.jpg", SMALL, 2)
        (file,) = self.card().files()
        self.assertEqual(file.item.number, 1)
        self.assertEqual(len(self.logged()), 1)

    def test_gone_later(self) -> None:
        """A file that is gone when it is read fails with OSError."""
        self.put("a.jpg", SMALL, 1)
        (file,) = self.card().files()
        (self.path / "a.jpg").unlink()
        assert file.photo is not None
        self.assertRaises(OSError, file.photo)
        self.assertRaises(OSError, file.thumbnail)

    def test_videos_without_reader(self) -> None:
        """Without PyAV videos are left out, with one line."""
        self.put("a.mp4", b"film", 1)
        self.put("b.MP4", b"film", 2)
        self.put("c.jpg", SMALL, 3)
        (file,) = self.card().files()
        self.assertEqual(file.item.number, 1)
        (line,) = self.logged()
        self.assertIn("PyAV is not installed", line)

    def test_videos(self) -> None:
        """With PyAV they are there, and what live view shows."""
        self.put("a.mp4", b"film", 7)
        av = FakeAv()
        card = self.card(av)
        (file,) = card.files()
        self.assertEqual((file.item.kind, file.item.duration), (MediaKind.VIDEO, 0.2))
        assert file.movie is not None
        self.assertIs(card.live, file.movie)
        self.assertEqual((file.movie.width, file.movie.height, file.movie.frames), (640, 480, 2))
        packets = list(file.movie.packets())
        self.assertEqual([p.time for p in packets], [0.0, 0.0, 0.1])
        self.assertEqual([p.key for p in packets], [True, True, False])
        self.assertEqual(packets[0].data, b"annex b one")
        self.assertTrue(packets[1].data.startswith(b"\xff\xf1"))
        self.assertTrue(packets[1].data.endswith(b"sound"))
        self.assertEqual(av.opened, 0)

    def test_closed_early(self) -> None:
        """Whoever stops reading lets go of the file."""
        self.put("a.mp4", b"film", 7)
        av = FakeAv()
        (file,) = self.card(av).files()
        assert file.movie is not None
        packets: Any = file.movie.packets()
        next(packets)
        self.assertEqual(av.opened, 1)
        packets.close()
        self.assertEqual(av.opened, 0)

    def test_uncounted(self) -> None:
        """A file that does not say how many pictures it has is counted."""
        self.put("a.mp4", b"film", 7)
        (file,) = self.card(FakeAv(frames=0)).files()
        assert file.movie is not None
        self.assertEqual(file.movie.frames, 2)

    def test_sound_that_cannot_be_sent(self) -> None:
        """It is left out."""
        self.put("a.mp4", b"film", 7)
        (file,) = self.card(FakeAv(rate=12345)).files()
        assert file.movie is not None
        self.assertFalse(any(packet.audio for packet in file.movie.packets()))

    def test_videos_that_cannot_be_sent(self) -> None:
        """Unreadable ones, and those in other forms, are left out, with a line each."""
        self.put("a.mp4", b"nothing", 7)
        self.assertEqual(self.card(FakeAv()).files(), [])
        self.put("a.mp4", b"film", 7)
        self.assertEqual(self.card(FakeAv(codec="hevc")).files(), [])
        still = FakeAv()
        still.streams.video[0].average_rate = None
        self.assertEqual(self.card(still).files(), [])
        self.assertEqual(len(self.logged()), 3)

    def test_no_folder(self) -> None:
        """A folder that is not there is the caller's problem."""
        self.assertRaises(OSError, folder.card_of, self.path / "nowhere")
