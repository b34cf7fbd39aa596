"""
Standard streams in memory, for the tests of what is said on them.
"""

from __future__ import annotations

import errno
import io
import logging
import sys

from twisted.trial.unittest import SynchronousTestCase


class Streams(SynchronousTestCase):
    """Takes the place of the standard streams."""

    def setUp(self) -> None:
        """Put them away."""
        self.output, self.errors = io.StringIO(), io.StringIO()
        handler = logging.NullHandler()  # without any, logging complains on standard error
        logging.getLogger("trailcam").addHandler(handler)
        self.addCleanup(logging.getLogger("trailcam").removeHandler, handler)
        self.patch(sys, "stdout", self.output)
        self.patch(sys, "stderr", self.errors)

    def told(self) -> str:
        """What was said on standard output since the last time."""
        text = self.output.getvalue()
        self.output.seek(0)
        self.output.truncate()
        return text


class Full(io.StringIO):
    """A stream on a disk that is full."""

    def write(self, text: str) -> int:
        """There is no room."""
        raise OSError(errno.ENOSPC, "No space left on device")
