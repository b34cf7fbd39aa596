"""
Hole punching over the network in memory: the NATs behave as the textbooks say.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

from twisted.internet.protocol import DatagramProtocol
from twisted.trial.unittest import SynchronousTestCase

from tests.testing.recorder import Recorder
from trailcam.testing import Address, MemoryNetwork, Nat, NatKind


class Introducer(DatagramProtocol):
    """Tells each of two peers where the other one seems to be."""

    noisy = False

    def __init__(self) -> None:
        self.peers: list[Address] = []

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Introduce the second caller to the first and the first to the second."""
        self.peers.append(addr)
        if len(self.peers) == 2:
            assert self.transport is not None
            for one, other in (self.peers, self.peers[::-1]):
                self.transport.write(f"{other[0]}:{other[1]}".encode(), one)


class Puncher(Recorder):
    """Punches to where it is told, three times, and to wherever a punch comes from."""

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Follow an introduction, answer a punch."""
        super().datagramReceived(datagram, addr)
        assert self.transport is not None
        if datagram == b"punch":
            self.transport.write(b"ready", addr)
        elif datagram != b"ready":
            host, _, port = datagram.decode().partition(":")
            for _ in range(3):
                self.transport.write(b"punch", (host, int(port)))


def _punch(*kinds: NatKind) -> bool:
    """Whether two hosts behind NATs of these kinds find each other through an introducer."""
    network = MemoryNetwork(jitter=0.01)
    network.host("198.51.100.1").listenUDP(32100, Introducer())
    punchers = []
    for number, kind in enumerate(kinds, 1):
        nat = Nat(kind, f"203.0.113.{number}")
        puncher = Puncher()
        port = network.host("192.168.1.2", nat=nat).listenUDP(5000, puncher)
        port.write(b"hello", ("198.51.100.1", 32100))
        punchers.append(puncher)
    network.advance(5.0)
    return all({b"punch", b"ready"} & set(puncher.payloads) for puncher in punchers)


class PunchingTests(SynchronousTestCase):
    """The classic table: which pairs of NATs can be punched through."""

    def test_pairs(self) -> None:
        """All pairs work but a symmetric one with a symmetric or a port-restricted one."""
        hopeless = [
            {NatKind.SYMMETRIC},
            {NatKind.SYMMETRIC, NatKind.PORT_RESTRICTED},
        ]
        for pair in combinations_with_replacement(NatKind, 2):
            self.assertEqual(_punch(*pair), set(pair) not in hopeless, pair)
