"""
Tests for the four kinds of NAT: alone, and on the way between hosts.
"""

from __future__ import annotations

import errno

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.testing.case import NetworkTestCase
from trailcam.testing import Address, Fate, Nat, NatKind
from trailcam.testing import nat as nat_module

INSIDE: Address = ("192.168.1.2", 5000)
PEER: Address = ("198.51.100.1", 100)
SAME_HOST: Address = ("198.51.100.1", 101)
OTHER_HOST: Address = ("198.51.100.2", 100)
PUBLIC = "203.0.113.7"


class FilteringTests(SynchronousTestCase):
    """Who may answer through a mapping."""

    def allowed(self, kind: NatKind) -> list[bool]:
        """Whether the peer, another port of it and another host may answer."""
        nat = Nat(kind, PUBLIC)
        outside = nat.outbound(INSIDE, PEER, 0.0)
        assert outside is not None
        answers = [nat.inbound(outside[1], p, 1.0) for p in (PEER, SAME_HOST, OTHER_HOST)]
        self.assertTrue(all(answer in (None, INSIDE) for answer in answers))
        return [answer is not None for answer in answers]

    def test_full_cone(self) -> None:
        """Everybody may."""
        self.assertEqual(self.allowed(NatKind.FULL_CONE), [True, True, True])

    def test_address_restricted(self) -> None:
        """Only the address written to may, from any port."""
        self.assertEqual(self.allowed(NatKind.ADDRESS_RESTRICTED), [True, True, False])

    def test_port_restricted(self) -> None:
        """Only the very port written to may."""
        self.assertEqual(self.allowed(NatKind.PORT_RESTRICTED), [True, False, False])

    def test_symmetric(self) -> None:
        """Only the very port written to may."""
        self.assertEqual(self.allowed(NatKind.SYMMETRIC), [True, False, False])

    def test_no_mapping(self) -> None:
        """Nobody reaches a port that was never given out."""
        for kind in NatKind:
            self.assertIsNone(Nat(kind, PUBLIC).inbound(20000, PEER, 0.0))


class MappingTests(SynchronousTestCase):
    """Which public port an inside port gets."""

    def ports(self, kind: NatKind) -> list[Address | None]:
        """What two inside ports look like to two peers."""
        nat = Nat(kind, PUBLIC)
        inside = [INSIDE, ("192.168.1.2", 5001)]
        return [nat.outbound(i, p, 0.0) for i in inside for p in (PEER, OTHER_HOST)]

    def test_cones(self) -> None:
        """A cone shows one inside port as one public port, whoever looks."""
        for kind in (NatKind.FULL_CONE, NatKind.ADDRESS_RESTRICTED, NatKind.PORT_RESTRICTED):
            first, same, second, same_again = self.ports(kind)
            self.assertEqual((first, second), (same, same_again))
            self.assertNotEqual(first, second)

    def test_symmetric(self) -> None:
        """A symmetric NAT shows a new port to every destination."""
        self.assertEqual(len(set(self.ports(NatKind.SYMMETRIC))), 4)

    def test_public_address(self) -> None:
        """The address is the NAT's, and the number says nothing of the inside one."""
        for kind in NatKind:
            outside = Nat(kind, PUBLIC).outbound((INSIDE[0], 20001), PEER, 0.0)
            self.assertEqual(outside, (PUBLIC, 20000))

    def test_same_again(self) -> None:
        """A mapping in use is kept."""
        for kind in NatKind:
            nat = Nat(kind, PUBLIC)
            seen = {nat.outbound(INSIDE, PEER, now) for now in (0.0, 100.0, 200.0)}
            self.assertEqual(len(seen), 1)


class LifetimeTests(SynchronousTestCase):
    """How long a NAT remembers."""

    def test_expiry(self) -> None:
        """After the lifetime without outbound traffic the way back is closed, the port another."""
        for kind in NatKind:
            nat = Nat(kind, PUBLIC, lifetime=10.0)
            before = nat.outbound(INSIDE, PEER, 0.0)
            assert before is not None
            self.assertEqual(nat.inbound(before[1], PEER, 9.9), INSIDE)
            self.assertIsNone(nat.inbound(before[1], PEER, 10.0))
            after = nat.outbound(INSIDE, PEER, 10.0)
            self.assertNotEqual(before, after)

    def test_inbound_does_not_count(self) -> None:
        """Answers do not keep a mapping alive."""
        nat = Nat(NatKind.FULL_CONE, PUBLIC, lifetime=10.0)
        outside = nat.outbound(INSIDE, PEER, 0.0)
        assert outside is not None
        self.assertIsNotNone(nat.inbound(outside[1], PEER, 9.0))
        self.assertIsNone(nat.inbound(outside[1], PEER, 11.0))

    def test_peers_expire_singly(self) -> None:
        """Writing to one peer keeps the mapping, but not another peer's permission."""
        nat = Nat(NatKind.PORT_RESTRICTED, PUBLIC, lifetime=10.0)
        nat.outbound(INSIDE, PEER, 0.0)
        outside = nat.outbound(INSIDE, OTHER_HOST, 9.0)
        assert outside is not None
        self.assertIsNone(nat.inbound(outside[1], PEER, 11.0))
        self.assertEqual(nat.inbound(outside[1], OTHER_HOST, 11.0), INSIDE)

    def test_default(self) -> None:
        """Two minutes, unless said otherwise; never nothing."""
        self.assertEqual(Nat(NatKind.FULL_CONE, PUBLIC).lifetime, 120.0)
        self.assertRaises(ValueError, Nat, NatKind.FULL_CONE, PUBLIC, lifetime=0.0)


class CapacityTests(SynchronousTestCase):
    """How much a NAT remembers."""

    def test_mappings(self) -> None:
        """With the table full new mappings have to wait until old ones expire."""
        nat = Nat(NatKind.FULL_CONE, PUBLIC, lifetime=10.0, capacity=2)
        first = nat.outbound(("192.168.1.2", 1), PEER, 0.0)
        nat.outbound(("192.168.1.2", 2), PEER, 5.0)
        self.assertIsNone(nat.outbound(("192.168.1.2", 3), PEER, 9.0))
        self.assertEqual(nat.outbound(("192.168.1.2", 1), PEER, 9.0), first)
        self.assertIsNone(nat.outbound(("192.168.1.2", 3), PEER, 14.0))
        self.assertIsNotNone(nat.outbound(("192.168.1.2", 3), PEER, 15.0))

    def test_peers(self) -> None:
        """A new peer takes the place of the one written to longest ago."""
        nat = Nat(NatKind.PORT_RESTRICTED, PUBLIC, capacity=2)
        for peers, allowed in [
            ((PEER, OTHER_HOST, OTHER_HOST), [INSIDE, INSIDE, None]),
            ((PEER, SAME_HOST), [INSIDE, None, INSIDE]),
        ]:
            for peer in peers:
                outside = nat.outbound(INSIDE, peer, 0.0)
            assert outside is not None
            answers = [nat.inbound(outside[1], p, 1.0) for p in (PEER, OTHER_HOST, SAME_HOST)]
            self.assertEqual(answers, allowed)

    def test_sane(self) -> None:
        """The capacity is at least one and less than there are ports."""
        for capacity in (0, 40000):
            self.assertRaises(ValueError, Nat, NatKind.FULL_CONE, PUBLIC, capacity=capacity)

    def test_ports_in_use_are_left_out(self) -> None:
        """Ports are given out in turn; one that is still in use is not given out again."""
        self.patch(nat_module, "PUBLIC_PORTS", range(20000, 20005))
        nat = Nat(NatKind.FULL_CONE, PUBLIC, lifetime=10.0)
        kept = nat.outbound(INSIDE, PEER, 0.0)
        given: list[Address | None] = []
        for n in range(8):
            given.append(nat.outbound(("192.168.1.3", n), PEER, 6.0 * n))
            self.assertEqual(nat.outbound(INSIDE, PEER, 6.0 * n), kept)
        self.assertEqual(kept, (PUBLIC, 20000))
        self.assertEqual(given, [(PUBLIC, port) for port in (20001, 20002, 20003, 20004)] * 2)


PEERS = st.tuples(st.sampled_from(["p", "q"]), st.integers(1, 2))
STEPS = st.lists(
    st.tuples(st.floats(0, 8), st.integers(1, 3), PEERS, PEERS), min_size=1, max_size=40
)


class ModelTests(SynchronousTestCase):
    """A NAT against the plain rules, on random traffic."""

    @settings(max_examples=100, deadline=None)
    @given(st.sampled_from(NatKind), STEPS)
    def test_rules(self, kind: NatKind, steps: list[tuple[float, int, Address, Address]]) -> None:
        """Inbound passes exactly when a peer like that was written to, on that port, of late."""
        nat = Nat(kind, PUBLIC, lifetime=10.0)
        written: list[tuple[float, int, Address, Address]] = []
        now = 0.0
        for pause, inside, peer, stranger in steps:
            now += pause
            outside = nat.outbound(("i", inside), peer, now)
            assert outside is not None
            written.append((now, inside, peer, outside))
            for _, owner, _, public in written:
                expected = any(
                    at > now - 10.0 and out == public and self._alike(kind, to, stranger)
                    for at, _, to, out in written
                )
                got = nat.inbound(public[1], stranger, now)
                self.assertEqual(got, ("i", owner) if expected else None)

    @staticmethod
    def _alike(kind: NatKind, peer: Address, stranger: Address) -> bool:
        """Whether the permission of ``peer`` holds for ``stranger``."""
        if kind is NatKind.FULL_CONE:
            return True
        if kind is NatKind.ADDRESS_RESTRICTED:
            return peer[0] == stranger[0]
        return peer == stranger


class BehindNatTests(NetworkTestCase):
    """Hosts behind a NAT, on the network."""

    def setUp(self) -> None:
        """A phone behind a NAT and a server outside."""
        super().setUp()
        self.nat = Nat(NatKind.PORT_RESTRICTED, PUBLIC)
        self.phone = self.network.host("192.168.1.2", nat=self.nat)
        self.server = self.network.host("198.51.100.1")
        self.calling, self.caller = self.open(self.phone, 5000)
        self.serving, self.service = self.open(self.server, 100)

    def test_there_and_back(self) -> None:
        """The server sees the public address, and its answer comes back."""
        self.caller.write(b"hello", PEER)
        self.network.advance(1.0)
        self.assertEqual(self.serving.payloads, [b"hello"])
        source = self.serving.heard[0][1]
        self.assertEqual(source[0], PUBLIC)
        self.service.write(b"welcome", source)
        self.network.advance(1.0)
        self.assertEqual(self.calling.heard, [(b"welcome", PEER)])

    def test_log_tells_private_addresses(self) -> None:
        """The log has each datagram as its sender wrote it."""
        self.caller.write(b"hello", PEER)
        self.assertEqual(self.network.log[0].source, INSIDE)

    def test_unasked(self) -> None:
        """What nobody asked for is thrown away without a word."""
        self.service.write(b"", (PUBLIC, 20000))
        self.caller.write(b"", OTHER_HOST)
        self.network.advance(1.0)
        self.service.write(b"", (PUBLIC, 20000))
        self.network.advance(1.0)
        self.assertEqual(self.calling.heard, [])
        self.assertEqual(self.fates(), [Fate.FILTERED, Fate.NO_ROUTE, Fate.FILTERED])
        self.assertEqual(self.serving.refusals, [])

    def test_private_address_from_outside(self) -> None:
        """A private address leads nowhere from outside."""
        self.service.write(b"", INSIDE)
        self.network.advance(1.0)
        self.assertEqual(self.fates(), [Fate.NO_ROUTE])

    def test_expiry(self) -> None:
        """A mapping is forgotten on the network's clock."""
        self.caller.write(b"hello", PEER)
        self.network.advance(121.0)
        self.service.write(b"late", self.serving.heard[0][1])
        self.network.advance(1.0)
        self.assertEqual(self.calling.heard, [])

    def test_lost_datagram_opens(self) -> None:
        """A datagram that is lost outside has opened the way back all the same."""
        stop = self.network.drop(lambda datagram: True)
        self.caller.write(b"lost", PEER)
        stop()
        self.service.write(b"punched", (PUBLIC, 20000))
        self.network.advance(1.0)
        self.assertEqual(self.calling.payloads, [b"punched"])

    def test_refusal_passes(self) -> None:
        """A refusal from outside comes back in, with the address that was written to."""
        self.caller.write(b"", (PEER[0], 9))
        self.network.advance(1.0)
        self.assertEqual(self.calling.refusals, [((PEER[0], 9), errno.ECONNREFUSED)])

    def test_refused_inside(self) -> None:
        """A host behind a NAT refuses what the NAT lets through to a closed port."""
        self.caller.write(b"", PEER)
        self.caller.stopListening()
        self.network.advance(1.0)
        source = self.serving.heard[0][1]
        self.service.write(b"", source)
        self.network.advance(1.0)
        self.assertEqual(self.serving.refusals, [(source, errno.ECONNREFUSED)])

    def test_full(self) -> None:
        """With the NAT full a datagram does not get out."""
        self.nat.capacity = 1
        self.caller.write(b"1", PEER)
        _, second = self.open(self.phone, 5001)
        second.write(b"2", PEER)
        self.network.advance(1.0)
        self.assertEqual(self.serving.payloads, [b"1"])
        self.assertEqual(self.fates(), [Fate.DELIVERED, Fate.FILTERED])

    def test_neighbours(self) -> None:
        """Hosts behind one NAT reach each other by private addresses, untranslated."""
        neighbour, _ = self.open(self.network.host("192.168.1.3", nat=self.nat), 6000)
        self.caller.write(b"hi", ("192.168.1.3", 6000))
        self.network.advance(1.0)
        self.assertEqual(neighbour.heard, [(b"hi", INSIDE)])

    def test_broadcast_stays_inside(self) -> None:
        """A broadcast reaches the neighbours, and neither the outside nor another NAT's inside."""
        neighbour, _ = self.open(self.network.host("192.168.1.3", nat=self.nat), 6000)
        other_nat = Nat(NatKind.FULL_CONE, "203.0.113.8")
        for nat in (None, other_nat):
            stranger, _ = self.open(self.network.host("192.168.1.4", nat=nat), 6000)
        self.caller.setBroadcastAllowed(True)
        self.caller.write(b"all", ("255.255.255.255", 6000))
        self.network.advance(1.0)
        self.assertEqual(neighbour.heard, [(b"all", INSIDE)])
        self.assertEqual(stranger.heard, [])

    def test_loopback_stays_inside(self) -> None:
        """The loopback is not translated."""
        own, _ = self.open(self.phone, 6000)
        self.caller.write(b"me", ("127.0.0.1", 6000))
        self.network.advance(1.0)
        self.assertEqual(own.heard, [(b"me", ("127.0.0.1", 5000))])

    def test_hairpin(self) -> None:
        """Neighbours reach each other by the public address only if the NAT can do that."""
        neighbour, other = self.open(self.network.host("192.168.1.3", nat=self.nat), 6000)
        for hairpin in (False, True):
            self.nat.hairpin = hairpin
            self.caller.write(b"open", (PUBLIC, 20001))
            other.write(b"open", (PUBLIC, 20000))
            self.network.advance(1.0)
        # The very first came before its way was open.
        self.assertEqual(
            self.fates(), [Fate.FILTERED, Fate.FILTERED, Fate.DELIVERED, Fate.DELIVERED]
        )
        self.assertEqual(neighbour.heard, [(b"open", (PUBLIC, 20000))])
        self.assertEqual(self.calling.heard, [(b"open", (PUBLIC, 20001))])
