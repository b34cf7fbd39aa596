"""Doing something again and again, and what may go wrong with it."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trailcam.server.ticking import Ticking


class TickingTests(SynchronousTestCase):
    """A function that is called once a second."""

    def setUp(self) -> None:
        """Not started yet."""
        self.clock = Clock()
        self.times: list[float] = []
        self.broken = False
        self.ticking = Ticking(self.clock, self.tick)

    def tick(self) -> None:
        """Note the time, or fail."""
        self.times.append(self.clock.seconds())
        if self.broken:
            raise OSError("the store is gone")

    def test_ticks(self) -> None:
        """Once a second, until it is stopped."""
        self.ticking.start(1.0)
        self.clock.pump([1.0] * 3)
        self.ticking.stop()
        self.clock.pump([1.0] * 3)
        self.assertEqual(self.times, [1.0, 2.0, 3.0])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_now(self) -> None:
        """At once, when asked to."""
        self.ticking.start(1.0, now=True)
        self.assertEqual(self.times, [0.0])
        self.ticking.stop()

    def test_fails(self) -> None:
        """A failure is no end; failures in a row are told once."""
        self.ticking.start(1.0)
        for self.broken in (True, False, True):
            self.clock.pump([1.0] * 3)
        self.assertEqual(len(self.times), 9)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 2)
        self.ticking.stop()

    def test_never_started(self) -> None:
        """To stop what was not started does nothing, nor does the second time."""
        self.ticking.stop()
        self.ticking.start(1.0)
        self.ticking.stop()
        self.ticking.stop()
