"""Tests of several tries of one mode that look like one attempt."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.connect.fakes import P2P, FakeAttempt
from trailcam.connect.several import SeveralAttempts
from trailcam.errors import NothingAnswered, PortsRefused, PunchFailed
from trailcam.interfaces import IAttempt, ILink


class SeveralTests(SynchronousTestCase):
    """Three tries, two of them later."""

    def setUp(self) -> None:
        """Nothing has begun."""
        self.clock = Clock()
        self.tries = [FakeAttempt(self.clock, P2P) for _ in range(3)]
        for number, attempt in enumerate(self.tries):
            attempt.port = 50000 + number
            attempt.retries = number
            attempt.round_trip = number / 100
        delays = (0.0, 1.0, 2.0)
        self.several = SeveralAttempts(self.clock, P2P, list(zip(delays, self.tries, strict=True)))

    def budgets(self) -> list[float | None]:
        """What each try was given."""
        return [attempt.budget for attempt in self.tries]

    def start(self, budget: float = 10.0) -> Deferred[ILink]:
        """Begin."""
        return self.several.connect(budget)

    def test_interface(self) -> None:
        """It is an attempt, and idle before it begins."""
        verifyObject(IAttempt, self.several)
        self.assertEqual((self.several.mode, self.several.phase), (P2P, "idle"))

    def test_first_is_enough(self) -> None:
        """The later tries never begin."""
        running = self.start()
        self.clock.advance(0.5)
        link = self.tries[0].win()
        self.assertIs(self.successResultOf(running), link)
        self.assertEqual(self.budgets(), [10.0, None, None])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_budgets_end_together(self) -> None:
        """Who starts later has so much less time."""
        running = self.start()
        self.clock.advance(1.0)
        self.clock.advance(1.0)
        self.assertEqual(self.budgets(), [10.0, 9.0, 8.0])
        self.tries[2].win()
        self.successResultOf(running)

    def test_later_one_wins(self) -> None:
        """The others are cancelled, and it is over when they are gone."""
        running = self.start()
        self.clock.advance(1.0)
        self.tries[0].closing = 0.5
        link = self.tries[1].win()
        self.assertNoResult(running)
        self.clock.advance(0.5)
        self.assertIs(self.successResultOf(running), link)
        self.assertEqual([attempt.cancels for attempt in self.tries], [1, 0, 0])
        shown = (self.several.port, self.several.retries, self.several.round_trip)
        self.assertEqual(shown, (50001, 1, 0.01))
        self.assertEqual(self.several.phase, "ready")

    def test_shows_who_got_furthest(self) -> None:
        """While it runs, and the first of equals."""
        running = self.start()
        self.clock.advance(1.0)
        self.assertEqual((self.several.phase, self.several.port), ("searching", 50000))
        self.tries[1].answer()
        self.assertEqual((self.several.phase, self.several.port), ("punching", 50001))
        running.cancel()
        self.failureResultOf(running, CancelledError)

    def test_retries_without_a_winner(self) -> None:
        """Of the tries that failed, the one that tried most counts, not the first."""
        self.tries[0].retries, self.tries[1].retries, self.tries[2].retries = 1, 6, 0
        running = self.start()
        self.assertEqual(self.several.retries, 6)
        for attempt in self.tries:
            attempt.fail()
        self.failureResultOf(running, NothingAnswered)
        self.assertEqual(self.several.retries, 6)

    def test_short_budget(self) -> None:
        """A try that would begin after the end never gets a negative budget."""
        running = self.start(0.5)
        self.clock.advance(0.5)
        self.assertEqual(self.budgets(), [0.5, 0.0, 0.0])
        running.cancel()
        self.failureResultOf(running, CancelledError)

    def test_failure_starts_the_next(self) -> None:
        """At once, without waiting for its time."""
        running = self.start()
        self.tries[0].fail()
        self.assertEqual(self.budgets(), [10.0, 9.0, None])
        self.tries[1].win()
        self.successResultOf(running)

    def test_all_failed(self) -> None:
        """The first failure counts; others of another kind are told with it."""
        running = self.start()
        self.tries[0].fail(PunchFailed(P2P, "searching", 3.0, "nothing came through"))
        self.tries[1].fail(PortsRefused(P2P, "searching", 0.1, "refused port 1"))
        self.tries[2].fail(PunchFailed(P2P, "searching", 4.0, "nothing came through either"))
        failure = self.failureResultOf(running, PunchFailed).value
        self.assertEqual(str(failure), "nothing came through; refused port 1")
        self.assertEqual((failure.elapsed, failure.phase), (4.0, "searching"))

    def test_same_failure_once(self) -> None:
        """What all say is said once."""
        running = self.start()
        for attempt in self.tries:
            attempt.fail(NothingAnswered(P2P, "searching", 1.0, "nothing answered"))
        failure = self.failureResultOf(running, NothingAnswered).value
        self.assertEqual(str(failure), "nothing answered")

    def test_cancel(self) -> None:
        """Everything that runs is cancelled; it settles when that is gone."""
        running = self.start()
        self.clock.advance(1.0)
        self.tries[1].closing = 0.2
        running.cancel()
        self.assertNoResult(running)
        self.clock.advance(0.2)
        self.failureResultOf(running, CancelledError)
        self.assertEqual([attempt.cancels for attempt in self.tries], [1, 1, 0])
        self.assertEqual(self.clock.getDelayedCalls(), [])
