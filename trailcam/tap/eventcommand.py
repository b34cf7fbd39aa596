"""
Runs a command for each event of a camera.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.runtime import platform

from trailcam.waiting import settle_all

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall

#: The environment variable with the event's number.
EVENT_VARIABLE = "TRAILCAM_EVENT"

#: Commands that run at the same time, at most.
MOST_RUNNING = 4

#: Events that wait for one of them to end, at most.
MOST_WAITING = 64

#: Seconds for which dropped events are counted before they are told.
COUNTING = 10.0

#: Seconds that a command has from SIGTERM to SIGKILL, when the service stops.
PATIENCE = 2.0

#: What it prints goes where ours goes; Windows has only pipes, which are not read.
_DESCRIPTORS = None if platform.isWindows() else {0: "w", 1: 1, 2: 2}


def check_command(name: str, text: str) -> tuple[str, ...]:
    """
    The words of a command, the first of them the path of a program.

    :param name: what it was given as, for the error.
    :raises ValueError: there is no such program, or the words cannot be told apart.
    """
    try:
        words = shlex.split(text)
    except ValueError as problem:
        raise ValueError(f"{name}: {text!r} cannot be cut into words: {problem}") from problem
    if not words or not words[0]:
        raise ValueError(f"{name}: a command is wanted, got {text!r}")
    program = None if "\0" in text else shutil.which(words[0])
    if program is None:
        raise ValueError(f"{name}: {words[0]!r} is not a program that can be run here")
    return (os.path.abspath(program), *words[1:])


class EventCommand(Service):
    """
    Starts a process for each event: its JSON on the standard input, its number in
    :data:`EVENT_VARIABLE`.

    Events that find too many others waiting are dropped, and counted.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        words: Sequence[str],
        *,
        most_running: int = MOST_RUNNING,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """
        :param reactor: provides IReactorProcess and IReactorTime.
        :param words: the program's path, and its arguments.
        """
        self._reactor = reactor
        self._words = tuple(words)
        self._most_running = most_running
        self._most_waiting = most_waiting
        self._running: set[_Child] = set()
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._dropped = 0
        self._telling: IDelayedCall | None = None

    def heard(self, event: Mapping[str, Any]) -> None:
        """Run the command for an event, now or later.  Never raises, never blocks."""
        if not self.running:
            return
        if len(self._waiting) < self._most_waiting:
            self._waiting.append(event)
            self._start_next()
        else:
            self._drop()

    def stopService(self) -> Deferred[None]:
        """Forget what waits, end what runs; fires when nothing of ours runs any more."""
        super().stopService()  # type: ignore[no-untyped-call]
        self._dropped += len(self._waiting)
        self._waiting.clear()
        if self._telling is not None:
            self._telling.cancel()
        self._tell_dropped()
        if not self._running:
            return succeed(None)
        return Deferred.fromCoroutine(self._end_all(tuple(self._running)))

    async def _end_all(self, children: Sequence[_Child]) -> None:
        children = [child for child in children if self._end(child)]
        killing = self._reactor.callLater(PATIENCE, self._kill, children)
        await settle_all([child.ended for child in children])
        if killing.active():
            killing.cancel()

    def _end(self, child: _Child) -> bool:
        """Whether it is worth while to wait for its end."""
        allowed = child.signal("TERM")
        if not allowed:
            self._log.warn(
                "{command} for event {event} may not be ended, and is left to itself",
                command=self._words[0],
                event=child.number,
            )
        return allowed

    def _kill(self, children: Sequence[_Child]) -> None:
        for child in children:
            child.signal("KILL")

    def _start_next(self) -> None:
        while self._waiting and len(self._running) < self._most_running:
            self._start(self._waiting.popleft())

    def _start(self, event: Mapping[str, Any]) -> None:
        number = _number(event)
        child = _Child(json.dumps(event).encode("ascii") + b"\n", self._child_ended, number)
        self._running.add(child)
        try:
            self._reactor.spawnProcess(
                child,
                self._words[0],
                self._words,
                env={**os.environ, EVENT_VARIABLE: number},
                childFDs=_DESCRIPTORS,
            )
        except OSError as problem:
            self._running.discard(child)
            self._log.warn(
                "{command} cannot be started for event {event}: {reason}",
                command=self._words[0],
                event=number,
                reason=problem.strerror or str(problem),
            )

    def _child_ended(self, child: _Child, reason: Failure) -> None:
        self._running.discard(child)
        if not self.running:
            return
        how = _failed(reason)
        if how:
            self._log.warn(
                "{command} for event {event} ended with {how}",
                command=self._words[0],
                event=child.number,
                how=how,
            )
        self._start_next()

    def _drop(self) -> None:
        self._dropped += 1
        if self._telling is None:
            self._telling = self._reactor.callLater(COUNTING, self._tell_dropped)

    def _tell_dropped(self) -> None:
        self._telling = None
        dropped, self._dropped = self._dropped, 0
        if dropped:
            self._log.warn(
                "events dropped because {command} was busy with others: {dropped}",
                command=self._words[0],
                dropped=dropped,
            )


class _Child(ProcessProtocol):
    """
    One process.

    :ivar ended: fires when it has exited and was waited for.
    :ivar number: of its event.
    """

    def __init__(
        self, event: bytes, exited: Callable[[_Child, Failure], None], number: str
    ) -> None:
        self.ended: Deferred[None] = Deferred()
        self.number = number
        self._event = event
        self._exited = exited

    def connectionMade(self) -> None:
        """Give it the event."""
        transport: Any = self.transport
        transport.write(self._event)
        transport.closeStdin()

    def signal(self, name: str) -> bool:
        """Send it a signal, if it is still there; returns whether that is allowed."""
        transport: Any = self.transport
        try:
            transport.signalProcess(name)
        except ProcessExitedAlready:
            return True
        except OSError:  # it has become another user's, as sudo does
            return False
        return True

    def processExited(self, reason: Failure) -> None:
        """It is no more; descendants of it that hold its pipe are nobody's concern."""
        transport: Any = self.transport
        transport.loseConnection()
        self._exited(self, reason)
        self.ended.callback(None)


def _number(event: Mapping[str, Any]) -> str:
    """The event's number; empty when it has none."""
    number = event.get("evtId")
    return str(number) if type(number) is int else ""


def _failed(reason: Failure) -> str:
    """How a process ended, in words; nothing when all was well."""
    ended: Any = reason.value
    if isinstance(ended, ProcessDone):
        return ""
    return f"status {ended.exitCode}" if ended.signal is None else f"signal {ended.signal}"
