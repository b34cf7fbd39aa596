"""
Doing something before the reactor stops.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class BeforeShutdown:
    """
    A "before shutdown" trigger that can be withdrawn at any time, even while it fires.
    """

    def __init__(self, reactor: Any, action: Callable[[], Any]) -> None:
        """
        :param reactor: provides IReactorCore.
        :param action: called before the reactor stops; a Deferred it returns is waited for.
        """
        self._reactor = reactor
        self._action = action
        self._trigger = reactor.addSystemEventTrigger("before", "shutdown", self._fire)

    def withdraw(self) -> None:
        """Do nothing before the shutdown.  May be called again."""
        if self._trigger is not None:
            self._reactor.removeSystemEventTrigger(self._trigger)
            self._trigger = None

    def _fire(self) -> Any:
        self._trigger = None
        return self._action()
