"""
The few things that are done to the disk, each wholly or not at all.

Nothing here follows a link that lies inside the folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from trailcam.errors import FolderUnsafe, FolderUnusable

_NO_FOLLOWING = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)  # or opening a FIFO would wait for its other end

#: What a file system answers that has no hard links.
_NO_LINKS = {
    errno.EPERM,
    errno.EACCES,
    errno.EMLINK,
    errno.ENOSYS,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.EINVAL,
}

_WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "you may not write there",
    errno.EPERM: "you may not write there",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ENOTDIR: "it is not a folder",
    errno.EEXIST: "something else has this name",
}
if hasattr(errno, "EDQUOT"):
    _WORDS[errno.EDQUOT] = "your quota of the disk is used up"

#: Seconds between two times that are the same: FAT counts in steps of two.
_SAME_TIME = 2.0


@contextlib.contextmanager
def trouble(path: Path) -> Iterator[None]:
    """Turn an OSError about ``path`` into a :class:`~trailcam.errors.FolderUnusable`."""
    try:
        yield
    except OSError as problem:
        raise FolderUnusable(f"{path} cannot be written: {reason(problem)}") from problem


def reason(problem: OSError) -> str:
    """Why the system refused, for people."""
    words = _WORDS.get(problem.errno or 0)
    return words or (problem.strerror or str(problem) or type(problem).__name__)


def is_about_disk(problem: OSError) -> bool:
    """Whether this is about the disk, so that trying in another way is of no use."""
    return problem.errno in _WORDS


def refuse_link(path: Path) -> None:
    """:raises FolderUnsafe: when ``path`` is a link."""
    if path.is_symlink():
        target = os.readlink(path)
        raise FolderUnsafe(f"{path} is a link to {target}: nothing is written through it")


def make_whole_folder(path: Path) -> None:
    """
    Make the folder of pictures itself and those above it, where they are not there.

    :raises FolderUnusable: when there is something else, or nothing can be made.
    """
    with trouble(path):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise FolderUnusable(f"{path} is there already, and is not a folder") from None


def make_folder(path: Path) -> None:
    """
    Make a folder inside the folder of pictures, if it is not there.

    :raises FolderUnsafe: when there is a link.
    :raises FolderUnusable: when there is something else, or nothing can be made.
    """
    refuse_link(path)
    with trouble(path):
        if not path.is_dir():
            os.mkdir(path)


def open_new(path: Path) -> BinaryIO:
    """A new file for writing; :raises OSError: also when there is something already."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOWING | _BINARY
    return open(os.open(path, flags, 0o666), "wb")


def flush(file: BinaryIO) -> None:
    """Have everything written on the disk itself."""
    file.flush()
    os.fsync(file.fileno())


def flush_path(path: Path) -> None:
    """Have a closed file on the disk itself."""
    descriptor = os.open(path, os.O_RDWR | _NO_FOLLOWING | _BINARY | _NO_WAITING)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(path: Path) -> None:
    """Have the names in a folder on the disk itself, where the system can do that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def set_time(path: Path, seconds: float | None) -> None:
    """Set the time of the last change, where the file system knows it."""
    if seconds is not None:
        with contextlib.suppress(OSError, OverflowError):
            os.utime(path, (seconds, seconds))


def place(part: Path, final: Path) -> bool:
    """
    Give a finished file its name.

    :return: false when something else has it; then nothing was done.
    """
    try:
        os.link(part, final)
    except FileExistsError:
        return False
    except (AttributeError, NotImplementedError):
        return _rename(part, final)
    except OSError as problem:
        if problem.errno not in _NO_LINKS:
            raise
        return _rename(part, final)
    os.unlink(part)
    return True


def _rename(part: Path, final: Path) -> bool:
    if os.path.lexists(final):
        return False
    os.rename(part, final)
    return True


def write(path: Path, content: bytes) -> None:
    """
    Write a small file anew: under a temporary name, then renamed.

    :raises OSError: when that fails; then the old content is untouched.
    """
    temporary = path.with_name(f"{path.name}.new")
    remove(temporary)
    try:
        with open_new(temporary) as file:
            file.write(content)
            flush(file)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            remove(temporary)
        raise
    flush_folder(path.parent)


def read(path: Path, limit: int) -> bytes:
    """
    What is in a regular file.

    :param limit: octets that it may have.
    :raises OSError: when it cannot be read.
    :raises ValueError: when it is larger, or not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | _NO_FOLLOWING | _BINARY | _NO_WAITING)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is not a regular file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"it is larger than {limit} octets")
    return content


def remove(path: Path) -> None:
    """Remove a file, if it is there; a link goes, not what it leads to."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def size(path: Path) -> int | None:
    """Octets of a regular file; ``None`` when there is none."""
    found = _look(path)
    return None if found is None else found.st_size


def is_from(path: Path, seconds: float | None) -> bool:
    """Whether ``path`` is a regular file, not empty, that was last changed at this time."""
    found = _look(path)
    if found is None or seconds is None:
        return False
    return found.st_size > 0 and abs(found.st_mtime - seconds) <= _SAME_TIME


def _look(path: Path) -> os.stat_result | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None
