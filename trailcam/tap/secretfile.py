"""
Files that hold a secret.
"""

from __future__ import annotations

import os
import stat

from trailcam.connect.target import check_secret
from trailcam.errors import shown

_LONGEST_LINE = 1024
_FOR_OTHERS = stat.S_IRGRP | stat.S_IROTH


def first_line(option: str, path: str) -> str:
    """The first line of a file; :raises ValueError: it cannot be read, which ``option`` named."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline(_LONGEST_LINE).rstrip("\r\n")
    except (OSError, ValueError) as problem:  # a name with a NUL is a wrong value
        reason = getattr(problem, "strerror", None) or problem
        raise ValueError(f"{option}: {shown(path)} cannot be read: {reason}") from problem


def read_secret(path: str) -> bytes:
    """The secret in the first line of the file; :raises ValueError: what is wrong with it."""
    line = f"--secret-file: the first line of {shown(path)}"
    secret = first_line("--secret-file", path).strip()
    if not secret:
        raise ValueError(f"{line} is empty")
    return check_secret(line, secret)


def readers_of_secret(path: str | None) -> str | None:
    """A warning that others on this machine may read the file, when there is one and they may."""
    if path is None or os.name != "posix":
        return None
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
    except OSError:  # gone since it was read
        return None
    if not mode & _FOR_OTHERS:
        return None
    return f"others on this machine may read {path} (mode {mode:o}); 'chmod 600' prevents that"
