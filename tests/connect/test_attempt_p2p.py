"""Tests of the direct P2P attempt."""

from __future__ import annotations

from zope.interface.verify import verifyObject

from tests.connect.cameras import (
    CAMERA,
    OFFER,
    OTHER_DID,
    PUNCH,
    READY,
    NetworkTestCase,
)
from trailcam.connect.target import Target
from trailcam.errors import (
    ClosedByCamera,
    NeverReady,
    NothingAnswered,
    NotPossible,
    WrongDevice,
)
from trailcam.interfaces import IAttempt
from trailcam.model import ConnectionMode
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.wire.messages import Alive, AliveAck, Close, Drw, LanSearch, P2PRdy, PunchPkt

ONE_PORT = Target(CAMERA, ports=(40611,))


class PunchTests(NetworkTestCase):
    """Punch, and be answered."""

    def test_interface(self) -> None:
        """It is an attempt for P2P."""
        attempt = self.p2p()
        verifyObject(IAttempt, attempt)
        self.assertEqual(attempt.mode, ConnectionMode.P2P)

    def test_ready_at_once(self) -> None:
        """A TrailCam that is punched answers P2P_RDY: one round trip."""
        camera = self.scripted(40611).on(PunchPkt, READY)
        attempt = self.p2p(ONE_PORT)
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(0.01)
        link = self.won(watch)
        self.assertEqual((link.peer, link.mode), ((CAMERA, 40611), ConnectionMode.P2P))
        self.assertEqual(camera.kinds(), ["PUNCH_PKT"])
        self.assertAlmostEqual(watch.at or 0.0, 0.002, places=9)
        self.assertAlmostEqual(attempt.round_trip, 0.002, places=9)

    def test_punched_back(self) -> None:
        """A camera that punches back is answered with P2P_RDY, and has to be ready itself."""
        camera = self.scripted(40611).on(PunchPkt, PUNCH).on(P2PRdy, READY).on(Alive, AliveAck())
        watch = self.watch(self.p2p(ONE_PORT).connect(30.0))
        self.network.advance(0.01)
        self.won(watch)
        self.assertEqual(camera.kinds(), ["PUNCH_PKT", "P2P_RDY", "ALIVE"])

    def test_banner_is_proof(self) -> None:
        """What the camera says by itself proves as much as its answer to ALIVE."""
        banner = Drw(0, 0, b"ACK")
        self.scripted(40611).on(PunchPkt, PUNCH).on(P2PRdy, READY, banner)
        watch = self.watch(self.p2p(ONE_PORT).connect(30.0))
        self.network.advance(0.01)
        self.won(watch)

    def test_offer_is_proof(self) -> None:
        """Whoever made an offer is no echo, and need not be asked again."""
        camera = self.scripted(40611).on(PunchPkt, PUNCH).on(P2PRdy, OFFER, READY)
        watch = self.watch(self.p2p(ONE_PORT).connect(30.0))
        self.network.advance(0.01)
        self.won(watch)
        self.assertEqual(camera.count(Alive), 0)

    def test_echo(self) -> None:
        """A server that sends everything back is no camera, for all that it says our words."""
        camera = self.scripted(40611)
        for message in (PUNCH, READY, Alive()):
            camera.on(type(message), message)
        watch = self.watch(self.p2p(ONE_PORT).connect(5.0))
        self.network.advance(5.1)
        self.assertIsInstance(watch.error, NeverReady)
        self.assertLess(len(camera.heard), 300)

    def test_acknowledgement_alone(self) -> None:
        """ALIVE_ACK from somebody who never was ready is no proof."""
        camera = self.scripted(40611).on(PunchPkt, PUNCH, AliveAck())
        watch = self.watch(self.p2p(ONE_PORT).connect(1.0))
        self.network.advance(1.1)
        self.assertIsInstance(watch.error, NeverReady)
        self.assertEqual(camera.count(Alive), 0)

    def test_punched_back_is_not_ready(self) -> None:
        """Our own P2P_RDY proves nothing."""
        camera = self.scripted(40611).on(PunchPkt, PUNCH).on(Alive, AliveAck())
        attempt = self.p2p(ONE_PORT)
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(0.05)
        self.assertEqual((watch.at, attempt.phase), (None, "punching"))
        camera.say(camera.heard[0][2], READY)
        self.network.advance(0.01)
        self.won(watch)

    def test_offers_first(self) -> None:
        """A camera that makes offers is waited for."""
        camera = self.scripted(40611).on(PunchPkt, OFFER)
        attempt = self.p2p(ONE_PORT)
        watch = self.watch(attempt.connect(30.0))
        for _ in range(20):
            self.network.advance(0.05)
            camera.say(camera.heard[0][2], OFFER)
        self.assertEqual(camera.kinds(), ["PUNCH_PKT"])
        camera.say(camera.heard[0][2], READY)
        self.network.advance(0.01)
        self.won(watch)

    def test_recorded_camera(self) -> None:
        """The simulated camera is ready at once for whoever punches without a search."""
        camera = self.simulated(SimulatedCamera(self.camera_host))
        watch = self.watch(self.p2p().connect(30.0))
        self.network.advance(0.01)
        self.won(watch)
        self.assertEqual((camera.counters.searches, camera.open_sessions), (0, 1))

    def test_answer_from_another_port(self) -> None:
        """The camera chooses where the session lives."""
        camera = self.scripted(40611, 50000).on(PunchPkt, READY, from_port=50000)
        attempt = self.p2p(ONE_PORT)
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(0.01)
        self.assertEqual(self.won(watch).peer, (CAMERA, 50000))
        self.assertEqual(camera.kinds(), ["PUNCH_PKT"])

    def test_nth_port(self) -> None:
        """The fourth port is as good as the first, and three did not succeed."""
        self.camera_host.silent = True
        self.scripted(4).on(PunchPkt, READY)
        attempt = self.p2p(Target(CAMERA, ports=(1, 2, 3, 4, 5)))
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(0.01)
        self.assertEqual(self.won(watch).peer, (CAMERA, 4))
        self.assertAlmostEqual(watch.at or 0.0, 0.002, places=9)
        self.assertEqual(attempt.retries, 3)

    def test_never_searches(self) -> None:
        """P2P sends no LAN_SEARCH, and no broadcast, even when broadcasts are wanted."""
        self.camera_host.silent = True
        target = Target(CAMERA, ports=(40611,), broadcast=True)
        watch = self.watch(self.p2p(target).connect(1.0))
        self.network.advance(1.1)
        self.assertIsInstance(watch.error, NothingAnswered)
        self.assertEqual(self.sent(LanSearch), [])
        self.assertEqual({address for _, address in self.sent(PunchPkt)}, {(CAMERA, 40611)})

    def test_without_address(self) -> None:
        """Without an address there is nobody to punch."""
        attempt = self.p2p(Target())
        verifyObject(IAttempt, attempt)
        error = self.failureResultOf(attempt.connect(30.0), NotPossible).value
        self.assertIn("needs the camera's address", str(error))
        self.assertEqual((error.mode, error.elapsed), (ConnectionMode.P2P, 0.0))


class DisbeliefTests(NetworkTestCase):
    """What is no proof."""

    def test_wrong_device(self) -> None:
        """P2P_RDY under another id."""
        self.scripted(40611).on(PunchPkt, P2PRdy(OTHER_DID))
        watch = self.watch(self.p2p(ONE_PORT).connect(30.0))
        self.network.advance(1.1)
        self.assertIsInstance(watch.error, WrongDevice)

    def test_stranger(self) -> None:
        """P2P_RDY from another address."""
        self.camera_host.silent = True
        stranger = self.scripted(40611, host=self.network.host("192.168.43.66"))
        attempt = self.p2p(ONE_PORT)
        watch = self.watch(attempt.connect(1.0))
        stranger.say((self.client.address, attempt.port), PUNCH, READY)
        self.network.advance(1.1)
        self.assertIsInstance(watch.error, NothingAnswered)
        self.assertEqual(stranger.heard, [])

    def test_full_camera(self) -> None:
        """CLOSE is all that a full camera says to a punch; it is told at the end."""
        self.simulated(SimulatedCamera(self.camera_host, Behaviour.recorded(slots=0)))
        watch = self.watch(self.p2p(ONE_PORT).connect(2.0))
        self.network.advance(2.1)
        self.assertEqual(watch.at, 2.0)
        self.assertIsInstance(watch.error, ClosedByCamera)

    def test_close_from_elsewhere(self) -> None:
        """CLOSE from a port that was neither asked nor ever answered is nothing."""
        camera = self.scripted(40611, 50000).on(PunchPkt, Close(), from_port=50000)
        watch = self.watch(self.p2p(ONE_PORT).connect(1.0))
        self.network.advance(1.1)
        self.assertIsInstance(watch.error, NothingAnswered)
        self.assertGreater(camera.count(PunchPkt), 3)

    def test_free_slot_later(self) -> None:
        """A full camera is asked again until a slot is free."""
        camera = self.scripted(40611).on(PunchPkt, Close())
        watch = self.watch(self.p2p(ONE_PORT).connect(30.0))
        self.network.advance(1.0)
        self.assertLess(camera.count(PunchPkt), 10)
        camera.on(PunchPkt, READY)
        self.network.advance(0.3)
        self.won(watch)
