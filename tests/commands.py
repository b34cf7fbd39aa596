"""
Commands that run in processes of their own, for what only a process can show: its exit status,
its signals, its standard streams.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import attrs
from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[1]

#: Seconds after which a command that hangs is killed: far more than any of them needs.
WATCHDOG = 60.0


@attrs.frozen
class Finished:
    """
    What a command left behind.

    :ivar status: its exit status; minus the number of the signal that killed it.
    """

    status: int
    output: str
    errors: str


class Command:
    """A command that runs."""

    def __init__(
        self, words: tuple[str, ...], stdout: int | IO[bytes], environment: Mapping[str, str]
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            text=True,
            encoding="utf-8",
        )
        self._seen = {"stdout": "", "stderr": ""}
        self._watchdog = threading.Timer(WATCHDOG, self.process.kill)
        self._watchdog.start()

    def wait_for(self, text: str, stream: str = "stdout") -> None:
        """Return when a line with ``text`` has come; fails when the stream ends before."""
        for line in self._stream(stream):
            self._seen[stream] += line
            if text in line:
                return
        raise AssertionError(f"{text!r} never came: {self.finish()}")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def finish(self) -> Finished:
        """Wait for its end."""
        output, errors = self.process.communicate()
        self._watchdog.cancel()
        seen = self._seen
        output, errors = seen["stdout"] + (output or ""), seen["stderr"] + errors
        return Finished(self.process.returncode, output, errors)

    def end(self) -> None:
        """End it, if a test did not."""
        self._watchdog.cancel()
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def _stream(self, name: str) -> IO[str]:
        stream: IO[str] | None = getattr(self.process, name)
        assert stream is not None
        return stream


class CommandTestCase(SynchronousTestCase):
    """Runs commands; none of them survives its test."""

    def start(
        self, *words: str, stdout: int | IO[bytes] = subprocess.PIPE, **environment: str
    ) -> Command:
        """
        Start Python with these arguments.

        :param stdout: where its output goes; by default to :class:`Finished`.
        """
        command = Command(words, stdout, environment)
        self.addCleanup(command.end)
        return command

    def trailcam(self, *words: str, **environment: str) -> Finished:
        """Run ``trailcam`` to its end."""
        return self.start("-m", "trailcam", *words, **environment).finish()
