"""A link, a camera without manners of its own, and a receiver, on a network in memory."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import DatagramProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from trailcam.interfaces import Address, IMessageReceiver
from trailcam.link.datagram import DatagramLink
from trailcam.model import ConnectionMode
from trailcam.testing import MemoryHost, MemoryNetwork
from trailcam.wire.codec import decode, encode
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import Drw, Message, P2PRdy

CAMERA = "192.168.43.1"
CLIENT = "192.168.43.20"
PORT = 40611
PEER = (CAMERA, PORT)
PROOF = P2PRdy(TRAILCAM_DID)


def drw(index: int) -> Drw:
    """One of many messages that can be told apart."""
    return Drw(0, index, b"payload")


class Peer(DatagramProtocol):
    """
    One port of somebody else.

    :ivar heard: the messages, in order.
    """

    noisy = False

    def __init__(self, host: MemoryHost, number: int) -> None:
        self.heard: list[Message] = []
        self.port = host.listenUDP(number, self)
        self.address = (host.address, self.port.getHost().port)

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Keep it."""
        self.heard.append(decode(datagram))

    def say(self, to: Address, *messages: Message | bytes) -> None:
        """Send messages, or octets that are none."""
        for message in messages:
            octets = message if isinstance(message, bytes) else encode(message)
            self.port.write(octets, to)


@implementer(IMessageReceiver)
class Receiver:
    """
    Remembers what it is told.

    :ivar trouble: raised, after remembering, while it is set.
    """

    def __init__(self) -> None:
        self.messages: list[tuple[Message, Address]] = []
        self.refusals: list[tuple[Address, int]] = []
        self.losses: list[Failure] = []
        self.trouble: Exception | None = None

    @property
    def told(self) -> list[Message]:
        """The messages, without their sources."""
        return [message for message, _ in self.messages]

    @property
    def kinds(self) -> list[str]:
        """The names of the messages."""
        return [message.type.name for message, _ in self.messages]

    def message_received(self, message: Any, peer: Address) -> None:
        """Keep it."""
        self.messages.append((message, peer))
        self._fail()

    def peer_refused(self, peer: Address, error: int) -> None:
        """Keep it."""
        self.refusals.append((peer, error))
        self._fail()

    def link_lost(self, reason: Failure) -> None:
        """Keep it."""
        self.losses.append(reason)

    def _fail(self) -> None:
        if self.trouble is not None:
            raise self.trouble


class LinkTestCase(SynchronousTestCase):
    """A client and a camera's host with a port of it; every test must leave the network quiet."""

    def setUp(self) -> None:
        """Make the network, and a link that is not open."""
        self.network = MemoryNetwork()
        self.host = self.network.host(CLIENT)
        self.camera_host = self.network.host(CAMERA)
        self.camera = Peer(self.camera_host, PORT)
        self.peers = [self.camera]
        self.receiver = Receiver()
        self.link = DatagramLink(self.host, ConnectionMode.LAN)

    def tearDown(self) -> None:
        """Close everything; nothing may be left."""
        closing = self.link.abandon()
        for peer in self.peers:
            peer.port.stopListening()
        self.turn()
        self.successResultOf(closing)
        self.network.assert_quiet()

    def turn(self) -> None:
        """Let happen what is due, and what is under way."""
        self.network.advance(0.01)

    def opened(self, **options: Any) -> Address:
        """Open and attach; the result is the link's address."""
        self.link.open(**options)
        self.link.attach(self.receiver)
        return self.address

    def confirmed(self) -> Address:
        """A link with a proven peer, and nobody to hear it; the result is the link's address."""
        address = self.opened()
        self.link.confirm(PEER, PROOF)
        return address

    def held(self) -> Address:
        """A link with a proven peer, its receiver in the know; the result is the link's address."""
        address = self.confirmed()
        self.link.attach(self.receiver)
        self.receiver.messages.clear()
        return address

    @property
    def address(self) -> Address:
        """Where the link is reached."""
        return CLIENT, self.link.local[1]

    def stranger(self, address: str = "192.168.43.77", number: int = 0) -> Peer:
        """A port of somebody else, on a new host."""
        peer = Peer(self.network.host(address), number)
        self.peers.append(peer)
        return peer
