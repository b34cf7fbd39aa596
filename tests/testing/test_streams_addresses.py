"""
Tests for TCP in memory: who sees whom, and under which address.
"""

from __future__ import annotations

from tests.testing.case import A, B
from tests.testing.stream_case import StreamTestCase
from tests.testing.streams import Maker, Talker
from trailcam.testing import MemoryHost, Nat, NatKind


class AddressTests(StreamTestCase):
    """Who sees whom, and under which address."""

    def peers(self, host: MemoryHost, to: str, server: Talker) -> tuple[str, str, str]:
        """Connect, and return the client's address, the server's, and what it sees."""
        factory = self.dial(host, to)
        self.network.advance(2.0)
        client = factory.made[0]
        assert isinstance(client, Talker)
        own, peer = client.transport.getHost(), server.transport.getPeer()
        return own.host, server.transport.getHost().host, peer.host

    def test_plain(self) -> None:
        """Without a NAT both ends agree."""
        server = Talker()
        self.serve(server)
        self.assertEqual(self.peers(self.client, B, server), (A, B, A))
        self.assertEqual(server.transport.getPeer().type, "TCP")

    def test_loopback(self) -> None:
        """A host reaches itself by its loopback and by its own address."""
        talkers = [Talker(), Talker()]
        self.serve(*talkers)
        loop = "127.0.0.1"
        self.assertEqual(self.peers(self.server, loop, talkers[0]), (loop, loop, loop))
        self.assertEqual(self.peers(self.server, B, talkers[1]), (B, B, B))

    def test_loopback_port(self) -> None:
        """A port on the loopback address refuses the others."""
        server = Talker()
        self.serve(server, interface="127.0.0.1")
        factory = self.dial()
        self.network.advance(5.0)
        self.assertEqual(factory.events[-2:], ["failed: ConnectionRefusedError", "stop"])
        self.peers(self.server, "127.0.0.1", server)

    def test_bind_address(self) -> None:
        """A client can have its own address and number, nobody else's."""
        server = Talker()
        self.serve(server)
        bound, foreign = Maker(), Maker()
        self.client.connectTCP(B, 80, bound, bindAddress=(A, 4000))
        self.client.connectTCP(B, 80, foreign, bindAddress=(B, 0))
        self.addCleanup(self.hang_up, bound)
        self.network.advance(2.0)
        self.assertEqual(
            (server.transport.getPeer().host, server.transport.getPeer().port), (A, 4000)
        )
        self.assertEqual(foreign.events[-2:], ["failed: ConnectBindError", "stop"])

    def test_numbers_come_back(self) -> None:
        """The number of a client is free again after the connection, and after a failure."""
        self.serve(Talker(), Talker())
        for port in (80, 80, 81, 81):
            factory = Maker()
            connector = self.client.connectTCP(B, port, factory, bindAddress=(A, 4000))
            self.network.advance(2.0)
            connector.disconnect()
            self.network.advance(2.0)
            self.assertEqual(factory.events[-1], "stop")
            self.assertNotIn("failed: ConnectBindError", factory.events)


class NatTests(StreamTestCase):
    """TCP through a NAT."""

    def setUp(self) -> None:
        """Put two hosts behind a NAT."""
        super().setUp()
        self.nat = Nat(NatKind.FULL_CONE, "198.51.100.1")
        self.inside = self.network.host("192.168.0.2", nat=self.nat)
        self.beside = self.network.host("192.168.0.3", nat=self.nat)

    def heard(self, host: MemoryHost, to: str, server: Talker) -> tuple[str, int]:
        """Connect; the result is the client as the server sees it."""
        self.dial(host, to)
        self.network.advance(2.0)
        peer = server.transport.getPeer()
        return peer.host, peer.port

    def test_out(self) -> None:
        """A host behind it connects out under the public address, each time from a new port."""
        talkers = [Talker(), Talker()]
        self.serve(*talkers)
        seen = [self.heard(self.inside, B, talker) for talker in talkers]
        self.assertEqual([host for host, _ in seen], ["198.51.100.1"] * 2)
        self.assertNotEqual(seen[0][1], seen[1][1])
        talkers[0].transport.write(b"inside")
        self.network.advance(0.5)
        client = next(s for s in self.inside.tcp.streams)
        self.assertEqual(client.getHost().host, "192.168.0.2")
        self.assertEqual(client.protocol.events, ["made", b"inside"])  # type: ignore[attr-defined]

    def test_beside(self) -> None:
        """Hosts behind one NAT see each other directly."""
        server = Talker()
        self.serve(server, host=self.beside)
        self.assertEqual(self.heard(self.inside, "192.168.0.3", server)[0], "192.168.0.2")

    def test_loopback(self) -> None:
        """So does a host itself."""
        server = Talker()
        self.serve(server, host=self.inside)
        self.assertEqual(self.heard(self.inside, "127.0.0.1", server)[0], "127.0.0.1")

    def test_nobody_comes_in(self) -> None:
        """Neither by the public address nor by the private one, from outside or inside."""
        self.serve(host=self.inside)
        attempts = [
            self.dial(host, to, timeout=3)
            for host, to in (
                (self.client, "198.51.100.1"),
                (self.client, "192.168.0.2"),
                (self.beside, "198.51.100.1"),
            )
        ]
        self.network.advance(3.0)
        for factory in attempts:
            self.assertEqual(factory.events[-2:], ["failed: TimeoutError", "stop"])

    def test_numbers_apart(self) -> None:
        """TCP takes nothing from the table of UDP."""
        nat = self.nat
        nat.stream_address()
        first = nat.outbound(("192.168.0.2", 1), (B, 1), 0.0)
        self.assertEqual(first, ("198.51.100.1", 20000))
