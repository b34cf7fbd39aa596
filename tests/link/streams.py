"""A framed connection and its peer, on a network in memory."""

from __future__ import annotations

from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from trailcam.link.framed import FramedConnection
from trailcam.testing import MemoryNetwork
from trailcam.wire.messages import Message

HERE, RELAY, PORT = "192.168.43.20", "198.51.100.2", 50000


class Wired:
    """
    One end.

    :ivar heard: the messages, in order.
    :ivar endings: the Failures with which it ended: one at most.
    """

    def __init__(self, reactor: Any) -> None:
        self.heard: list[Message] = []
        self.endings: list[Failure] = []
        self.connection = FramedConnection(reactor)
        self.connection.hear = self.heard.append
        self.connection.ended = self.endings.append

    @property
    def transport(self) -> Any:
        """What is beneath."""
        return self.connection.transport


class StreamTestCase(SynchronousTestCase):
    """A connection to a relay; every test must leave the network quiet."""

    def setUp(self) -> None:
        """Connect."""
        self.network = MemoryNetwork()
        self.host, self.relay_host = self.network.host(HERE), self.network.host(RELAY)
        self.near, self.far = Wired(self.host), Wired(self.relay_host)
        factory = Factory.forProtocol(lambda: self.far.connection)
        self.listening = self.relay_host.listenTCP(PORT, factory)
        endpoint = TCP4ClientEndpoint(self.host, RELAY, PORT)
        self.connecting = endpoint.connect(Factory.forProtocol(lambda: self.near.connection))
        self.turn()
        self.connection = self.successResultOf(self.connecting)

    def tearDown(self) -> None:
        """Close; nothing may be left."""
        closing = [end.connection.close() for end in (self.near, self.far)]
        self.listening.stopListening()
        self.turn(1.1)
        for waiter in closing:
            self.successResultOf(waiter)
        self.network.assert_quiet()

    def turn(self, seconds: float = 0.01) -> None:
        """Let happen what is due, and what is under way."""
        self.network.advance(seconds)

    def fill(self) -> None:
        """Nobody reads at the far end, until the near one has more to send than it likes."""
        self.far.transport.stopReading()
        self.near.transport.write(bytes(1_000_000))
        self.turn()
