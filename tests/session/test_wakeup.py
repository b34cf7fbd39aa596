"""Tests for :mod:`trailcam.session.wakeup`."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trailcam.session.wakeup import Wakeup


class WakeupTests(SynchronousTestCase):
    """One call, in time."""

    def setUp(self) -> None:
        """A clock that does not start at 0."""
        self.clock = Clock()
        self.clock.advance(100)
        self.woken: list[float] = []
        self.wakeup = Wakeup(self.clock, lambda: self.woken.append(self.clock.seconds()))

    def test_in_time(self) -> None:
        """It calls once, and can be asked again."""
        self.wakeup.by(101.0)
        self.clock.pump([0.5] * 4)
        self.wakeup.by(103.0)
        self.clock.pump([0.5] * 4)
        self.assertEqual(self.woken, [101.0, 103.0])

    def test_earlier(self) -> None:
        """The earliest time counts; what is later asks for no other call."""
        self.wakeup.by(105.0)
        self.wakeup.by(101.0)
        self.wakeup.by(103.0)
        self.wakeup.by(None)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.clock.pump([0.5] * 20)
        self.assertEqual(self.woken, [101.0])

    def test_late_already(self) -> None:
        """A time that is over means at once, and not from within."""
        self.wakeup.by(1.0)
        self.assertEqual(self.woken, [])
        self.clock.advance(0)
        self.assertEqual(self.woken, [100.0])

    def test_stop(self) -> None:
        """Stopped, it does not call; stopping again does nothing."""
        self.wakeup.by(101.0)
        self.wakeup.stop()
        self.wakeup.stop()
        self.clock.advance(5)
        self.assertEqual((self.woken, self.clock.getDelayedCalls()), ([], []))
