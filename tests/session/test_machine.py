"""Tests for :mod:`trailcam.session.machine`: what each input does in each state."""

from __future__ import annotations

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from trailcam.errors import SessionClosedByPeer, SessionError, SessionLost, SessionRefused
from trailcam.session.machine import Life, Lifecycle, machine

REFUSED = SessionRefused("nobody there")

INPUTS: dict[str, Callable[[Lifecycle], None]] = {
    "heard": lambda life: life.heard(),
    "quiet": lambda life: life.quiet(),
    "silent": lambda life: life.silent(7.0),
    "left": lambda life: life.left(),
    "broken": lambda life: life.broken(REFUSED),
    "close": lambda life: life.close(),
}

#: How to get to a state.
PATHS = {
    "established": [],
    "probing": ["quiet"],
    "closed": ["close"],
    "lost": ["silent"],
}

#: State, input: the state after it, how many ALIVE it sends, what it ends with.
TABLE = {
    ("established", "heard"): ("established", 0, []),
    ("established", "quiet"): ("probing", 1, []),
    ("established", "silent"): ("lost", 0, [SessionLost]),
    ("established", "left"): ("closed", 0, [SessionClosedByPeer]),
    ("established", "broken"): ("lost", 0, [SessionRefused]),
    ("established", "close"): ("closed", 0, [type(None)]),
    ("probing", "heard"): ("established", 0, []),
    ("probing", "silent"): ("lost", 0, [SessionLost]),
    ("probing", "left"): ("closed", 0, [SessionClosedByPeer]),
    ("probing", "broken"): ("lost", 0, [SessionRefused]),
    ("probing", "close"): ("closed", 0, [type(None)]),
    **{
        (state, name): (state, 0, [])
        for state in ("closed", "lost")
        for name in ("heard", "left", "broken", "close")
    },
}


class MachineTests(SynchronousTestCase):
    """The table of the machine."""

    def live(self, state: str) -> tuple[Lifecycle, list[str], list[SessionError | None], Life]:
        """A machine in a state; what it sends and ends with from there on, and its core."""
        sent: list[str] = []
        ends: list[SessionError | None] = []
        core = Life(lambda: sent.append("ALIVE"), ends.append)
        life = machine(core)
        for name in PATHS[state]:
            INPUTS[name](life)
        sent.clear()
        ends.clear()
        return life, sent, ends, core

    def test_table(self) -> None:
        """Each input in each state in which it can come."""
        for (state, name), (after, sends, ending) in TABLE.items():
            life, sent, ends, core = self.live(state)
            self.assertEqual(core.state, state)
            INPUTS[name](life)
            outcome = (core.state, len(sent), [type(end) for end in ends])
            self.assertEqual(outcome, (after, sends, ending), f"{name} in {state}")

    def test_reasons(self) -> None:
        """The reason is passed on as it is, the silence with its length."""
        life, _, ends, _ = self.live("established")
        life.broken(REFUSED)
        self.assertIs(ends[0], REFUSED)
        life, _, ends, _ = self.live("probing")
        life.silent(7.25)
        (lost,) = ends
        assert isinstance(lost, SessionLost)
        self.assertEqual(lost.silent_for, 7.25)
