"""What the commands do with a camera."""

from __future__ import annotations

import errno
import json
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any
from unittest import mock

from twisted.internet.defer import CancelledError, Deferred, succeed

from tests.library.case import LibraryTestCase
from tests.library.fakes import TIME, content, photo
from trailcam.camera.frames import LiveFrame
from trailcam.commands.card import rm, snap
from trailcam.commands.fetching import get, thumbs
from trailcam.commands.live import live
from trailcam.commands.looking import info, ls
from trailcam.commands.options import (
    CameraOptions,
    GetOptions,
    InfoOptions,
    LiveOptions,
    LsOptions,
    RmOptions,
    SnapOptions,
    SyncOptions,
    ThumbsOptions,
)
from trailcam.commands.selection import line, pick
from trailcam.commands.syncing import sync
from trailcam.errors import (
    CommandRejected,
    FolderUnsafe,
    FolderUnusable,
    LoginRejected,
    MediaNotFound,
    SessionLost,
)
from trailcam.model import MediaItem


class CommandTestCase(LibraryTestCase):
    """Runs commands."""

    def setUp(self) -> None:
        """Keep what they say."""
        super().setUp()
        self.said: list[str] = []

    def parsed(self, options: CameraOptions, *words: str) -> Any:
        """Parsed options."""
        options.parseOptions(["--camera=10.0.0.1", *words])
        return options

    def work(self, coroutine: Coroutine[Any, Any, int]) -> Deferred[int]:
        """Begin."""
        return Deferred.fromCoroutine(coroutine)

    def status(self, coroutine: Coroutine[Any, Any, int]) -> int:
        """Run to the end."""
        work = self.work(coroutine)
        self.settle(work)
        return self.successResultOf(work)

    def told(self) -> Any:
        """The one JSON value that was said."""
        (text,) = self.said
        return json.loads(text)


class LookingTests(CommandTestCase):
    """ls and info."""

    def test_ls(self) -> None:
        """A line for each."""
        self.camera.items[:] = [photo(318, time=TIME), MediaItem(1, 100, 5, 0, 0, 10.0)]
        self.camera.items.append(photo(1, kind=77, time=-5))
        self.assertEqual(
            self.status(ls(self.camera, self.parsed(LsOptions()), self.said.append)), 0
        )
        self.assertEqual(
            self.said,
            [
                "100/DSCF0318.JPG    photo    2025-12-23 22:12:18",
                "100/DSCF0005.MP4    video    -  10 s",
                "100/DSCF0001.BIN    unknown  -",
            ],
        )

    def test_ls_json(self) -> None:
        """Or one list."""
        self.status(ls(self.camera, self.parsed(LsOptions(), "-j"), self.said.append))
        self.assertEqual(self.told()[0]["name"], "100/DSCF0003.JPG")
        self.assertEqual(self.told()[0]["time"], TIME + 3)

    def test_info(self) -> None:
        """A line for each member, in which nothing commands a terminal."""
        self.status(info(self.camera, self.parsed(InfoOptions()), self.said.append))
        self.assertEqual(self.said, ["modelName: TC\\x1b[31m", "batPercent: 80", "capability: {}"])

    def test_info_json(self) -> None:
        """Or one object."""
        self.status(info(self.camera, self.parsed(InfoOptions(), "-j"), self.said.append))
        self.assertNotIn("\x1b", self.said[0])
        self.assertEqual(self.told()["batPercent"], 80)


class PickTests(CommandTestCase):
    """Which items are meant."""

    def test_spellings(self) -> None:
        """With and without directory and suffix, in any case, each once."""
        for name in ("100/DSCF0002.JPG", "DSCF0002.JPG", "100/dscf0002", "dscf0002"):
            self.assertEqual(pick(self.items, [name, name]), [photo(2)])

    def test_unknown(self) -> None:
        """What is not there is told."""
        for name in ("DSCF0009", "", "2", "../DSCF0002.JPG", "x" * 5000):
            problem = self.assertRaises(MediaNotFound, pick, self.items, [name])
            self.assertLess(len(str(problem)), 200)

    def test_ambiguous(self) -> None:
        """So is what may mean several."""
        items = [photo(1), photo(1, directory=101), photo(1, kind=1)]
        for name in ("DSCF0001", "DSCF0001.JPG", "100/DSCF0001"):
            problem = self.assertRaises(MediaNotFound, pick, items, [name])
            self.assertIn("may mean 100/DSCF0001.JPG and ", str(problem))
        self.assertEqual(pick(items, ["DSCF0001.MP4"]), [items[2]])

    def test_hostile(self) -> None:
        """Items with impossible numbers have lines, and keep nothing from being found."""
        items = [photo(10**5000), photo(-1), photo(1)]
        self.assertEqual(pick(items, ["DSCF0001"]), [photo(1)])
        self.assertTrue(all(len(line(item)) < 250 for item in items))


class GetTests(CommandTestCase):
    """get"""

    def get(self, *words: str, **options: Any) -> Coroutine[Any, Any, int]:
        """Fetch into the folder."""
        parsed = self.parsed(GetOptions(), "--utc", f"--output={self.directory}", *words)
        return get(self.camera, parsed, self.said.append, **options)

    def test_get(self) -> None:
        """Named ones are fetched, with their time."""
        status = self.status(self.get("DSCF0003", "DSCF0001.JPG", observer=self.notes))
        self.assertEqual(status, 0)
        path = self.directory / "DSCF0003.JPG"
        self.assertEqual(path.read_bytes(), content(photo(3)))
        self.assertEqual(path.stat().st_mtime, TIME + 3)
        self.assertEqual(len(list(self.directory.iterdir())), 2)
        self.assertEqual(self.said, [f"saved {path}", f"saved {self.directory}/DSCF0001.JPG"])
        self.assertEqual(self.notes.of("finished"), [photo(3), photo(1)])

    def test_raw_video(self) -> None:
        """Of a video without a container is told how to get it in one; programs read its name."""
        self.camera.items[:] = [photo(5, kind=1), photo(6, kind=1)]
        self.assertEqual(self.status(self.get("DSCF0005")), 0)
        self.assertEqual(self.said[0], f"saved {self.directory}/DSCF0005.h264")
        self.assertIn("pip install 'trailcam[video]'", self.said[1])
        self.said.clear()
        self.assertEqual(self.status(self.get("DSCF0006", "-j")), 0)
        self.assertEqual(self.told()["saved"], [f"{self.directory}/DSCF0006.h264"])

    def test_there_already(self) -> None:
        """Nothing is written over."""
        self.directory.mkdir()
        (self.directory / "DSCF0003.JPG").write_bytes(b"mine")
        self.assertEqual(self.status(self.get("DSCF0003", "DSCF0002", "-j")), 1)
        self.assertEqual((self.directory / "DSCF0003.JPG").read_bytes(), b"mine")
        self.assertEqual(self.told()["saved"], [f"{self.directory}/DSCF0002.JPG"])
        self.assertIn("there already", self.told()["failed"][0]["reason"])
        self.assertEqual(len(list(self.directory.iterdir())), 2)

    def test_failures(self) -> None:
        """What the camera does not give is told, and the rest is carried on."""
        self.camera.faults[photo(3)] = [MediaNotFound("gone")]
        self.assertEqual(self.status(self.get("DSCF0003", "DSCF0002")), 1)
        self.assertEqual(self.said[0], "100/DSCF0003.JPG failed: gone")
        self.camera.items.append(photo(70_000))
        self.assertEqual(self.status(self.get("DSCF70000")), 1)
        self.assertIn("is outside", self.said[-1])

    def test_unknown(self) -> None:
        """A name that is not on the card is told, and the others are fetched, each once."""
        names = ("DSCF0003", "DSCF0099", "DSCF0003.JPG", "DSCF0002")
        self.assertEqual(self.status(self.get(*names)), 1)
        self.assertEqual(
            self.said,
            [
                "DSCF0099 failed: there is no 'DSCF0099' on the card",
                f"saved {self.directory}/DSCF0003.JPG",
                f"saved {self.directory}/DSCF0002.JPG",
            ],
        )

    def test_ends(self) -> None:
        """What makes all the rest impossible comes out, and leaves nothing."""
        for problem in (SessionLost(7.0), LoginRejected("no", -1)):
            self.camera.faults[photo(3)] = [problem]
            self.fails(self.work(self.get("DSCF0003")), type(problem))
        self.assertEqual(list(self.directory.iterdir()), [])

    def test_cannot_write(self) -> None:
        """A folder that is none is told."""
        self.directory.write_bytes(b"")
        words = self.fails(self.work(self.get("DSCF0003")), FolderUnusable)
        self.assertEqual(words, f"{self.directory} is there already, and is not a folder")


class ThumbsTests(CommandTestCase):
    """thumbs"""

    def thumbs(self, *words: str) -> Coroutine[Any, Any, int]:
        """Fetch into the folder."""
        parsed = self.parsed(ThumbsOptions(), str(self.directory), *words)
        return thumbs(self.camera, parsed, self.said.append)

    def test_thumbs(self) -> None:
        """All are fetched, in batches; those there are kept."""
        self.camera.items[:] = [photo(number) for number in range(100, 0, -1)]
        (self.directory / "100").mkdir(parents=True)
        (self.directory / "100" / "DSCF0007.JPG.jpg").write_bytes(b"mine")
        asked = []
        original = self.camera.thumbnails

        def count(items: Any) -> Any:
            asked.append(len(items))
            return original(items)

        self.patch(self.camera, "thumbnails", count)
        self.assertEqual(self.status(self.thumbs()), 0)
        self.assertEqual(asked, [45, 45, 9])
        self.assertEqual(self.files()["100/DSCF0007.JPG.jpg"], b"mine")
        self.assertEqual(self.files()["100/DSCF0008.JPG.jpg"], content(photo(8))[:9])
        self.assertEqual(len(self.files()), 100)
        self.assertEqual(self.said[-1], "99 new, 1 already here, 0 failed")
        self.said.clear()
        self.assertEqual(self.status(self.thumbs()), 0)
        self.assertEqual(self.said, ["0 new, 100 already here, 0 failed"])

    def test_failures(self) -> None:
        """Those that do not come, and those that cannot be named, are told."""
        self.camera.faults[photo(3)] = [MediaNotFound("gone")]
        self.camera.items.append(photo(2**40))
        self.assertEqual(self.status(self.thumbs("-j")), 1)
        self.assertEqual(
            [each["code"] for each in self.told()["failed"]], ["refused", "media_not_found"]
        )
        self.assertEqual(len(self.told()["saved"]), 2)

    def test_links(self) -> None:
        """Nothing is written through a link."""
        outside = self.directory.with_name("outside")
        outside.mkdir()
        self.directory.mkdir()
        (self.directory / "100").symlink_to(outside)
        self.fails(self.work(self.thumbs()), FolderUnsafe)
        self.assertEqual(list(outside.iterdir()), [])


class CardTests(CommandTestCase):
    """snap and rm."""

    def rm(self, *words: str) -> Coroutine[Any, Any, int]:
        """Delete."""
        return rm(self.camera, self.parsed(RmOptions(), "--yes", *words), self.said.append)

    def test_snap(self) -> None:
        """The camera is told."""
        for words in ([], ["-j"]):
            self.status(snap(self.camera, self.parsed(SnapOptions(), *words), self.said.append))
        self.assertEqual(self.camera.commands, [(641, {})] * 2)
        self.assertEqual(json.loads(self.said[1]), {"taken": True})

    def test_rm(self) -> None:
        """Those named are deleted."""
        self.assertEqual(self.status(self.rm("DSCF0003", "DSCF0001")), 0)
        self.assertEqual(self.camera.deleted, [photo(3), photo(1)])
        self.assertEqual(self.camera.items, [photo(2)])
        self.assertEqual(self.said, ["deleted 100/DSCF0003.JPG", "deleted 100/DSCF0001.JPG"])

    def test_refused(self) -> None:
        """A refusal is told with its code, and the rest is carried on."""
        self.camera.faults[photo(3)] = [MediaNotFound("gone")]
        self.camera.faults[photo(2)] = [CommandRejected("no", 773, -1)]
        self.assertEqual(self.status(self.rm("DSCF0003", "DSCF0002", "DSCF0001", "-j")), 1)
        self.assertEqual(
            self.told(),
            {
                "deleted": ["100/DSCF0001.JPG"],
                "failed": [
                    {"name": "100/DSCF0003.JPG", "code": "media_not_found", "reason": "gone"},
                    {"name": "100/DSCF0002.JPG", "code": "command_rejected", "reason": "no"},
                ],
            },
        )

    def test_nothing_by_halves(self) -> None:
        """A name that is not there keeps all from being deleted; a login that is over ends it."""
        self.fails(self.work(self.rm("DSCF0003", "DSCF0099")), MediaNotFound)
        self.camera.faults[photo(3)] = [LoginRejected("no", -1)]
        self.fails(self.work(self.rm("DSCF0003", "DSCF0002")), LoginRejected)
        self.assertEqual(self.camera.deleted, [])


class SyncCommandTests(CommandTestCase):
    """sync"""

    def sync(self, *words: str) -> Coroutine[Any, Any, int]:
        """Sync into the folder."""
        options = self.parsed(SyncOptions(), str(self.directory), "--utc", *words)
        connect = lambda: succeed(self.camera)  # noqa: E731
        return sync(self.clock, connect, options, self.said.append, self.notes)

    def test_people(self) -> None:
        """A summary, and the status."""
        self.assertEqual(self.status(self.sync()), 0)
        self.assertIn("3 new", self.said[0])
        self.camera.items.append(photo(2**40))
        self.assertEqual(self.status(self.sync()), 1)

    def test_programs(self) -> None:
        """One JSON object."""
        self.status(self.sync("--json"))
        self.assertEqual((self.told()["new"], self.told()["failed"]), (3, []))

    def test_restore(self) -> None:
        """The options reach the run."""
        self.status(self.sync())
        (self.directory / "100" / "DSCF0003.JPG").unlink()
        self.status(self.sync("--json"))
        self.status(self.sync("--restore"))
        self.assertEqual(len(self.files()), 3)

    def test_watch(self) -> None:
        """Who watches stays."""
        work = self.work(self.sync("--watch", "--every=7"))
        self.clock.pump([0.1] * 20 + [7.0, 0.1, 0.1])
        self.assertEqual(self.camera.lists, 2)
        work.cancel()
        self.settle(work)
        self.failureResultOf(work, CancelledError)


class Live:
    """
    A camera with a live view.

    :ivar stopped: how many loops were left.
    """

    def __init__(self) -> None:
        self.stopped = 0
        self._frames: deque[LiveFrame] = deque()
        self._waiting: Deferred[None] = Deferred()

    async def live(self) -> AsyncIterator[LiveFrame]:
        """Frames as they come."""
        try:
            while True:
                while self._frames:
                    yield self._frames.popleft()
                await self._waiting
        finally:
            self.stopped += 1

    def show(self, *units: bytes) -> None:
        """Frames come."""
        self._frames += [LiveFrame(unit, 0.0, True) for unit in units]
        waiting, self._waiting = self._waiting, Deferred()
        waiting.callback(None)

    def end(self, problem: Exception) -> None:
        """No more."""
        self._waiting.errback(problem)


class LiveTests(CommandTestCase):
    """live"""

    def setUp(self) -> None:
        """A camera and a file."""
        super().setUp()
        self.live = Live()
        self.path = Path(self.mktemp())

    def begin(self, *words: str) -> Deferred[int]:
        """Begin."""
        options = self.parsed(LiveOptions(), str(self.path), *words)
        return self.work(live(self.clock, self.live, options, self.said.append))

    def record(self, *words: str) -> Deferred[int]:
        """Begin, and let two frames come."""
        work = self.begin(*words)
        self.live.show(b"first", b"second")
        return work

    def test_seconds(self) -> None:
        """It ends when the time is up."""
        work = self.record("--seconds=5")
        self.clock.advance(5)
        self.assertEqual(self.successResultOf(work), 0)
        self.assertEqual(self.path.read_bytes(), b"firstsecond")
        self.assertEqual((self.live.stopped, self.said), (1, [f"2 frames (0.0 kB) in {self.path}"]))

    def test_lost(self) -> None:
        """It ends with the session, and keeps what came."""
        work = self.record("--seconds=5", "-j")
        self.live.end(SessionLost(7.0))
        self.assertEqual(self.successResultOf(work), 1)
        self.assertEqual(self.told(), {"frames": 2, "octets": 11, "lost": True})
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.path.read_bytes(), b"firstsecond")

    def test_refused(self) -> None:
        """What the camera refuses comes out."""
        work = self.record()
        self.live.end(CommandRejected("no", 258, -1))
        self.failureResultOf(work, CommandRejected)

    def test_nothing_came(self) -> None:
        """Where there is nothing to keep there is no file that would be in the way."""
        refused = self.begin()
        self.live.end(CommandRejected("no", 258, -1))
        self.failureResultOf(refused, CommandRejected)
        self.assertFalse(self.path.exists())
        self.live = Live()
        silent = self.begin("--seconds=5")
        self.clock.advance(5)
        self.assertEqual((self.successResultOf(silent), self.said), (1, ["nothing came"]))
        self.assertFalse(self.path.exists())
        self.live = Live()
        cancelled = self.begin()
        cancelled.cancel()
        self.failureResultOf(cancelled, CancelledError)
        self.assertFalse(self.path.exists())
        self.assertEqual(self.said, ["nothing came"])

    def test_cancelled(self) -> None:
        """Ctrl-C keeps what came, and it is told."""
        work = self.record("--seconds=5")
        work.cancel()
        self.failureResultOf(work, CancelledError)
        self.assertEqual(self.said, [f"2 frames (0.0 kB) in {self.path}"])
        self.assertEqual(self.path.read_bytes(), b"firstsecond")
        self.assertEqual((self.live.stopped, self.clock.getDelayedCalls()), (1, []))

    def test_cannot_write(self) -> None:
        """Nothing is written over, and a full disk ends it."""
        self.path.write_bytes(b"mine")
        words = self.fails(self.record(), FolderUnusable)
        self.assertEqual(words, f"{self.path} is there already, and is not written over")
        self.assertEqual((self.path.read_bytes(), self.live.stopped), (b"mine", 0))
        self.path.unlink()
        full = mock.mock_open()
        full.return_value.write.side_effect = OSError(errno.ENOSPC, "full")
        self.live = Live()
        with mock.patch("trailcam.library.disk.open_new", full):
            self.assertIn("the disk is full", self.fails(self.record(), FolderUnusable))
        self.assertEqual(self.live.stopped, 1)
