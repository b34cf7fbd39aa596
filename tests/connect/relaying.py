"""Relays and rendezvous servers that follow a script, on a network in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from trailcam.connect.relay_address import RelayAddress
from trailcam.connect.relay_attempt import RelayAttempt
from trailcam.connect.target import Target
from trailcam.interfaces import Address
from trailcam.testing import MemoryHost, MemoryNetwork
from trailcam.wire.codec import decode, encode
from trailcam.wire.constants import RELAY_PORT, RENDEZVOUS_PORT, Result
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import (
    Hello,
    HelloAck,
    ListReq1,
    ListReqAck,
    ListReqDsk,
    Message,
    P2PRdy,
    RlyHello,
    RlyHelloAck,
    RlyPkt,
    RlyPort,
    RlyPortAck,
    RlyRdy,
    RlyReq,
    RlyReqAck,
    TcpRlyReq,
    TcpRlyReqAck,
    TcpRlyReqDsk,
)
from trailcam.wire.sockaddr import SocketAddress
from trailcam.wire.stream import ClearFraming, FrameDecoder, encode_frame

CLIENT = "198.51.100.7"
RELAY = "203.0.113.5"
SERVER = "203.0.113.9"
DID = DeviceID("MYCAM", 1, "ABCDE")
OTHER_DID = DeviceID("MYCAM", 2, "FGHIJ")
MAGIC = 0x01020304
DATA_PORT = 61000
SECRET = b"correcthorse".ljust(24, b"\0")

FRAMING = ClearFraming()
TARGET = Target(did=DID, relay=RelayAddress(RELAY, RELAY_PORT))

Answer = Message | bytes


def frames(*answers: Answer) -> bytes:
    """Octets of messages, one frame each; octets as they are."""
    return b"".join(a if isinstance(a, bytes) else encode_frame(a, FRAMING) for a in answers)


class _Connection(Protocol):
    """One connection that somebody made to the relay."""

    def __init__(self, relay: ScriptedRelay, port: int) -> None:
        self.port = port
        self._relay = relay
        self._decoder = FrameDecoder(FRAMING)

    def connectionMade(self) -> None:
        """Greet, if the script says so, or hang up."""
        self._relay.connections.append(self)
        self.say(*self._relay.banners.get(self.port, ()))
        if self.port in self._relay.hang_up_at:
            self.hang_up()

    def dataReceived(self, data: bytes) -> None:
        """Pass on."""
        for message in self._decoder.feed(data):
            self._relay.received(self, message)

    def connectionLost(self, reason: Failure = Failure(Exception())) -> None:  # noqa: B008
        """Forget it."""
        self._relay.connections.remove(self)

    def say(self, *answers: Answer) -> None:
        """Send in one piece."""
        cast(Any, self.transport).write(frames(*answers))

    def hang_up(self) -> None:
        """End it."""
        cast(Any, self.transport).loseConnection()


class ScriptedRelay:
    """
    A relay with one data port; by default everything goes well.

    :ivar heard: port and message of all that came, in order.
    :ivar connections: those that are open, in the order of their making.
    :ivar banners: port -> what is said to whoever connects.
    :ivar hang_up_at: ports that end each connection at once.
    """

    def __init__(self, host: MemoryHost, did: DeviceID = DID, port: int = RELAY_PORT) -> None:
        self.host = host
        self.port = port
        self.heard: list[tuple[int, Message]] = []
        self.connections: list[_Connection] = []
        self.banners: dict[int, Sequence[Answer]] = {}
        self.hang_up_at: set[int] = set()
        self._closers: dict[int, Callable[[], object]] = {}
        self._late: list[IDelayedCall] = []
        self._rules: dict[type[Message], tuple[Sequence[Answer], float, bool]] = {}
        self.on(RlyHello, RlyHelloAck())
        self.on(RlyPort, RlyPortAck(MAGIC, DATA_PORT))
        self.on(TcpRlyReq, TcpRlyReqAck(Result.OK))
        self.on(TcpRlyReqDsk, TcpRlyReqAck(Result.OK))
        self.on(RlyPkt, RlyRdy(did), P2PRdy(did))
        self.listen(port)
        self.listen(DATA_PORT)

    def listen(self, port: int) -> None:
        """Accept connections at a port."""
        factory = Factory.forProtocol(partial(_Connection, self, port))  # type: ignore[arg-type]
        self._closers[port] = self.host.listenTCP(port, factory).stopListening

    def on(
        self, kind: type[Message], *answers: Answer, after: float = 0.0, hang_up: bool = False
    ) -> ScriptedRelay:
        """From now on answer each ``kind`` so, ``after`` seconds, and perhaps end it then."""
        self._rules[kind] = (answers, after, hang_up)
        return self

    def received(self, connection: _Connection, message: Message) -> None:
        """Follow the script."""
        self.heard.append((connection.port, message))
        answers, after, hang_up = self._rules.get(type(message), ((), 0.0, False))
        if after:
            call = self.host.callLater(after, self._answer, connection, answers, hang_up)
            self._late.append(call)
        else:
            self._answer(connection, answers, hang_up)

    def _answer(self, connection: _Connection, answers: Sequence[Answer], hang_up: bool) -> None:
        connection.say(*answers)
        if hang_up:
            connection.hang_up()

    def kinds(self, port: int | None = None) -> list[str]:
        """The names of the messages heard, at one port or at all."""
        return [m.type.name for where, m in self.heard if port in (None, where)]

    def close(self, *ports: int) -> None:
        """Close some ports, or all, and say no more; the connections stay."""
        for port in ports or tuple(self._closers):
            self._closers.pop(port)()
        for call in self._late:
            if call.active():
                call.cancel()


class ScriptedServer(DatagramProtocol):
    """
    A rendezvous server that asks everybody to prove itself first.

    :ivar heard: the questions of those who have, in order.
    :ivar relays: what it lists.
    :ivar result: what it says to RLY_REQ.
    :ivar mute: messages that it does not answer.
    :ivar extra: what it says behind each list of relays.
    """

    noisy = False

    def __init__(self, host: MemoryHost, port: int = RENDEZVOUS_PORT) -> None:
        self.heard: list[Message] = []
        self.relays: tuple[SocketAddress, ...] = ()
        self.result: int = Result.OK
        self.mute: set[type[Message]] = set()
        self.extra: Sequence[Message] = ()
        self._proven: set[Address] = set()
        self._port = host.listenUDP(port, self)

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Answer."""
        message = decode(datagram)
        if type(message) in self.mute:
            return
        if isinstance(message, Hello):
            self._say(HelloAck(SocketAddress(*addr), b"12345678"), addr)
        elif isinstance(message, HelloAck):
            self._proven.add(addr)
        elif addr not in self._proven:
            self._say(Hello(), addr)
        else:
            self.heard.append(message)
            self._answer(message, addr)

    def _answer(self, message: Message, addr: Address) -> None:
        if isinstance(message, ListReq1 | ListReqDsk):
            for answer in (ListReqAck(self.relays), *self.extra):
                self._say(answer, addr)
        elif isinstance(message, RlyReq):
            self._say(RlyReqAck(self.result), addr)

    def _say(self, message: Message, addr: Address) -> None:
        self._port.write(encode(message), addr)

    def kinds(self) -> list[str]:
        """The names of the questions heard."""
        return [message.type.name for message in self.heard]

    def close(self) -> None:
        """Close its port."""
        self._port.stopListening()


class Trace:
    """
    What a Deferred came to, and how things stood at that moment.

    :ivar at: seconds on the clock when it settled, ``None`` before.
    :ivar open: how many ports and connections its host had then.
    """

    def __init__(self, deferred: Deferred[Any], host: MemoryHost) -> None:
        self.deferred = deferred
        self.at: float | None = None
        self.open = -1
        self.result: Any = None
        self._host = host
        deferred.addBoth(self._note)

    @property
    def error(self) -> Any:
        """The exception it failed with."""
        assert isinstance(self.result, Failure), f"no failure: {self.result!r}"
        return self.result.value

    def _note(self, result: object) -> None:
        self.result, self.at = result, self._host.seconds()
        self.open = held(self._host)


def held(host: MemoryHost) -> int:
    """How many UDP ports and TCP connections a host has."""
    return len(list(host.ports())) + len(host.tcp.streams)


class RelayTestCase(SynchronousTestCase):
    """A client, and a relay's host; every test must leave the network quiet."""

    def setUp(self) -> None:
        """Make the network."""
        self.network = MemoryNetwork()
        self.client = self.network.host(CLIENT)
        self.relay_host = self.network.host(RELAY)
        self.closers: list[Callable[[], object]] = []

    def tearDown(self) -> None:
        """Close what was opened here; nothing else may be left."""
        for close in self.closers:
            close()
        self.network.advance(1.0)
        self.network.assert_quiet()

    def relay(self, host: MemoryHost | None = None, **options: Any) -> ScriptedRelay:
        """A relay, to be closed in the end."""
        relay = ScriptedRelay(host or self.relay_host, **options)
        self.closers.append(relay.close)
        return relay

    def server(self, address: str = SERVER) -> ScriptedServer:
        """A rendezvous server, to be closed in the end."""
        server = ScriptedServer(self.network.host(address))
        self.closers.append(server.close)
        return server

    def attempt(self, target: Target = TARGET, **options: Any) -> RelayAttempt:
        """An attempt from the client."""
        return RelayAttempt(self.client, target, **options)

    def start(self, attempt: Any, budget: float = 30.0) -> Trace:
        """Start an attempt."""
        return Trace(attempt.connect(budget), self.client)

    def run_attempt(self, target: Target = TARGET, budget: float = 30.0) -> Trace:
        """Run an attempt to its end, whatever that is."""
        trace = self.start(self.attempt(target), budget)
        self.network.run_until(lambda: trace.at is not None, budget + 2.0)
        return trace

    def failure(self, kind: type[Exception], target: Target = TARGET, budget: float = 30.0) -> Any:
        """The failure of an attempt, which leaves nothing open."""
        trace = self.run_attempt(target, budget)
        self.assertIsInstance(trace.error, kind)
        self.assertEqual(trace.open, 0, "settled before all was closed")
        return trace.error

    def won(self, trace: Trace) -> Any:
        """The link that an attempt came to; abandoned when the test is over."""
        if isinstance(trace.result, Failure):
            trace.result.raiseException()
        self.assertIsNotNone(trace.result, "still trying")
        self.closers.append(trace.result.abandon)
        return trace.result
