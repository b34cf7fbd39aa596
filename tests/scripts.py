"""
Python programs that run beside the tests: for what a process can do only once, such as end.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import attrs
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

ROOT = Path(__file__).resolve().parents[1]
reactor: Any = global_reactor


@attrs.frozen
class Finished:
    """
    What a program left behind.

    :ivar status: its exit status, ``None`` when a signal killed it.
    :ivar seconds: how long it ran.
    :ivar dying: seconds from :meth:`Script.interrupt` to the end.
    """

    status: int | None
    output: str
    errors: str
    seconds: float
    dying: float | None

    def verdict(self) -> Any:
        """The last line of the output, which is JSON."""
        try:
            return json.loads(self.output.strip().rpartition("\n")[2])
        except ValueError:
            raise AssertionError(f"no verdict, status {self.status}: {self}") from None


class Script(ProcessProtocol):
    """A running program."""

    transport: IProcessTransport

    def __init__(self) -> None:
        self.ended: Deferred[Finished] = Deferred()
        self._chunks: dict[int, list[bytes]] = {1: [], 2: []}
        self._waiting: list[tuple[str, Deferred[None]]] = []
        self._began = reactor.seconds()
        self._interrupted: float | None = None

    def when_printed(self, text: str) -> Deferred[None]:
        """Fires when ``text`` is part of the output."""
        waiter: Deferred[None] = Deferred()
        self._waiting.append((text, waiter))
        self._look()
        return waiter

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self._interrupted = reactor.seconds()
        self.transport.signalProcess("INT")

    def kill(self) -> Deferred[Finished] | None:
        """End it, if it has not ended."""
        if self.ended.called:
            return None
        self.transport.signalProcess("KILL")
        return self.ended

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """Keep what it prints."""
        self._chunks[childFD].append(data)
        self._look()

    def processEnded(self, reason: Failure) -> None:
        """Tell."""
        now = reactor.seconds()
        end: Any = reason.value
        self.ended.callback(
            Finished(
                status=0 if isinstance(end, ProcessDone) else end.exitCode,
                output=self._printed(1),
                errors=self._printed(2),
                seconds=now - self._began,
                dying=None if self._interrupted is None else now - self._interrupted,
            )
        )

    def _printed(self, number: int) -> str:
        return b"".join(self._chunks[number]).decode()

    def _look(self) -> None:
        there = [waiting for waiting in self._waiting if waiting[0] in self._printed(1)]
        self._waiting = [waiting for waiting in self._waiting if waiting not in there]
        for _, waiter in there:
            waiter.callback(None)


class ScriptTestCase(TestCase):
    """Runs programs; what still runs after the test, or after its ``timeout``, is killed."""

    timeout = 60.0

    def start(self, source: str, *arguments: object) -> Script:
        """
        Start a program.

        :param source: its text.
        :param arguments: its ``sys.argv[1:]``.
        """
        script = Script()
        path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        reactor.spawnProcess(
            script,
            sys.executable,
            [sys.executable, "-c", source, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"},
        )
        self.addCleanup(script.kill)
        return script

    async def run_script(self, source: str, *arguments: object) -> Any:
        """Run a program that ends by itself, without complaints; the result is its verdict."""
        finished = await self.start(source, *arguments).ended
        self.assertEqual((finished.status, finished.errors), (0, ""), finished)
        return finished.verdict()
