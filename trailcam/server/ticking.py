"""
Doing something again and again, whatever becomes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger


class Ticking:
    """Calls a function every so many seconds; that one call fails does not end it."""

    _log = Logger()

    def __init__(self, clock: Any, tick: Callable[[], None]) -> None:
        """:param clock: provides IReactorTime."""
        self._tick = tick
        self._failing = False
        self._loop = LoopingCall(self._guarded)
        self._loop.clock = clock

    def start(self, interval: float, *, now: bool = False) -> None:
        """Begin, at once or after the first ``interval``."""
        self._loop.start(interval, now)

    def stop(self) -> None:
        """End, if it has begun."""
        if self._loop.running:
            self._loop.stop()

    def _guarded(self) -> None:
        """Failures in a row are told once: there may be two a second."""
        try:
            self._tick()
        except Exception:
            if not self._failing:
                name = getattr(self._tick, "__qualname__", "?")
                self._log.failure("bug: {tick} raised; trying on", tick=name)
            self._failing = True
        else:
            self._failing = False
