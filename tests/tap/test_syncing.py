"""
The folder that is kept over a kept connection.
"""

from __future__ import annotations

import errno
import json
from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred, succeed
from twisted.logger import LogLevel

from tests.connect.logs import LogCapture
from tests.library.case import UTC, LibraryTestCase
from tests.library.fakes import STEP, FakeCamera, photo
from trailcam.errors import CommandRejected, CommandTimeout, FolderInUse, MediaNotFound, SessionLost
from trailcam.library import disk
from trailcam.library.folder import Folder
from trailcam.tap.syncing import RETRY, Syncing


class Visitors:
    """
    Stands for a visitor.

    :ivar given_up: the cameras whose session was to end.
    """

    def __init__(self) -> None:
        self.now: Any = None
        self.given_up: list[Any] = []
        self._waiting: list[Deferred[Any]] = []

    def camera(self) -> Deferred[Any]:
        """The camera that is there, or the next one."""
        if self.now is not None:
            return succeed(self.now)
        self._waiting.append(Deferred(self._waiting.remove))
        return self._waiting[-1]

    def lend(self, camera: FakeCamera) -> None:
        """This one is there."""
        self.now = camera
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(camera)

    def lose(self) -> None:
        """There is none."""
        camera, self.now = self.now, None
        camera.lose()

    async def give_up(self, camera: FakeCamera) -> None:
        """End its session."""
        self.given_up.append(camera)
        self.lose()


class SyncingTests(LibraryTestCase):
    """A folder, a camera with three photos, and a session at times."""

    def setUp(self) -> None:
        """Begin, without a session."""
        super().setUp()
        self.log = LogCapture(self)
        self.visitors = Visitors()
        visitor: Any = self.visitors
        self.syncing = Syncing(self.clock, visitor, self.directory, UTC, 60.0)

    def tearDown(self) -> None:
        """Stop; nothing is left, and the folder is free."""
        self.stop()

    def stop(self) -> None:
        """Stop."""
        self.successResultOf(self.syncing.stopService())
        self.clock.advance(STEP)  # what the camera was about to do
        self.assertEqual(self.clock.getDelayedCalls(), [])
        Folder(self.directory).close()

    def begin(self) -> None:
        """Start, with a camera."""
        self.syncing.startService()
        self.visitors.lend(self.camera)

    def let(self, steps: int = 30) -> None:
        """Let time go by."""
        self.clock.pump([STEP] * steps)

    def counts(self) -> tuple[int, int, int]:
        """What the status says."""
        picture = self.syncing.snapshot()
        json.dumps(picture)
        return picture["new"], picture["present"], picture["failed"]

    def test_waits_for_a_camera(self) -> None:
        """The folder is taken at the start; then nothing happens until there is a camera."""
        self.syncing.startService()
        self.assertRaises(FolderInUse, Folder, self.directory)
        self.let()
        self.visitors.lend(self.camera)
        self.let()
        self.assertEqual(self.files(), self.expected(*self.items))
        self.assertEqual((self.counts(), self.camera.closed), ((3, 0, 0), 0))

    def test_watches(self) -> None:
        """New ones are fetched when it looks again."""
        self.begin()
        self.let()
        self.camera.items.insert(0, photo(4))
        self.clock.advance(60)
        self.let()
        self.assertEqual(self.files(), self.expected(photo(4), *self.items))
        self.assertEqual(self.counts(), (4, 0, 0))

    def test_goes_on(self) -> None:
        """A session that is lost at any step is followed by the next, and nothing comes twice."""
        home = self.directory
        for steps in range(10):
            self.directory = home / str(steps)
            visitor: Any = self.visitors
            self.syncing = Syncing(self.clock, visitor, self.directory, UTC, 60.0)
            self.camera = FakeCamera(self.clock, self.items)
            self.begin()
            self.let(steps)
            self.visitors.lose()
            self.let(50)
            self.camera = FakeCamera(self.clock, [photo(4), *self.items])
            before = set(self.files())
            self.visitors.lend(self.camera)
            self.let(50)
            self.assertEqual(self.files(), self.expected(*self.camera.items))
            asked = {f"{item.directory}/{item.name}" for item in self.camera.asked}
            self.assertEqual(asked & before, set())
            self.assertEqual(self.parts(), [])
            self.stop()
        self.assertEqual(self.log.lines(), [])

    def test_lost_between_two_looks(self) -> None:
        """The next session is used at once, however rarely it looks."""
        visitor: Any = self.visitors
        self.syncing = Syncing(self.clock, visitor, self.directory, UTC, 86400.0)
        self.begin()
        self.let()
        self.visitors.lose()
        self.let(2)
        self.visitors.lend(FakeCamera(self.clock, [photo(4)]))
        self.let(10)
        self.assertEqual(self.files(), self.expected(photo(4), *self.items))

    def test_camera_that_does_not_answer(self) -> None:
        """It is left for another session, which is told in one line."""
        for item in self.items:
            self.camera.faults[item] = [CommandTimeout("no answer to start download")]
        self.begin()
        self.let()
        self.assertEqual(self.visitors.given_up, [self.camera])
        last = self.log.lines()[-1]
        self.assertEqual(last, "the sync wants another session: no answer to start download")
        self.visitors.lend(FakeCamera(self.clock, self.items))
        self.let()
        self.assertEqual(self.files(), self.expected(*self.items))

    def test_items_that_fail(self) -> None:
        """Each is told once, however often it is tried."""
        self.camera.faults[photo(2)] = [MediaNotFound("gone")] * 3
        self.begin()
        for _ in range(3):
            self.let()
            self.assertEqual(self.counts(), (2, 0, 1))
            self.clock.advance(60)
        self.let()
        self.assertEqual(self.counts(), (3, 0, 0))
        self.assertEqual(self.log.lines(), ["100/DSCF0002.JPG failed: gone"])

    def test_folder_in_use(self) -> None:
        """It is told once, and tried each minute, with the session held."""
        other = Folder(self.directory)
        self.begin()
        self.clock.pump([RETRY] * 3)
        [line] = self.log.lines()
        self.assertRegex(line, r"^the sync stopped: .* is in use by another run \(process \d+\); ")
        self.assertIn("in use", self.syncing.snapshot()["problem"])
        other.close()
        self.clock.advance(RETRY)
        self.let()
        self.assertEqual(self.files(), self.expected(*self.items))
        self.assertIsNone(self.syncing.snapshot()["problem"])
        self.assertEqual(self.visitors.given_up, [])

    def test_unusable_folder(self) -> None:
        """So is a folder that cannot be used."""
        self.directory.write_bytes(b"a file")
        self.begin()
        self.clock.pump([RETRY] * 3)
        [line] = self.log.lines()
        self.assertIn("is there already, and is not a folder; beginning anew in", line)
        self.directory.unlink()
        self.clock.advance(RETRY)
        self.let()
        self.assertEqual(self.files(), self.expected(*self.items))

    def test_no_list(self) -> None:
        """A camera that gives no list keeps its session; another problem is told anew."""
        self.begin()
        for words in ("no card", "no card", "dirty card"):
            self.camera.media_problem = CommandRejected(words, 768, -1)
            self.clock.advance(RETRY)
            self.let()
        self.assertEqual(
            [line.split("; ")[0] for line in self.log.lines()],
            ["the sync stopped: no card", "the sync stopped: dirty card"],
        )
        self.assertEqual(self.visitors.given_up, [])
        self.camera.media_problem = None
        self.clock.advance(RETRY)
        self.let()
        self.assertEqual(self.files(), self.expected(*self.items))

    def test_lines(self) -> None:
        """What it does is told, and nothing when nothing is new."""
        self.begin()
        self.let()
        self.clock.pump([60.0] + [STEP] * 30)
        lines = self.log.lines(LogLevel.info)
        self.assertEqual(lines[0], "3 to fetch")
        self.assertEqual(lines[1], f"fetched 100/DSCF0003.JPG -> {self.directory}/100/DSCF0003.JPG")
        self.assertEqual(lines[-1], "in the folder: 3 new (0.8 kB), 0 from before; 0 failed")
        self.assertEqual(len(lines), 5)

    def test_raw_videos(self) -> None:
        """How videos become MP4 files is told once."""
        self.camera.items[:] = [photo(5, kind=1)]
        self.begin()
        self.let()
        self.clock.pump([60.0] + [STEP] * 30)
        advice = [line for line in self.log.lines(LogLevel.info) if "trailcam[video]" in line]
        self.assertEqual(len(advice), 1)

    def test_stopped_at_every_step(self) -> None:
        """Stopping lets go of everything, also while it waits for another session."""
        home = self.directory
        for steps in range(40):
            self.directory = home / str(steps)
            self.visitors = Visitors()
            visitor: Any = self.visitors
            self.syncing = Syncing(self.clock, visitor, self.directory, UTC, 60.0)
            self.camera = FakeCamera(self.clock, self.items)
            self.camera.faults[photo(2)] = [SessionLost(7.0)]
            self.begin()
            self.let(steps)
            self.stop()
            self.assertEqual((self.camera.closed, self.parts()), (0, []))
        self.assertEqual(self.visitors.given_up, [self.camera])

    def test_stopped_while_the_disk_fails(self) -> None:
        """What goes wrong while it stops does not make it begin anew."""
        self.begin()
        self.let(3)
        with mock.patch.object(disk.os, "unlink", side_effect=OSError(errno.EROFS, "no")):
            stopping = self.syncing.stopService()
        self.successResultOf(stopping)

    def test_never_started(self) -> None:
        """Stopping what was never started does nothing."""
        self.assertFalse(self.directory.exists())

    def test_bug(self) -> None:
        """A bug is logged as one, and the run begun anew."""
        self.patch(self.camera, "media", lambda: {}["missing"])
        self.begin()
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.patch(self.camera, "media", lambda: succeed([]))
        self.clock.advance(RETRY)
        self.assertEqual(self.counts(), (0, 0, 0))
        self.assertIn("in the folder: 0 new", self.log.lines(LogLevel.info)[-1])
