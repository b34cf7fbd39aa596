"""
Where the results of commands go.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

#: Shows a text of one or more lines on standard output.
Show = Callable[[str], None]

DONE, COULD_NOT = 0, 1


def show_json(show: Show, value: Any) -> None:
    """Show one JSON value; in ASCII, so that no text of a camera commands a terminal."""
    show(json.dumps(value, indent=2))


class Results:
    """
    What became of each of several items: told at once to people, at the end to programs.

    :ivar failed: names and reasons.
    """

    def __init__(self, show: Show, verb: str, *, as_json: bool) -> None:
        """:param verb: what was done to those that did not fail, as in the JSON object."""
        self.done: list[str] = []
        self.failed: list[dict[str, str]] = []
        self._show = show
        self._verb = verb
        self._as_json = as_json

    def succeed(self, name: str) -> None:
        """One is done."""
        self.done.append(name)
        if not self._as_json:
            self._show(f"{self._verb} {name}")

    def fail(self, name: str, reason: str, code: str) -> None:
        """One is not."""
        self.failed.append({"name": name, "code": code, "reason": reason})
        if not self._as_json:
            self._show(f"{name} failed: {reason}")

    def end(self) -> int:
        """All are told; returns the exit status."""
        if self._as_json:
            show_json(self._show, {self._verb: self.done, "failed": self.failed})
        return COULD_NOT if self.failed else DONE
