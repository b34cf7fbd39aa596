"""Tests for a session over a real link, with a simulated camera on a network in memory."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.link.rig import Receiver
from tests.session.rig import Reader
from trailcam.errors import SessionClosedByPeer, SessionLost, SessionRefused
from trailcam.link.datagram import DatagramLink
from trailcam.model import ConnectionMode
from trailcam.session.session import Session
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.testing import MemoryNetwork
from trailcam.wire.constants import SESSION_PORT
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import P2PRdy, PunchPkt

CAMERA = "192.168.43.1"


class HoldingTests(SynchronousTestCase):
    """A session is held for as long as both sides are there."""

    def setUp(self) -> None:
        """Make the network."""
        self.network = MemoryNetwork(seed=3, latency=0.002, jitter=0.002)
        self.client_host = self.network.host("192.168.43.20")
        self.camera_host = self.network.host(CAMERA)

    def tearDown(self) -> None:
        """Nothing may be left."""
        self.network.advance(0.1)
        self.network.assert_quiet()

    def hold(self, **behaviour: Any) -> Session:
        """Get a session from a camera."""
        self.camera = SimulatedCamera(self.camera_host, Behaviour.recorded(**behaviour))
        self.camera.start(interface="")
        link = DatagramLink(self.client_host, ConnectionMode.P2P)
        link.open()
        receiver = Receiver()
        link.attach(receiver)
        link.send_to(PunchPkt(TRAILCAM_DID), (CAMERA, SESSION_PORT))
        self.network.run_until(lambda: "P2P_RDY" in receiver.kinds)
        link.confirm((CAMERA, SESSION_PORT), P2PRdy(TRAILCAM_DID))
        return Session(self.client_host, link)

    def finish(self, session: Session) -> None:
        """Close the session, then the camera."""
        closing = session.close()
        self.network.advance(0.1)
        self.successResultOf(closing)
        self.successResultOf(session.when_closed())
        self.camera.stop()

    def test_a_minute(self) -> None:
        """Ten times longer than either side waits; then CLOSE frees the camera's slot."""
        session = self.hold()
        reader = Reader()
        session.channel(0).attach(reader)
        self.network.advance(60)
        self.assertEqual((session.state, self.camera.open_sessions), ("established", 1))
        self.assertEqual(self.camera.counters.sessions_timed_out, 0)
        self.assertEqual(reader.data, b"ACK")
        self.finish(session)
        self.assertEqual(self.camera.counters.sessions_closed_by_client, 1)

    def test_short_break(self) -> None:
        """A break of 5 s is doubted and survived, by both sides."""
        session = self.hold()
        self.network.advance(3)
        mend = self.network.drop(lambda _: True)
        self.network.advance(5)
        self.assertEqual(session.state, "probing")
        mend()
        self.network.advance(2)
        self.assertEqual((session.state, self.camera.open_sessions), ("established", 1))
        self.finish(session)

    def test_long_break(self) -> None:
        """A break that does not end is noticed within 7 s, and the port is given back."""
        session = self.hold()
        self.network.advance(3)
        mend = self.network.drop(lambda _: True)
        lost = session.when_closed()
        self.network.advance(7.1)
        self.assertIsInstance(self.successResultOf(lost), SessionLost)
        self.assertEqual(list(self.client_host.ports()), [])
        self.network.advance(1)
        self.assertEqual(self.camera.counters.sessions_timed_out, 1)
        mend()
        self.camera.stop()

    def test_camera_leaves(self) -> None:
        """A camera that says CLOSE is believed at once."""
        session = self.hold(close_after=4.0)
        closed = session.when_closed()
        self.network.advance(4.2)
        self.assertIsInstance(self.successResultOf(closed), SessionClosedByPeer)
        self.camera.stop()

    def test_camera_restarts(self) -> None:
        """A camera whose port is gone without a word refuses: no need to wait for 7 s."""
        session = self.hold(silent_after=2.0)
        refused = session.when_closed()
        self.network.advance(2.5)
        self.camera.stop()
        self.network.advance(1.1)
        self.assertIsInstance(self.successResultOf(refused), SessionRefused)

    def test_loss(self) -> None:
        """A third of all datagrams may get lost."""
        session = self.hold()
        self.network.loss = 0.33
        self.network.advance(30)
        self.assertIn(session.state, ("established", "probing"))
        self.assertEqual(self.camera.open_sessions, 1)
        self.network.loss = 0.0
        self.finish(session)
