"""Tests of the race: who starts when, and who starts early."""

from __future__ import annotations

from twisted.internet.defer import fail

from tests.connect.fakes import P2P, RaceTestCase
from trailcam.connect.events import HeatAborted, HeatStarted
from trailcam.errors import NothingAnswered


class DelayTests(RaceTestCase):
    """Start delays."""

    def test_staggered(self) -> None:
        """Each mode starts at its time, and is pending until then."""
        running = self.race(0, 0.25, 0.5)
        self.assertEqual(self.states(), ["running", "pending", "pending"])
        self.clock.advance(0.25)
        self.assertEqual(self.states(), ["running", "running", "pending"])
        self.clock.advance(0.25)
        self.assertEqual(self.states(), ["running"] * 3)
        self.clock.advance(1.0)
        self.relay.win()
        self.won(running, self.relay)
        self.assertEqual(self.elapsed(), [1.5, 1.25, 1.0])

    def test_decided_before_the_start(self) -> None:
        """Who never began was never started, and nobody says it was aborted."""
        running = self.race(0, 0.25)
        self.clock.advance(0.1)
        self.p2p.win()
        self.won(running, self.p2p)
        self.assertEqual((self.states(), self.elapsed()), (["success", "not_started"], [0.1, None]))
        self.assertEqual((self.lan.budget, self.told(HeatAborted)), (None, []))

    def test_failure_releases_the_next(self) -> None:
        """When all that run have failed, the next one starts at once; the one after it waits."""
        running = self.race(0, 10.0, 20.0)
        self.clock.advance(1.0)
        self.p2p.fail()
        self.assertEqual(self.states(), ["failed", "running", "pending"])
        self.clock.advance(1.0)
        self.lan.fail()
        self.assertEqual(self.states(), ["failed", "failed", "running"])
        self.relay.win()
        self.won(running, self.relay)

    def test_failure_releases_nobody_while_others_run(self) -> None:
        """As long as one runs, the delays stand."""
        running = self.race(0, 0, 10.0)
        self.p2p.fail()
        self.assertEqual(self.states(), ["failed", "running", "pending"])
        self.lan.fail()
        self.assertEqual(self.states(), ["failed", "failed", "running"])
        self.relay.win()
        self.won(running, self.relay)

    def test_released_only_once(self) -> None:
        """A mode that was released early does not start again at its time."""
        running = self.race(0, 1.0, 2.0)
        self.p2p.fail()
        self.clock.advance(5.0)
        self.assertEqual(len(self.told(HeatStarted)), 3)
        self.lan.win()
        self.won(running, self.lan)

    def test_impossible_first(self) -> None:
        """One that fails within its start releases the next, which was about to start anyway."""
        error = NothingAnswered(P2P, "idle", 0.0, "at once")
        self.patch(self.p2p, "connect", lambda budget: fail(error))
        running = self.race(0, 0, 0.25)
        self.assertEqual(self.states(), ["failed", "running", "pending"])
        self.lan.win()
        self.won(running, self.lan)

    def test_nobody_starts_at_once(self) -> None:
        """Delays for all are kept."""
        running = self.race(1.0, 2.0)
        self.assertEqual(self.states(), ["pending", "pending"])
        self.clock.advance(1.0)
        self.assertEqual(self.states(), ["running", "pending"])
        self.p2p.win()
        self.won(running, self.p2p)
