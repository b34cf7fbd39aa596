"""The diagrams of the state machines in the documentation are those of the code."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.session.test_machine import TABLE
from trailcam.connect import handshake
from trailcam.session import machine as session

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "explain" / "machines"
REGENERATE = 'python -c "from tests.session.test_diagrams import write; write()"'

BUILDERS: dict[str, Any] = {"handshake": handshake.build, "session": session.build}

_NODE = re.compile(r"^\s*(?P<name>\w+) \[.*shape=ellipse")
_LABEL = re.compile(r"^\s*t\d+ \[label")
_NUMBER = re.compile(r"\bt\d+\b")


def render(name: str) -> str:
    """
    The diagram of one machine in the DOT language.

    Automat walks through sets, so states and transitions are sorted here, and the transitions
    numbered afresh: the same machine is always the same text.
    """
    lines = BUILDERS[name]().build().asDigraph().source.splitlines()
    states = sorted(line for line in lines if _NODE.match(line))
    starts = [number for number, line in enumerate(lines) if _LABEL.match(line)]
    # A transition is a node and the two arrows to and from it; those name both states.
    transitions = sorted(
        (_NUMBER.sub("t#", "\n".join(lines[start : start + 3])) for start in starts),
        key=lambda text: text.splitlines()[1::-1],
    )
    numbered = [text.replace("t#", f"t{number}") for number, text in enumerate(transitions)]
    head = lines[: next(n for n, line in enumerate(lines) if _NODE.match(line))]
    return "\n".join([*head, *states, *numbered, "}", ""])


def write() -> None:
    """Write all diagrams anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in BUILDERS:
        (FOLDER / f"{name}.dot").write_text(render(name), encoding="utf-8")


class DiagramTests(SynchronousTestCase):
    """The committed diagrams."""

    skip = None if find_spec("graphviz") else "the Python package graphviz is not installed"

    def check(self, name: str) -> None:
        """Compare a committed diagram with its machine."""
        committed = (FOLDER / f"{name}.dot").read_text(encoding="utf-8")
        self.assertEqual(
            committed,
            render(name),
            f"{name}.dot is not what the machine does now; if that is right, run: {REGENERATE}",
        )

    def test_session(self) -> None:
        """The life of a session."""
        self.check("session")

    def test_handshake(self) -> None:
        """The handshake of an attempt."""
        self.check("handshake")

    def test_complete(self) -> None:
        """Each state and each transition is in the diagram, and nothing else is committed."""
        self.assertEqual({path.stem for path in FOLDER.glob("*.dot")}, set(BUILDERS))
        text = render("session")
        for state in ("established", "probing", "closed", "lost"):
            self.assertIn(f"\n\t{state} [", text)
        self.assertEqual(text.count("[label="), len(TABLE))

    def test_same_text(self) -> None:
        """A machine that is built again gives the same text."""
        for name in BUILDERS:
            self.assertEqual(render(name), render(name))
