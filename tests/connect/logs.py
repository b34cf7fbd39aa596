"""What Twisted's log says during a test."""

from __future__ import annotations

from typing import Any, cast

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer


@implementer(ILogObserver)
class LogCapture:
    """Keeps the package's own log events from its making to the end of the test."""

    def __init__(self, case: SynchronousTestCase) -> None:
        self._events: list[LogEvent] = []
        globalLogPublisher.addObserver(self)
        case.addCleanup(globalLogPublisher.removeObserver, self)

    def lines(self, level: Any = LogLevel.warn) -> list[str]:
        """The lines of one level so far."""
        return [formatEvent(event) for event in self._events if event["log_level"] is level]

    def clear(self) -> None:
        """Forget what was logged so far."""
        self._events.clear()

    def __call__(self, event: LogEvent) -> None:
        """Keep one event."""
        if cast(str, event.get("log_namespace", "")).startswith("trailcam."):
            self._events.append(event)
