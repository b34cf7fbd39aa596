"""Tests for :mod:`trailcam.link.datagram`."""

from __future__ import annotations

import errno
import os

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import CannotListenError
from zope.interface.verify import verifyObject

from tests.link.rig import CAMERA, CLIENT, PEER, PROOF, LinkTestCase, Peer, Receiver, drw
from trailcam.errors import LinkClosed, LinkUnavailable
from trailcam.interfaces import Address, ILink
from trailcam.model import ConnectionMode
from trailcam.testing import Fate
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import Alive, AliveAck, Close, LanSearch, Message, PunchPkt

CLOSED_PORT = (CAMERA, 9)


class LifeTests(LinkTestCase):
    """From the opening to the end."""

    def test_interface(self) -> None:
        """A link is what it says, open or not."""
        verifyObject(ILink, self.link)
        self.held()
        verifyObject(ILink, self.link)
        self.assertEqual((self.link.mode, self.link.peer), (ConnectionMode.LAN, PEER))
        self.assertEqual(self.link.max_payload, 1024)

    def test_nothing_before_open(self) -> None:
        """Making a link opens nothing; it has no address and cannot send."""
        self.assertEqual(self.link.local, ("", 0))
        self.assertEqual(list(self.host.ports()), [])
        self.assertRaises(LinkClosed, self.link.send_to, Alive(), PEER)
        self.assertRaises(LinkClosed, self.link.send, Alive())

    def test_open(self) -> None:
        """An open link knows its port, also after the end."""
        self.link.open()
        (port,) = self.host.ports()
        self.assertEqual(self.link.local, ("0.0.0.0", port.getHost().port))
        local = self.link.local
        ended = self.link.abandon()
        self.turn()
        self.assertIsNone(self.successResultOf(ended))
        self.assertEqual(self.link.local, local)

    def test_open_where_told(self) -> None:
        """Interface and number are the caller's choice."""
        self.link.open(local=(CLIENT, 5000))
        self.assertEqual(self.link.local, (CLIENT, 5000))

    def test_port_taken(self) -> None:
        """What the system says against it is translated, and nothing is left open."""
        self.peers.append(Peer(self.host, 5000))
        problem = self.assertRaises(LinkUnavailable, self.link.open, local=("", 5000))
        self.assertIn(os.strerror(errno.EADDRINUSE), str(problem))
        self.assertIsInstance(problem.__cause__, CannotListenError)
        self.assertRaises(LinkClosed, self.link.send_to, Alive(), PEER)

    def test_candidates(self) -> None:
        """Before the proof, a link sends to whom it is told and hears everybody."""
        address = self.opened()
        stranger = self.stranger()
        for peer in (self.camera, stranger):
            self.link.send_to(LanSearch(), peer.address)
        self.turn()
        self.assertEqual([peer.heard for peer in self.peers], [[LanSearch()], [LanSearch()]])
        for peer in self.peers:
            peer.say(address, PunchPkt(TRAILCAM_DID))
        self.turn()
        self.assertEqual(
            self.receiver.messages,
            [(PunchPkt(TRAILCAM_DID), PEER), (PunchPkt(TRAILCAM_DID), stranger.address)],
        )

    def test_no_peer_yet(self) -> None:
        """Without a proven peer there is nobody to send to."""
        self.opened()
        self.assertRaises(LinkClosed, self.link.send, Alive())

    def test_send(self) -> None:
        """With a proven peer, that is whom it goes to."""
        self.held()
        self.link.send(drw(1))
        self.turn()
        self.assertEqual(self.camera.heard, [drw(1)])

    def test_broadcast(self) -> None:
        """Broadcasts are sent when they are asked for, otherwise refused by the system."""
        self.opened(broadcast=True)
        self.link.send_to(LanSearch(), ("255.255.255.255", PEER[1]))
        self.turn()
        self.assertEqual((self.camera.heard, self.receiver.refusals), ([LanSearch()], []))

    def test_no_broadcast(self) -> None:
        """Without the permission a broadcast is a refusal, not an exception."""
        self.opened()
        everybody = ("255.255.255.255", PEER[1])
        self.link.send_to(LanSearch(), everybody)
        self.turn()
        self.assertEqual(self.receiver.refusals, [(everybody, errno.EACCES)])


class KeptTests(LinkTestCase):
    """Between two receivers, messages wait."""

    def test_kept_in_order(self) -> None:
        """The proof and what comes after it wait for the next receiver, and precede the rest."""
        address = self.confirmed()
        self.camera.say(address, drw(0), drw(1))
        self.turn()
        self.assertEqual(self.receiver.messages, [])
        self.link.attach(self.receiver)
        self.assertEqual(self.receiver.messages, [(PROOF, PEER), (drw(0), PEER), (drw(1), PEER)])
        self.camera.say(address, drw(2))
        self.turn()
        self.assertEqual(self.receiver.messages[3:], [(drw(2), PEER)])

    def test_first_receiver_hears_no_more(self) -> None:
        """The proof is the end for the receiver that brought it about."""
        address = self.opened()
        self.camera.say(address, drw(0))
        self.turn()
        self.link.confirm(PEER, PROOF)
        self.camera.say(address, drw(1))
        self.turn()
        self.assertEqual(self.receiver.messages, [(drw(0), PEER)])

    def test_bound(self) -> None:
        """At most 64 wait: the proof and the first ones; what is not acknowledged comes again."""
        address = self.confirmed()
        for index in range(70):
            self.camera.say(address, drw(index))
        self.turn()
        self.link.attach(self.receiver)
        self.assertEqual(self.receiver.told, [PROOF, *(drw(n) for n in range(63))])

    def test_told_once(self) -> None:
        """What one receiver was given, the next one is not."""
        address = self.confirmed()
        self.camera.say(address, drw(0))
        self.turn()
        self.link.attach(self.receiver)
        second = Receiver()
        self.link.attach(second)
        self.assertEqual((self.receiver.told, second.told), ([PROOF, drw(0)], []))

    def test_replaced_while_draining(self) -> None:
        """A receiver that hands over in the middle gets no more; the other gets the rest."""
        second = Receiver()
        link = self.link

        class Impatient(Receiver):
            def message_received(self, message: Message, peer: Address) -> None:
                super().message_received(message, peer)
                link.attach(second)

        first = Impatient()
        address = self.confirmed()
        self.camera.say(address, drw(0), drw(1), drw(2))
        self.turn()
        self.link.attach(first)
        self.assertEqual(first.told, [PROOF])
        self.assertEqual(second.told, [drw(0), drw(1), drw(2)])

    def test_proof_while_draining(self) -> None:
        """What comes after a proof is never for the one who brings it."""
        link = self.link

        class Convinced(Receiver):
            def message_received(self, message: Message, peer: Address) -> None:
                super().message_received(message, peer)
                link.confirm(PEER, drw(9))

        first = Convinced()
        self.confirmed()
        self.link.attach(first)
        self.link.attach(self.receiver)
        self.assertEqual((first.told, self.receiver.told), ([PROOF], [drw(9)]))

    def test_abandoned_while_draining(self) -> None:
        """A receiver that ends the link in the middle hears nothing more of it."""
        link = self.link

        class Fed(Receiver):
            def message_received(self, message: Message, peer: Address) -> None:
                super().message_received(message, peer)
                link.abandon()

        receiver = Fed()
        address = self.confirmed()
        self.camera.say(address, drw(0), drw(1))
        self.turn()
        self.link.attach(receiver)
        self.assertEqual(receiver.told, [PROOF])


class AbandonTests(LinkTestCase):
    """The end."""

    def test_never_opened(self) -> None:
        """There is nothing to wait for."""
        self.assertIsNone(self.successResultOf(self.link.abandon()))

    def test_waits_for_the_port(self) -> None:
        """The Deferred fires when the port's number is free, not before."""
        self.opened()
        ended = self.link.abandon()
        self.assertNoResult(ended)
        self.turn()
        self.assertIsNone(self.successResultOf(ended))
        self.assertEqual(list(self.host.ports()), [])

    def test_many_times(self) -> None:
        """Everybody who asks is answered, before the end and after it; CLOSE is said once."""
        self.held()
        early = [self.link.abandon()]
        self.turn()
        said = len(self.camera.heard)
        late = [self.link.abandon() for _ in range(3)]
        self.assertEqual([self.successResultOf(d) for d in early + late], [None] * 4)
        self.turn()
        self.assertEqual(len(self.camera.heard), said)

    def test_many_waiters(self) -> None:
        """Those who ask in the same turn wait together, and CLOSE is said for one of them."""
        self.held()
        waiters = [self.link.abandon() for _ in range(5)]
        for waiter in waiters:
            self.assertNoResult(waiter)
        self.turn()
        self.assertEqual([self.successResultOf(waiter) for waiter in waiters], [None] * 5)
        self.assertLess(len(self.camera.heard), 5)

    def test_cancelled_waiters(self) -> None:
        """Who loses patience disturbs neither the end nor the others."""
        self.held()
        waiters = [self.link.abandon() for _ in range(3)]
        waiters[1].cancel()
        self.failureResultOf(waiters[1], CancelledError)
        self.turn()
        self.assertIsNone(self.successResultOf(waiters[0]))
        self.assertIsNone(self.successResultOf(waiters[2]))

    def test_asked_again_by_a_waiter(self) -> None:
        """A waiter that asks again when it is told is answered at once."""
        self.opened()
        again: list[Deferred[None]] = []
        self.link.abandon().addCallback(lambda _: again.append(self.link.abandon()))
        self.turn()
        self.assertIsNone(self.successResultOf(again[0]))

    def test_close_only_to_a_proven_peer(self) -> None:
        """Candidates are not told: they gave us nothing."""
        self.opened()
        self.link.send_to(LanSearch(), PEER)
        self.link.abandon()
        self.turn()
        self.assertEqual(self.camera.heard, [LanSearch()])

    def test_close_has_copies(self) -> None:
        """The peer is told more than once, against loss, before the port closes."""
        self.held()
        self.link.abandon()
        self.turn()
        self.assertEqual(set(self.camera.heard), {Close()})
        self.assertGreaterEqual(len(self.camera.heard), 2)
        self.assertEqual({d.fate for d in self.network.log}, {Fate.DELIVERED})

    def test_close_to_a_candidate(self) -> None:
        """Whoever opened a session for us without winning can be told as well."""
        self.opened()
        self.link.send_close(PEER)
        self.turn()
        self.assertEqual(set(self.camera.heard), {Close()})

    def test_close_cannot_be_sent(self) -> None:
        """A way that is gone does not keep the link from ending, nor leave a call behind."""
        self.held()
        self.host.write_error = OSError(errno.ENETUNREACH, "unreachable")
        ended = self.link.abandon()
        self.turn()
        self.assertIsNone(self.successResultOf(ended))
        self.assertEqual(self.receiver.refusals, [])

    def test_send_afterwards(self) -> None:
        """Nothing can be sent any more."""
        self.held()
        self.link.abandon()
        self.assertRaises(LinkClosed, self.link.send, Alive())
        self.turn()
        self.assertRaises(LinkClosed, self.link.send, Alive())
        self.assertRaises(LinkClosed, self.link.send_to, Alive(), PEER)

    def test_forgets(self) -> None:
        """What waited for a receiver waits no more."""
        self.confirmed()
        self.link.abandon()
        self.link.attach(self.receiver)
        self.assertEqual(self.receiver.messages, [])

    def test_deaf_afterwards(self) -> None:
        """The receiver hears nothing of what still comes in."""
        self.held()
        self.link.abandon()
        self.link.datagramReceived(b"\xf1\xe1\x00\x00", PEER)
        self.turn()
        self.assertEqual(self.receiver.messages, [])

    def test_never_lost(self) -> None:
        """An end of our own is no loss."""
        self.held()
        self.link.abandon()
        self.turn()
        self.assertEqual(self.receiver.losses, [])

    def test_answer_in_time(self) -> None:
        """A link answers from the very port that it asked from, as NATs demand."""
        address = self.held()
        self.link.send(AliveAck())
        self.turn()
        self.assertEqual([d.source for d in self.network.log], [address])
