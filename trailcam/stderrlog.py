"""
The log on standard error, for a command that a person has started.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator

from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    STDLibLogObserver,
    globalLogBeginner,
)
from zope.interface import implementer

#: Takes what the package logs by Twisted's means, and the narration of a race.
logger = logging.getLogger("trailcam")


@contextlib.contextmanager
def log_to_stderr(verbose: bool) -> Iterator[None]:
    """Show the log while the context lasts: every step, or bugs only and those in one line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s") if verbose else _Brief())
    logger.setLevel(logging.DEBUG if verbose else logging.CRITICAL)
    logger.addHandler(handler)
    globalLogBeginner.beginLoggingTo([_ToLogging()], redirectStandardIO=False)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@implementer(ILogObserver)
class _ToLogging:
    """Hands Twisted's log to :mod:`logging`, but for the chat about every port it opens."""

    def __init__(self) -> None:
        self._hand_over = STDLibLogObserver(logger.name)

    def __call__(self, event: LogEvent) -> None:
        ours = event.get("log_namespace", "").startswith(logger.name)
        if ours or event.get("log_level", LogLevel.info) >= LogLevel.warn:
            self._hand_over(event)


class _Brief(logging.Formatter):
    """What happened, without the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        cause = record.exc_info[1] if record.exc_info else None
        detail = "" if cause is None else f": {cause!r}"
        told = " ".join(f"{record.getMessage()}{detail}".split())
        return f"trailcam: {told} (-v shows more)"
