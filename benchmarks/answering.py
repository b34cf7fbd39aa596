"""
The answering side of a worker: for contenders that block.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable, Mapping
from typing import Any

#: Answers one kind of question, whose members are its arguments.
Task = Callable[..., dict[str, Any]]


def serve(tasks: Mapping[str, Task]) -> None:
    """Answer questions from standard input until it ends."""
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(answered(tasks, line))}\n")
        sys.stdout.flush()


def answered(tasks: Mapping[str, Task], line: str) -> dict[str, Any]:
    """The answer to one question; what went wrong is an answer, too."""
    question = json.loads(line)
    try:
        return tasks[question.pop("task")](**question)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def cpu_seconds() -> float:
    """What this process has used so far, of the system's time, too."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
