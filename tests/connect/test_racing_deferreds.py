"""Tests of racing Deferreds that are no attempts: the first success, and the first outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from trailcam.connect.race import first_outcome, first_success, nothing_to_give_back
from trailcam.waiting import see_out, settle


class Work:
    """
    Something that opens a thing, and takes its time to close it.

    :ivar open: whether it holds anything.
    :ivar cancelled: how often it was cancelled.
    """

    def __init__(self, clock: Clock, closing: float = 0.0, stubborn: bool = False) -> None:
        self.open = False
        self.cancelled = 0
        self.end: Deferred[Work] = Deferred()
        self.running = Deferred.fromCoroutine(self._run())
        self._clock = clock
        self._closing = closing
        self._stubborn = stubborn

    async def _run(self) -> Work:
        self.open = True
        try:
            return await self.end
        except CancelledError:
            self.cancelled += 1
            if self._stubborn:
                return self
            await self._close()
            raise
        except Exception:
            await self._close()
            raise

    async def _close(self) -> None:
        if self._closing:
            await settle(deferLater(self._clock, self._closing, lambda: None))
        self.open = False

    def give_back(self) -> Deferred[None]:
        """Let go of it, although it had succeeded."""
        return Deferred.fromCoroutine(self._close())

    def succeed(self) -> None:
        """Have a result: itself."""
        self.end.callback(self)

    def fail(self, text: str = "broken") -> None:
        """Have none."""
        self.end.errback(ValueError(text))


class RacingTestCase(SynchronousTestCase):
    """Three works on a clock."""

    race: Callable[..., Any]

    def setUp(self) -> None:
        """Make them; closing takes 0.5 s."""
        self.clock = Clock()
        self.works = [Work(self.clock, 0.5) for _ in range(3)]

    def tearDown(self) -> None:
        """Nothing is left."""
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual([work for work in self.works if work.open], [])

    def start(self) -> Deferred[Any]:
        """Race them."""
        works = [work.running for work in self.works]
        return Deferred.fromCoroutine(type(self).race(works, Work.give_back))


class FirstSuccessTests(RacingTestCase):
    """``first_success``."""

    race = staticmethod(first_success)

    def test_success(self) -> None:
        """The first one wins, when the others are gone."""
        racing = self.start()
        self.works[1].succeed()
        self.assertNoResult(racing)
        self.assertEqual([work.cancelled for work in self.works], [1, 0, 1])
        self.clock.advance(0.5)
        self.assertEqual(self.successResultOf(racing), (self.works[1], 1))
        self.works[1].open = False

    def test_success_after_failures(self) -> None:
        """Failures decide nothing while somebody still tries."""
        racing = self.start()
        self.works[0].fail()
        self.works[1].fail()
        self.clock.advance(0.5)
        self.works[2].succeed()
        self.assertEqual(self.successResultOf(racing), (self.works[2], 2))
        self.works[2].open = False

    def test_all_fail(self) -> None:
        """When all have failed, their failures are the result, in the order of the works."""
        racing = self.start()
        for number in (2, 0, 1):
            self.works[number].fail(str(number))
        self.clock.advance(0.5)
        failures = self.successResultOf(racing)
        self.assertEqual([str(failure.value) for failure in failures], ["0", "1", "2"])

    def test_success_beforehand(self) -> None:
        """A work that is done already wins at once."""
        self.works[2].succeed()
        racing = self.start()
        self.clock.advance(0.5)
        self.assertEqual(self.successResultOf(racing), (self.works[2], 2))
        self.works[2].open = False

    def test_late_success(self) -> None:
        """What a loser comes to all the same is given back."""
        self.works[0] = Work(self.clock, 0.5, stubborn=True)
        racing = self.start()
        self.works[1].succeed()
        self.assertTrue(self.works[0].open)
        self.clock.advance(0.5)
        self.assertFalse(self.works[0].open)
        self.successResultOf(racing)
        self.works[1].open = False

    def test_cancel(self) -> None:
        """All are cancelled; it ends when nothing is left."""
        self.works[0] = Work(self.clock, 0.5, stubborn=True)
        racing = self.start()
        self.works[2].fail()
        racing.cancel()
        self.assertNoResult(racing)
        racing.cancel()
        self.assertNoResult(racing)
        self.clock.advance(0.5)
        self.failureResultOf(racing, CancelledError)

    def test_cancel_after_the_win(self) -> None:
        """While the losers leave it may still be cancelled: then the winner is given back."""
        racing = self.start()
        self.works[1].succeed()
        self.clock.advance(0.3)
        racing.cancel()
        self.assertNoResult(racing)
        self.clock.advance(0.2)
        self.assertNoResult(racing)
        self.assertTrue(self.works[1].open)
        self.clock.advance(0.5)
        self.failureResultOf(racing, CancelledError)

    def test_one(self) -> None:
        """One alone is a race, too."""
        self.works[1:] = []
        racing = self.start()
        self.works[0].succeed()
        self.assertEqual(self.successResultOf(racing), (self.works[0], 0))
        self.works[0].open = False


class FirstOutcomeTests(RacingTestCase):
    """``first_outcome``."""

    race = staticmethod(first_outcome)

    def test_success(self) -> None:
        """The first success is the result, when the others are gone."""
        racing = self.start()
        self.works[2].succeed()
        self.assertNoResult(racing)
        self.clock.advance(0.5)
        self.assertIs(self.successResultOf(racing), self.works[2])
        self.works[2].open = False

    def test_failure(self) -> None:
        """So is the first failure, as it is."""
        racing = self.start()
        self.works[0].fail("the reason")
        self.clock.advance(0.5)
        self.assertNoResult(racing)
        self.clock.advance(0.5)
        error = self.failureResultOf(racing, ValueError).value
        self.assertEqual(str(error), "the reason")
        self.assertEqual([work.cancelled for work in self.works], [0, 1, 1])

    def test_late_success(self) -> None:
        """After a failure, what another one comes to all the same is given back."""
        self.works[1] = Work(self.clock, 0.5, stubborn=True)
        racing = self.start()
        self.works[0].fail()
        self.clock.advance(0.5)
        self.clock.advance(0.5)
        self.assertFalse(self.works[1].open)
        self.failureResultOf(racing, ValueError)

    def test_cancel(self) -> None:
        """All are cancelled."""
        racing = self.start()
        racing.cancel()
        self.clock.advance(0.5)
        self.failureResultOf(racing, CancelledError)
        self.assertEqual([work.cancelled for work in self.works], [1, 1, 1])

    def test_cancel_after_a_failure(self) -> None:
        """Who is cancelled while the others leave is cancelled."""
        racing = self.start()
        self.works[0].fail()
        self.clock.advance(0.5)
        racing.cancel()
        self.clock.advance(0.5)
        self.failureResultOf(racing, CancelledError)


class NothingTests(SynchronousTestCase):
    """Works whose results hold nothing open."""

    def test_cancelled_and_done(self) -> None:
        """What was done all the same, after it was called off, needs no closing."""
        work: Deferred[str] = Deferred(lambda work: work.callback("done"))
        racing = Deferred.fromCoroutine(first_success([work], nothing_to_give_back))
        racing.cancel()
        self.failureResultOf(racing, CancelledError)
        self.assertIsNone(self.successResultOf(nothing_to_give_back("done")))


class SeeOutTests(SynchronousTestCase):
    """``see_out``."""

    def test_done(self) -> None:
        """The end of the work is the end of the waiting, whatever it came to."""
        for result in ("result", Failure(ValueError())):
            work: Deferred[Any] = Deferred()
            waiting = Deferred.fromCoroutine(see_out(work))
            self.assertNoResult(waiting)
            work.callback(result)
            self.assertIsNone(self.successResultOf(waiting))
            self.assertIsNone(self.successResultOf(work))

    def test_done_already(self) -> None:
        """What is over needs no waiting."""
        work: Deferred[str] = Deferred()
        work.callback("result")
        self.assertIsNone(self.successResultOf(Deferred.fromCoroutine(see_out(work))))

    def test_cancel(self) -> None:
        """The work is waited for all the same, however often it is cancelled; then it is told."""
        work: Deferred[str] = Deferred()
        waiting = Deferred.fromCoroutine(see_out(work))
        for _ in range(3):
            waiting.cancel()
            self.assertNoResult(waiting)
            self.assertFalse(work.called)
        work.callback("result")
        self.failureResultOf(waiting, CancelledError)
