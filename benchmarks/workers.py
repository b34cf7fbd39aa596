"""
Contenders that are processes: each answers questions, one JSON object a line, for as long as asked.

So every round finds a warm process, and no start-up time is mixed into what is measured.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.processes import Program, program

#: Seconds that an answer may take when nobody says otherwise.
_PATIENCE = 60.0


class Worker:
    """The asking side of such a process."""

    def __init__(self, running: Program) -> None:
        self._program = running
        self._rest = b""

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._program.pid

    def ask(self, task: str, *, patience: float = _PATIENCE, **question: object) -> dict[str, Any]:
        """
        Ask, and wait for the answer.

        :param patience: seconds that the answer may take.
        :raises BenchmarkError: there was no answer, or one that says why there is none.
        """
        line = json.dumps({"task": task, **question}) + "\n"
        stdin = self._program.process.stdin
        assert stdin is not None
        try:
            stdin.write(line.encode())
            stdin.flush()
        except OSError as error:
            raise self._program.trouble(f"does not listen: {error}") from error
        answer: dict[str, Any] = json.loads(self._line(time.monotonic() + patience, task))
        if "error" in answer:
            raise self._program.trouble(f"{task}: {answer['error']}")
        return answer

    def _line(self, deadline: float, task: str) -> bytes:
        stdout = self._program.process.stdout
        assert stdout is not None
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([stdout], [], [], left)[0]:
                raise self._program.trouble(f"no answer to {task!r}")
            more = os.read(stdout.fileno(), 65536)
            if not more:
                raise self._program.trouble(f"ended during {task!r}")
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return line


@contextlib.contextmanager
def worker(name: str, command: Sequence[str]) -> Iterator[Worker]:
    """
    Run a worker for as long as the context lasts.

    :param command: what starts it.
    """
    pipe = subprocess.PIPE
    with program(name, command, stdin=pipe, stdout=pipe) as running:
        yield Worker(running)
