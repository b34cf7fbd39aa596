"""Tests for what :mod:`trailcam.reactorthread` does once for a whole process."""

from __future__ import annotations

import io
import logging
import warnings
from types import SimpleNamespace

import twisted.logger
from twisted.internet import reactor as global_reactor
from twisted.logger import LogBeginner, Logger, LogLevel, LogPublisher
from twisted.trial.unittest import SynchronousTestCase

from tests.facade import Lines
from trailcam import reactorthread
from trailcam.reactorthread import ReactorThread, shared_runtime
from trailcam.reactorthread import global_reactor as find_global


class LogTests(SynchronousTestCase):
    """Where Twisted's log goes in a program that has none of its own."""

    def setUp(self) -> None:
        """A log that has not begun, and a program with handlers of its own."""
        self.publisher = LogPublisher()
        self.stderr = io.StringIO()
        beginner = LogBeginner(self.publisher, self.stderr, SimpleNamespace(), warnings)
        self.patch(twisted.logger, "globalLogBeginner", beginner)
        self.patch(warnings, "showwarning", warnings.showwarning)
        self.lines = Lines()
        stdlib = logging.getLogger("twisted")
        self.addCleanup(stdlib.setLevel, stdlib.level)
        self.addCleanup(stdlib.removeHandler, self.lines)
        self.patch(stdlib, "propagate", False)
        stdlib.setLevel(logging.DEBUG)
        stdlib.addHandler(self.lines)

    def test_levels(self) -> None:
        """Warnings and worse reach the standard library's log, in their levels."""
        log = Logger("test", observer=self.publisher)
        log.critical("before")
        reactorthread._log_to_stdlib()
        for level in LogLevel.iterconstants():
            log.emit(level, "{word}", word=level.name)
        self.assertEqual(
            [(record.levelname, record.getMessage()) for record in self.lines.records],
            [("WARNING", "warn"), ("ERROR", "error"), ("CRITICAL", "critical")],
        )
        self.assertEqual(self.stderr.getvalue(), "before\n")

    def test_warnings_are_left_alone(self) -> None:
        """How a program shows its own warnings does not change."""
        shown = warnings.showwarning
        reactorthread._log_to_stdlib()
        self.assertIs(warnings.showwarning, shown)


class SharedTests(SynchronousTestCase):
    """What a process has once."""

    def test_one_runtime(self) -> None:
        """Everybody gets the same runtime."""
        self.patch(reactorthread, "_runtime", None)
        runtime = shared_runtime()
        self.assertIsInstance(runtime, ReactorThread)
        self.assertIs(shared_runtime(), runtime)

    def test_global_reactor(self) -> None:
        """Its reactor is the process's."""
        self.assertIs(find_global(), global_reactor)
