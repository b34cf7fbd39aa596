"""Tests of cancelling an attempt: in every phase, in the middle of things, and twice."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError

from tests.connect.cameras import CAMERA, OFFER, PUNCH, READY, NetworkTestCase, Watch
from trailcam.connect.target import Target
from trailcam.errors import NothingAnswered
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.wire.messages import Close, LanSearch, PunchPkt

ONE_PORT = Target(CAMERA, ports=(40611,))


class CancelTestCase(NetworkTestCase):
    """Attempts that are cancelled."""

    def cancel(self, watch: Watch) -> None:
        """Cancel; the attempt settles, when its port is gone, with CancelledError as it is."""
        had_port = bool(list(self.client.ports()))
        watch.deferred.cancel()
        if had_port:
            self.assertIsNone(watch.at, "settled before its port was closed")
        self.network.advance(0.0)
        self.assertEqual(watch.ports, 0)
        self.assertIs(type(watch.error), CancelledError)
        self.network.advance(0.01)
        self.network.clock.advance(0)
        self.assertEqual(self.network.delayed_calls(), self.others)

    def start(self, attempt: Any) -> Watch:
        """Start an attempt."""
        self.others = self.network.delayed_calls()
        return self.watch(attempt.connect(30.0))


class PhaseTests(CancelTestCase):
    """One phase after the other."""

    def test_resolving(self) -> None:
        """While the name is looked up: at once, nothing was opened; the late answer is ignored."""
        self.network.name("camera.lan", CAMERA)
        attempt = self.lan(Target("camera.lan"))
        watch = self.start(attempt)
        watch.deferred.cancel()
        self.assertEqual((watch.at, watch.ports), (0.0, 0))
        self.assertIs(type(watch.error), CancelledError)
        self.network.advance(0.1)
        self.assertEqual((attempt.port, self.network.log), (None, []))

    def test_searching(self) -> None:
        """A LAN search took no slot, so nobody is told."""
        camera = self.scripted(40611)
        watch = self.start(self.lan(ONE_PORT))
        self.network.advance(0.05)
        self.cancel(watch)
        self.assertEqual(camera.kinds(), ["LAN_SEARCH"])

    def test_punched_without_an_answer(self) -> None:
        """A punch may have taken a slot though its answer was lost: all ports are told CLOSE."""
        camera = self.scripted(40611, 32108)
        watch = self.start(self.p2p(Target(CAMERA, ports=(40611, 32108, 80))))
        self.network.advance(0.05)
        self.cancel(watch)
        told = {address for _, address in self.sent(Close)}
        self.assertEqual(told, {(CAMERA, 40611), (CAMERA, 32108)})  # 80 had refused
        self.assertEqual({port for _, m, _, port in camera.heard if m == Close()}, {40611, 32108})

    def test_punching(self) -> None:
        """The candidate is told CLOSE, in more than one copy, and nobody else."""
        camera = self.scripted(40611, 50000).on(LanSearch, PUNCH, from_port=50000)
        watch = self.start(self.lan(ONE_PORT))
        self.network.advance(0.05)
        self.cancel(watch)
        self.assertEqual({address for _, address in self.sent(Close)}, {(CAMERA, 50000)})
        self.assertGreaterEqual(camera.count(Close), 2)

    def test_offers(self) -> None:
        """In the middle of the camera's offers."""
        camera = self.simulated(SimulatedCamera(self.camera_host))
        attempt = self.lan(ONE_PORT)
        watch = self.start(attempt)
        self.network.advance(0.15)
        self.assertEqual((attempt.phase, camera.open_sessions), ("punching", 1))
        watch.deferred.cancel()
        self.network.advance(0.0)
        self.assertEqual(watch.ports, 0)
        self.assertIs(type(watch.error), CancelledError)
        self.network.advance(0.01)
        self.assertEqual(camera.open_sessions, 0)
        self.assertEqual(camera.counters.sessions_closed_by_client, 1)

    def test_after_a_forgotten_candidate(self) -> None:
        """A candidate that was given up may still hold a slot for us."""
        camera = self.scripted(40611).on(LanSearch, PUNCH)
        attempt = self.lan(ONE_PORT)
        watch = self.start(attempt)
        self.network.advance(0.05)
        camera.on(LanSearch)
        self.network.run_until(lambda: attempt.phase == "searching", 5.0)
        self.cancel(watch)
        self.assertGreaterEqual(camera.count(Close), 2)

    def test_after_a_forgotten_candidate_on_another_port(self) -> None:
        """So may one that answered P2P from a port that was not asked."""
        camera = self.scripted(40611, 50000).on(PunchPkt, PUNCH, from_port=50000)
        attempt = self.p2p(ONE_PORT)
        watch = self.start(attempt)
        self.network.advance(0.05)
        camera.on(PunchPkt)
        self.network.run_until(lambda: attempt.phase == "searching", 5.0)
        self.cancel(watch)
        self.assertIn((CAMERA, 50000), {address for _, address in self.sent(Close)})

    def test_before_the_first_turn(self) -> None:
        """At once after the start; the probes are on their way, and CLOSE behind them."""
        camera = self.scripted(40611)
        watch = self.start(self.p2p(ONE_PORT))
        self.cancel(watch)
        self.assertEqual(camera.kinds()[0], "PUNCH_PKT")
        self.assertEqual(set(camera.kinds()[1:]), {"CLOSE"})

    def test_won_already(self) -> None:
        """Too late: the link is the caller's."""
        self.scripted(40611).on(PunchPkt, READY)
        watch = self.start(self.p2p(ONE_PORT))
        self.network.advance(0.01)
        watch.deferred.cancel()
        self.assertEqual(self.won(watch).peer, (CAMERA, 40611))
        self.network.advance(0.1)
        self.assertEqual(len(list(self.client.ports())), 1)


class CleanupTests(CancelTestCase):
    """Cancelling what is ending anyway."""

    def test_twice(self) -> None:
        """The second and third time change nothing."""
        self.scripted(40611).on(LanSearch, PUNCH, OFFER)
        watch = self.start(self.lan(ONE_PORT))
        self.network.advance(0.05)
        watch.deferred.cancel()
        watch.deferred.cancel()
        self.assertIsNone(watch.at)
        self.cancel(watch)

    def test_after_the_end(self) -> None:
        """Nor does it afterwards."""
        self.scripted(40611)
        watch = self.start(self.lan(ONE_PORT))
        self.cancel(watch)
        watch.deferred.cancel()
        self.network.advance(0.0)

    def test_while_a_failure_cleans_up(self) -> None:
        """An attempt that has failed by itself still says why, and still when its port is gone."""
        self.scripted(40611)
        watch = self.watch(self.lan(ONE_PORT).connect(0.05))
        seen: list[object] = []

        def lose_patience() -> None:
            watch.deferred.cancel()
            seen.extend([watch.at, len(list(self.client.ports()))])

        self.client.callLater(0.05, lose_patience)  # after the end of the budget, in its turn
        self.network.advance(0.1)
        self.assertEqual(seen, [None, 1])
        self.assertEqual((watch.at, watch.ports), (0.05, 0))
        self.assertIsInstance(watch.error, NothingAnswered)

    def test_resend_due_with_the_cancellation(self) -> None:
        """A resend that is due in the turn of the cancellation is not sent into a closed port."""
        self.scripted(40611)
        watch = self.start(self.lan(ONE_PORT))
        self.client.callLater(0.1, watch.deferred.cancel)
        self.network.clock.advance(0.1)
        self.network.advance(0.01)
        self.assertEqual(watch.ports, 0)
        self.assertIs(type(watch.error), CancelledError)

    def test_answer_in_the_turn_of_the_cancellation(self) -> None:
        """P2P_RDY that comes while the port closes is too late, and the camera has its CLOSE."""
        camera = self.scripted(40611).on(PunchPkt, READY)
        watch = self.start(self.p2p(ONE_PORT))
        self.network.advance(0.0015)
        watch.deferred.cancel()
        self.network.advance(0.01)
        self.assertIs(type(watch.error), CancelledError)
        self.assertEqual(camera.kinds()[0], "PUNCH_PKT")
        self.assertEqual(set(camera.kinds()[1:]), {"CLOSE"})

    def test_every_moment(self) -> None:
        """At any of five hundred moments of a handshake: no port, no slot, no call is left."""
        for mode in (self.lan, self.p2p):
            camera = SimulatedCamera(self.camera_host, Behaviour.recorded(banner_delay=0.0))
            camera.start(interface="")
            for step in range(500):
                watch = self.watch(mode(ONE_PORT).connect(30.0))
                self.network.advance(step * 0.0007)
                watch.deferred.cancel()
                if hasattr(watch.result, "abandon"):
                    watch.result.abandon()
                self.network.advance(0.005)
                self.assertEqual(list(self.client.ports()), [])
                self.assertEqual(camera.open_sessions, 0, f"a slot is held after step {step}")
            camera.stop()
            self.network.advance(0.01)
            self.network.assert_quiet()
