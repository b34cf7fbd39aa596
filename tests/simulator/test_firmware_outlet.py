"""Where large transfers leave: in turns, paused, stalled, forgotten."""

from __future__ import annotations

import math
from collections.abc import Iterator

from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from trailcam.simulator.outlet import MAX_WAITING, Outlet, Step


class OutletTests(SynchronousTestCase):
    """One outlet."""

    def setUp(self) -> None:
        """An outlet whose octets are kept."""
        self.clock = Clock()
        self.written: list[bytes] = []
        self.outlet = Outlet(self.clock, self.written.append)
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def test_interface(self) -> None:
        """It is a producer as Twisted knows them."""
        verifyObject(IPushProducer, self.outlet)

    def test_one_after_the_other(self) -> None:
        """Transfers are written in order; the first octets come with the next turn."""
        self.outlet.add(iter([b"a", b"b"]))
        self.outlet.add(iter([]))
        self.outlet.add(iter([b"c"]))
        self.assertEqual((self.written, self.outlet.busy), ([], True))
        self.clock.advance(0)
        self.assertEqual((self.written, self.outlet.busy), ([b"a", b"b", b"c"], False))
        self.outlet.add(iter([b"d"]))
        self.clock.advance(0)
        self.assertEqual(self.written[3:], [b"d"])

    def test_one_in_a_turn(self) -> None:
        """Whoever is slow to pause gets one record more, not all of them."""
        self.outlet.add(iter([b"a", b"b", b"c"]))
        (call,) = self.clock.getDelayedCalls()
        self.clock.calls.remove(call)
        call.called = 1
        call.func()
        self.assertEqual(self.written, [b"a"])
        self.clock.advance(0)

    def test_paused(self) -> None:
        """Paused within a write, nothing more is written, or made, until it resumes."""
        made: list[int] = []

        def numbers() -> Iterator[Step]:
            for number in range(5):
                made.append(number)
                yield bytes([number])

        def take(octets: bytes) -> None:
            self.written.append(octets)
            if len(self.written) == 2:
                self.outlet.pauseProducing()

        self.outlet = Outlet(self.clock, take)
        self.outlet.add(numbers())
        self.clock.advance(5.0)
        self.assertEqual((len(self.written), made), (2, [0, 1]))
        self.outlet.resumeProducing()
        self.outlet.resumeProducing()
        self.clock.advance(0)
        self.assertEqual(len(self.written), 5)

    def test_paused_before(self) -> None:
        """What is added while it is paused waits."""
        self.outlet.pauseProducing()
        self.outlet.add(iter([b"a"]))
        self.clock.advance(0)
        self.assertEqual(self.written, [])
        self.outlet.resumeProducing()
        self.clock.advance(0)
        self.assertEqual(self.written, [b"a"])

    def test_waiting_steps(self) -> None:
        """A number of seconds is waited, whether or not it was paused meanwhile."""
        self.outlet.add(iter([b"a", 2.0, b"b", 2, b"c"]))
        self.clock.advance(0)
        self.clock.advance(1.0)
        self.outlet.pauseProducing()
        self.outlet.resumeProducing()
        self.clock.advance(0.5)
        self.assertEqual(self.written, [b"a"])
        self.clock.advance(0.5)
        self.assertEqual(self.written, [b"a", b"b"])
        self.outlet.pauseProducing()
        self.clock.advance(9.0)
        self.outlet.resumeProducing()
        self.clock.advance(0)
        self.assertEqual(self.written, [b"a", b"b", b"c"])

    def test_stalled_for_ever(self) -> None:
        """After infinity only clearing helps."""
        self.outlet.add(iter([b"a", math.inf, b"b"]))
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.outlet.resumeProducing()
        self.assertEqual((self.written, self.outlet.busy), ([b"a"], True))
        self.outlet.clear()
        self.outlet.add(iter([b"c"]))
        self.clock.advance(0)
        self.assertEqual(self.written, [b"a", b"c"])

    def test_full(self) -> None:
        """There is room for so many transfers, and no more."""
        for _ in range(MAX_WAITING):
            self.assertTrue(self.outlet.add(iter([b"a"])))
        self.assertFalse(self.outlet.add(iter([b"a"])))
        self.outlet.stopProducing()
        self.assertFalse(self.outlet.busy)

    def test_cleared_within_a_write(self) -> None:
        """Whoever takes octets may end it; what was open is closed."""
        closed: list[bool] = []

        def endless() -> Iterator[Step]:
            try:
                while True:
                    yield b"x"
            finally:
                closed.append(True)

        self.outlet = Outlet(self.clock, lambda _: self.outlet.clear())
        self.outlet.add(endless())
        self.clock.advance(0)
        self.assertEqual((closed, self.outlet.busy), ([True], False))
