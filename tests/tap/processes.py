"""
Processes in memory.
"""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.task import Clock
from twisted.python.failure import Failure


@attrs.define(eq=False)
class Process:
    """
    A process that does what a test says, and the transport of its protocol.

    :ivar stubborn: whether SIGTERM does nothing.
    :ivar foreign: whether it has become another user's.
    """

    protocol: Any
    words: tuple[str, ...]
    environment: dict[str, str]
    written: bytes = b""
    stdin_open: bool = True
    signals: list[str] = attrs.field(factory=list)
    over: bool = False
    lost: bool = False
    stubborn: bool = False
    foreign: bool = False

    def write(self, data: bytes) -> None:
        """To its standard input."""
        self.written += data

    def closeStdin(self) -> None:
        """No more of that."""
        self.stdin_open = False

    def loseConnection(self) -> None:
        """Nobody cares for its pipes any more."""
        self.lost = True

    def signalProcess(self, name: str) -> None:
        """TERM and KILL end it."""
        if self.over:
            raise ProcessExitedAlready
        if self.foreign:
            raise PermissionError(1, "Operation not permitted")
        self.signals.append(name)
        if name == "KILL" or not self.stubborn:
            self.end(signal=15)

    def end(self, status: int = 0, signal: int | None = None) -> None:
        """It exits."""
        self.over = True
        ended = ProcessTerminated(status, signal) if status or signal else ProcessDone(0)
        self.protocol.processExited(Failure(ended))


class Processes(Clock):
    """
    A reactor whose processes are :class:`Process`.

    :ivar all: those that were started.
    :ivar problem: what starting fails with.
    """

    def __init__(self) -> None:
        super().__init__()
        self.all: list[Process] = []
        self.problem: OSError | None = None

    def spawnProcess(
        self, protocol: Any, executable: str, args: Any, env: Any, childFDs: Any
    ) -> Process:
        """Start one."""
        if self.problem is not None:
            raise self.problem
        assert executable == args[0]
        process = Process(protocol, tuple(args), dict(env))
        self.all.append(process)
        protocol.makeConnection(process)
        return process

    def running(self) -> list[Process]:
        """Those that have not ended."""
        return [process for process in self.all if not process.over]
