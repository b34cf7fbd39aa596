"""Tests of a path through a relay."""

from __future__ import annotations

from tests.link.rig import Receiver, drw
from tests.link.streams import PORT, RELAY, StreamTestCase
from trailcam.errors import LinkClosed, LinkLost, SessionRefused
from trailcam.link.relayed import RelayLink
from trailcam.model import ConnectionMode
from trailcam.session.session import Session
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import Alive, AliveAck, Close, DrwAck, P2PRdy, Psr

PROOF = P2PRdy(TRAILCAM_DID)


class RelayLinkTests(StreamTestCase):
    """A link, and what is at the other end of it."""

    def setUp(self) -> None:
        """Make the link."""
        super().setUp()
        self.link = RelayLink(self.connection)
        self.receiver = Receiver()

    def test_face(self) -> None:
        """It is a relay's link; its peer is the relay."""
        self.assertIs(self.link.mode, ConnectionMode.RELAY)
        self.assertEqual(self.link.peer, (RELAY, PORT))
        self.assertEqual(self.link.local, self.connection.local)

    def test_traffic(self) -> None:
        """Messages pass both ways; what comes early waits for the receiver."""
        self.far.connection.send(drw(1))
        self.turn()
        self.link.attach(self.receiver)
        self.far.connection.send(drw(2))
        self.link.send(drw(3))
        self.turn()
        self.assertEqual(self.receiver.messages, [(drw(n), (RELAY, PORT)) for n in (1, 2)])
        self.assertEqual(self.far.heard, [drw(3)])

    def test_confirm(self) -> None:
        """After the proof, what comes waits for the next receiver, the proof first."""
        self.link.attach(self.receiver)
        self.link.confirm(PROOF)
        self.far.connection.send(drw(1))
        self.turn()
        self.assertEqual(self.receiver.told, [])
        later = Receiver()
        self.link.attach(later)
        self.assertEqual(later.told, [PROOF, drw(1)])

    def test_abandon(self) -> None:
        """The camera is told CLOSE, the receiver hears nothing more, not even of the end."""
        self.link.attach(self.receiver)
        leaving = self.link.abandon()
        self.far.connection.send(drw(1))
        self.turn()
        self.successResultOf(leaving)
        self.successResultOf(self.link.abandon())
        self.assertEqual(self.far.heard, [Close()])
        self.assertEqual((self.receiver.told, self.receiver.losses), ([], []))
        self.assertRaises(LinkClosed, self.link.send, drw(1))

    def test_abandon_what_has_ended(self) -> None:
        """There may be nobody left to tell."""
        self.near.transport.abortConnection()
        self.turn()
        self.successResultOf(self.link.abandon())

    def test_abandon_what_is_closed(self) -> None:
        """Nor is it a failure when the connection is being closed already."""
        self.connection.close()
        leaving = self.link.abandon()
        self.turn()
        self.successResultOf(leaving)
        self.assertEqual(self.far.heard, [])

    def test_abandon_when_nothing_moves(self) -> None:
        """It takes a second at most."""
        self.fill()
        leaving = self.link.abandon()
        self.turn(1.1)
        self.successResultOf(leaving)

    def lost(self) -> str:
        """Why the receiver thinks that it is over; it must have been told once."""
        self.turn()
        [loss] = self.receiver.losses
        self.assertTrue(loss.check(LinkLost))
        self.assertRaises(LinkClosed, self.link.send, Alive())
        return loss.getErrorMessage()

    def test_relay_ends(self) -> None:
        """The receiver is told when the relay ends it."""
        self.link.attach(self.receiver)
        self.far.connection.close()
        self.assertIn("the relay ended the connection: ", self.lost())

    def test_out_of_order(self) -> None:
        """And when what comes is out of order."""
        self.link.attach(self.receiver)
        self.far.transport.write(b"SSH-2.0-OpenSSH\r\n")
        self.assertIn("what came through the relay is out of order: ", self.lost())

    def test_lost_between_receivers(self) -> None:
        """The next receiver is told of the end, once, after what came before it."""
        self.link.attach(Receiver())
        self.link.confirm(PROOF)
        self.far.connection.send(drw(1))
        self.far.connection.close()
        self.turn()
        self.link.attach(self.receiver)
        self.assertEqual(self.receiver.told, [PROOF, drw(1)])
        self.assertIn("the relay ended the connection: ", self.lost())
        self.link.attach(later := Receiver())
        self.assertEqual((later.told, later.losses), ([], []))

    def test_session_of_a_lost_link(self) -> None:
        """A session that begins on it ends at once, and says why."""
        self.link.confirm(PROOF)
        self.far.connection.close()
        self.turn()
        session = Session(self.host, self.link)
        reason = self.successResultOf(session.when_closed())
        self.assertIsInstance(reason, SessionRefused)
        self.assertIn("the relay ended the connection: ", str(reason))
        self.assertEqual(session.state, "lost")

    def test_send_on_a_lost_link(self) -> None:
        """Whoever sends all the same is told why that is over."""
        self.far.connection.close()
        self.turn()
        closed = self.assertRaises(LinkClosed, self.link.send, Alive())
        self.assertIn("the relay ended the connection: ", str(closed))

    def test_abandon_what_was_lost(self) -> None:
        """Then nobody has to be told anything."""
        self.link.confirm(PROOF)
        self.far.connection.close()
        self.turn()
        self.successResultOf(self.link.abandon())

    def test_crowded(self) -> None:
        """What there is no room for is dropped, so nothing piles up, whatever it is."""
        self.fill()
        waiting = self.near.transport
        before = len(waiting.dataBuffer) + waiting._tempDataLen
        messages = (drw(1), DrwAck(0, (1,)), Psr(0, 1, b"x"), Alive(), AliveAck(), PROOF)
        for message in messages:
            self.link.send(message)
        self.assertEqual(self.link.dropped, len(messages))
        self.assertEqual(len(waiting.dataBuffer) + waiting._tempDataLen, before)

    def test_room_again(self) -> None:
        """When the crowd is gone, messages pass again."""
        self.fill()
        self.link.send(drw(1))
        self.far.connection.dataReceived = lambda data: None
        self.far.transport.startReading()
        self.turn(0.1)
        del self.far.connection.dataReceived
        self.link.send(drw(2))
        self.turn()
        self.assertEqual((self.far.heard, self.link.dropped), ([drw(2)], 1))
