"""
What worked before with a camera, in memory or in a file of the user's state folder.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.logger import Logger
from zope.interface import implementer

from trailcam.connect.files import read_small, replace
from trailcam.interfaces import IHistory
from trailcam.model import ConnectionMode, Outcome

_MOST_OUTCOMES = 100
_MOST_OCTETS = 64 * 1024


@implementer(IHistory)
class MemoryHistory:
    """Remembers the last 100 outcomes as long as the process lives."""

    def __init__(self, outcomes: Sequence[Outcome] = ()) -> None:
        self._outcomes = deque(outcomes, maxlen=_MOST_OUTCOMES)

    def recall(self) -> Sequence[Outcome]:
        """What is known, oldest first."""
        return tuple(self._outcomes)

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Remember the outcomes of one race."""
        self._outcomes.extend(outcomes)


@implementer(IHistory)
class FileHistory:
    """
    The same, kept in one small JSON file per camera.

    A file that is absent is an empty history.  One that is damaged, or cannot be written, is said
    once; memory does the rest.
    """

    _log = Logger()

    def __init__(self, path: Path) -> None:
        """:param path: the file; its folder is made when it is first needed."""
        self._path = path
        self._complained = False
        self._memory = MemoryHistory(self._load())

    def recall(self) -> Sequence[Outcome]:
        """What is known, oldest first."""
        return self._memory.recall()

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Remember the outcomes of one race: a new file is written beside the old, then renamed."""
        self._memory.record(outcomes)
        text = json.dumps([_to_json(outcome) for outcome in self._memory.recall()])
        try:
            replace(self._path, text.encode("ascii"))
        except OSError as problem:
            self._complain("cannot be written", problem)

    def _load(self) -> list[Outcome]:
        try:
            text = read_small(self._path, _MOST_OCTETS)
            return [_from_json(entry) for entry in json.loads(text)]
        except FileNotFoundError:
            return []
        except OSError as problem:
            self._complain("cannot be read", problem)
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as problem:
            self._complain("is damaged and will be written anew", problem)
        return []

    def _complain(self, what: str, problem: Exception) -> None:
        if not self._complained:
            self._complained = True
            self._log.warn(
                "the connection history {path} {what}: {problem}; going on without it",
                path=str(self._path),
                what=what,
                problem=problem,
            )


def history_path(folder: Path, camera: str) -> Path:
    """
    The file for one camera.

    :param folder: the user's state folder of this package.
    :param camera: whatever tells cameras apart: address and device id (all TrailCams share one id).
    """
    digest = hashlib.sha256(camera.encode()).hexdigest()[:16]
    return folder / "history" / f"{digest}.json"


def _to_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "mode": outcome.mode.value,
        "succeeded": outcome.succeeded,
        "elapsed": outcome.elapsed,
        "round_trip": outcome.round_trip,
    }


def _from_json(entry: dict[str, Any]) -> Outcome:
    trip = entry["round_trip"]
    return Outcome(
        ConnectionMode(entry["mode"]),
        bool(entry["succeeded"]),
        _seconds(entry["elapsed"]),
        None if trip is None else _seconds(trip),
    )


def _seconds(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{value!r} is not a time")
    return number
