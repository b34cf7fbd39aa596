"""The system's limit of open files, which is one of sockets, too."""

from __future__ import annotations

import contextlib
import resource


def raise_file_limit() -> int:
    """Raise it for this process as far as it may be; the limit then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return soft
