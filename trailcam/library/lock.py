"""
One run at a time in one folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from types import ModuleType

from trailcam.errors import FolderInUse
from trailcam.library import disk

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_FLAGS |= getattr(os, "O_NONBLOCK", 0)  # or reading from a FIFO would wait for somebody's words
_TAKEN = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}
_LONGEST_ID = 20


class Lock:
    """
    The lock of a folder, or of a single file in it.

    Where the system has flock, it ends with the process that holds it.  Elsewhere it is the
    existence of the file, which a killed process leaves behind.
    """

    def __init__(self, path: Path, *, passing: bool = False) -> None:
        """
        Take it.

        :param passing: whether its file is to go with it.
        :raises FolderInUse: when another run has it.
        :raises FolderUnusable: when the file cannot be made.
        :raises FolderUnsafe: when it is a link.
        """
        disk.refuse_link(path)
        self._path = path
        self._passing = passing or fcntl is None
        self._descriptor: int | None = None
        with disk.trouble(path):
            self._descriptor = self._lock() if fcntl is not None else self._create()

    def release(self) -> None:
        """Give it back.  May be called again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        if fcntl is None:  # Windows removes no file that is open
            os.close(descriptor)
        if self._passing:
            with contextlib.suppress(OSError):
                os.unlink(self._path)
        if fcntl is not None:
            os.close(descriptor)

    def _lock(self) -> int:
        assert fcntl is not None
        descriptor = os.open(self._path, _FLAGS, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not self._is_there(descriptor):  # it has gone with who had it
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        except OSError as problem:
            who = _whose(descriptor)
            os.close(descriptor)
            if problem.errno in _TAKEN:
                raise FolderInUse(f"{self._path.parent} is in use by another run{who}") from None
            raise
        with contextlib.suppress(OSError):  # on a full disk nobody learns whose it is
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        return descriptor

    def _is_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.lstat(self._path))
        except FileNotFoundError:
            return False

    def _create(self) -> int:
        try:
            descriptor = os.open(self._path, _FLAGS | os.O_EXCL, 0o666)
        except FileExistsError:
            raise FolderInUse(
                f"{self._path.parent} is in use by another run; "
                f"if there is none, delete {self._path}"
            ) from None
        os.write(descriptor, f"{os.getpid()}\n".encode())
        return descriptor


def _whose(descriptor: int) -> str:
    with contextlib.suppress(OSError):
        digits = os.read(descriptor, _LONGEST_ID).strip()
        if digits.isdigit():
            return f" (process {digits.decode('ascii')})"
    return ""
