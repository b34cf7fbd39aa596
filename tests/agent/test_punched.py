"""Tests of one client's share of a socket."""

from __future__ import annotations

from twisted.python.failure import Failure

from tests.agent.rig import DID, AgentTestCase
from tests.link.rig import Receiver, drw
from trailcam.agent.punched import PunchedLink
from trailcam.errors import LinkClosed
from trailcam.link.datagram import DatagramLink
from trailcam.model import ConnectionMode
from trailcam.wire.messages import Alive, Close, P2PRdy, PunchPkt


class PunchedLinkTests(AgentTestCase):
    """A link, its client, and the socket beneath."""

    def setUp(self) -> None:
        """Open the socket."""
        super().setUp()
        self.socket = DatagramLink(self.host, ConnectionMode.P2P)
        self.socket.open()
        self.closers.append(self.socket.abandon)
        self.client = self.peer()
        self.link = PunchedLink(self.socket, self.client.address, self.host.seconds)
        self.receiver = Receiver()

    def test_face(self) -> None:
        """It is a P2P link between the socket and the client."""
        self.assertIs(self.link.mode, ConnectionMode.P2P)
        self.assertEqual(
            (self.link.peer, self.link.local), (self.client.address, self.socket.local)
        )

    def test_send(self) -> None:
        """What is sent goes from the shared socket to the client."""
        self.link.send(drw(1))
        self.turn()
        self.assertEqual(self.client.heard, [drw(1)])

    def test_kept_until_attached(self) -> None:
        """What comes before there is a receiver waits for it."""
        self.link.hear(PunchPkt(DID))
        self.link.attach(self.receiver)
        self.link.hear(drw(1))
        self.assertEqual(self.receiver.told, [PunchPkt(DID), drw(1)])
        self.assertEqual(self.receiver.messages[1], (drw(1), self.client.address))

    def test_settled(self) -> None:
        """Knocking is no conversation yet."""
        self.link.hear(PunchPkt(DID))
        self.link.hear(P2PRdy(DID))
        self.assertFalse(self.link.settled)
        self.link.hear(Alive())
        self.assertTrue(self.link.settled)

    def test_abandon(self) -> None:
        """The client is told CLOSE, more than once, and hears and says nothing after that."""
        self.link.attach(self.receiver)
        self.successResultOf(self.link.abandon())
        self.successResultOf(self.link.abandon())
        self.turn()
        self.assertEqual(self.client.heard, [Close()] * 3)
        self.link.hear(drw(1))
        self.link.refused(111)
        self.link.lost(Failure(LinkClosed("gone")))
        self.assertEqual((self.receiver.told, self.receiver.refusals), ([], []))
        self.assertEqual(self.receiver.losses, [])
        self.assertRaises(LinkClosed, self.link.send, drw(2))
        self.assertEqual(self.link.left, 0.0)

    def test_the_socket_stays(self) -> None:
        """The end of one client's link is not the end of the others'."""
        other = self.peer()
        beside = PunchedLink(self.socket, other.address, self.host.seconds)
        self.link.abandon()
        beside.send(drw(1))
        self.turn()
        self.assertEqual(other.heard, [drw(1)])

    def test_refused(self) -> None:
        """Refusals are passed on."""
        self.link.attach(self.receiver)
        self.link.refused(111)
        self.assertEqual(self.receiver.refusals, [(self.client.address, 111)])

    def test_lost(self) -> None:
        """The end of the socket is told once."""
        self.link.attach(self.receiver)
        for _ in range(2):
            self.link.lost(Failure(LinkClosed("gone")))
        self.assertEqual(len(self.receiver.losses), 1)
        self.assertRaises(LinkClosed, self.link.send, drw(1))

    def test_abandon_without_socket(self) -> None:
        """When the socket has gone first, nobody is told and nothing breaks."""
        self.socket.abandon()
        self.successResultOf(self.link.abandon())
        self.turn()
        self.assertEqual(self.client.heard, [])
