"""Disks that are full, links that lead elsewhere, and runs that are killed."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.library.case import LibraryTestCase
from tests.library.fakes import STEP, TIME, content, photo
from trailcam.errors import FolderInUse, FolderUnsafe, FolderUnusable
from trailcam.library import disk, lock
from trailcam.library.folder import Folder
from trailcam.library.items import NAME, file_time, key_of, names, suffixes
from trailcam.library.saver import Settings
from trailcam.library.summary import title
from trailcam.model import MediaItem


class Full(io.BytesIO):
    """A file on a disk that is full."""

    def __init__(self, error: int, *, late: bool = False) -> None:
        super().__init__()
        self._error = error
        self._late = late

    def write(self, data: Any) -> int:
        """There is no room, unless that is noticed later."""
        if not self._late:
            raise OSError(self._error, os.strerror(self._error))
        return len(data)

    def close(self) -> None:
        """Here it is noticed."""
        late, self._late = self._late, False
        super().close()
        if late:
            raise OSError(self._error, os.strerror(self._error))


class TroubleTests(LibraryTestCase):
    """The system refuses to write."""

    def check(self, opened: Callable[[Path], BinaryIO]) -> str:
        """The one line about it, when the second file cannot be written."""
        count = 0

        def open_file(path: Path) -> BinaryIO:
            nonlocal count
            count += 1
            return disk.open_new(path) if count == 1 else opened(path)

        words = self.fails(self.start(Settings(utc=True, open_file=open_file)), FolderUnusable)
        self.assertEqual(words.count("\n"), 0)
        self.assertEqual(self.files(), self.expected(photo(3)))
        self.assertEqual(self.parts(), [])
        self.assertEqual(len(self.index()), 1)
        self.assertEqual(self.run_once().new, 2)
        return words

    def test_full(self) -> None:
        """The run ends in one line; what was fetched stays, and the next run goes on."""
        self.assertIn("the disk is full", self.check(lambda _: Full(errno.ENOSPC)))
        self.assertEqual(self.camera.cancelled, 1)

    def test_full_at_the_end(self) -> None:
        """So it does when only closing the file tells."""
        self.assertIn("the disk is full", self.check(lambda _: Full(errno.ENOSPC, late=True)))

    def test_cannot_open(self) -> None:
        """So it does when there is no file at all."""
        for error, words in (
            (errno.EROFS, "the file system is read-only"),
            (errno.EACCES, "you may not write there"),
            (errno.ENAMETOOLONG, "the name is too long"),
            (errno.EIO, os.strerror(errno.EIO)),
        ):
            self.directory = self.directory.with_name(f"folder{error}")
            self.camera.asked.clear()

            def refuse(path: Path, error: int = error) -> BinaryIO:
                raise OSError(error, os.strerror(error))

            self.assertIn(words, self.check(refuse))

    def test_index(self) -> None:
        """When the index cannot be written, the old one stays, and no picture is lost."""
        self.camera.items[:] = [photo(1)]
        self.run_once()
        before = (self.directory / ".trailcam.json").read_bytes()
        self.camera.items[:] = self.items
        with mock.patch.object(disk.os, "replace", side_effect=OSError(errno.ENOSPC, "full")):
            self.assertIn("the disk is full", self.fails(self.start(), FolderUnusable))
        self.assertEqual((self.directory / ".trailcam.json").read_bytes(), before)
        self.assertFalse((self.directory / ".trailcam.json.new").exists())
        self.assertEqual(self.files(), self.expected(photo(3), photo(1)))
        self.assertEqual(self.run_once().new, 1)

    def test_index_cannot_be_read(self) -> None:
        """An index that is there, but cannot be read, is not thrown away."""
        self.run_once()
        before = self.index()
        with mock.patch.object(disk, "read", side_effect=OSError(errno.EIO, "broken")):
            self.assertIn(".json cannot be read: broken", self.fails(self.start(), FolderUnusable))
        self.assertEqual(self.index(), before)

    def test_long_name(self) -> None:
        """A folder whose name is too long is refused at once."""
        self.directory = self.directory / ("x" * 300)
        self.assertIn("the name is too long", self.fails(self.start(), FolderUnusable))
        self.assertEqual(self.camera.lists, 0)

    def test_no_folder(self) -> None:
        """So is a file, here and further down."""
        self.directory.write_bytes(b"")
        self.assertIn("is not a folder", self.fails(self.start(), FolderUnusable))
        self.directory.unlink()
        self.directory.mkdir()
        (self.directory / "100").write_bytes(b"")
        self.assertIn("something else", self.fails(self.start(), FolderUnusable))

    def test_without_hard_links(self) -> None:
        """File systems without them do as well, and nothing is written over there, either."""
        with mock.patch.object(disk.os, "link", side_effect=OSError(errno.EPERM, "no")):
            self.run_once()
            self.camera.items[:] = [photo(1, media_id=2, time=TIME)]
            self.run_once()
        self.assertEqual(len(self.files()), 4)
        self.assertEqual(self.files()["100/DSCF0001.JPG"], content(photo(1)))

    def test_big(self) -> None:
        """Big files are brought to the disk in portions."""
        self.patch(os, "fsync", flushed := mock.Mock())
        with contextlib.closing(Folder(self.directory)) as folder:
            from trailcam.library.sink import FileSink

            sink = FileSink(disk.open_new(folder.part(key_of(photo(1)))))
            for _ in range(20):
                sink.write(b"x" * 1024 * 1024)
            sink.finish()
        self.assertEqual(flushed.call_count, 5)


class LinkTests(LibraryTestCase):
    """Links inside the folder that lead out of it."""

    def setUp(self) -> None:
        """A place outside."""
        super().setUp()
        self.outside = self.directory.with_name("outside")
        self.outside.mkdir()
        self.directory.mkdir()

    def test_folders(self) -> None:
        """Nothing is written through a linked folder."""
        for name in (".trailcam-partial", "100"):
            link = self.directory / name
            link.symlink_to(self.outside)
            words = self.fails(self.start(), FolderUnsafe)
            self.assertIn(f"{link} is a link to {self.outside}", words)
            self.assertEqual(list(self.outside.iterdir()), [])
            self.assertEqual(self.camera.asked, [])
            link.unlink()

    def test_files(self) -> None:
        """Nor through linked files of ours."""
        target = self.outside / "precious"
        for name in (".trailcam.lock", ".trailcam.json"):
            for there in (True, False):
                if there:
                    target.write_bytes(b"precious")
                link = self.directory / name
                link.symlink_to(target)
                self.fails(self.start(), FolderUnsafe)
                self.assertEqual(target.exists(), there)
                if there:
                    self.assertEqual(target.read_bytes(), b"precious")
                    target.unlink()
                link.unlink()

    def test_names(self) -> None:
        """Links that have the name of a picture or of a partial file are left, or go."""
        target = self.outside / "precious"
        (self.directory / "100").mkdir()
        (self.directory / ".trailcam-partial").mkdir()
        (self.directory / "100" / "DSCF0003.JPG").symlink_to(target)
        for name in ("100-3.part", "x.part"):
            (self.directory / ".trailcam-partial" / name).symlink_to(target)
        (self.directory / ".trailcam.json.new").symlink_to(target)
        self.assertEqual(self.run_once().new, 3)
        self.assertFalse(target.exists())
        self.assertEqual(self.parts(), [])
        self.assertIn(f"100/DSCF0003-{TIME + 3}.JPG", self.files())

    def test_while_running(self) -> None:
        """A link that appears during the run is seen."""
        work = self.start()
        self.clock.advance(STEP)
        (self.directory / "100").symlink_to(self.outside)
        self.fails(work, FolderUnsafe)
        self.assertEqual(list(self.outside.iterdir()), [])
        self.assertEqual(self.parts(), [])


class LockTests(LibraryTestCase):
    """Two runs in one folder."""

    def test_second(self) -> None:
        """The second ends with one line; the first goes on."""
        first = self.start()
        self.clock.advance(STEP)
        words = self.fails(self.start(), FolderInUse)
        self.assertEqual(
            words, f"{self.directory} is in use by another run (process {os.getpid()})"
        )
        self.settle(first)
        self.assertEqual(self.successResultOf(first).new, 3)
        self.assertEqual(self.run_once().new, 0)

    def test_leftovers(self) -> None:
        """What a killed run left is cleared away, and nothing else."""
        partial = self.directory / ".trailcam-partial"
        partial.mkdir(parents=True)
        (partial / "100-3.part").write_bytes(b"half")
        (partial / "note").write_bytes(b"")
        self.run_once()
        self.assertEqual([path.name for path in self.parts()], ["note"])

    def test_no_clearing_without_lock(self) -> None:
        """The second does not take away what the first is writing."""
        first = self.start()
        self.clock.pump([STEP] * 2)
        self.assertEqual(len(self.parts()), 1)
        self.fails(self.start(), FolderInUse)
        self.assertEqual(len(self.parts()), 1)
        self.settle(first)

    def test_without_flock(self) -> None:
        """Elsewhere the file itself is the lock, and the line says what to do."""
        self.patch(lock, "fcntl", None)
        first = self.start()
        words = self.fails(self.start(), FolderInUse)
        self.assertIn(f"if there is none, delete {self.directory / '.trailcam.lock'}", words)
        self.settle(first)
        self.assertEqual(self.run_once().new, 0)
        self.assertFalse((self.directory / ".trailcam.lock").exists())

    def test_passing(self) -> None:
        """Its file goes with it; who had opened that before has no lock."""
        self.directory.mkdir()
        path = self.directory / "lock"
        real = os.open

        def slowly(*args: Any) -> int:
            descriptor = real(*args)
            first.release()
            return descriptor

        first = lock.Lock(path, passing=True)
        self.assertRaises(FolderInUse, lock.Lock, path, passing=True)
        with mock.patch.object(lock.os, "open", slowly):
            self.assertRaises(FolderInUse, lock.Lock, path, passing=True)
        self.assertFalse(path.exists())
        lock.Lock(path, passing=True).release()
        self.assertFalse(path.exists())

    def test_fifo(self) -> None:
        """Nobody waits for what a FIFO in the lock's place may have to say; it will do."""
        self.directory.mkdir()
        os.mkfifo(self.directory / ".trailcam.lock")
        first = self.start()
        self.fails(self.start(), FolderInUse)
        self.settle(first)
        self.assertEqual(self.successResultOf(first).new, 3)

    def test_full_disk(self) -> None:
        """A lock need not say whose it is, and leaves nothing."""
        self.directory.mkdir()
        path = self.directory / "lock"
        with mock.patch.object(lock.os, "write", side_effect=OSError(errno.ENOSPC, "full")):
            lock.Lock(path, passing=True).release()
        self.assertFalse(path.exists())

    def test_cannot_lock(self) -> None:
        """A lock that cannot be had is told."""
        with mock.patch.object(lock.os, "open", side_effect=OSError(errno.EROFS, "no")):
            self.assertIn("read-only", self.fails(self.start(), FolderUnusable))

    def test_foreign_lock(self) -> None:
        """What stands in the file is not believed to be a number."""
        self.directory.mkdir()
        first = self.start()
        (self.directory / ".trailcam.lock").write_bytes(b"\x1b[31m")
        self.assertEqual(
            self.fails(self.start(), FolderInUse), f"{self.directory} is in use by another run"
        )
        self.settle(first)


class Killed(BaseException):
    """The process is no more."""


class Mortal:
    """Stands before :mod:`os`, and dies at the n-th thing that changes the disk."""

    DEADLY = ("link", "unlink", "fsync", "utime", "replace", "rename", "mkdir", "open")

    def __init__(self, life: int) -> None:
        self.life = life
        self.dead = False

    def __getattr__(self, name: str) -> Any:
        value = getattr(os, name)
        return self._mortal(value) if name in self.DEADLY else value

    def _mortal(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            self.life -= 1
            if self.life < 0:
                self.dead = True
                raise Killed
            return function(*args, **options)

        return call


class KillTests(LibraryTestCase):
    """A process that is killed between any two things it does to the disk."""

    def killed_after(self, life: int) -> bool:
        """Run, and die; returns whether it came so far."""
        mortal = Mortal(life)
        with mock.patch.object(disk, "os", mortal):
            work = self.start()
            self.settle(work)
        if mortal.dead:
            self.failureResultOf(work, Killed)
        else:
            self.successResultOf(work)
        return mortal.dead

    def lives(self) -> Iterator[int]:
        """One folder for each moment of death."""
        home = self.directory
        home.mkdir()
        for life in range(1000):
            self.directory = home / str(life)
            yield life
        self.fail("it does too much")

    def test_every_moment(self) -> None:
        """Nothing partial has a final name, and the next run fetches exactly what is missing."""
        for life in self.lives():
            self.camera.asked.clear()
            if not self.killed_after(life):
                break
            found = self.files()
            self.assertLessEqual(found.items(), self.expected(*self.items).items())
            summary = self.run_once()
            self.assertEqual((summary.new, summary.present), (3 - len(found), len(found)))
            self.assertEqual(self.files(), self.expected(*self.items))
            self.assertEqual(len(self.index()), 3)
            self.assertEqual(self.parts(), [])
            self.assertFalse((self.directory / ".trailcam.json.new").exists())
        self.assertGreater(life, 20)

    def test_old_index(self) -> None:
        """Nor is an index ever lost."""
        self.camera.items[:] = [photo(9)]
        for life in self.lives():
            self.camera.items[:] = [photo(9)]
            self.run_once()
            self.camera.items[:] = [photo(10, time=0), photo(9)]
            alive = not self.killed_after(life)
            self.assertIn(9, [entry["number"] for entry in self.index()])
            if alive:
                break


ITEMS = st.builds(
    MediaItem,
    kind=st.sampled_from([0, 0, 0, 1, 2, 77]),
    directory=st.sampled_from([100, 101]),
    number=st.integers(0, 3),
    media_id=st.integers(0, 2),
    time=st.sampled_from([0, 1, 2, TIME, TIME + 1, 2**32 - 1]),
)


class AnyCardTests(LibraryTestCase):
    """Whatever is on the card, and then on the next."""

    @settings(deadline=None, max_examples=30)
    @given(st.lists(st.lists(ITEMS, max_size=8), min_size=1, max_size=3))
    def test_nothing_lost(self, cards: list[list[MediaItem]]) -> None:
        """Each item of each card is one file in the end, and is fetched once."""
        self.directory = Path(tempfile.mkdtemp(dir=_made(self.directory)))
        self.camera.asked.clear()
        for card in cards:
            self.camera.items = list(card)
            self.assertEqual(self.run_once().status, 0)
            self.assertEqual(self.run_once().new, 0)
        items = {item for card in cards for item in card}
        self.assertEqual(sorted(self.files().values()), sorted(map(content, items)))
        self.assertEqual(len(self.camera.asked), len(items))

    @given(
        st.builds(
            MediaItem,
            kind=st.integers(),
            directory=st.integers(),
            number=st.integers(),
            media_id=st.integers(),
            time=st.integers(),
        )
    )
    def test_names(self, item: MediaItem) -> None:
        """Each item is refused, or gets names that the index knows for ours."""
        title(item)
        try:
            key = key_of(item)
        except ValueError as problem:
            self.assertLess(len(str(problem)), 200)
            return
        for suffix in suffixes(key):
            made = [name for name, _ in zip(names(key, suffix), range(5), strict=False)]
            self.assertEqual(len(set(made)), 5)
            self.assertTrue(all(NAME.fullmatch(name) for name in made), made)


def _made(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path


class SmallTests(LibraryTestCase):
    """The things that are done to the disk, one by one."""

    def setUp(self) -> None:
        """A folder."""
        super().setUp()
        self.directory.mkdir()
        self.path = self.directory / "file"

    def test_read(self) -> None:
        """Only regular files of some size are read; nobody waits at a FIFO."""
        self.path.write_bytes(b"12345")
        self.assertEqual(disk.read(self.path, 5), b"12345")
        self.assertRaises(ValueError, disk.read, self.path, 4)
        fifo = self.directory / "fifo"
        os.mkfifo(fifo)
        self.assertRaises(ValueError, disk.read, fifo, 5)

    def test_place(self) -> None:
        """An odd refusal comes out; without links at all there is renaming."""
        self.path.write_bytes(b"1")
        final = self.directory / "final"
        with mock.patch.object(disk.os, "link", side_effect=OSError(errno.EIO, "broken")):
            self.assertRaises(OSError, disk.place, self.path, final)
        with mock.patch.object(disk.os, "link", side_effect=NotImplementedError):
            self.assertTrue(disk.place(self.path, final))
            self.path.write_bytes(b"2")
            self.assertFalse(disk.place(self.path, final))
        self.assertEqual(final.read_bytes(), b"1")

    def test_times(self) -> None:
        """Without a time nothing is set; a time that was before a small time_t's end has none."""
        self.path.write_bytes(b"1")
        before = self.path.stat().st_mtime
        disk.set_time(self.path, None)
        self.assertEqual(self.path.stat().st_mtime, before)
        self.assertFalse(disk.is_from(self.directory, before))
        with mock.patch("time.mktime", side_effect=OverflowError):
            self.assertIsNone(file_time(key_of(photo(1)), utc=False))

    def test_many_namesakes(self) -> None:
        """There is an end to names."""
        (self.directory / "part").write_bytes(b"1")
        with (
            contextlib.closing(Folder(self.directory)) as folder,
            mock.patch.object(disk, "place", return_value=False),
        ):
            words = str(
                self.assertRaises(
                    FolderUnusable, folder.take, key_of(photo(1)), self.directory / "part", "JPG"
                )
            )
        self.assertIn("too many files of one name", words)
