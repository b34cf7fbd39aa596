"""Tests of an attempt's patience: resends, nudges, silent candidates, cameras with no free slot."""

from __future__ import annotations

from tests.connect.cameras import (
    CAMERA,
    OFFER,
    PUNCH,
    READY,
    NetworkTestCase,
)
from trailcam.connect.pacing import Pace
from trailcam.connect.target import Target
from trailcam.errors import ClosedByCamera, NeverReady, NothingAnswered
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.wire.messages import (
    Close,
    LanSearch,
    P2PRdy,
    PunchPkt,
)


class PatienceTests(NetworkTestCase):
    """Resends, nudges, and candidates that fall silent."""

    def test_resends_back_off(self) -> None:
        """A search is repeated after 100 ms, then less and less often, to every port each time."""
        camera = self.scripted(40611)
        watch = self.watch(self.lan(Target(CAMERA, ports=(40611,))).connect(1.2))
        self.network.advance(1.3)
        times = [round(time - 0.001, 6) for time in camera.times(LanSearch)]
        expected = [0.0, 0.1, 0.22, 0.364, 0.5368, 0.74416, 0.992992]
        self.assertEqual(times, expected)
        self.assertIsInstance(watch.error, NothingAnswered)

    def test_given_pace(self) -> None:
        """The pace is the caller's to choose."""
        camera = self.scripted(40611)
        attempt = self.lan(Target(CAMERA, ports=(40611,)), pace=Pace(0.3, 2.0, 5.0))
        self.watch(attempt.connect(1.0))
        self.network.advance(1.1)
        times = [round(time, 3) for time in camera.times(LanSearch)]
        self.assertEqual(times, [0.001, 0.301, 0.901])

    def test_lost_search(self) -> None:
        """A search that got lost is sent again."""
        restore = self.network.drop(lambda datagram: datagram.sent_at == 0.0)
        self.addCleanup(restore)
        self.simulated(SimulatedCamera(self.camera_host, Behaviour.prompt()))
        attempt = self.lan()
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(0.2)
        self.won(watch)
        self.assertAlmostEqual(watch.at or 0.0, 0.104, places=9)

    def test_round_trip_of_a_resend_is_not_measured(self) -> None:
        """Whether the first or the second search was answered nobody knows (Karn)."""
        self.addCleanup(self.network.drop(lambda datagram: datagram.sent_at == 0.0))
        self.scripted().on(LanSearch, PUNCH).on(PunchPkt, READY)
        attempt = self.lan()
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(0.2)
        self.won(watch)
        self.assertIsNone(attempt.round_trip)

    def test_offers_keep_it_quiet(self) -> None:
        """While the camera sends its offers, nothing is asked."""
        camera = self.scripted(40611).on(LanSearch, PUNCH)
        attempt = self.lan(Target(CAMERA, ports=(40611,)))
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(0.002)
        for _ in range(20):
            self.network.advance(0.09)
            camera.say(camera.heard[0][2], OFFER)
        self.assertEqual(camera.kinds(), ["LAN_SEARCH", "PUNCH_PKT"])
        camera.say(camera.heard[0][2], READY)
        self.network.advance(0.01)
        self.won(watch)

    def test_silent_candidate_is_nudged(self) -> None:
        """After an answer and 100 ms of silence the candidate is asked for P2P_RDY."""
        camera = self.scripted().on(LanSearch, PUNCH).on(P2PRdy, READY)
        watch = self.watch(self.lan(Target(CAMERA, ports=(40611,))).connect(30.0))
        self.network.advance(0.2)
        self.assertEqual(self.won(watch).peer, (CAMERA, 40611))
        self.assertEqual(camera.kinds(), ["LAN_SEARCH", "PUNCH_PKT", "PUNCH_PKT", "P2P_RDY"])

    def test_an_answer_ends_the_backing_off(self) -> None:
        """However slow the search had become: a candidate is nudged after 100 ms."""
        camera = self.scripted(40611)
        self.watch(self.lan(Target(CAMERA, ports=(40611,))).connect(2.0))
        self.network.advance(1.5)
        camera.on(LanSearch, PUNCH)
        self.network.run_until(lambda: camera.count(PunchPkt), 0.5)
        (answered,) = camera.times(PunchPkt)
        self.network.run_until(lambda: camera.count(P2PRdy), 0.5)
        self.assertAlmostEqual(camera.times(P2PRdy)[0] - answered, 0.1, places=6)
        self.network.advance(1.0)

    def test_silent_candidate_is_forgotten(self) -> None:
        """After eight nudges the search begins again, and finds the camera that came back."""
        camera = self.scripted(40611).on(LanSearch, PUNCH)
        attempt = self.lan(Target(CAMERA, ports=(40611,)))
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(0.05)
        camera.on(LanSearch)
        self.network.run_until(lambda: attempt.phase == "searching", 5.0)
        self.network.advance(0.001)
        self.assertEqual((camera.count(P2PRdy), camera.count(LanSearch)), (8, 2))
        self.network.advance(3.0)
        self.assertGreater(camera.count(LanSearch), 10)
        camera.on(LanSearch, PUNCH).on(PunchPkt, READY)
        self.network.advance(0.3)
        self.won(watch)

    def test_forgotten_and_found_again_and_again(self) -> None:
        """A camera that answers the search and nothing else is tried for the whole budget."""
        camera = self.scripted(40611).on(LanSearch, PUNCH)
        watch = self.watch(self.lan(Target(CAMERA, ports=(40611,))).connect(10.0))
        self.network.advance(10.1)
        error = watch.error
        self.assertIsInstance(error, NeverReady)
        self.assertIn("punched but never ready", str(error))
        self.assertGreaterEqual(camera.count(LanSearch), 5)

    def test_one_echo_per_copy(self) -> None:
        """Each copy of PUNCH_PKT is echoed."""
        camera = self.scripted(40611).on(LanSearch, PUNCH, PUNCH, PUNCH)
        self.watch(self.lan(Target(CAMERA, ports=(40611,))).connect(0.05))
        self.network.advance(0.04)
        self.assertEqual(camera.count(PunchPkt), 3)
        self.network.advance(0.1)


class CloseTests(NetworkTestCase):
    """A camera whose slots are taken."""

    def test_closed_while_opening(self) -> None:
        """CLOSE instead of P2P_RDY: it is asked again, in time, and wins when a slot is free."""
        camera = self.scripted(40611).on(LanSearch, PUNCH).on(PunchPkt, Close())
        attempt = self.lan(Target(CAMERA, ports=(40611,)))
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(0.05)
        self.assertEqual(attempt.phase, "searching")
        camera.on(PunchPkt, READY)
        self.network.advance(1.05)
        self.won(watch)

    def test_never_a_free_slot(self) -> None:
        """At the end of the budget the CLOSE is the diagnosis."""
        self.scripted(40611).on(LanSearch, PUNCH).on(PunchPkt, Close())
        watch = self.watch(self.lan(Target(CAMERA, ports=(40611,))).connect(2.0))
        self.network.advance(2.1)
        self.assertEqual(watch.at, 2.0)
        self.assertIsInstance(watch.error, ClosedByCamera)
        self.assertIn(f"{CAMERA}:40611", str(watch.error))

    def test_ready_after_close(self) -> None:
        """P2P_RDY that CLOSE has overtaken is of a session that is over."""
        camera = self.scripted(40611).on(LanSearch, PUNCH).on(PunchPkt, Close(), READY)
        attempt = self.lan(Target(CAMERA, ports=(40611,)))
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(0.05)
        self.assertEqual((watch.at, attempt.phase), (None, "searching"))
        camera.on(PunchPkt, READY)
        self.network.advance(1.05)
        self.won(watch)

    def test_full_camera_is_not_flooded(self) -> None:
        """Search, punch, CLOSE: one round a second, not a thousand."""
        camera = self.simulated(SimulatedCamera(self.camera_host, Behaviour.recorded(slots=0)))
        watch = self.watch(self.lan(Target(CAMERA, ports=(40611,))).connect(2.0))
        self.network.advance(2.1)
        self.assertIsInstance(watch.error, ClosedByCamera)
        self.assertLess(camera.counters.searches, 5)

    def test_close_before_any_answer(self) -> None:
        """CLOSE from a port that never showed its id changes nothing for the search."""
        camera = self.scripted(40611)
        attempt = self.lan(Target(CAMERA, ports=(40611,)))
        watch = self.watch(attempt.connect(1.0))
        self.network.advance(0.01)
        camera.say(camera.heard[0][2], Close())
        self.network.advance(0.01)
        self.assertEqual(attempt.phase, "searching")
        camera.say(camera.heard[0][2], PUNCH, READY)
        self.network.advance(0.01)
        self.won(watch)
