"""Octets from anybody, to the rendezvous server."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.server.rendezvous import KEY, RELAY, ask, plain_login, server_on
from tests.wire.strategies import QUICK, any_message
from trailcam.interfaces import Address
from trailcam.server.admission import Admission
from trailcam.server.registry import MemoryRegistry
from trailcam.server.rendezvous import RendezvousServer
from trailcam.testing import MemoryNetwork
from trailcam.wire.codec import encode
from trailcam.wire.constants import MessageType
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import ALL, Hello, HelloAck

HELLO = encode(Hello(bytes(16)))
BARE_HELLO = encode(Hello())


class Listener:
    """A transport that only remembers what was sent last."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Address]] = []

    def write(self, datagram: bytes, address: Address) -> None:
        """Keep it."""
        self.sent.append((datagram, address))


#: Octets as somebody might send them who knows the protocol and means harm.
hostile = st.one_of(
    st.binary(max_size=80),
    any_message.map(encode),
    st.builds(
        lambda kind, body: bytes([0xF1, kind.type]) + len(body).to_bytes(2, "big") + body,
        st.sampled_from(ALL),
        st.binary(max_size=80),
    ),
    st.builds(
        lambda message, place, octet: _changed(encode(message), place, octet),
        any_message,
        st.integers(0, 60),
        st.integers(0, 255),
    ),
)
_peers = st.tuples(st.sampled_from(["203.0.113.7", "127.0.0.1", "0.0.0.0"]), st.integers(0, 3))


def _changed(datagram: bytes, place: int, octet: int) -> bytes:
    """One octet of a datagram changed."""
    place %= len(datagram)
    return datagram[:place] + bytes([octet]) + datagram[place + 1 :]


class HostileTests(SynchronousTestCase):
    """Octets from anybody, to a server that is open to everybody."""

    def setUp(self) -> None:
        """A server whose sendings are seen."""
        self.network = MemoryNetwork()
        self.server = server_on(self.network.host("192.0.2.1"))
        self.wire = Listener()
        self.server.transport = self.wire  # type: ignore[assignment]

    def answers(self, datagram: bytes, peer: Address) -> list[tuple[bytes, Address]]:
        """What is sent because of a datagram."""
        self.wire.sent.clear()
        self.server.datagramReceived(datagram, peer)
        return self.wire.sent

    @settings(QUICK, max_examples=200)
    @given(st.lists(st.tuples(hostile, _peers), max_size=50))
    def test_strangers(self, datagrams: list[tuple[bytes, Address]]) -> None:
        """10 000 of them: nothing is raised, and nobody gets more than he sent."""
        for datagram, peer in datagrams:
            sent = self.answers(datagram, peer)
            self.assertLessEqual(len(sent), 1)
            for answer, address in sent:
                self.assertEqual(address, peer)
                self.assertLessEqual(len(answer), len(datagram))

    @settings(QUICK, max_examples=200)
    @given(st.lists(hostile, max_size=50))
    def test_proven(self, datagrams: list[bytes]) -> None:
        """10 000 of them from a proven address: nothing is raised, and nobody else is sent any."""
        peer = ("203.0.113.7", 5000)
        [(token, _)] = self.answers(HELLO, peer)
        self.answers(token, peer)
        for datagram in datagrams:
            for _answer, address in self.answers(datagram, peer):
                self.assertEqual(address, peer)

    def test_bounded(self) -> None:
        """100 000 datagrams from as many addresses leave nothing behind."""
        rng = random.Random(7)
        requests = [encode(ask()), encode(plain_login()), HELLO, encode(HelloAck(RELAY, bytes(8)))]
        for _ in range(100_000):
            peer = (f"203.0.113.{rng.randrange(256)}", rng.randrange(65536))
            self.server.datagramReceived(rng.choice(requests), peer)
        self.assertEqual(len(self.server._proofs), 0)
        self.assertEqual(len(self.server._rules._logins._contests), 0)
        self.assertLess(len(self.server.counts), 10)

    def test_crowd(self) -> None:
        """A proven address that logs in under many ids fills the registry, and no more."""
        registry = MemoryRegistry(limit=100)
        server = RendezvousServer(self.network.clock, registry, Admission.open_to_all(), KEY)
        server.transport = self.wire  # type: ignore[assignment]
        peer = ("203.0.113.7", 5000)
        server.datagramReceived(HELLO, peer)
        server.datagramReceived(self.wire.sent[-1][0], peer)
        for serial in range(1000):
            server.datagramReceived(encode(plain_login(DeviceID("A", serial, "B"))), peer)
        self.assertEqual(len(registry), 100)
        self.assertEqual(server.counts["login_ok"], 1000)

    def test_every_opcode(self) -> None:
        """No opcode, known or not, is answered with more than was asked."""
        for opcode in range(256):
            for size in (0, 1, 16, 20, 36, 40, 44, 64, 68):
                datagram = bytes([0xF1, opcode, 0, size]) + bytes(size)
                for answer, _ in self.answers(datagram, ("203.0.113.7", 5000)):
                    self.assertLessEqual(len(answer), len(datagram))

    def test_strangers_do_not_cost(self) -> None:
        """The requests that strangers are told HELLO for are those that rules would answer so."""
        for kind in MessageType:
            datagram = bytes([0xF1, kind, 0, 0])
            sent = [answer for answer, _ in self.answers(datagram, ("203.0.113.7", 5000))]
            if sent and kind is not MessageType.HELLO:
                self.assertEqual(sent, [BARE_HELLO], kind)
