"""
The log on standard error.
"""

from __future__ import annotations

import io
import logging
import sys
import warnings

from twisted.logger import LogBeginner, Logger, LogPublisher

from tests.streams import Streams
from trailcam import stderrlog
from trailcam.stderrlog import log_to_stderr


class LogTests(Streams):
    """What the log becomes on standard error."""

    def setUp(self) -> None:
        """A log that has not begun."""
        super().setUp()
        self.publisher = LogPublisher()
        beginner = LogBeginner(self.publisher, io.StringIO(), sys, warnings)
        self.patch(stderrlog, "globalLogBeginner", beginner)
        logger = logging.getLogger("trailcam")
        self.addCleanup(logger.setLevel, logger.level)

    def shown(self, verbose: bool) -> list[str]:
        """The lines that become of some events."""
        ours = Logger("trailcam.connect.race", observer=self.publisher)
        twisteds = Logger("twisted.internet.udp", observer=self.publisher)
        with log_to_stderr(verbose):
            ours.info("a step")
            twisteds.info("UDP port closed")
            twisteds.warn("odd")
            logging.getLogger("trailcam").debug("[P2P] %s", "attempt")
            try:
                raise ZeroDivisionError("oops")
            except ZeroDivisionError:
                ours.failure("bug: it\nbroke")
            ours.critical("no more")
        return self.errors.getvalue().splitlines()

    def test_brief(self) -> None:
        """Bugs only, each in one line, with a hint where to see more."""
        self.assertEqual(
            self.shown(verbose=False),
            [
                "trailcam: bug: it broke: ZeroDivisionError('oops') (-v shows more)",
                "trailcam: no more (-v shows more)",
            ],
        )

    def test_verbose(self) -> None:
        """Every step of ours, and the traceback of bugs; not Twisted's chat."""
        lines = self.shown(verbose=True)
        self.assertEqual(lines[:3], ["[INFO] a step", "[WARNING] odd", "[DEBUG] [P2P] attempt"])
        self.assertIn("Traceback (most recent call last):", lines)
        self.assertNotIn("UDP port closed", self.errors.getvalue())

    def test_once(self) -> None:
        """Afterwards nothing more is written."""
        self.shown(verbose=True)
        before = self.errors.getvalue()
        logging.getLogger("trailcam").critical("late")
        self.assertEqual(self.errors.getvalue(), before)
