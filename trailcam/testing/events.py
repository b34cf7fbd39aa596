"""
A reactor's system events: callables that run before, during and after, say, "shutdown".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

PHASES = ("before", "during", "after")

Trigger = tuple[str, str, Callable[..., Any], tuple[object, ...], dict[str, object]]


class SystemEvents:
    """What is to happen at which event."""

    _log = Logger()

    def __init__(self) -> None:
        self._triggers: list[Trigger] = []

    def add(
        self,
        phase: str,
        event: str,
        function: Callable[..., Any],
        args: tuple[object, ...],
        kwargs: dict[str, object],
    ) -> Trigger:
        """
        Call a function at an event.

        :returns: what :meth:`remove` takes.
        :raises KeyError: for a phase that does not exist.
        """
        if phase not in PHASES:
            raise KeyError(f"invalid phase: {phase}")
        trigger = (phase, event, function, args, kwargs)
        self._triggers.append(trigger)
        return trigger

    def remove(self, trigger: Trigger) -> None:
        """
        Undo :meth:`add`.

        :raises ValueError: when the trigger ran or was removed already.
        """
        self._triggers.remove(trigger)

    def fire(self, event: str) -> None:
        """Run the triggers of an event, once; "during" waits for the Deferreds of "before"."""
        waiting = [r for r in self._run("before", event) if isinstance(r, Deferred)]
        DeferredList(waiting, consumeErrors=True).addCallback(self._finish, event)

    def _finish(self, _: object, event: str) -> None:
        """Run the phases after "before"."""
        self._run("during", event)
        self._run("after", event)

    def _run(self, phase: str, event: str) -> list[object]:
        """Run one phase and collect the results; what raises is logged, as a reactor does."""
        results: list[object] = []
        while (trigger := self._take(phase, event)) is not None:
            _, _, function, args, kwargs = trigger
            try:
                results.append(function(*args, **kwargs))
            except Exception:
                self._log.failure("while running {phase} {event}", phase=phase, event=event)
        return results

    def _take(self, phase: str, event: str) -> Trigger | None:
        """Remove and return the next trigger of one phase."""
        for index, trigger in enumerate(self._triggers):
            if trigger[:2] == (phase, event):
                return self._triggers.pop(index)
        return None
