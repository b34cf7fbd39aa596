"""
Small files that are read whole, and replaced whole.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path


def read_small(path: Path, limit: int) -> bytes:
    """
    What is in a regular file.

    :param limit: octets that it may have.
    :raises OSError: when it cannot be read, or is not a regular file.
    :raises ValueError: when it is larger.
    """
    with open(path, "rb", opener=_open_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("not a regular file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"larger than {limit} octets")
    return content


def replace(path: Path, content: bytes) -> None:
    """
    Write a new file beside ``path``, then rename it; its folder is made if need be.

    :raises OSError: when that fails; then nothing is left of the new file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=path.name, suffix=".new", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _open_without_waiting(path: str, flags: int) -> int:
    """For :func:`open`, which waits at a FIFO until somebody writes into it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
