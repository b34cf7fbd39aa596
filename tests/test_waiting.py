"""Tests of waiting for cleanup, whoever loses patience."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from trailcam.waiting import settle, settle_all


class SettleTests(SynchronousTestCase):
    """``settle``."""

    def test_done_already(self) -> None:
        """What is over needs no waiting."""
        waiter = Deferred.fromCoroutine(settle(succeed("result")))
        self.assertIsNone(self.successResultOf(waiter))

    def test_done_later(self) -> None:
        """The end of the work is the end of the waiting, not before."""
        work: Deferred[str] = Deferred()
        waiter = Deferred.fromCoroutine(settle(work))
        self.assertNoResult(waiter)
        work.callback("result")
        self.assertIsNone(self.successResultOf(waiter))

    def test_failures_are_results(self) -> None:
        """A failure ends the waiting like a success, and is consumed."""
        work: Deferred[str] = Deferred()
        waiter = Deferred.fromCoroutine(settle(work))
        work.errback(ValueError("broken"))
        self.assertIsNone(self.successResultOf(waiter))
        self.assertIsNone(self.successResultOf(work))
        already = Deferred.fromCoroutine(settle(fail(ValueError("broken"))))
        self.assertIsNone(self.successResultOf(already))

    def test_cancelling_changes_nothing(self) -> None:
        """The waiter may be cancelled again and again: it waits, and the work is left alone."""
        work: Deferred[str] = Deferred()
        waiter = Deferred.fromCoroutine(settle(work))
        for _ in range(5):
            waiter.cancel()
            self.assertNoResult(waiter)
            self.assertFalse(work.called)
        work.callback("result")
        self.assertIsNone(self.successResultOf(waiter))

    def test_work_may_be_cancelled(self) -> None:
        """Work that somebody else cancels is over."""
        work: Deferred[str] = Deferred()
        waiter = Deferred.fromCoroutine(settle(work))
        work.cancel()
        self.assertIsNone(self.successResultOf(waiter))

    def test_in_an_exception(self) -> None:
        """In an ``except`` the original exception goes on, also when cancelled meanwhile."""
        work: Deferred[str] = Deferred()

        async def clean() -> None:
            try:
                raise KeyError("original")
            except KeyError:
                await settle(work)
                raise

        cleaning = Deferred.fromCoroutine(clean())
        cleaning.cancel()
        self.assertNoResult(cleaning)
        work.callback("result")
        self.failureResultOf(cleaning, KeyError)


class SettleAllTests(SynchronousTestCase):
    """``settle_all``."""

    def test_nothing(self) -> None:
        """Nothing to wait for is not waited for."""
        self.assertIsNone(self.successResultOf(Deferred.fromCoroutine(settle_all([]))))

    def test_all(self) -> None:
        """The last one counts, however each ends and however often the waiter is cancelled."""
        works: list[Deferred[str]] = [Deferred() for _ in range(3)]
        waiter = Deferred.fromCoroutine(settle_all(works))
        works[1].callback("result")
        waiter.cancel()
        works[2].errback(CancelledError())
        self.assertNoResult(waiter)
        waiter.cancel()
        self.assertNoResult(waiter)
        works[0].errback(ValueError("broken"))
        self.assertIsNone(self.successResultOf(waiter))
