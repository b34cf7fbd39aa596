"""The timer of the simulator."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trailcam.simulator.timer import Timer


class TimerTests(SynchronousTestCase):
    """A delayed call that can be moved."""

    def setUp(self) -> None:
        """A timer that notes when it acts."""
        self.clock = Clock()
        self.acted: list[float] = []
        self.timer = Timer(self.clock, lambda: self.acted.append(self.clock.seconds()))

    def test_acts_once(self) -> None:
        """It acts once, when it is time."""
        self.timer.start(1.0)
        self.assertTrue(self.timer.running)
        self.clock.pump([0.5] * 6)
        self.assertEqual(self.acted, [1.0])
        self.assertFalse(self.timer.running)

    def test_moved(self) -> None:
        """Started again, it acts at the new time only: later or sooner."""
        self.timer.start(1.0)
        self.timer.start(2.0)
        self.clock.pump([0.5] * 3)
        self.assertEqual(self.acted, [])
        self.timer.start(0.25)
        self.clock.pump([0.25] * 8)
        self.assertEqual(self.acted, [1.75])

    def test_again(self) -> None:
        """It can be used again after it acted, also from within its action."""
        timer = Timer(self.clock, lambda: timer.start(1.0))
        timer.start(1.0)
        self.clock.pump([1.0] * 3)
        self.assertTrue(timer.running)
        timer.stop()

    def test_stopped(self) -> None:
        """Stopped, it leaves nothing on the clock; stopping it twice, or unused, does nothing."""
        self.timer.stop()
        self.timer.start(1.0)
        self.timer.stop()
        self.timer.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertFalse(self.timer.running)
