"""
Control connections of the relay: frames in, and what is in them to whom it concerns.
"""

from __future__ import annotations

from typing import Any, Final, cast

from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from trailcam.errors import WireError
from trailcam.interfaces import Address
from trailcam.server.relay_exchange import DRAIN, Exchange
from trailcam.server.relay_roles import PATIENCE, ROLES, Role
from trailcam.wire.messages import Message
from trailcam.wire.stream import ClearFraming, FrameDecoder, encode_frame

_FRAMING: Final = ClearFraming()

#: Messages that a peer may say between two sweeps, a second or so.  An honest one says a handful.
MOST_MESSAGES: Final = 100

# Of one read: so nobody who says much keeps the others from being heard.
_READ_SIZE = 1024


class ControlConnection(Protocol):
    """Somebody who asks; whether a client or a device, the first message tells."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._decoder = FrameDecoder(_FRAMING, self._undecodable)
        self._role: Role | None = None
        self._counted = False
        self._heard = 0.0
        self._closing: float | None = None
        self._said = 0

    @property
    def peer(self) -> Address:
        """Address and number at the other end; empty where it has none (a UNIX socket, say)."""
        peer = cast(Any, self.transport).getPeer()
        return getattr(peer, "host", ""), getattr(peer, "port", 0)

    def connectionMade(self) -> None:
        """Be welcome, unless there are too many."""
        self._heard = self._exchange.clock.seconds()
        self._exchange.add(self)
        self._counted = self._exchange.rules.controls.take(self.peer[0])
        if isinstance(self.transport, FileDescriptor):
            cast(Any, self.transport).bufferSize = _READ_SIZE
        # Who does not read the answers is not heard either, so that they do not pile up here.
        cast(Any, self.transport).registerProducer(self.transport, True)
        if not self._counted:
            self.refuse("too many control connections")

    def dataReceived(self, data: bytes) -> None:
        """Hear the messages that are complete; none, once it is being closed."""
        try:
            messages = self._decoder.feed(data)
        except WireError as problem:
            self.refuse(problem.code)
            return
        for message in messages:
            if self._closing is None:
                self._hear(message)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Forget it."""
        self._end()
        if self._counted:
            self._exchange.rules.controls.give_back(self.peer[0])
        self._exchange.remove(self)

    def send(self, message: Message) -> None:
        """Send one message."""
        cast(Any, self.transport).write(encode_frame(message, _FRAMING))

    def refuse(self, kind: str) -> None:
        """Close it, because of what the peer did; ``kind`` is a word of ours for that."""
        self._exchange.noise.note(self.peer, kind)
        self.leave()

    # of whatever is open

    def check(self, now: float) -> None:
        """Close it when nothing sensible has come for too long."""
        self._said = 0
        if self._closing is not None:
            if now - self._closing >= DRAIN:
                self.abort()
        elif self._role is not None and self._role.busy:
            self._heard = now
        elif now - self._heard >= (PATIENCE if self._role is None else self._role.patience):
            self.leave()

    def leave(self) -> None:
        """Close it when what is left for the peer has been written."""
        if self._end():
            transport = cast(Any, self.transport)
            transport.unregisterProducer()
            transport.loseConnection()

    def abort(self) -> None:
        """Close it at once."""
        cast(Any, self.transport).abortConnection()

    def _end(self) -> bool:
        """From now on nothing is heard; whether that is new."""
        if self._closing is not None:
            return False
        self._closing = self._exchange.clock.seconds()
        if self._role is not None:
            self._role.lost()
        return True

    def _undecodable(self, problem: WireError) -> None:
        self._exchange.noise.note(self.peer, problem.code)

    def _hear(self, message: Message) -> None:
        """Who begins as a client stays one, and likewise a device."""
        self._said += 1
        if self._said > MOST_MESSAGES:
            self.refuse("too many messages")
            return
        if self._role is None and type(message) in ROLES:
            self._role = ROLES[type(message)](self, self._exchange)
        if self._role is None or not self._role.hear(message):
            self._exchange.noise.note(self.peer, "unexpected")
            return
        self._heard = self._exchange.clock.seconds()


class ControlFactory(Factory):
    """Makes control connections."""

    noisy = False

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def buildProtocol(self, addr: IAddress | None) -> ControlConnection:
        """Somebody came."""
        return ControlConnection(self._exchange)
