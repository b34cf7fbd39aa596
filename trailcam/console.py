"""
What the command ``trailcam`` says, and how it exits.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Final

from trailcam._version import __version__

#: Exit statuses.
DONE: Final = 0
COULD_NOT: Final = 1
SIGNALLED: Final = 128  # and the number of the signal


def show(text: str) -> None:
    """Print a result."""
    print(text, flush=True)


class VersionOption:
    """Makes ``--version`` tell ours, and not Twisted's; stands before other options' classes."""

    def opt_version(self) -> None:
        """Show the version and exit."""
        show(f"trailcam {__version__}")
        raise SystemExit(DONE)


def complain(text: str, status: int) -> int:
    """Say in one line what went wrong, if anybody can hear it; returns ``status``."""
    if sys.stderr is not None:  # or print() would take standard output
        with contextlib.suppress(OSError):
            print(f"trailcam: {_one_line(text)}", file=sys.stderr, flush=True)
    return status


def _one_line(text: str) -> str:
    """``text`` without line breaks, and nothing in it that would command a terminal."""
    line = " ".join(text.split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
