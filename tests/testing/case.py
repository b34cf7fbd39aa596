"""
The base of the tests of the network in memory.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.testing.recorder import Recorder
from trailcam.testing import Fate, MemoryHost, MemoryNetwork, MemoryPort

A, B, C = "10.0.0.1", "10.0.0.2", "10.0.0.3"


class NetworkTestCase(SynchronousTestCase):
    """Has a network, and short ways to look at it."""

    def setUp(self) -> None:
        """Make an empty network."""
        self.network = MemoryNetwork()

    def open(
        self, host: MemoryHost, port: int = 0, interface: str = ""
    ) -> tuple[Recorder, MemoryPort]:
        """Open a port that records."""
        protocol = Recorder()
        return protocol, host.listenUDP(port, protocol, interface)

    def fates(self) -> list[Fate]:
        """What became of everything."""
        return [datagram.fate for datagram in self.network.log]


class TwoHosts(NetworkTestCase):
    """A sender with number 5000 on A and a receiver with number 6000 on B."""

    def setUp(self) -> None:
        """Open both ports."""
        super().setUp()
        self.a, self.b = self.network.host(A), self.network.host(B)
        self.sending, self.sender = self.open(self.a, 5000)
        self.receiving, self.receiver = self.open(self.b, 6000)

    def send(self, *payloads: bytes, to: tuple[str, int] = (B, 6000)) -> None:
        """Write datagrams from the sender."""
        for payload in payloads:
            self.sender.write(payload, to)
