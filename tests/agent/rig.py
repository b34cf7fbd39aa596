"""An agent's surroundings: a scripted rendezvous server, a scripted relay, clients, on a network
in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.protocol import Factory
from twisted.trial.unittest import SynchronousTestCase

from tests.connect.logs import LogCapture
from tests.link.rig import Peer
from trailcam.agent.identity import Identity
from trailcam.interfaces import Address
from trailcam.link.framed import FramedConnection
from trailcam.testing import MemoryHost, MemoryNetwork
from trailcam.testing.listener import MemoryListener
from trailcam.wire.constants import LOGIN_KEY, RELAY_PORT, RENDEZVOUS_PORT, Result
from trailcam.wire.did import DeviceID
from trailcam.wire.login import LOGIN_ACK
from trailcam.wire.messages import (
    Alive,
    AliveAck,
    DevLgn,
    DevLgnAck,
    DevLgnAckCrc,
    DevLgnDsk,
    Hello,
    HelloAck,
    ListReq,
    ListReqAck,
    Message,
    PunchTo,
    RlyTo,
)
from trailcam.wire.sockaddr import SocketAddress

DID = DeviceID("MYCAM", 1, "ABCDE")
SECRET = b"correct horse battery".ljust(24, b"\0")
IDENTITY = Identity(DID, SECRET)

AGENT, CAMERA = "192.168.43.20", "192.168.43.1"
SERVER, RELAY = "198.51.100.1", "198.51.100.2"
CLIENT, OTHER_CLIENT = "203.0.113.7", "203.0.113.8"


def acknowledgement(result: int) -> DevLgnAckCrc:
    """A server's answer to a login."""
    return LOGIN_ACK.close(DevLgnAck(result), LOGIN_KEY)


class ScriptedRendezvous(Peer):
    """
    Answers what an agent says.

    :ivar agent: where the agent's socket was heard last.
    :ivar result: what logins are answered with; ``None`` does not answer them.
    :ivar proven: whether the agent has sent back our last HELLO_ACK.
    :ivar relays: what LIST_REQ is answered with.
    """

    def __init__(self, host: MemoryHost, number: int = RENDEZVOUS_PORT) -> None:
        super().__init__(host, number)
        self.agent: Address = ("", 0)
        self.result: int | None = Result.OK
        self.proven = False
        self.relays: tuple[SocketAddress, ...] = ()
        self._handed_out = 0

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Keep and answer."""
        super().datagramReceived(datagram, addr)
        self.agent = addr
        message = self.heard[-1]
        if isinstance(message, Hello) and message.room:
            self._handed_out += 1
            self.tell(HelloAck(SocketAddress(*addr), self._token))
        elif isinstance(message, HelloAck):
            self.proven = message.token == self._token
        elif not self.proven:
            self.tell(Hello())
        elif isinstance(message, DevLgnDsk | DevLgn) and self.result is not None:
            self.tell(acknowledgement(self.result))
        elif isinstance(message, ListReq):
            self.tell(ListReqAck(self.relays))

    @property
    def _token(self) -> bytes:
        return self._handed_out.to_bytes(8, "big")

    def tell(self, *messages: Message) -> None:
        """Send to the agent."""
        self.say(self.agent, *messages)

    def introduce(self, *clients: Address) -> None:
        """Tell the agent whom to punch."""
        self.tell(*(PunchTo(SocketAddress(*client)) for client in clients))

    def call(self, relay: Address, magic: int) -> None:
        """Send the agent to a relay."""
        self.tell(RlyTo(SocketAddress(*relay), magic))

    def kinds(self) -> list[str]:
        """The names of the messages heard."""
        return [message.type.name for message in self.heard]

    def count(self, kind: type[Message]) -> int:
        """How many messages of a kind were heard."""
        return sum(type(message) is kind for message in self.heard)


class ScriptedPort:
    """
    A TCP port of a relay.

    :ivar connections: all that came so far.
    :ivar heard: what was said on any of them, in order.
    :ivar answer: is given each connection and what it said.
    """

    def __init__(self, host: MemoryHost, number: int = RELAY_PORT) -> None:
        self.host = host
        self.connections: list[FramedConnection] = []
        self.heard: list[Message] = []
        self.answer: Callable[[FramedConnection, Message], None] = lambda connection, message: None
        self.port: MemoryListener | None = host.listenTCP(number, Factory.forProtocol(self._accept))
        self.number = self.port.getHost().port

    def _accept(self) -> FramedConnection:
        connection = FramedConnection(self.host)

        def hear(message: Message) -> None:
            self.heard.append(message)
            self.answer(connection, message)

        connection.hear = hear
        self.connections.append(connection)
        return connection

    @property
    def last(self) -> FramedConnection:
        """The connection that came last."""
        return self.connections[-1]

    def kinds(self) -> list[str]:
        """The names of the messages heard."""
        return [message.type.name for message in self.heard]

    def count(self, kind: type[Message]) -> int:
        """How many messages of a kind were heard."""
        return sum(type(message) is kind for message in self.heard)

    def close(self) -> None:
        """Close everything; a second time does nothing."""
        if self.port is not None:
            self.port.stopListening()
            self.port = None
        for connection in self.connections:
            connection.close()


def control_port(host: MemoryHost, result: int = Result.OK) -> ScriptedPort:
    """A relay's control port that answers every login with ``result``, and ALIVE."""

    def answer(connection: FramedConnection, message: Message) -> None:
        if isinstance(message, DevLgnDsk):
            connection.send(acknowledgement(result))
        elif isinstance(message, Alive):
            connection.send(AliveAck())

    port = ScriptedPort(host)
    port.answer = answer
    return port


class AgentTestCase(SynchronousTestCase):
    """Machines for agent, camera, server, relay and a client; all tests leave the network quiet."""

    def setUp(self) -> None:
        """Make the network."""
        self.network = MemoryNetwork()
        self.host = self.network.host(AGENT)
        self.server_host = self.network.host(SERVER, name="meet.example")
        self.relay_host = self.network.host(RELAY, name="relay.example")
        self.client_host = self.network.host(CLIENT)
        self.log = LogCapture(self)
        self.closers: list[Callable[[], Any]] = []

    def tearDown(self) -> None:
        """Close everything; nothing may be left after that."""
        for close in reversed(self.closers):
            close()
        self.network.advance(1.1)
        self.network.assert_quiet()

    def rendezvous(self, host: MemoryHost | None = None) -> ScriptedRendezvous:
        """A rendezvous server."""
        server = ScriptedRendezvous(host or self.server_host)
        self.closers.append(server.port.stopListening)
        return server

    def peer(self, host: MemoryHost | None = None, number: int = 0) -> Peer:
        """A UDP port of a client."""
        peer = Peer(host or self.client_host, number)
        self.closers.append(peer.port.stopListening)
        return peer

    def relay(self, result: int = Result.OK) -> ScriptedPort:
        """A relay's control port."""
        return self.closing(control_port(self.relay_host, result))

    def data_port(self) -> ScriptedPort:
        """A relay's data port on which nobody waits."""
        return self.closing(ScriptedPort(self.relay_host, 0))

    def closing(self, port: ScriptedPort) -> ScriptedPort:
        """Close it in the end."""
        self.closers.append(port.close)
        return port

    def started(self, service: Any) -> Any:
        """Start a service, to be stopped in the end."""
        service.startService()
        self.closers.append(service.stopService)
        return service

    def turn(self, seconds: float = 0.01) -> None:
        """Let happen what is due, and what is under way."""
        self.network.advance(seconds)
