"""The rendezvous server on real sockets, on loopback."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol
from twisted.trial.unittest import TestCase

from tests.server.rendezvous import ask, login, result_of, server_on
from trailcam.interfaces import Address
from trailcam.wire.codec import decode, encode
from trailcam.wire.constants import Result
from trailcam.wire.messages import Hello, P2PReqAck, PunchTo
from trailcam.wire.sockaddr import SocketAddress

reactor: Any = global_reactor


class Caller(DatagramProtocol):
    """Somebody who asks, and is told."""

    noisy = False

    def __init__(self) -> None:
        self._waiting: Deferred[bytes] | None = None

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Tell who waits."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(datagram)

    def told(self) -> Deferred[bytes]:
        """The next datagram."""
        self._waiting = Deferred()
        return self._waiting

    def ask(self, datagram: bytes, server: Address) -> Deferred[bytes]:
        """Send, and wait for the answer."""
        assert self.transport is not None
        self.transport.write(datagram, server)
        return self.told()


class SocketTests(TestCase):
    """A server, a device and a client."""

    def listen(self, protocol: DatagramProtocol) -> Address:
        """Open a port."""
        port = reactor.listenUDP(0, protocol, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return ("127.0.0.1", port.getHost().port)

    async def test_meeting(self) -> None:
        """The device logs in, and the client is introduced."""
        server, device, client = self.listen(server_on(reactor)), Caller(), Caller()
        _, client_at = self.listen(device), self.listen(client)
        for caller in (device, client):
            token = await caller.ask(encode(Hello(bytes(16))), server)
            caller.transport.write(token, server)  # type: ignore[union-attr]
        self.assertIs(result_of(decode(await device.ask(encode(login()), server))), Result.OK)
        punched = device.told()
        answer = decode(await client.ask(encode(ask()), server))
        self.assertEqual(answer, P2PReqAck(Result.OK))
        self.assertEqual(decode(await punched), PunchTo(SocketAddress(*client_at)))
