"""The rendezvous server's port, on a network in memory."""

from __future__ import annotations

import errno

from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.server.rendezvous import (
    CLIENT_AT_HOME,
    DEVICE_AT_HOME,
    DID,
    KEY,
    RELAY,
    ask,
    login,
    plain_login,
    result_of,
    sealed_login,
    server_on,
)
from trailcam.interfaces import Address
from trailcam.server.admission import Admission
from trailcam.server.registry import DeviceRecord, MemoryRegistry
from trailcam.server.rendezvous import ASK_FOR_ROOM, RendezvousServer
from trailcam.testing import MemoryHost, MemoryNetwork
from trailcam.wire.codec import decode, encode
from trailcam.wire.constants import RENDEZVOUS_PORT, Result
from trailcam.wire.messages import (
    Hello,
    HelloAck,
    ListReq,
    ListReqAck,
    Message,
    P2PReqAck,
    PunchTo,
)
from trailcam.wire.sockaddr import SocketAddress

SERVER = "192.0.2.1"
HELLO = encode(Hello(bytes(16)))
BARE_HELLO = encode(Hello())


class Visitor(DatagramProtocol):
    """
    Somebody on a host of his own.

    :ivar heard: the datagrams that came.
    """

    noisy = False

    def __init__(self, host: MemoryHost, port: int = 5000) -> None:
        self.heard: list[bytes] = []
        self.port = host.listenUDP(port, self)
        self.address: Address = (host.address, port)
        self.network = host.network

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Keep it."""
        self.heard.append(datagram)

    def say(self, *messages: Message | bytes) -> list[bytes]:
        """Send to the server; what comes in the next 10 ms."""
        before = len(self.heard)
        for message in messages:
            octets = message if isinstance(message, bytes) else encode(message)
            self.port.write(octets, (SERVER, RENDEZVOUS_PORT))
        self.network.advance(0.01)
        return self.heard[before:]

    def ask(self, message: Message) -> list[Message]:
        """The same in messages."""
        return [decode(datagram) for datagram in self.say(message)]

    def prove(self) -> None:
        """Prove the address."""
        [answer] = self.say(HELLO)
        assert self.say(answer) == []


class ServerTestCase(SynchronousTestCase):
    """A server on a network in memory; every test must leave it quiet."""

    def setUp(self) -> None:
        """Start it."""
        self.network = MemoryNetwork(latency=0.001)
        self.server_host = self.network.host(SERVER)
        self.server = server_on(self.server_host)
        self.port = self.server_host.listenUDP(RENDEZVOUS_PORT, self.server)
        self.visitors: list[Visitor] = []

    def tearDown(self) -> None:
        """Stop everything."""
        self.port.stopListening()
        for visitor in self.visitors:
            visitor.port.stopListening()
        self.network.advance(0.1)
        self.network.assert_quiet()

    def visitor(self, address: str) -> Visitor:
        """One more visitor."""
        self.visitors.append(Visitor(self.network.host(address)))
        return self.visitors[-1]


class HelloTests(ServerTestCase):
    """HELLO, and nothing else."""

    def test_with_room(self) -> None:
        """A HELLO with room is answered with the address, in as many octets."""
        visitor = self.visitor("203.0.113.7")
        [answer] = visitor.say(HELLO)
        self.assertEqual(len(answer), len(HELLO))
        message = decode(answer)
        assert isinstance(message, HelloAck)
        self.assertEqual(message.address, SocketAddress("203.0.113.7", 5000))
        self.assertNotEqual(message.token, bytes(8))

    def test_without_room(self) -> None:
        """Without room, four octets for four: they say HELLO, and name the room."""
        visitor = self.visitor("203.0.113.7")
        self.assertEqual(visitor.say(BARE_HELLO), [ASK_FOR_ROOM])
        self.assertEqual(decode(ASK_FOR_ROOM), Hello())
        self.assertEqual(len(ASK_FOR_ROOM), 4)

    def test_never_more(self) -> None:
        """Whatever the size, the answer is not longer than the question."""
        visitor = self.visitor("203.0.113.7")
        for size in range(64):
            answers = visitor.say((BARE_HELLO + bytes(60))[:size])
            expected = [] if size < 4 else [4] if size < 20 else [20]
            self.assertEqual([len(answer) for answer in answers], expected)

    def test_two_servers(self) -> None:
        """Two servers that are set upon each other fall silent."""
        other_host = self.network.host("192.0.2.2")
        other = other_host.listenUDP(RENDEZVOUS_PORT, server_on(other_host))
        for forged in (BARE_HELLO, HELLO, encode(ListReq()), encode(ask()), ASK_FOR_ROOM):
            before = len(self.network.log)
            other.write(forged, (SERVER, RENDEZVOUS_PORT))
            self.network.advance(1.0)
            self.assertLessEqual(len(self.network.log) - before, 3, forged)
        other.stopListening()

    def test_proof(self) -> None:
        """Who sends the answer back has proved his address."""
        visitor = self.visitor("203.0.113.7")
        self.assertEqual(visitor.say(ListReq()), [BARE_HELLO])
        visitor.prove()
        self.assertEqual(visitor.ask(ListReq()), [ListReqAck((RELAY,))])

    def test_forged(self) -> None:
        """Who forges an address never sees the token, and gets nothing sent there."""
        victim, forger = self.visitor("203.0.113.7"), self.visitor("203.0.113.66")
        [own] = forger.say(HELLO)

        def forge(datagram: bytes) -> list[bytes]:
            before = len(victim.heard)
            self.server.datagramReceived(datagram, victim.address)
            self.network.advance(0.01)
            return victim.heard[before:]

        self.assertEqual(forge(own), [])
        self.assertEqual(forge(encode(ask())), [BARE_HELLO])
        self.assertEqual(forge(encode(login())), [BARE_HELLO])
        self.assertEqual(self.server.counts["not_proved"], 1)

    def test_replayed(self) -> None:
        """A proof wears off, and an old token does not renew it."""
        visitor = self.visitor("203.0.113.7")
        [token] = visitor.say(HELLO)
        visitor.say(token)
        self.network.advance(121.0)
        self.assertEqual(visitor.say(ListReq()), [BARE_HELLO])
        self.network.advance(120.0)
        visitor.say(token)
        self.assertEqual(visitor.say(ListReq()), [BARE_HELLO])


class MeetingTests(ServerTestCase):
    """A device and a client."""

    def setUp(self) -> None:
        """Both are there."""
        super().setUp()
        self.device, self.client = self.visitor("198.51.100.1"), self.visitor("203.0.113.7")

    def test_meeting(self) -> None:
        """Both are told of each other."""
        for visitor in (self.device, self.client):
            visitor.prove()
        [answer] = self.device.ask(login())
        self.assertIs(result_of(answer), Result.OK)
        before = len(self.device.heard)
        answers = self.client.ask(ask(local=CLIENT_AT_HOME))
        self.assertEqual(
            answers,
            [
                P2PReqAck(Result.OK),
                PunchTo(SocketAddress("198.51.100.1", 5000)),
                PunchTo(DEVICE_AT_HOME),
            ],
        )
        told = [decode(datagram) for datagram in self.device.heard[before:]]
        self.assertEqual(
            told, [PunchTo(SocketAddress("203.0.113.7", 5000)), PunchTo(CLIENT_AT_HOME)]
        )

    def test_request_of_another_size(self) -> None:
        """A request that is cut, or longer, or lies about its length is ignored."""
        self.client.prove()
        whole = encode(ask())
        for wrong in (whole[:-1], whole + b"\0", whole[:3] + b"\x23" + whole[4:]):
            self.assertEqual(self.client.say(wrong), [])
        self.assertEqual(self.client.say(whole[:4] + bytes(36)), [])
        self.assertEqual(self.server.counts["length_mismatch"], 2)
        self.assertEqual(self.server.counts["truncated"], 1)
        self.assertEqual(self.server.counts["bad_device_id"], 1)

    def test_offline_after_a_minute(self) -> None:
        """A silent device is forgotten by and by, and the log says so."""
        self.device.prove()
        self.device.ask(plain_login())
        with capturedLogs() as events:
            self.network.advance(59.0)
            self.client.prove()
            self.assertEqual(self.client.ask(ask())[0], P2PReqAck(Result.OK))
            self.network.advance(2.0)
            self.assertEqual(self.client.ask(ask()), [P2PReqAck(Result.DEVICE_OFFLINE)])
        told = [formatEvent(event) for event in events]
        self.assertEqual([line for line in told if line.startswith("offline")], [f"offline: {DID}"])

    def test_other_login_key(self) -> None:
        """A login under another key is noise."""
        self.device.prove()
        self.assertEqual(self.device.say(sealed_login(key="other")), [])
        self.assertEqual(self.server.counts["a login under another login key"], 1)

    def test_own_login_key(self) -> None:
        """A server may have its own key."""
        host = self.network.host("192.0.2.9")
        registry = MemoryRegistry()
        server = RendezvousServer(host, registry, Admission.open_to_all(), KEY, login_key="mine")
        port = host.listenUDP(5, server)
        for key in ("other", "mine"):
            for octets in (HELLO, None, encode(login(key=key))):
                back = self.device.heard[-1] if octets is None else octets
                self.device.port.write(back, ("192.0.2.9", 5))
                self.network.advance(0.01)
        self.assertIs(result_of(decode(self.device.heard[-1]), "mine"), Result.OK)
        self.assertEqual(len(registry), 1)
        port.stopListening()


class TroubleTests(ServerTestCase):
    """What goes wrong around it."""

    def test_noise(self) -> None:
        """Octets of all kinds are counted, and logged once per peer and kind."""
        visitor = self.visitor("203.0.113.7")
        garbage = (b"", b"\xf1", b"\xf1\x00", b"\xf1\x20\x00", b"GET / HTTP", b"\xf1\xdb\0\0")
        with capturedLogs() as events:
            for _ in range(10):
                self.assertEqual(visitor.say(*garbage), [])
        told = [formatEvent(event) for event in events]
        self.assertEqual(len(told), len(set(told)))
        self.assertEqual(len(told), 4, told)
        self.assertEqual(self.server.counts["bad_magic"], 10)
        self.assertEqual(self.server.counts["unknown_message"], 10)
        self.assertEqual(self.server.counts["not_a_question"], 10)
        self.assertEqual(self.server.counts["truncated"], 30)

    def test_other_magic(self) -> None:
        """What would be a request under another magic is none."""
        visitor = self.visitor("203.0.113.7")
        self.assertEqual(visitor.say(b"\xf2" + encode(ask())[1:]), [])
        self.assertEqual(self.server.counts["bad_magic"], 1)

    def test_cannot_send(self) -> None:
        """When the system cannot send, the server goes on."""
        visitor = self.visitor("203.0.113.7")
        self.server_host.write_error = OSError(errno.ENETUNREACH, "Network is unreachable")
        self.assertEqual(visitor.say(HELLO), [])
        self.assertEqual(self.server.counts["not_sent"], 1)
        self.server_host.write_error = None
        self.assertEqual(len(visitor.say(HELLO)), 1)

    def test_port_zero(self) -> None:
        """A datagram with no port to answer to is not answered."""
        self.server.datagramReceived(HELLO, ("203.0.113.7", 0))
        self.assertEqual(self.server.counts["not_sent"], 1)

    def test_answer_after_the_end(self) -> None:
        """A registry may answer when the port is closed."""
        lookup: Deferred[DeviceRecord] = Deferred()
        registry = MemoryRegistry()
        self.patch(registry, "find", lambda *_: lookup)
        host = self.network.host("192.0.2.9")
        server = RendezvousServer(host, registry, Admission.open_to_all(), KEY)
        port = host.listenUDP(5, server)
        server.datagramReceived(HELLO, ("203.0.113.7", 5000))
        [ack] = [d.payload for d in self.network.log if d.source[0] == "192.0.2.9"]
        server.datagramReceived(ack, ("203.0.113.7", 5000))
        server.datagramReceived(encode(ask()), ("203.0.113.7", 5000))
        port.stopListening()
        self.network.advance(0.1)
        before = len(self.network.log)
        lookup.callback(DeviceRecord(DID, ("198.51.100.1", 1), None, 0, 0.0))
        self.assertEqual(len(self.network.log), before)
        self.assertEqual(server.counts["asked_ok"], 1)

    def test_registry_fails(self) -> None:
        """A registry that cannot expire anything stops neither the time nor the stopping."""
        tries: list[float] = []

        def expire(now: float) -> int:
            tries.append(now)
            raise OSError("the store is gone")

        registry, host = MemoryRegistry(), self.network.host("192.0.2.9")
        self.patch(registry, "expire", expire)
        port = host.listenUDP(5, RendezvousServer(host, registry, Admission.open_to_all(), KEY))
        self.network.advance(3.1)
        self.assertGreater(len(tries), 5)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        port.stopListening()
        self.network.advance(1.0)
        self.assertEqual(self.flushLoggedErrors(), [])
