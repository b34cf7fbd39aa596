"""Tests for :mod:`trailcam.session.ticker`."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.session.rig import PEER, QuietLink
from trailcam.session.session import Session
from trailcam.session.ticker import GRAIN, Ticker, ticker
from trailcam.wire.messages import Alive, AliveAck


class TickerTests(SynchronousTestCase):
    """Calls in rounds."""

    def setUp(self) -> None:
        """A clock that does not start at 0."""
        self.clock = Clock()
        self.clock.advance(100)
        self.ticker = Ticker(self.clock)
        self.made: list[tuple[str, float]] = []

    def call(self, name: str) -> Callable[[], None]:
        """One that notes when it is made."""
        return lambda: self.made.append((name, self.clock.seconds()))

    def due(self) -> list[float]:
        """The times of the delayed calls."""
        return [call.getTime() for call in self.clock.getDelayedCalls()]

    def test_together(self) -> None:
        """What is due in one grain comes in one go, in the order in which it was asked for."""
        for number, name in enumerate("abc"):
            self.ticker.at(101 + GRAIN * (3 - number) / 4, self.call(name))
        self.assertEqual(self.due(), [101 + GRAIN])
        self.clock.advance(1)
        self.assertEqual(self.made, [])
        self.clock.advance(GRAIN)
        self.assertEqual(self.made, [(name, 101 + GRAIN) for name in "abc"])
        self.assertEqual(self.due(), [])

    def test_in_time(self) -> None:
        """A time between two rounds means the later one; a time of a round means that round."""
        self.ticker.at(103, self.call("c"))
        self.ticker.at(101, self.call("a"))
        self.ticker.at(101 + GRAIN / 2, self.call("b"))
        self.assertEqual(self.due(), [101])
        self.clock.pump([GRAIN] * round(3 / GRAIN))
        self.assertEqual(self.made, [("a", 101), ("b", 101 + GRAIN), ("c", 103)])
        self.assertEqual(self.due(), [])

    def test_late(self) -> None:
        """After a while in which nothing ran, all that is due comes, the oldest first."""
        self.ticker.at(102, self.call("b"))
        self.ticker.at(101, self.call("a"))
        self.clock.advance(50)
        self.assertEqual(self.made, [("a", 150), ("b", 150)])

    def test_again(self) -> None:
        """Who is called may ask for the next time, even for one that is over."""

        def again() -> None:
            self.made.append(("a", self.clock.seconds()))
            self.ticker.at(self.clock.seconds() + (len(self.made) < 3), again)

        number = self.ticker.at(101, again)
        self.clock.pump([0.5] * 5)
        self.assertEqual(self.made[:2], [("a", 101), ("a", 102)])
        self.assertEqual(len(self.due()), 1)
        self.ticker.cancel(number, again)
        self.assertEqual(len(self.due()), 1)

    def test_cancel(self) -> None:
        """What is cancelled does not come; with the last one the delayed call goes."""
        a, b, c = map(self.call, "abc")
        first, second, third = (
            self.ticker.at(t, call) for t, call in ((101, a), (101, b), (102, c))
        )
        self.ticker.cancel(first, a)
        self.clock.advance(1)
        self.assertEqual([name for name, _ in self.made], ["b"])
        self.ticker.cancel(second, b)
        self.assertEqual(self.due(), [102])
        self.ticker.cancel(third, c)
        self.assertEqual(self.due(), [])
        self.ticker.cancel(third, c)

    def test_trouble_of_one(self) -> None:
        """A call that raises is told of, and the others come all the same."""

        def broken() -> None:
            raise ValueError("a bug")

        self.ticker.at(101, broken)
        self.ticker.at(101, self.call("b"))
        self.clock.advance(1)
        self.assertEqual(self.made, [("b", 101)])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_a_little_early(self) -> None:
        """A clock that cannot add exactly makes no call early, and does not run hot."""
        self.clock.rightNow = 0.1
        self.ticker.at(0.3, self.call("a"))
        while not self.made:
            [due] = self.due()
            self.assertGreater(due, self.clock.seconds())
            self.clock.advance(due - self.clock.seconds())
        self.assertGreaterEqual(self.made[0][1], 0.3)


class SharingTests(SynchronousTestCase):
    """One for each clock."""

    def test_one(self) -> None:
        """The same for the same, another for another."""
        clock, other = Clock(), Clock()
        first = ticker(clock)
        self.assertIs(ticker(clock), first)
        self.assertIsNot(ticker(other), first)

    def test_nothing_left(self) -> None:
        """Neither it nor the clock is kept by anything but its users."""
        clock = Clock()
        watched = weakref.ref(ticker(clock)), weakref.ref(clock)
        del clock
        gc.collect()
        self.assertEqual([watch() for watch in watched], [None, None])


class SessionsTests(SynchronousTestCase):
    """Many sessions on one clock."""

    def test_one_call(self) -> None:
        """A hundred of them have one delayed call between them, and each says what it has to."""
        clock = Clock()
        links = [QuietLink(clock) for _ in range(100)]
        sessions = []
        for link in links:
            sessions.append(Session(clock, link))
            clock.advance(0.001)
        self.assertEqual(len(clock.getDelayedCalls()), 1)
        for _ in range(50):
            clock.advance(0.05)
            for session in sessions:
                session.message_received(AliveAck(), PEER)
            self.assertEqual(len(clock.getDelayedCalls()), 1)
        self.assertEqual({len(link.times(Alive)) for link in links}, {2})
        for session in sessions:
            self.successResultOf(session.close())
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_ended_by_another(self) -> None:
        """Who hears of a lost session may close those that are called in the same go."""
        clock = Clock()
        links = [QuietLink(clock) for _ in range(2)]
        first, second = (Session(clock, link) for link in links)
        first.when_closed().addCallback(lambda _: second.close())
        clock.pump([0.5] * 13)
        second.message_received(AliveAck(), PEER)
        clock.advance(0.5)
        self.assertEqual((first.state, second.state), ("lost", "closed"))
        self.assertEqual(clock.getDelayedCalls(), [])
