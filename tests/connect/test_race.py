"""Tests of the race: who wins, who is stopped, and that nothing is left of the others."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred, fail
from zope.interface.verify import verifyObject

from tests.connect.fakes import LAN, P2P, RELAY, FakeAttempt, FakeLink, RaceTestCase
from trailcam.connect.events import HeatAborted, HeatFailed, HeatStarted, HeatWon
from trailcam.errors import AttemptBroken, NothingAnswered
from trailcam.interfaces import IAttempt, ILink


class FakeTests(RaceTestCase):
    """The fakes themselves."""

    def test_interfaces(self) -> None:
        """They are what they stand for."""
        verifyObject(IAttempt, self.p2p)
        verifyObject(ILink, self.p2p.link)


class WinTests(RaceTestCase):
    """The first proven link wins."""

    def test_first_wins(self) -> None:
        """The others are cancelled, and the race is over when they are gone."""
        running = self.race(0, 0, 0)
        self.clock.advance(0.5)
        self.assertEqual(self.states(), ["running"] * 3)
        self.lan.win()
        self.won(running, self.lan)
        self.assertEqual(self.states(), ["cancelled", "success", "cancelled"])
        self.assertEqual(self.elapsed(), [0.5, 0.5, 0.5])
        self.assertEqual((self.p2p.cancels, self.relay.cancels), (1, 1))

    def test_budget(self) -> None:
        """Each attempt gets the budget of its heat."""
        running = self.race(0, 0, budget=12.5)
        self.assertEqual((self.p2p.budget, self.lan.budget), (12.5, 12.5))
        self.p2p.win()
        self.won(running, self.p2p)

    def test_alone(self) -> None:
        """A race of one."""
        running = self.race(0)
        self.p2p.win()
        self.won(running, self.p2p)

    def test_win_after_a_failure(self) -> None:
        """A failure does not stop the others, and keeps its own time."""
        running = self.race(0, 0)
        self.clock.advance(1.0)
        self.p2p.fail()
        self.assertNoResult(running)
        self.clock.advance(1.0)
        self.lan.win()
        self.won(running, self.lan)
        self.assertEqual(self.states(), ["failed", "success"])
        self.assertEqual(self.elapsed(), [1.0, 2.0])

    def test_events(self) -> None:
        """Started, failed, won, aborted: in the order in which it happened, each once."""
        running = self.race(0, 0, 0)
        error = self.relay.fail()
        self.clock.advance(2.0)
        self.lan.win()
        self.won(running, self.lan)
        self.assertEqual(
            self.events,
            [
                HeatStarted(P2P),
                HeatStarted(LAN),
                HeatStarted(RELAY),
                HeatFailed(RELAY, error),  # type: ignore[arg-type]
                HeatWon(LAN, 50000, 40611, 2.0),
                HeatAborted(P2P, LAN),
            ],
        )

    def test_slow_losers_are_waited_for(self) -> None:
        """The answer comes when the last port is closed; the winner's time does not suffer."""
        self.p2p.closing, self.relay.closing = 0.3, 0.7
        running = self.race(0, 0, 0)
        self.clock.advance(1.0)
        self.lan.win()
        self.clock.advance(0.5)
        self.assertNoResult(running)
        self.assertEqual((self.p2p.open, self.relay.open), (False, True))
        self.clock.advance(0.3)
        self.won(running, self.lan)
        self.assertEqual(self.elapsed(), [1.0, 1.0, 1.0])

    def test_slow_failure_does_not_hold_the_winner(self) -> None:
        """A loser that is still cleaning up its own failure counts as stopped, not as failed."""
        self.p2p.closing = 0.5
        running = self.race(0, 0)
        self.p2p.fail()
        self.clock.advance(0.1)
        self.lan.win()
        self.assertNoResult(running)
        self.clock.advance(0.5)
        self.won(running, self.lan)
        self.assertEqual(self.states(), ["cancelled", "success"])
        self.assertEqual(self.told(HeatFailed), [])
        self.assertEqual(len(self.told(HeatAborted)), 1)

    def test_report(self) -> None:
        """What a lane tells of its attempt."""
        running = self.race(0, 0, 0.5)
        self.lan.retries, self.lan.phase = 6, "searching"
        self.lan.fail()
        self.clock.advance(0.25)
        self.p2p.win()
        self.won(running, self.p2p)
        p2p, lan, relay = [lane.report() for lane in self.lanes]
        self.assertEqual((p2p.error, p2p.code, p2p.phase, p2p.port), (None, None, "ready", 50000))
        self.assertEqual((lan.error, lan.code, lan.retries), ("LAN failed", "no_answer", 6))
        self.assertEqual(
            (relay.state.value, relay.elapsed, relay.phase), ("not_started", None, None)
        )


class LateTests(RaceTestCase):
    """Links that come too late."""

    def test_late_success_is_abandoned(self) -> None:
        """A loser that cannot be stopped any more has its link closed, and that is waited for."""
        self.lan.stubborn, self.lan.closing = True, 0.2
        self.lan.link = FakeLink(self.clock, LAN, closing=0.4)
        running = self.race(0, 0)
        self.p2p.win()
        self.clock.advance(0.3)
        self.assertEqual((self.lan.link.abandoned, self.lan.link.gone), (1, False))
        self.assertNoResult(running)
        self.clock.advance(0.4)
        self.won(running, self.p2p)
        self.assertEqual((self.lan.link.abandoned, self.lan.link.gone), (1, True))
        self.assertEqual(self.states(), ["success", "cancelled"])

    def test_two_at_once(self) -> None:
        """Two that succeed in the same turn: one wins, the other is closed first."""
        self.p2p.verdict = self.p2p.link
        self.lan.link = FakeLink(self.clock, LAN, closing=0.4)
        self.lan.verdict = self.lan.link
        running = self.race(0, 0)
        self.assertNoResult(running)
        self.clock.advance(0.3)
        self.assertNoResult(running)
        self.clock.advance(0.2)
        self.won(running, self.p2p)
        self.assertEqual((self.lan.link.abandoned, self.lan.link.gone), (1, True))

    def test_many_late_ones_of_different_weight(self) -> None:
        """Losers do not wait for each other, however heavy."""
        for attempt in (self.lan, self.relay):
            attempt.stubborn = True
        running = self.race(0, 0, 0, rank=(P2P, RELAY, LAN))
        self.clock.advance(1.0)
        self.relay.answer()
        self.p2p.win()
        self.won(running, self.p2p)
        self.assertEqual((self.lan.link.abandoned, self.relay.link.abandoned), (1, 1))

    def test_late_failure(self) -> None:
        """A loser's failure after it was stopped is not told."""
        self.lan.closing = 0.2
        running = self.race(0, 0)
        self.lan.fail()
        self.p2p.win()
        self.clock.advance(0.5)
        self.won(running, self.p2p)
        self.assertEqual(self.lanes[1].failure, None)


class FailTests(RaceTestCase):
    """Nobody wins."""

    def test_all_fail(self) -> None:
        """Over with the last one; every failure is kept."""
        running = self.race(0, 0, 0)
        errors = []
        for attempt in (self.lan, self.relay, self.p2p):
            self.assertNoResult(running)
            self.clock.advance(1.0)
            errors.append(attempt.fail())
        self.assertIsNone(self.successResultOf(running))
        self.assertEqual(self.states(), ["failed"] * 3)
        self.assertEqual(self.elapsed(), [3.0, 1.0, 2.0])
        self.assertEqual([lane.failure for lane in self.lanes], [errors[2], errors[0], errors[1]])
        self.assertEqual(self.told(HeatAborted), [])

    def test_all_fail_at_once(self) -> None:
        """Attempts that fail within ``connect`` do no harm to each other."""
        for attempt in self.attempts.values():
            error = NothingAnswered(attempt.mode, "idle", 0.0, "at once")
            self.patch(attempt, "connect", lambda budget, error=error: fail(error))
        running = self.race(0, 0, 0.25)
        self.assertIsNone(self.successResultOf(running))
        self.assertEqual(self.states(), ["failed"] * 3)
        self.assertEqual(len(self.told(HeatStarted)), 3)

    def test_slow_failure(self) -> None:
        """A failure is one when its cleanup is over."""
        self.p2p.closing = 0.5
        running = self.race(0)
        self.p2p.fail()
        self.clock.advance(0.4)
        self.assertNoResult(running)
        self.clock.advance(0.2)
        self.assertIsNone(self.successResultOf(running))

    def test_bug(self) -> None:
        """An attempt that breaks is a failure like others, said to be a bug, and logged once."""
        running = self.race(0, 0)
        self.clock.advance(1.0)
        self.p2p.answer()
        self.p2p.fail(KeyError("oops"))
        self.lan.win()
        self.won(running, self.lan)
        failure = self.lanes[0].failure
        assert failure is not None
        self.assertIs(type(failure), AttemptBroken)
        self.assertEqual((failure.code, failure.phase, failure.mode), ("bug", "punching", P2P))
        self.assertIn("oops", str(failure))
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_bug_in_connect(self) -> None:
        """So is one that raises instead of returning a Deferred."""
        self.p2p.verdict = ConnectionError("raised")
        running = self.race(0, 0)
        self.lan.win()
        self.won(running, self.lan)
        self.assertEqual(self.states(), ["failed", "success"])
        self.assertEqual(len(self.flushLoggedErrors(ConnectionError)), 1)

    def test_bug_while_stopping(self) -> None:
        """A bug in a loser's cleanup is logged, and does not change the result."""

        def connect(budget: float) -> Deferred[ILink]:
            return Deferred(lambda d: d.errback(KeyError("cleanup")))

        self.patch(self.lan, "connect", connect)
        running = self.race(0, 0)
        self.p2p.win()
        self.won(running, self.p2p)
        self.assertEqual(self.states(), ["success", "cancelled"])
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)


class CancelTests(RaceTestCase):
    """The whole race is called off."""

    def check(self, running: Deferred[object]) -> None:
        """It ended in CancelledError, as it is."""
        error = self.failureResultOf(running).value
        self.assertIs(type(error), CancelledError)

    def test_cancel(self) -> None:
        """Everybody is stopped; there is no winner to name."""
        running = self.race(0, 0, 0.5)
        self.clock.advance(0.25)
        running.cancel()
        self.check(running)
        self.assertEqual(self.states(), ["cancelled", "cancelled", "not_started"])
        self.assertEqual(self.elapsed(), [0.25, 0.25, None])
        self.assertEqual(self.told(HeatAborted), [HeatAborted(P2P, None), HeatAborted(LAN, None)])

    def test_cancel_twice(self) -> None:
        """Nobody is hurried by a second cancel."""
        self.p2p.closing = self.lan.closing = 0.5
        running = self.race(0, 0)
        for _ in range(4):
            running.cancel()
            self.clock.advance(0.1)
            self.assertNoResult(running)
        self.assertTrue(self.p2p.open and self.lan.open)
        self.clock.advance(0.5)
        self.check(running)
        self.assertEqual((self.p2p.cancels, self.lan.cancels), (1, 1))

    def test_cancel_while_reaping(self) -> None:
        """After the win it is too late: the winner is the caller's, once the losers are gone."""
        self.lan.closing = 0.5
        running = self.race(0, 0)
        self.p2p.win()
        running.cancel()
        running.cancel()
        self.assertNoResult(running)
        self.clock.advance(0.6)
        self.won(running, self.p2p)

    def test_cancel_with_a_failure_behind(self) -> None:
        """Who had failed before stays failed."""
        running = self.race(0, 0)
        self.p2p.fail()
        running.cancel()
        self.check(running)
        self.assertEqual(self.states(), ["failed", "cancelled"])

    def test_cancel_and_late_success(self) -> None:
        """A link that comes in after the cancellation belongs to nobody, so it is closed."""
        self.p2p.stubborn, self.p2p.closing = True, 0.1
        self.p2p.link = FakeLink(self.clock, P2P, closing=0.2)
        running = self.race(0)
        running.cancel()
        self.clock.advance(0.2)
        self.assertNoResult(running)
        self.clock.advance(0.2)
        self.check(running)
        self.assertEqual((self.p2p.link.abandoned, self.p2p.link.gone), (1, True))

    def test_cancel_releases_nobody(self) -> None:
        """Attempts that turn a cancellation into a failure do not start the next."""

        def connect(budget: float) -> Deferred[ILink]:
            error = NothingAnswered(P2P, "searching", 0.0, "cancelled")
            return Deferred(lambda d: d.errback(error))

        self.patch(self.p2p, "connect", connect)
        running = self.race(0, 1.0)
        running.cancel()
        self.check(running)
        self.assertEqual(self.lan.budget, None)
        self.assertEqual(self.states(), ["cancelled", "not_started"])

    def test_attempts_are_separate(self) -> None:
        """A fake that was never started was never cancelled."""
        running = self.race(0, 1.0)
        running.cancel()
        self.check(running)
        self.assertIsInstance(self.lan, FakeAttempt)
        self.assertEqual(self.lan.cancels, 0)
