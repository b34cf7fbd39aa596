"""Tests of the moment that a lighter winner leaves to a heavier mode."""

from __future__ import annotations

from twisted.internet.defer import CancelledError

from tests.connect.fakes import LAN, P2P, RELAY, FakeLink, RaceTestCase
from trailcam.connect.events import HeatAborted, HeatWon

RANK = (P2P, LAN, RELAY)


class CourtesyTests(RaceTestCase):
    """P2P is heavier than LAN, which is heavier than relay."""

    def test_not_answered(self) -> None:
        """A heavier mode that heard nothing is not waited for."""
        running = self.race(0, 0, rank=RANK)
        self.clock.advance(1.0)
        self.lan.win()
        self.won(running, self.lan)

    def test_equal_weights(self) -> None:
        """Nobody waits for an equal."""
        running = self.race(0, 0)
        self.clock.advance(1.0)
        self.p2p.answer()
        self.lan.win()
        self.won(running, self.lan)

    def test_lighter_is_not_waited_for(self) -> None:
        """The heaviest wins at once."""
        running = self.race(0, 0, rank=RANK)
        self.clock.advance(1.0)
        self.lan.answer()
        self.p2p.win()
        self.won(running, self.p2p)

    def test_not_started(self) -> None:
        """A heavier mode that did not even begin is not waited for."""
        running = self.race(2.0, 0, rank=RANK)
        self.p2p.phase = "punching"
        self.clock.advance(1.0)
        self.lan.win()
        self.won(running, self.lan)

    def test_heavier_wins(self) -> None:
        """The heavier mode finishes in time; the lighter link is closed before the end."""
        self.lan.link = FakeLink(self.clock, LAN, closing=0.3)
        running = self.race(0, 0, rank=RANK)
        self.clock.advance(1.0)
        self.p2p.answer()
        self.lan.win()
        self.clock.advance(0.1)
        self.assertNoResult(running)
        self.assertEqual(self.states(), ["running", "running"])
        self.p2p.win()
        self.assertNoResult(running)
        self.clock.advance(0.4)
        self.won(running, self.p2p)
        self.assertEqual((self.lan.link.abandoned, self.lan.link.gone), (1, True))
        self.assertEqual(self.states(), ["success", "cancelled"])
        self.assertEqual(self.told(HeatWon)[0].elapsed, 1.1)
        self.assertEqual(self.told(HeatAborted), [HeatAborted(LAN, P2P)])

    def test_heavier_fails(self) -> None:
        """When the heavier mode fails, the wait is over at once."""
        running = self.race(0, 0, rank=RANK)
        self.clock.advance(1.0)
        self.p2p.answer()
        self.lan.win()
        self.clock.advance(0.1)
        self.p2p.fail()
        self.won(running, self.lan)
        self.assertEqual(self.states(), ["failed", "success"])
        self.assertAlmostEqual(self.elapsed()[1] or 0.0, 1.1, places=9)

    def test_heavier_fails_slowly(self) -> None:
        """While the heavier mode cleans up its failure, the wait goes on, but not longer."""
        self.p2p.closing = 5.0
        running = self.race(0, 0, rank=RANK)
        self.clock.advance(1.0)
        self.p2p.answer()
        self.lan.win()
        self.p2p.fail()
        self.clock.advance(0.2)
        self.assertEqual(self.lanes[1].state.value, "success")
        self.clock.advance(5.0)
        self.won(running, self.lan)

    def test_wait_ends(self) -> None:
        """After 200 ms the lighter one wins all the same."""
        running = self.race(0, 0, rank=RANK)
        self.clock.advance(1.0)
        self.p2p.answer()
        self.lan.win()
        self.clock.advance(0.199)
        self.assertNoResult(running)
        self.clock.advance(0.001)
        self.won(running, self.lan)
        self.assertEqual(self.states(), ["cancelled", "success"])

    def test_never_longer_than_its_own_time(self) -> None:
        """One that needed 50 ms waits 50 ms at most; one that needed nothing does not wait."""
        running = self.race(0, 0, rank=RANK)
        self.clock.advance(0.05)
        self.p2p.answer()
        self.lan.win()
        self.clock.advance(0.049)
        self.assertNoResult(running)
        self.clock.advance(0.002)
        self.won(running, self.lan)

    def test_own_time_begins_with_its_own_start(self) -> None:
        """Time before the start delay was over does not count."""
        running = self.race(0, 1.0, rank=RANK)
        self.clock.advance(1.0)
        self.clock.advance(0.02)
        self.p2p.answer()
        self.lan.win()
        self.clock.advance(0.021)
        self.won(running, self.lan)

    def test_no_time_at_all(self) -> None:
        """One that wins in the turn of its start does not wait."""
        running = self.race(0, 1.0, rank=RANK)
        self.p2p.answer()
        self.lan.verdict = self.lan.link
        self.clock.advance(1.0)
        self.won(running, self.lan)

    def test_two_heavier(self) -> None:
        """The wait is one, however many are waited for: it ends with the failure of the last."""
        running = self.race(0, 0, 0, rank=RANK)
        self.clock.advance(1.0)
        self.p2p.answer()
        self.lan.answer()
        self.relay.win()
        self.clock.advance(0.05)
        self.p2p.fail()
        self.assertNoResult(running)
        self.clock.advance(0.05)
        self.lan.fail()
        self.won(running, self.relay)

    def test_two_heavier_and_the_end(self) -> None:
        """A failure in between does not make the wait longer."""
        running = self.race(0, 0, 0, rank=RANK)
        self.clock.advance(1.0)
        self.p2p.answer()
        self.lan.answer()
        self.relay.win()
        self.clock.advance(0.15)
        self.p2p.fail()
        self.clock.advance(0.051)
        self.won(running, self.relay)
        self.assertEqual(self.states(), ["failed", "cancelled", "success"])

    def test_two_waiting(self) -> None:
        """Two lighter ones wait for the same; when it fails, the heavier of the two wins."""
        running = self.race(0, 0, 0, rank=RANK)
        self.clock.advance(1.0)
        self.p2p.answer()
        self.relay.win()
        self.lan.win()
        self.clock.advance(0.05)
        self.p2p.fail()
        self.won(running, self.lan)
        self.assertEqual(self.relay.link.abandoned, 1)

    def test_cancelled_meanwhile(self) -> None:
        """Cancelled while it waits, the race closes the link that it already had."""
        self.lan.link = FakeLink(self.clock, LAN, closing=0.3)
        running = self.race(0, 0, rank=RANK)
        self.clock.advance(1.0)
        self.p2p.answer()
        self.lan.win()
        self.clock.advance(0.1)
        running.cancel()
        running.cancel()
        self.assertNoResult(running)
        self.clock.advance(0.3)
        self.failureResultOf(running, CancelledError)
        self.assertEqual((self.lan.link.abandoned, self.lan.link.gone), (1, True))
        self.assertEqual(self.states(), ["cancelled", "cancelled"])
