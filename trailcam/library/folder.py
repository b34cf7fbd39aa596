"""
The folder of pictures, while one run has it.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.logger import Logger

from trailcam.errors import FolderUnusable
from trailcam.library import disk
from trailcam.library.index import Index
from trailcam.library.items import Key, file_time, names, suffixes
from trailcam.library.lock import Lock

INDEX = ".trailcam.json"
LOCK = ".trailcam.lock"
PARTIAL = ".trailcam-partial"


class Folder:
    """
    Knows what is there, and takes in what is new: ``DIR/100/DSCF0318.JPG``.

    A file gets its name only when it is whole and on the disk itself, and nothing that is there is
    ever written over.

    :ivar path: the folder, without links.
    """

    _log = Logger()

    def __init__(self, directory: Path, *, utc: bool = False, restore: bool = False) -> None:
        """
        Lock the folder, which is made if need be, and clear away what a killed run left.

        :param utc: whether the camera's clock shows UTC instead of local time.
        :param restore: whether files that were deleted here count as absent.
        :raises LibraryError: it cannot be used, or another run has it.
        """
        disk.make_whole_folder(directory)
        with disk.trouble(directory):
            self.path = Path(os.path.realpath(directory))
        self._utc = utc
        self._restore = restore
        self._lock = Lock(self.path / LOCK)
        try:
            self._partial = self.path / PARTIAL
            disk.make_folder(self._partial)
            self._clear()
            self._index = Index(self.path / INDEX)
        except BaseException:
            self._lock.release()
            raise
        if self._index.damage is not None:
            self._log.warn(
                "the index {path} is damaged ({why}); it is made anew from the files",
                path=str(self.path / INDEX),
                why=self._index.damage,
            )

    def close(self) -> None:
        """Let others have it.  May be called again; never raises."""
        self._lock.release()

    def find(self, key: Key) -> Path | None:
        """
        The file of an item, if it was fetched before.

        Without an entry in the index, a file that has the item's name and its very time is taken
        for it, and noted; :meth:`save` writes that down.
        """
        entry = self._index.get(key)
        if entry is not None:
            path = self.path / entry.name
            if not self._restore or disk.size(path) is not None:
                return path
            self._index.drop(key)
        return self._adopt(key)

    def save(self) -> None:
        """Write the index, if it changed; :raises FolderUnusable: when that fails."""
        self._index.save()

    def part(self, key: Key) -> Path:
        """
        Where an item is to be written while it comes; there is nothing yet.

        :raises FolderUnsafe: it could not be taken in later, because of a link.
        """
        disk.refuse_link(self.path / str(key.directory))
        path = self._partial / f"{key.directory}-{key.number}.part"
        disk.make_folder(self._partial)
        with disk.trouble(path):
            disk.remove(path)
        return path

    def take(self, key: Key, part: Path, suffix: str) -> Path:
        """
        Take in an item that has come wholly.

        :param part: the file, closed.
        :return: its final place.
        :raises LibraryError: when that fails; then there is nothing under the final name.
        """
        with disk.trouble(part):
            disk.set_time(part, file_time(key, utc=self._utc))
            disk.flush_path(part)
        octets = disk.size(part) or 0
        name = self._place(key, part, suffix)
        disk.flush_folder((self.path / name).parent)
        self._index.add(key, name, octets)
        self.save()
        return self.path / name

    def _place(self, key: Key, part: Path, suffix: str) -> str:
        disk.make_folder(self.path / str(key.directory))
        for name in names(key, suffix):
            final = self.path / name
            if self._index.is_taken(name):
                continue
            with disk.trouble(final):
                if disk.place(part, final):
                    return name
        raise FolderUnusable(f"{self.path / str(key.directory)} has too many files of one name")

    def _adopt(self, key: Key) -> Path | None:
        seconds = file_time(key, utc=self._utc)
        folder = self.path / str(key.directory)
        if seconds is None or folder.is_symlink():
            return None
        for suffix in suffixes(key):
            for name in names(key, suffix):
                path = self.path / name
                if not self._index.is_taken(name):
                    if not os.path.lexists(path):
                        break
                    if disk.is_from(path, seconds):
                        self._index.add(key, name, disk.size(path) or 0)
                        return path
        return None

    def _clear(self) -> None:
        with disk.trouble(self._partial):
            for path in self._partial.iterdir():
                if path.suffix == ".part":
                    disk.remove(path)
