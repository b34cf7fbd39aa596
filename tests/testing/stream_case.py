"""
The base of the tests of TCP in memory.
"""

from __future__ import annotations

from tests.testing.case import A, B, NetworkTestCase
from tests.testing.streams import Maker, Talker
from trailcam.testing import MemoryHost, MemoryListener


class StreamTestCase(NetworkTestCase):
    """A client on A, a server on B, half a second apart."""

    def setUp(self) -> None:
        """Make the hosts."""
        super().setUp()
        self.network.latency = 0.5
        self.client, self.server = self.network.host(A), self.network.host(B, name="server")
        self.addCleanup(self.be_quiet)

    def be_quiet(self) -> None:
        """Let end what ends, and see that nothing stays."""
        self.network.advance(60.0)
        self.network.assert_quiet()

    def serve(
        self, *talkers: Talker, host: MemoryHost | None = None, port: int = 80, interface: str = ""
    ) -> MemoryListener:
        """Listen, with these protocols, until the end of the test."""
        listener = (host or self.server).listenTCP(port, Maker(*talkers), interface=interface)
        self.addCleanup(listener.stopListening)
        return listener

    def dial(
        self,
        host: MemoryHost | None = None,
        to: str = B,
        timeout: float = 30,
        talker: Talker | None = None,
    ) -> Maker:
        """Connect a talker; its transport is aborted at the end of the test."""
        factory = Maker(talker or Talker())
        (host or self.client).connectTCP(to, 80, factory, timeout=timeout)
        self.addCleanup(self.hang_up, factory)
        return factory

    def hang_up(self, factory: Maker) -> None:
        """Close the connection of a factory, if there is one."""
        for talker in factory.made:
            assert isinstance(talker, Talker)
            talker.transport.abortConnection()

    def connect(self) -> tuple[Talker, Talker]:
        """A connected client and server."""
        client, server = Talker(), Talker()
        self.serve(server)
        self.dial(talker=client)
        self.network.advance(1.5)
        self.assertEqual((client.events, server.events), (["made"], ["made"]))
        return client, server
