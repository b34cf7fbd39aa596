"""
Messages over TCP: one connection that speaks in clear frames.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.errors import LinkClosed, WireError
from trailcam.interfaces import Address
from trailcam.link.noise import Noise
from trailcam.wire.messages import Message
from trailcam.wire.stream import ClearFraming, FrameDecoder, encode_frame

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall

#: Seconds that a goodbye may take before the connection is cut off, unless somebody says otherwise.
_FAREWELL = 1.0


def _ignore(_: object) -> None:
    """Nobody listens."""


@implementer(IPushProducer)
class FramedConnection(Protocol):
    """
    One TCP (or TLS) connection with a relay.

    :ivar hear: is told every :class:`~trailcam.wire.messages.Message`; may be changed at any time.
    :ivar ended: is told, once and last, the Failure with which the connection ended, whoever
        ended it: a :class:`~trailcam.errors.WireError` when frames were out of order.
    :ivar congested: whether more is waiting to be sent than the transport likes.
    """

    _log = Logger()
    _framing = ClearFraming()

    def __init__(self, reactor: Any, farewell: float = _FAREWELL) -> None:
        """
        :param reactor: provides IReactorTime.
        :param farewell: seconds that the last octets, and with TLS the peer's goodbye, may take
            before the connection is cut off.
        """
        self.hear: Callable[[Message], None] = _ignore
        self.ended: Callable[[Failure], None] = _ignore
        self.congested = False
        self.local: Address = ("", 0)
        self.peer: Address = ("", 0)
        self._reactor = reactor
        self._farewell = farewell
        self._noise = Noise(self._log)
        self._decoder = FrameDecoder(self._framing, self._note)
        self._open = False
        self._gone = True
        self._fault: Failure | None = None
        self._cutoff: IDelayedCall | None = None
        self._waiting: list[Deferred[None]] = []

    def connectionMade(self) -> None:
        """Small messages shall not wait for each other."""
        transport = cast(Any, self.transport)
        self._open, self._gone = True, False
        self.local = _address(transport.getHost())
        self.peer = _address(transport.getPeer())
        transport.setTcpNoDelay(True)
        transport.registerProducer(self, True)

    def send(self, message: Message) -> None:
        """Send; raises :class:`~trailcam.errors.LinkClosed` after the end."""
        if not self._open:
            raise LinkClosed("this connection is closed")
        cast(Any, self.transport).write(encode_frame(message, self._framing))

    def close(self) -> Deferred[None]:
        """
        Let what was sent leave, for as long as a farewell may take, and close.

        :return: fires when the connection is gone; never fails.  May be called again.
        """
        waiter: Deferred[None] = Deferred()
        if self._open:
            self._open = False
            self._leave()
        if self._gone:
            waiter.callback(None)
        else:
            self._waiting.append(waiter)
        return waiter

    def dataReceived(self, data: bytes) -> None:
        """Decode and pass on; a frame out of order is the end."""
        if not self._open:
            return
        try:
            messages = self._decoder.feed(data)
        except WireError as problem:
            self._note(problem)
            self._fault = Failure(problem)
            self._open = False
            cast(Any, self.transport).abortConnection()
            return
        for message in messages:
            if self._open:  # else somebody closed it meanwhile
                self._tell(message)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is over."""
        self._open, self._gone = False, True
        if self._cutoff is not None and self._cutoff.active():
            self._cutoff.cancel()
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(None)
        self.hear, ended = _ignore, self.ended
        ended(self._fault or reason)

    def pauseProducing(self) -> None:
        """Called by the transport: it has more to send than it likes."""
        self.congested = True

    def resumeProducing(self) -> None:
        """Called by the transport: go on."""
        self.congested = False

    def stopProducing(self) -> None:
        """Called by the transport: it ends; :meth:`connectionLost` follows."""

    def _leave(self) -> None:
        transport = cast(Any, self.transport)
        transport.unregisterProducer()  # it would be waited for
        self._cutoff = self._reactor.callLater(self._farewell, transport.abortConnection)
        transport.loseConnection()  # last: some transports are gone when it returns

    def _tell(self, message: Message) -> None:
        try:
            self.hear(message)
        except Exception:
            self._log.failure("bug: {hear} raised", hear=getattr(self.hear, "__qualname__", "?"))

    def _note(self, problem: WireError) -> None:
        self._noise.note(self.peer, problem.code)


def _address(address: Any) -> Address:
    """What a transport calls an address, as ours; a socket without a number has none."""
    return getattr(address, "host", ""), getattr(address, "port", 0)
