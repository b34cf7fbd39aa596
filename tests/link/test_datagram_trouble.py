"""Tests for what can go wrong in :mod:`trailcam.link.datagram`."""

from __future__ import annotations

import errno

from twisted.logger import LogLevel, capturedLogs

from tests.link.rig import CAMERA, PEER, PROOF, LinkTestCase, Peer, Receiver, drw
from trailcam.errors import LinkClosed
from trailcam.interfaces import Address
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import Alive, Close, LanSearch, PunchPkt

CLOSED_PORT = (CAMERA, 9)


class RefusalTests(LinkTestCase):
    """What cannot be sent."""

    def test_closed_port(self) -> None:
        """A closed port is told with its address."""
        self.opened()
        self.link.send_to(LanSearch(), CLOSED_PORT)
        self.turn()
        self.assertEqual(self.receiver.refusals, [(CLOSED_PORT, errno.ECONNREFUSED)])

    def test_system_refuses(self) -> None:
        """What the system refuses at once is told in a later turn: nobody is called back early."""
        self.opened()
        self.host.write_error = OSError(errno.ENETUNREACH, "unreachable")
        self.link.send_to(LanSearch(), PEER)
        self.link.send_to(LanSearch(), CLOSED_PORT)
        self.assertEqual(self.receiver.refusals, [])
        self.network.advance(0)
        refused = [(PEER, errno.ENETUNREACH), (CLOSED_PORT, errno.ENETUNREACH)]
        self.assertEqual(self.receiver.refusals, refused)
        self.turn()
        self.assertEqual(self.receiver.refusals, refused)

    def test_passing_trouble(self) -> None:
        """What passes by itself is as good as lost on the way: nobody has refused."""
        self.opened()
        for number in (errno.EAGAIN, errno.ENOBUFS):
            self.host.write_error = OSError(number, "later")
            self.link.send_to(LanSearch(), PEER)
        self.turn()
        self.assertEqual(self.receiver.refusals, [])

    def test_no_errno(self) -> None:
        """An error that has no number is one all the same."""
        self.opened()
        self.host.write_error = OSError("odd")
        self.link.send_to(LanSearch(), PEER)
        self.turn()
        self.assertEqual(self.receiver.refusals, [(PEER, 0)])

    def test_forged_source(self) -> None:
        """The reply to a datagram from port 0 cannot be sent; that is no exception."""
        self.opened()
        self.link.send_to(PunchPkt(TRAILCAM_DID), (CAMERA, 0))
        self.turn()
        self.assertEqual(self.receiver.refusals, [((CAMERA, 0), errno.EINVAL)])

    def test_many_ports(self) -> None:
        """As many ports as a user may name are all told about, in one turn."""
        self.opened()
        for number in range(1, 1025):
            self.link.refused((CAMERA, number), errno.ECONNREFUSED)
        self.turn()
        self.assertEqual(len(self.receiver.refusals), 1024)

    def test_bound(self) -> None:
        """A flood is not kept: refusals can be forged."""
        self.opened()
        for number in range(5000):
            self.link.refused((CAMERA, number), errno.ECONNREFUSED)
        self.turn()
        self.assertEqual(len(self.receiver.refusals), 2048)
        self.link.refused((CAMERA, 1), errno.ECONNREFUSED)
        self.turn()
        self.assertEqual(len(self.receiver.refusals), 2049)

    def test_late_refusal_of_another_port(self) -> None:
        """Once the peer is proven, the refusals of the other ports that were asked are over."""
        self.opened()
        self.link.send_to(LanSearch(), CLOSED_PORT)
        self.link.refused(CLOSED_PORT, errno.ECONNREFUSED)
        self.link.confirm(PEER, PROOF)
        self.link.attach(self.receiver)
        self.turn()
        self.assertEqual(self.receiver.refusals, [])

    def test_refused_by_the_peer(self) -> None:
        """That the proven peer's own port is closed is told."""
        self.held()
        self.camera.port.stopListening()
        self.peers.remove(self.camera)
        self.turn()
        self.link.send(Alive())
        self.turn()
        self.assertEqual(self.receiver.refusals, [(PEER, errno.ECONNREFUSED)])

    def test_nobody_to_tell(self) -> None:
        """Between two receivers a refusal is forgotten: the next message brings it again."""
        self.confirmed()
        self.link.refused(PEER, errno.ECONNREFUSED)
        self.turn()
        self.link.attach(self.receiver)
        self.assertEqual(self.receiver.refusals, [])

    def test_ended_before_told(self) -> None:
        """After the end nothing is told, and no call is left but that of the port's own end."""
        self.opened()
        self.link.refused(PEER, errno.ECONNREFUSED)
        self.link.refused(CLOSED_PORT, errno.ECONNREFUSED)
        self.link.abandon()
        self.link.refused(PEER, errno.ECONNREFUSED)
        self.assertEqual(len(self.network.delayed_calls()), 1)
        self.turn()
        self.assertEqual(self.receiver.refusals, [])

    def test_ended_while_told(self) -> None:
        """A receiver that ends the link at the first refusal is not told the second."""
        link = self.link

        class Proud(Receiver):
            def peer_refused(self, peer: Address, error: int) -> None:
                super().peer_refused(peer, error)
                link.abandon()

        receiver = Proud()
        self.opened()
        self.link.attach(receiver)
        self.link.refused(PEER, errno.ECONNREFUSED)
        self.link.refused(CLOSED_PORT, errno.ECONNREFUSED)
        self.turn()
        self.assertEqual(receiver.refusals, [(PEER, errno.ECONNREFUSED)])


class NoiseTests(LinkTestCase):
    """What is not for us, or is nothing."""

    def test_strangers(self) -> None:
        """After the proof, nobody else is heard: neither another host nor another port."""
        address = self.held()
        other_port = self.stranger_at_camera()
        for peer in (self.stranger(), other_port, self.camera):
            peer.say(address, Alive())
        self.turn()
        self.assertEqual(self.receiver.messages, [(Alive(), PEER)])
        self.assertEqual(self.link.noise.counts, {"not from the camera": 2})

    def test_strangers_are_not_kept(self) -> None:
        """Nor do they get into what waits for a receiver."""
        address = self.confirmed()
        self.stranger().say(address, Close())
        self.turn()
        self.link.attach(self.receiver)
        self.assertEqual(self.receiver.told, [PROOF])

    def test_undecodable(self) -> None:
        """What is no message is counted by kind, logged once for each peer and kind, dropped."""
        address = self.opened()
        stranger = self.stranger()
        with capturedLogs() as events:
            for _ in range(3):
                self.camera.say(address, b"", b"\x00\x30\x00\x00", b"\xf1\x41\x00\x02short")
                stranger.say(address, b"")
            self.turn()
        self.assertEqual(self.receiver.messages, [])
        self.assertEqual(
            self.link.noise.counts, {"truncated": 6, "bad_magic": 3, "length_mismatch": 3}
        )
        warnings = [(e["peer"], e["kind"]) for e in events if e["log_level"] is LogLevel.warn]
        self.assertEqual(
            sorted(warnings),
            [
                (CAMERA, "bad_magic"),
                (CAMERA, "length_mismatch"),
                (CAMERA, "truncated"),
                (stranger.address[0], "truncated"),
            ],
        )

    def test_too_long(self) -> None:
        """So is what is longer than any message may be."""
        address = self.opened()
        self.camera.say(address, b"\xf1\xe0\x00\x00" + bytes(4000))
        self.turn()
        self.assertEqual(self.receiver.messages, [])
        self.assertEqual(sum(self.link.noise.counts.values()), 1)

    def stranger_at_camera(self) -> Peer:
        """Another port of the camera's host."""
        peer = Peer(self.camera_host, 0)
        self.peers.append(peer)
        return peer


class ReceiverTroubleTests(LinkTestCase):
    """A receiver may not raise; when one does, that is a bug in the log, and nothing else."""

    def test_message(self) -> None:
        """While it hears a message: the next one is delivered."""
        address = self.held()
        self.receiver.trouble = ZeroDivisionError()
        with capturedLogs() as events:
            self.camera.say(address, drw(0), drw(1))
            self.turn()
        self.assertEqual(len(self.receiver.messages), 2)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
        (first, _) = (e for e in events if e["log_level"] is LogLevel.critical)
        self.assertEqual(first["receiver"], "Receiver.message_received")

    def test_kept_message(self) -> None:
        """While it is given what was kept: it gets all of it, and attach() does not raise."""
        address = self.confirmed()
        self.camera.say(address, drw(0), drw(1))
        self.turn()
        self.receiver.trouble = ZeroDivisionError()
        self.link.attach(self.receiver)
        self.assertEqual(self.receiver.told, [PROOF, drw(0), drw(1)])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 3)

    def test_refusal(self) -> None:
        """While it is told refusals: it is told all of them."""
        self.opened()
        self.receiver.trouble = ZeroDivisionError()
        self.link.refused(PEER, errno.ECONNREFUSED)
        self.link.refused(CLOSED_PORT, errno.ECONNREFUSED)
        self.turn()
        self.assertEqual(len(self.receiver.refusals), 2)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)


class LostPortTests(LinkTestCase):
    """A port that somebody else closed, as a reactor does that stops."""

    def lose(self) -> None:
        """Close all ports of the client's host."""
        for port in list(self.host.ports()):
            port.stopListening()
        self.turn()

    def test_told(self) -> None:
        """The receiver hears of it once, and nothing can be sent any more."""
        self.held()
        self.lose()
        self.assertEqual([type(loss.value) for loss in self.receiver.losses], [LinkClosed])
        self.assertRaises(LinkClosed, self.link.send, Alive())

    def test_nobody_to_tell(self) -> None:
        """Without a receiver it is only closed."""
        self.confirmed()
        self.lose()
        self.assertRaises(LinkClosed, self.link.send, Alive())

    def test_our_own_doing(self) -> None:
        """Who abandons the link is not told that it is lost."""
        self.held()
        closing = self.link.abandon()
        self.turn()
        self.successResultOf(closing)
        self.assertEqual(self.receiver.losses, [])

    def test_with_refusals(self) -> None:
        """What was still to be told is forgotten."""
        self.opened()
        self.link.refused(PEER, errno.ECONNREFUSED)
        self.link.stopProtocol()
        self.turn()
        self.assertEqual((self.receiver.refusals, len(self.receiver.losses)), ([], 1))
        for port in list(self.host.ports()):
            port.stopListening()
