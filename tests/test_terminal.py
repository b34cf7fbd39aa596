"""
A race in words.
"""

from __future__ import annotations

import io
import re

import attrs
from twisted.trial.unittest import SynchronousTestCase

from tests.tap.fakes import DEFEAT, LAN, P2P, REFUSED, RELAY, VICTORY, FakeLink
from trailcam.model import AttemptReport, AttemptState, Report
from trailcam.terminal import Style, connected, failure_codes, not_connected

DIRECT = {P2P, LAN}
PLAIN = Style()
COLOURS = re.compile("\x1b\\[[0-9;]*m")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


class StyleTests(SynchronousTestCase):
    """What a stream can show."""

    def style(self, **environment: str) -> Style:
        """The style of a terminal in this environment."""
        known = {"NO_COLOR": "", "TERM": "xterm", "COLUMNS": "100", **environment}
        self.patch(__import__("os"), "environ", known)
        return Style.of(Terminal())

    def test_terminal(self) -> None:
        """A terminal has colours and a width."""
        self.assertEqual(self.style(), Style(colour=True, width=100))

    def test_no_colour(self) -> None:
        """Who wants none gets none."""
        self.assertIs(self.style(NO_COLOR="1").colour, False)
        self.assertIs(self.style(TERM="dumb").colour, False)

    def test_file(self) -> None:
        """A file, and a stream that was closed, have neither."""
        self.assertEqual(Style.of(io.StringIO()), PLAIN)
        self.assertEqual(Style.of(None), PLAIN)


class ConnectedTests(SynchronousTestCase):
    """The words for a victory."""

    def test_all_of_it(self) -> None:
        """Who won, over what, how long it took, and a line for each mode."""
        self.assertEqual(
            connected(FakeLink(), VICTORY, DIRECT, PLAIN).split("\n"),
            [
                "connected over P2P in 0.250 s: local port 5000 -> 192.168.43.1:40611",
                "",
                "  P2P    success        0.250 s  the first to prove its connection; "
                "the camera's first answer took 0.125 s",
                "  LAN    cancelled      0.200 s  P2P was faster; this one was still searching",
                "  RELAY  not started          -  not enabled",
            ],
        )

    def test_round_trip_unknown(self) -> None:
        """Without a measured round trip none is told."""
        winner = attrs.evolve(VICTORY.attempts[0], round_trip=None)
        report = attrs.evolve(VICTORY, attempts=(winner, *VICTORY.attempts[1:]))
        lines = connected(FakeLink(), report, DIRECT, PLAIN).split("\n")
        self.assertTrue(lines[2].endswith("  the first to prove its connection"))

    def test_decided_before_its_start(self) -> None:
        """A mode that was enabled and never began is not called disabled."""
        lines = connected(FakeLink(), VICTORY, {*DIRECT, RELAY}, PLAIN).split("\n")
        self.assertTrue(lines[-1].endswith("  all was decided before its start"))


class NotConnectedTests(SynchronousTestCase):
    """The words for a defeat."""

    def test_all_of_it(self) -> None:
        """How long it took, and each mode's reason."""
        self.assertEqual(
            not_connected(DEFEAT, DIRECT, PLAIN).split("\n"),
            [
                "not connected after 0.500 s",
                "",
                f"  P2P    failed         0.500 s  {REFUSED}",
                "  LAN    failed         0.400 s  nothing answered",
                "  RELAY  not started          -  not enabled",
            ],
        )

    def test_stopped(self) -> None:
        """A mode that was stopped without a winner says where."""
        stopped = AttemptReport(LAN, AttemptState.CANCELLED, elapsed=0.1, phase="punching")
        report = Report(None, 0.1, (stopped,))
        self.assertIn("stopped while punching", not_connected(report, DIRECT, PLAIN))

    def test_codes(self) -> None:
        """The short form has a code for each mode that failed."""
        self.assertEqual(failure_codes(DEFEAT), "P2P: refused, LAN: no_answer")


class LayoutTests(SynchronousTestCase):
    """Colours and widths change nothing else."""

    def test_colours(self) -> None:
        """Without its colours the text is the plain one."""
        for plain, coloured in (
            (
                connected(FakeLink(), VICTORY, DIRECT, PLAIN),
                connected(FakeLink(), VICTORY, DIRECT, Style(colour=True)),
            ),
            (
                not_connected(DEFEAT, DIRECT, PLAIN),
                not_connected(DEFEAT, DIRECT, Style(colour=True)),
            ),
        ):
            self.assertNotEqual(plain, coloured)
            self.assertEqual(plain, COLOURS.sub("", coloured))

    def test_width(self) -> None:
        """Long reasons are broken, and go on below their beginning."""
        text = not_connected(DEFEAT, DIRECT, Style(width=60))
        lines = text.split("\n")
        self.assertTrue(all(len(line) < 60 for line in lines), text)
        column = lines[2].index("192.168")
        self.assertEqual(lines[3][:column].strip(), "")
        words = text[text.index("192.168") : text.index("  LAN")].split()
        self.assertEqual(" ".join(words), REFUSED)

    def test_narrow(self) -> None:
        """A window of no width at all is survived."""
        text = not_connected(DEFEAT, DIRECT, Style(width=1))
        self.assertIn("refused port", " ".join(text.split()))
