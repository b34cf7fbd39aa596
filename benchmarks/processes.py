"""
Programs beside the measuring one: started, waited for, and ended, however the measurement ends.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from benchmarks.errors import BenchmarkError

ROOT: Final = Path(__file__).resolve().parents[1]
LOOPBACK: Final = "127.0.0.1"

#: Signals that end a run.
ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: Seconds: until a program is ready, between two looks, for a program to end.
_READY, _GLANCE, _END = 30.0, 0.02, 5.0

_PORTS: Final = range(20_000, 30_000)

#: Characters of a program's output that are shown when something is wrong with it.
_TAIL = 1500


class Program:
    """A running program; what it says is kept."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self.name = name
        self.process = process
        self._log = log

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self.process.pid

    def output(self) -> str:
        """What it has said so far."""
        descriptor = self._log.fileno()
        # Reading by position: the program writes where the shared position is.
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode("utf-8", "replace")

    def said(self, words: str) -> bool:
        """Whether ``words`` are part of what it has said."""
        return words in self.output()

    def until(
        self, condition: Callable[[], bool], what: str = "sign of life", seconds: float = _READY
    ) -> None:
        """
        Wait for a condition.

        :raises BenchmarkError: it does not come true, or the program ends before.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            status = self.process.poll()
            if status is not None:
                raise self.trouble(f"ended with {status}")
            if time.monotonic() > deadline:
                raise self.trouble(f"no {what} within {seconds:.0f} s")
            time.sleep(_GLANCE)

    def trouble(self, what: str) -> BenchmarkError:
        """An error that shows the end of the program's output."""
        return BenchmarkError(f"{self.name}: {what}\n{self.output()[-_TAIL:]}".rstrip())


@contextlib.contextmanager
def program(
    name: str, command: Sequence[str], *, stdin: int | None = None, stdout: int | None = None
) -> Iterator[Program]:
    """
    Run a program for as long as the context lasts.

    :param stdin: as for :class:`subprocess.Popen`; ``None`` is nothing.
    :param stdout: likewise; ``None`` is :meth:`Program.output`, where errors always go.
    :raises BenchmarkError: there is no such program.
    """
    with tempfile.TemporaryFile() as log:
        started: list[subprocess.Popen[bytes]] = []
        try:
            with undisturbed():
                started.append(_start(name, command, log, stdin, stdout))
            yield Program(name, started[0], log)
        finally:
            with undisturbed():
                for process in started:
                    _end(process)


def _start(
    name: str, command: Sequence[str], log: IO[bytes], stdin: int | None, stdout: int | None
) -> subprocess.Popen[bytes]:
    try:
        # In a session of its own Ctrl-C does not reach it: everything is ended in order.
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=log if stdout is None else stdout,
            stderr=log,
            env=environment(),
            start_new_session=True,
            preexec_fn=_heed_signals,
        )
    except OSError as error:
        raise BenchmarkError(f"{name}: {error}") from error


def _end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    process.terminate()
    try:
        process.wait(_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Signals that would end the run wait until the context is left."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _heed_signals() -> None:
    """A new program has inherited what holds signals back while it is started."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)


def module(name: str, *arguments: object, python: str = sys.executable) -> list[str]:
    """The command that runs a module."""
    return [python, "-m", name, *map(str, arguments)]


def twist(plugin: str, *arguments: object) -> list[str]:
    """The command that runs one of this package's services."""
    return module("twisted", "--log-format=text", f"trailcam-{plugin}", *arguments)


def environment() -> dict[str, str]:
    """Programs find this checkout, and what they say is not held back."""
    path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}


def free_ports(count: int, kind: socket.SocketKind = socket.SOCK_DGRAM) -> list[int]:
    """Ports that nobody has, below those that the system hands out by itself."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, kind) as trial:
            trial.bind(("", port))
            found.append(port)
        if len(found) == count:
            break
    return found


def accepts(port: int) -> bool:
    """Whether somebody accepts TCP connections on this port of loopback."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 1.0):
        return True
    return False
