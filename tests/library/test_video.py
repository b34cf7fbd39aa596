"""Videos, as they come or as MP4 files."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from tests.connect.logs import LogCapture
from tests.library.case import LibraryTestCase
from tests.library.fakes import content, photo
from trailcam.errors import FolderUnusable, MediaTruncated, VideoLibraryMissing
from trailcam.library.saver import Settings
from trailcam.library.sink import into, through
from trailcam.model import MediaItem

VIDEO = photo(5, kind=1)


class Muxer:
    """A sink that boxes what it gets."""

    def __init__(self, item: MediaItem, path: Path, problem: Exception | None = None) -> None:
        self.path = path
        self.problem = problem
        self.file = path.open("xb")
        self.file.write(b"[")
        self.finished = 0

    def write(self, data: bytes) -> None:
        """Write it, or break."""
        if self.problem is not None:
            raise self.problem
        self.file.write(data)

    def finish(self) -> None:
        """Complete it."""
        self.finished += 1
        self.file.write(b"]")
        self.file.close()


class VideoTests(LibraryTestCase):
    """Videos on the card."""

    def setUp(self) -> None:
        """One video and one photo."""
        super().setUp()
        self.camera.items[:] = [VIDEO, photo(1)]
        self.muxers: list[Muxer] = []
        self.problems: list[Exception | None] = []
        self.settings = Settings(utc=True, save_video=into(self.open_video))
        self.log = LogCapture(self)

    def open_video(self, item: MediaItem, path: Path) -> Muxer:
        """A muxer, which may break."""
        muxer = Muxer(item, path, self.problems.pop(0) if self.problems else None)
        self.muxers.append(muxer)
        return muxer

    def test_raw(self) -> None:
        """Without a muxer the stream is kept, and people are told how to get MP4 files."""
        summary = self.run_once()
        self.assertEqual(self.files()["100/DSCF0005.h264"], content(VIDEO))
        self.assertEqual(summary.raw_videos, 1)
        self.assertIn("pip install 'trailcam[video]'", str(summary))

    def test_mp4(self) -> None:
        """With one it becomes a file with the card's name; photos are none of its business."""
        self.camera.items.append(photo(6, kind=2))
        summary = self.run_once(self.settings)
        self.assertEqual(self.files()["100/DSCF0005.MP4"], b"[" + content(VIDEO) + b"]")
        self.assertIn("100/DSCF0006.MP4", self.files())
        self.assertEqual([muxer.finished for muxer in self.muxers], [1, 1])
        self.assertEqual(summary.raw_videos, 0)
        self.assertNotIn("trailcam[video]", str(summary))
        self.assertEqual(self.run_once(self.settings).new, 0)

    def test_truncated(self) -> None:
        """One that came incomplete is begun anew."""
        self.camera.faults[VIDEO] = [MediaTruncated("short")]
        self.assertEqual(self.run_once(self.settings).new, 2)
        self.assertEqual([muxer.finished for muxer in self.muxers], [1, 1])
        self.assertEqual(self.files()["100/DSCF0005.MP4"], b"[" + content(VIDEO) + b"]")

    def test_broken(self) -> None:
        """What a muxer cannot take is kept as it comes."""
        self.problems = [ValueError("no SPS")]
        summary = self.run_once(self.settings)
        self.assertEqual(self.files()["100/DSCF0005.h264"], content(VIDEO))
        self.assertEqual((summary.new, summary.raw_videos), (2, 1))
        self.assertEqual(
            self.log.lines(),
            ["100/DSCF0005.MP4 cannot be made an MP4 file (no SPS); it is kept as it comes"],
        )

    def test_library_broken(self) -> None:
        """PyAV that is installed and cannot be loaded is as good as none."""
        self.problems = [VideoLibraryMissing("MP4 files need PyAV")]
        self.assertEqual(self.run_once(self.settings).raw_videos, 1)
        self.assertEqual(self.files()["100/DSCF0005.h264"], content(VIDEO))
        self.assertEqual(len(self.log.lines()), 1)

    def test_full(self) -> None:
        """A disk that is full is no matter of containers."""
        self.problems = [OSError(errno.ENOSPC, "full")]
        self.assertIn("the disk is full", self.fails(self.start(self.settings), FolderUnusable))
        self.assertEqual(self.files(), {})
        self.assertEqual(self.parts(), [])

    def test_own_way(self) -> None:
        """A saver need not use a sink at all."""

        def save(_: object, item: MediaItem, path: Path, progress: Any) -> Deferred[int]:
            path.write_bytes(b"frames and sound")
            progress(16, None)
            return succeed(16)

        self.run_once(Settings(utc=True, save_video=save))
        self.assertEqual(self.files()["100/DSCF0005.MP4"], b"frames and sound")

    def test_index_lost(self) -> None:
        """Both kinds of files are found again."""
        self.run_once()
        self.camera.items.append(photo(6, kind=1))
        self.run_once(self.settings)
        (self.directory / ".trailcam.json").unlink()
        self.assertEqual(self.run_once(self.settings).new, 0)


class Pulled:
    """A producer that wants to be asked."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.consumer: Any = None
        self.done: Deferred[int] = Deferred()

    def download(self, item: MediaItem, consumer: Any, progress: Any = None) -> Deferred[int]:
        """Register, and wait to be asked."""
        self.consumer = consumer
        consumer.registerProducer(self, False)
        return self.done

    def resumeProducing(self) -> None:
        """One octet more."""
        if self.left:
            self.left -= 1
            self.consumer.write(b"x")
        else:
            self.consumer.unregisterProducer()
            self.done.callback(0)

    def stopProducing(self) -> None:
        """Nobody calls this."""


class Kept:
    """A sink in memory."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.data = b""
        self.finished = 0
        self.problem = problem

    def write(self, data: bytes) -> None:
        """Keep it."""
        if self.problem is not None:
            raise self.problem
        self.data += data

    def finish(self) -> None:
        """Count it, and complain as the writing did."""
        self.finished += 1
        if self.problem is not None:
            raise ValueError("finish() complains, too")


class Hasty:
    """A camera that writes before it has returned."""

    def __init__(self, outcome: Deferred[int]) -> None:
        self.outcome = outcome

    def download(self, item: MediaItem, consumer: Any, progress: Any = None) -> Deferred[int]:
        """Write twice."""
        consumer.write(b"a")
        consumer.write(b"b")
        return self.outcome


class ThroughTests(SynchronousTestCase):
    """The consumer that a camera writes to."""

    def through(self, camera: Any, sink: Kept) -> Deferred[int]:
        """Download into ``sink``."""
        return Deferred.fromCoroutine(through(camera, VIDEO, sink))

    def test_pulled(self) -> None:
        """A pull producer is asked after each piece."""
        sink = Kept()
        self.assertEqual(self.successResultOf(self.through(Pulled(3), sink)), 3)
        self.assertEqual((sink.data, sink.finished), (b"xxx", 1))

    def test_hasty(self) -> None:
        """What breaks before there is a transfer ends it, and is what is told."""
        for outcome in (Deferred[int](), succeed(2)):
            sink = Kept(KeyError("broken"))
            self.failureResultOf(self.through(Hasty(outcome), sink), KeyError)
            self.assertEqual(sink.finished, 1)

    def test_failed(self) -> None:
        """A sink is finished after a failure, too."""
        sink = Kept()
        self.failureResultOf(self.through(Hasty(fail(MediaTruncated("x"))), sink), MediaTruncated)
        self.assertEqual((sink.data, sink.finished), (b"ab", 1))
