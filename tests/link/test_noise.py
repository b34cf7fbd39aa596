"""Tests for :mod:`trailcam.link.noise`."""

from __future__ import annotations

from twisted.logger import ILogObserver, LogEvent, Logger
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from trailcam.link.noise import Noise


class NoiseTests(SynchronousTestCase):
    """Everything is counted, little is logged."""

    def setUp(self) -> None:
        """Make one with a log of its own."""
        self.events: list[LogEvent] = []
        observe = implementer(ILogObserver)(lambda event: self.events.append(event))
        self.noise = Noise(Logger("test", observer=observe))

    def lines(self) -> list[tuple[str, str, str]]:
        """What was logged."""
        return [(e["log_level"].name, e["peer"], e["kind"]) for e in self.events]

    def test_once_per_peer_and_kind(self) -> None:
        """The first of each peer and kind is a warning; a peer is a host, whatever its port."""
        for port in (1, 2, 3):
            self.noise.note(("10.0.0.1", port), "truncated")
            self.noise.note(("10.0.0.2", port), "truncated")
            self.noise.note(("10.0.0.2", port), "bad_magic")
        self.assertEqual(self.noise.counts, {"truncated": 6, "bad_magic": 3})
        self.assertEqual(
            self.lines(),
            [
                ("warn", "10.0.0.1", "truncated"),
                ("warn", "10.0.0.2", "truncated"),
                ("warn", "10.0.0.2", "bad_magic"),
            ],
        )

    def test_bound(self) -> None:
        """Forged addresses fill neither memory nor log; they are still counted."""
        for number in range(1000):
            self.noise.note((f"10.0.{number // 250}.{number % 250}", 1), "truncated")
        self.assertEqual(len(self.events), 64)
        self.assertEqual(self.noise.counts, {"truncated": 1000})
