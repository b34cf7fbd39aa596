"""Single items as files of their own."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any
from unittest import mock

from twisted.internet.defer import CancelledError, Deferred

from tests.library.case import LibraryTestCase
from tests.library.fakes import STEP, TIME, content, photo
from trailcam.errors import FolderUnusable, MediaNotFound, MediaTruncated, SessionLost
from trailcam.library.saver import Saver, Settings
from trailcam.library.single import fetch_one
from trailcam.model import MediaItem, MediaKind


class SingleTests(LibraryTestCase):
    """One item, one file."""

    def setUp(self) -> None:
        """A folder."""
        super().setUp()
        self.directory.mkdir()
        self.part = self.directory / ".part"
        self.suffixes: list[str] = []

    def name(self, suffix: str) -> Path:
        """What the file is called."""
        self.suffixes.append(suffix)
        return self.directory / f"picture.{suffix}"

    def fetch(self, item: MediaItem, **options: Any) -> Deferred[Path]:
        """Begin to fetch it."""
        saver = Saver(Settings(), self.notes.advanced)
        work = fetch_one(self.camera, item, saver, part=self.part, name=self.name, **options)
        return Deferred.fromCoroutine(work)

    def there(self) -> list[str]:
        """What is in the folder."""
        return sorted(os.listdir(self.directory))

    def test_fetched(self) -> None:
        """It is whole, and has the camera's time if that is wanted."""
        for utc, seconds in ((True, TIME + 3), (None, None)):
            work = self.fetch(photo(3), utc=utc)
            self.clock.pump([STEP] * 2)
            self.assertEqual(self.there(), [".part", ".part.lock"])
            self.settle(work)
            path = self.successResultOf(work)
            self.assertEqual((self.there(), path.name), (["picture.JPG"], "picture.JPG"))
            self.assertEqual(path.read_bytes(), content(photo(3)))
            self.assertEqual(path.stat().st_mtime == TIME + 3, seconds is not None)
            path.unlink()

    def test_there_already(self) -> None:
        """What is there is not even asked for, and is not written over."""
        (self.directory / "picture.JPG").write_bytes(b"mine")
        self.assertIn("is there already", self.fails(self.fetch(photo(3)), FileExistsError))
        self.assertEqual(self.camera.asked, [])

    def test_one_of_two_names(self) -> None:
        """A video is asked for as long as one of its names is free."""
        video = photo(4, kind=MediaKind.VIDEO)
        self.camera.items.append(video)
        (self.directory / "picture.MP4").write_bytes(b"mine")
        work = self.fetch(video)
        self.settle(work)
        self.assertEqual(self.successResultOf(work).name, "picture.h264")
        self.fails(self.fetch(video), FileExistsError)
        self.assertEqual(self.camera.asked, [video])

    def test_comes_to_be_meanwhile(self) -> None:
        """Nor is what came to be meanwhile."""
        work = self.fetch(photo(3))
        self.clock.advance(STEP)
        (self.directory / "picture.JPG").write_bytes(b"mine")
        self.fails(work, FileExistsError)
        self.assertEqual(self.there(), ["picture.JPG"])
        self.assertEqual((self.directory / "picture.JPG").read_bytes(), b"mine")

    def test_two_at_once(self) -> None:
        """The second is refused, whenever it comes, and the first gets its file whole."""
        for steps in range(4):
            first = self.fetch(photo(3))
            self.clock.pump([STEP] * steps)
            words = self.fails(self.fetch(photo(3)), FileExistsError)
            self.assertIn(
                "picture.JPG is being fetched already" if steps < 3 else "is there", words
            )
            self.settle(first)
            path = self.successResultOf(first)
            self.assertEqual(path.read_bytes(), content(photo(3)))
            self.assertEqual(self.there(), ["picture.JPG"])
            path.unlink()

    def test_lock_of_a_killed_run(self) -> None:
        """It is not in the way, and goes."""
        (self.directory / ".part.lock").write_bytes(b"12345\n")
        work = self.fetch(photo(3))
        self.settle(work)
        self.assertEqual(self.there(), [self.successResultOf(work).name])

    def test_leftovers(self) -> None:
        """What a killed run left is not in the way."""
        self.part.write_bytes(b"half")
        work = self.fetch(photo(3))
        self.settle(work)
        self.assertEqual(self.successResultOf(work).read_bytes(), content(photo(3)))

    def test_again(self) -> None:
        """What came incomplete is fetched again."""
        self.camera.faults[photo(3)] = [MediaTruncated("half")] * 3
        work = self.fetch(photo(3))
        self.settle(work)
        self.assertEqual(self.successResultOf(work).read_bytes(), content(photo(3)))

    def test_nothing_left(self) -> None:
        """Whatever goes wrong leaves nothing."""
        for problem in (MediaNotFound("gone"), SessionLost(7.0)):
            self.camera.faults[photo(3)] = [problem]
            self.fails(self.fetch(photo(3)), type(problem))
        work = self.fetch(photo(3))
        self.clock.advance(STEP)
        work.cancel()
        self.failureResultOf(work, CancelledError)
        with mock.patch("os.link", side_effect=OSError(errno.ENOSPC, "full")):
            self.assertIn("the disk is full", self.fails(self.fetch(photo(3)), FolderUnusable))
        self.fails(self.fetch(photo(70_000)), ValueError)
        self.assertEqual(self.there(), [])
