"""Tests of the LAN attempt: what counts as proof, and what does not."""

from __future__ import annotations

from typing import Any

from zope.interface.verify import verifyObject

from tests.connect.cameras import (
    CAMERA,
    OFFER,
    OTHER_DID,
    PUNCH,
    READY,
    NetworkTestCase,
    ScriptedCamera,
)
from trailcam.connect.events import ProbeSent, RaceEvent
from trailcam.connect.target import Target
from trailcam.errors import NeverReady, NothingAnswered, WrongDevice
from trailcam.interfaces import IAttempt, IMessageReceiver
from trailcam.model import ConnectionMode
from trailcam.simulator import SimulatedCamera
from trailcam.wire.codec import decode
from trailcam.wire.messages import (
    Alive,
    Close,
    Drw,
    LanSearch,
    LanTcpOffer,
    P2PRdy,
    PunchPkt,
)


class HandshakeTests(NetworkTestCase):
    """The handshake as it was recorded."""

    def test_interfaces(self) -> None:
        """It is an attempt, and hears what its link says."""
        attempt = self.lan()
        verifyObject(IAttempt, attempt)
        verifyObject(IMessageReceiver, attempt)

    def test_before_the_start(self) -> None:
        """Making one opens nothing."""
        attempt = self.lan()
        state = (attempt.mode, attempt.phase, attempt.port, attempt.retries, attempt.round_trip)
        self.assertEqual(state, (ConnectionMode.LAN, "idle", None, 0, None))
        self.assertEqual(list(self.client.ports()), [])

    def test_recorded_camera(self) -> None:
        """LAN_SEARCH, PUNCH_PKT, echo, 51 offers, P2P_RDY: and then, not before, it is won."""
        camera = self.simulated(SimulatedCamera(self.camera_host))
        attempt = self.lan()
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(1.0)
        link = self.won(watch)
        story = [
            decode(datagram.payload)
            for datagram in self.network.log
            if datagram.fate.name == "DELIVERED" and datagram.sent_at < (watch.at or 0.0)
        ]
        kinds = [type(message) for message in story]
        expected = [LanSearch, LanSearch, PunchPkt, PunchPkt, PunchPkt, PunchPkt]
        expected += [LanTcpOffer] * 51 + [P2PRdy]
        self.assertEqual(kinds, expected)
        self.assertEqual((link.peer, link.mode), ((CAMERA, 40611), ConnectionMode.LAN))
        self.assertEqual(camera.open_sessions, 1)
        assert watch.at is not None
        self.assertTrue(0.32 < watch.at < 0.34, watch.at)

    def test_what_a_winner_says_of_itself(self) -> None:
        """Phase, local port and round trip."""
        self.simulated(SimulatedCamera(self.camera_host))
        attempt = self.lan()
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(1.0)
        link = self.won(watch)
        self.assertEqual((attempt.phase, attempt.retries), ("ready", 0))
        self.assertEqual(attempt.port, link.local[1])
        self.assertEqual([port.getHost().port for port in self.client.ports()], [attempt.port])
        self.assertAlmostEqual(attempt.round_trip, 0.002, places=9)

    def test_all_ports_at_once(self) -> None:
        """The first round goes to every port, in order, and the observer hears of each once."""
        events: list[RaceEvent] = []
        attempt = self.lan(Target(CAMERA, ports=(5, 40611, 7)), observer=events.append)
        self.scripted(5, 40611, 7)
        self.watch(attempt.connect(1.0))
        self.assertEqual(self.sent(LanSearch), [(0.0, (CAMERA, n)) for n in (5, 40611, 7)])
        self.network.advance(1.0)
        ports = [5, 40611, 7]
        expected = [
            ProbeSent(ConnectionMode.LAN, number, attempt.port, port)
            for number, port in enumerate(ports, 1)
        ]
        self.assertEqual(events, expected)

    def test_the_last_port_is_as_fast(self) -> None:
        """A camera that knows only the sixth port connects as fast as on the first."""
        target = Target(CAMERA, ports=(1, 2, 3, 4, 5, 6))
        self.scripted(6).on(LanSearch, PUNCH).on(PunchPkt, READY)
        self.camera_host.silent = True
        attempt = self.lan(target)
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(0.01)
        self.assertEqual(self.won(watch).peer, (CAMERA, 6))
        self.assertAlmostEqual(watch.at or 0.0, 0.004, places=9)
        self.assertEqual(attempt.retries, 5)

    def test_answer_from_another_port(self) -> None:
        """The session lives where the camera answers from, asked or not."""
        camera = self.scripted(40611, 50000).on(LanSearch, PUNCH, from_port=50000)
        camera.on(PunchPkt, READY)
        attempt = self.lan(Target(CAMERA, ports=(40611,)))
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(0.01)
        self.assertEqual(self.won(watch).peer, (CAMERA, 50000))
        self.assertEqual(attempt.retries, 0)
        (*_, (_, echo, _, port)) = camera.heard
        self.assertEqual((echo, port), (PUNCH, 50000))

    def test_messages_after_the_win_are_kept(self) -> None:
        """The proof, and what the camera says before somebody listens, wait for the session."""
        banner = Drw(0, 0, b"ACK")
        self.scripted().on(LanSearch, PUNCH).on(PunchPkt, READY, banner)
        watch = self.watch(self.lan(Target(CAMERA, ports=(40611,))).connect(30.0))
        self.network.advance(0.01)
        heard: list[Any] = []

        class Receiver:
            def message_received(self, message: Any, peer: Any) -> None:
                heard.append(message)

        self.won(watch).attach(Receiver())
        self.assertEqual(heard, [READY, banner])


class DisbeliefTests(NetworkTestCase):
    """What is no proof."""

    def searching(self, camera: ScriptedCamera) -> tuple[Any, tuple[str, int]]:
        """An attempt that has searched, and its address; closed ports do not tell."""
        self.camera_host.silent = True
        attempt = self.lan()
        self.outcome = self.watch(attempt.connect(1.0))
        self.network.advance(0.01)
        self.assertEqual(attempt.phase, "searching")
        return attempt, camera.heard[0][2]

    def finish(self) -> Any:
        """The attempt's error at the end of its budget."""
        self.network.advance(1.1)
        self.assertEqual((self.outcome.at, self.outcome.ports), (1.0, 0))
        return self.outcome.error

    def test_nothing(self) -> None:
        """A datagram that left the machine proves nothing."""
        self.searching(self.scripted())
        self.assertIsInstance(self.finish(), NothingAnswered)

    def test_stray_ready(self) -> None:
        """P2P_RDY to one who only searched is left over from another session."""
        camera = self.scripted()
        attempt, client = self.searching(camera)
        camera.say(client, READY)
        self.network.advance(0.01)
        self.assertEqual(attempt.phase, "searching")
        self.assertIsInstance(self.finish(), NothingAnswered)

    def test_offer_alone(self) -> None:
        """An answer without P2P_RDY is not enough."""
        camera = self.scripted()
        _, client = self.searching(camera)
        camera.say(client, PUNCH, OFFER)
        error = self.finish()
        self.assertIsInstance(error, NeverReady)
        self.assertEqual(error.phase, "punching")

    def test_other_messages(self) -> None:
        """Messages of a session do not open one."""
        camera = self.scripted()
        _, client = self.searching(camera)
        camera.say(client, Alive(), Drw(0, 0, b"ACK"), LanSearch(), b"\xf1\xe1\0\0", b"", b"junk")
        self.assertIsInstance(self.finish(), NothingAnswered)

    def test_wrong_device(self) -> None:
        """A whole handshake under another id is none."""
        punch, ready = PunchPkt(OTHER_DID), P2PRdy(OTHER_DID)
        camera = self.scripted().on(LanSearch, punch, ready).on(PunchPkt, ready)
        self.searching(camera)
        error = self.finish()
        self.assertIsInstance(error, WrongDevice)
        self.assertIn("ABCD-000007-EFGHJ", str(error))
        self.assertEqual(camera.count(PunchPkt), 0)

    def test_wrong_device_everywhere(self) -> None:
        """When every port is settled, a second is waited for better news, and no longer."""
        self.scripted(40611).on(LanSearch, PunchPkt(OTHER_DID))
        watch = self.watch(self.lan(Target(CAMERA, ports=(40611, 80))).connect(30.0))
        self.network.advance(0.9)
        self.assertIsNone(watch.at)
        self.network.advance(0.2)
        self.assertIsInstance(watch.error, WrongDevice)

    def test_slower_than_a_liar(self) -> None:
        """Somebody else's quick answer does not keep the camera's own from being heard."""
        camera = self.scripted(40611).on(LanSearch, PunchPkt(OTHER_DID)).on(PunchPkt, READY)
        watch = self.watch(self.lan(Target(CAMERA, ports=(40611,))).connect(30.0))
        self.network.advance(0.06)
        camera.say(camera.heard[0][2], PUNCH)
        self.network.advance(0.05)
        self.won(watch)

    def test_punched_in_the_last_moment(self) -> None:
        """Who has answered meanwhile is waited for."""
        camera = self.scripted(40611).on(LanSearch, PunchPkt(OTHER_DID))
        watch = self.watch(self.lan(Target(CAMERA, ports=(40611,))).connect(30.0))
        self.network.advance(0.9)
        camera.say(camera.heard[0][2], PUNCH)
        self.network.advance(0.5)
        self.assertIsNone(watch.at)
        camera.say(camera.heard[0][2], READY)
        self.network.advance(0.05)
        self.won(watch)

    def test_both_devices(self) -> None:
        """The right one is found beside the wrong one."""
        self.scripted(40611).on(LanSearch, PunchPkt(OTHER_DID), PUNCH).on(PunchPkt, READY)
        watch = self.watch(self.lan().connect(30.0))
        self.network.advance(0.05)
        self.assertEqual(self.won(watch).peer, (CAMERA, 40611))

    def test_stranger(self) -> None:
        """The right words from another address are not believed, but told."""
        camera = self.scripted()
        stranger = self.scripted(40611, host=self.network.host("192.168.43.66"))
        _, client = self.searching(camera)
        stranger.say(client, PUNCH, OFFER, READY)
        error = self.finish()
        self.assertIsInstance(error, NothingAnswered)
        self.assertIn("a camera with this id answered from 192.168.43.66", str(error))
        self.assertEqual(stranger.heard, [])

    def test_stranger_under_another_id(self) -> None:
        """A stranger with another id is of no interest."""
        camera = self.scripted()
        stranger = self.scripted(40611, host=self.network.host("192.168.43.66"))
        _, client = self.searching(camera)
        stranger.say(client, PunchPkt(OTHER_DID), b"junk", Alive())
        self.assertNotIn("43.66", str(self.finish()))

    def test_close_from_a_stranger(self) -> None:
        """A stranger cannot end what it is not part of."""
        camera = self.scripted().on(LanSearch, PUNCH)
        stranger = self.scripted(40611, host=self.network.host("192.168.43.66"))
        attempt = self.lan()
        watch = self.watch(attempt.connect(1.0))
        self.network.advance(0.01)
        stranger.say(camera.heard[0][2], Close())
        self.network.advance(0.01)
        self.assertEqual(attempt.phase, "punching")
        camera.say(camera.heard[0][2], READY)
        self.network.advance(0.01)
        self.won(watch)
