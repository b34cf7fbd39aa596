"""Tests of what passes between a client and the camera, and what does not."""

from __future__ import annotations

import errno

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.agent.rig import DID
from tests.tap.fakes import FakeLink
from trailcam.agent.bridge import SILENT_FOR, Bridge, Party
from trailcam.errors import LinkClosed, LinkLost
from trailcam.interfaces import IMessageReceiver
from trailcam.wire.constants import SESSION_PORT
from trailcam.wire.did import TRAILCAM_DID, DeviceID
from trailcam.wire.messages import (
    Alive,
    AliveAck,
    Close,
    Drw,
    DrwAck,
    Hello,
    LanSearch,
    LanTcpOffer,
    Message,
    P2PRdy,
    Psr,
    PunchPkt,
    RlyRdy,
)
from trailcam.wire.sockaddr import SocketAddress
from trailcam.wire.stream import ClearFraming, encode_frame

PASSING = (Drw(0, 1, b"abc"), DrwAck(0, (1, 2)), Psr(1, 2, b"de"), Alive(), AliveAck())
STAYING = (
    LanTcpOffer(TRAILCAM_DID, SocketAddress("192.168.43.1", SESSION_PORT)),
    PunchPkt(DID),
    PunchPkt(TRAILCAM_DID),
    LanSearch(),
    Hello(),
    RlyRdy(DID),
)


class DeadLink(FakeLink):
    """A link that has ended without a word."""

    def send(self, message: Message) -> None:
        """There is nobody."""
        raise LinkClosed("gone")


class NarrowLink(FakeLink):
    """A link with frames of a limited size, as through a relay."""

    def send(self, message: Message) -> None:
        """Make a frame of it."""
        encode_frame(message, ClearFraming())
        super().send(message)


class HastyLink(FakeLink):
    """A link in which CLOSE waits already."""

    def attach(self, receiver: IMessageReceiver) -> None:
        """Hand it over."""
        super().attach(receiver)
        self.hear(Close())


class BridgeTestCase(SynchronousTestCase):
    """A bridge that runs; at the end of every test it is over, and no call is left."""

    def setUp(self) -> None:
        """Begin."""
        self.clock = Clock()
        self.clock.advance(100)
        self.client, self.camera = FakeLink(), FakeLink()
        self.ending = self.start()

    def tearDown(self) -> None:
        """End."""
        self.bridge.end("the test is over")
        self.assertIsNotNone(self.successResultOf(self.ending))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def start(self) -> Deferred[str]:
        """A new bridge between the links."""
        self.bridge = Bridge(
            self.clock,
            Party("client", self.client, DID),
            Party("camera", self.camera, TRAILCAM_DID),
        )
        return self.bridge.run()

    def reason(self) -> str:
        """Why it ended."""
        reason = self.successResultOf(self.ending)
        self.ending = succeed(reason)  # the first one was consumed
        return reason


class PassingTests(BridgeTestCase):
    """Packet by packet."""

    def test_passes(self) -> None:
        """Every kind of a session's traffic passes, unchanged, both ways."""
        for message in PASSING:
            self.client.hear(message)
            self.camera.hear(message)
        self.assertEqual(self.camera.sent, list(PASSING))
        self.assertEqual(self.client.sent, list(PASSING))

    def test_ready(self) -> None:
        """P2P_RDY passes with the id that the other side knows; its version stays."""
        self.camera.hear(P2PRdy(TRAILCAM_DID))
        self.client.hear(P2PRdy(DID, 7))
        self.assertEqual(self.client.sent, [P2PRdy(DID)])
        self.assertEqual(self.camera.sent, [P2PRdy(TRAILCAM_DID, 7)])

    def test_ready_of_another_device(self) -> None:
        """P2P_RDY of any other device does not pass."""
        for did in (DID, DeviceID("OTHER", 3, "XYZ")):
            self.camera.hear(P2PRdy(did))
        self.client.hear(P2PRdy(TRAILCAM_DID))
        self.assertEqual((self.client.sent, self.camera.sent), ([], []))

    def test_stays(self) -> None:
        """Nothing else passes: neither the offer of TCP nor punches nor servers' words."""
        for message in STAYING:
            self.client.hear(message)
            self.camera.hear(message)
        self.assertEqual((self.client.sent, self.camera.sent), ([], []))

    def test_too_large(self) -> None:
        """What does not fit the other link is left out, counted, and no failure."""
        self.bridge.end("the test begins anew")
        self.client = NarrowLink()
        self.ending = self.start()
        self.camera.hear(Drw(0, 1, bytes(1500)))
        self.camera.hear(Drw(0, 2, b"123"))
        self.assertEqual(self.client.sent, [Drw(0, 2, b"123")])
        self.assertEqual((self.bridge.to_client.unfit, self.bridge.to_client.octets), (1, 3))

    def test_octets(self) -> None:
        """Payload is counted, each way by itself."""
        self.camera.hear(Drw(0, 1, b"12345"))
        self.camera.hear(Psr(0, 1, b"123"))
        self.client.hear(Drw(0, 1, b"12"))
        self.client.hear(DrwAck(0, (1,)))
        self.assertEqual((self.bridge.to_client.octets, self.bridge.to_camera.octets), (8, 2))


class EndTests(BridgeTestCase):
    """How it ends."""

    def test_close(self) -> None:
        """CLOSE from either side ends it; the other side is told by who owns the links."""
        self.client.hear(Close())
        self.assertEqual(self.reason(), "the client closed the session")
        self.ending = self.start()
        self.camera.hear(Close())
        self.assertEqual(self.reason(), "the camera closed the session")
        self.assertEqual((self.client.sent, self.camera.sent), ([], []))

    def test_refused(self) -> None:
        """So does a closed port; other errors may pass."""
        assert self.camera.receiver is not None
        self.camera.receiver.peer_refused(("192.168.43.1", 1), errno.EHOSTUNREACH)
        self.assertNoResult(self.ending)
        self.camera.receiver.peer_refused(("192.168.43.1", 1), errno.ECONNREFUSED)
        self.assertEqual(self.reason(), "the camera has left (ICMP)")

    def test_lost(self) -> None:
        """So does the loss of a link."""
        assert self.client.receiver is not None
        self.client.receiver.link_lost(Failure(LinkLost("the relay ended the connection")))
        self.assertEqual(self.reason(), "the client is lost: the relay ended the connection")

    def test_closed_link(self) -> None:
        """So does a link that takes nothing more."""
        self.bridge.end("the test begins anew")
        self.client = DeadLink()
        self.ending = self.start()
        self.camera.hear(Alive())
        self.assertEqual(self.reason(), "the client is lost")

    def test_first_reason_counts(self) -> None:
        """What comes after the end changes nothing."""
        self.bridge.end("enough")
        self.client.hear(Close())
        self.bridge.end("more than enough")
        self.assertEqual(self.reason(), "enough")

    def test_silent_from_the_start(self) -> None:
        """When nothing ever comes, it ends after 8 s."""
        self.clock.advance(SILENT_FOR - 0.125)
        self.assertNoResult(self.ending)
        self.clock.advance(0.125)
        self.assertTrue(self.reason().endswith("has been silent for 8 s"))

    def silence_of(self, silent: FakeLink, lively: FakeLink) -> str:
        """The reason, when one side is silent from the fifth second on."""
        for _ in range(5 * 8):
            self.clock.advance(0.125)
            silent.hear(Alive())
            lively.hear(Alive())
        for step in range(int(SILENT_FOR) * 8):
            self.assertFalse(self.ending.called, f"over after {step / 8} s")
            lively.hear(Alive())
            self.clock.advance(0.125)
        return self.reason()

    def test_silent_client(self) -> None:
        """8 s after the client's last word."""
        reason = self.silence_of(self.client, self.camera)
        self.assertEqual(reason, "the client has been silent for 8 s")

    def test_silent_camera(self) -> None:
        """8 s after the camera's last word."""
        reason = self.silence_of(self.camera, self.client)
        self.assertEqual(reason, "the camera has been silent for 8 s")

    def test_knocking_is_silence(self) -> None:
        """What does not pass is no sign of life."""
        for _ in range(int(SILENT_FOR) - 1):
            self.clock.advance(1)
            self.camera.hear(Alive())
            self.client.hear(PunchPkt(DID))
        self.clock.advance(1)
        self.assertEqual(self.reason(), "the client has been silent for 8 s")

    def test_ended_by_what_was_kept(self) -> None:
        """A CLOSE that waits in a link ends it before it has begun."""
        self.bridge.end("the test begins anew")
        self.client = HastyLink()
        self.ending = self.start()
        self.assertEqual(self.reason(), "the client closed the session")
