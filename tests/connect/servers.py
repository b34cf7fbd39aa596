"""A rendezvous server and a device that follow a script, on the network in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import DatagramProtocol

from trailcam.interfaces import Address
from trailcam.testing import MemoryHost
from trailcam.wire.codec import decode, encode
from trailcam.wire.constants import HELLO_ROOM, RENDEZVOUS_PORT, Result
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import (
    Alive,
    AliveAck,
    Close,
    Hello,
    HelloAck,
    Message,
    P2PRdy,
    P2PReq,
    P2PReqAck,
    P2PReqDsk,
    PunchPkt,
    PunchTo,
)
from trailcam.wire.sockaddr import SocketAddress

DID = DeviceID("MYCAM", 1, "ABCDE")

#: A name that :class:`SlowNames` never resolves.
SLOW = "slow.example"
TOKEN = b"8 octets"


class SlowNames:
    """
    Puts a resolver before a host's own that never has an answer for :data:`SLOW`.

    :ivar asked: how often it was asked for that.
    """

    def __init__(self, host: MemoryHost) -> None:
        self.asked = 0
        self._own = host.nameResolver
        host.nameResolver = self  # type: ignore[assignment]

    def resolveHostName(self, receiver: Any, name: str, *args: Any, **options: Any) -> Any:
        """Ask, or be silent."""
        if name != SLOW:
            return self._own.resolveHostName(receiver, name, *args, **options)
        self.asked += 1
        return receiver.resolutionBegan(None)


class Talker(DatagramProtocol):
    """
    One port that keeps what it hears, and answers what :meth:`hear` says.

    :ivar heard: time, message and sender.
    """

    noisy = False

    def __init__(self, host: MemoryHost, port: int) -> None:
        self.host = host
        self.heard: list[tuple[float, Message, Address]] = []
        self.port = host.listenUDP(port, self)
        self.address: Address = (host.address, self.port.getHost().port)

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Keep and answer."""
        message = decode(datagram)
        self.heard.append((self.host.seconds(), message, addr))
        self.hear(message, addr)

    def hear(self, message: Message, peer: Address) -> None:
        """Nothing."""

    def say(self, message: Message, peer: Address) -> None:
        """Send."""
        self.port.write(encode(message), peer)

    def times(self, *kinds: type[Message]) -> list[float]:
        """When messages of some kinds were heard."""
        return [time for time, message, _ in self.heard if isinstance(message, kinds)]

    def peers(self, *kinds: type[Message]) -> list[Address]:
        """Who sent messages of some kinds, each once."""
        return list(dict.fromkeys(p for _, m, p in self.heard if isinstance(m, kinds)))

    def close(self) -> None:
        """Close the port."""
        self.port.stopListening()


class ScriptedServer(Talker):
    """
    Introduces whoever has proved his address to ``device``.

    :ivar result: what a P2P_REQ is answered with.
    :ivar candidates: addresses that clients are told to punch.
    :ivar proven: who has returned the token.
    """

    def __init__(self, host: MemoryHost, *candidates: Address, port: int = RENDEZVOUS_PORT) -> None:
        super().__init__(host, port)
        self.result: int = Result.OK
        self.candidates: Sequence[Address] = candidates
        self.proven: set[Address] = set()
        self.introduce: Callable[[Address], None] = lambda _: None
        self.deaf_to: tuple[type[Message], ...] = ()

    def hear(self, message: Message, peer: Address) -> None:
        """The server's side of an introduction."""
        if isinstance(message, self.deaf_to):
            return
        if isinstance(message, Hello):
            assert len(message.room) == HELLO_ROOM
            self.say(HelloAck(SocketAddress(*peer), TOKEN), peer)
        elif isinstance(message, HelloAck):
            if message == HelloAck(SocketAddress(*peer), TOKEN):
                self.proven.add(peer)
        elif peer not in self.proven:
            self.say(Hello(), peer)
        elif isinstance(message, P2PReq | P2PReqDsk):
            self.say(P2PReqAck(self.result), peer)
            if self.result == Result.OK:
                self._introduce(peer)

    def _introduce(self, peer: Address) -> None:
        for candidate in self.candidates:
            self.say(PunchTo(SocketAddress(*candidate)), peer)
        self.introduce(peer)


class ScriptedDevice(Talker):
    """Punches whom it is introduced to, and is ready for whoever punches it."""

    def __init__(self, host: MemoryHost, port: int = 7000, did: DeviceID = DID) -> None:
        super().__init__(host, port)
        self.did = did
        self.ready = True
        self._calls: list[IDelayedCall] = []

    def introduce(self, client: Address) -> None:
        """Be sent to a client: three punches."""
        self.say(PunchPkt(self.did), client)
        for delay in (0.1, 0.2):
            self._calls.append(self.host.callLater(delay, self.say, PunchPkt(self.did), client))

    def close(self) -> None:
        """Close the port, and punch no more."""
        super().close()
        for call in self._calls:
            if call.active():
                call.cancel()

    def hear(self, message: Message, peer: Address) -> None:
        """The device's side of a punch."""
        if isinstance(message, PunchPkt | P2PRdy):
            self.say(P2PRdy(self.did) if self.ready else PunchPkt(self.did), peer)
        elif isinstance(message, Alive):
            self.say(AliveAck(), peer)

    @property
    def told_to_close(self) -> bool:
        """Whether CLOSE came."""
        return bool(self.times(Close))
