"""
A connection to a data port of the relay: first one frame that says who this is, then octets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.interfaces import IProtocol, ITCPTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.errors import WireError
from trailcam.server.relay_pipe import pipe
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import Message, RlyPkt
from trailcam.wire.stream import ClearFraming, FrameDecoder, encode_frame

if TYPE_CHECKING:
    from trailcam.server.relay_pair import Pair

_FRAMING: Final = ClearFraming()

#: Octets of that frame.
CLAIM_SIZE: Final = len(encode_frame(RlyPkt(0, TRAILCAM_DID, False), _FRAMING))


@implementer(IProtocol)
class DataConnection:
    """
    One party, or somebody who says so.

    Not a :class:`twisted.internet.protocol.Protocol`: those have a dictionary each, and an idle
    pair has two of these.

    :ivar is_device: which party this is; ``None`` until that is accepted.
    """

    __slots__ = ("_pair", "_receive", "_write", "is_device", "transport")

    def __init__(self, pair: Pair) -> None:
        self.is_device: bool | None = None
        self.transport: Any = None
        self._pair = pair
        self._receive: Callable[[bytes], None] = _Claim(self, pair).receive
        self._write: Callable[[bytes], None] | None = None

    @property
    def host(self) -> str:
        """The address at the other end; empty where it has none (a UNIX socket, say)."""
        return getattr(self.transport.getPeer(), "host", "")

    @property
    def is_stranger(self) -> bool:
        """Whether it may still say who it is."""
        return self.is_device is None and self._receive is not _ignore

    def makeConnection(self, transport: Any) -> None:
        """Begin."""
        self.transport = transport
        self.connectionMade()

    def connectionMade(self) -> None:
        """Be welcome, or not."""
        transport = self.transport
        if ITCPTransport.providedBy(transport):
            transport.setTcpNoDelay(True)
        self._pair.arrived(self)

    def dataReceived(self, data: bytes) -> None:
        """Look at it, or pass it on."""
        self._receive(data)

    def connectionLost(self, reason: Failure) -> None:
        """Tell the pair."""
        self._receive = _ignore
        self._write = None
        self._pair.lost(self)

    def accept(self, is_device: bool) -> None:
        """It has said who it is; now it has to wait for RLY_RDY."""
        self.is_device = is_device
        self._receive = self._early

    def feed(self, other: DataConnection, ready: bytes) -> None:
        """
        From now on everything goes to ``other``.

        :param ready: what ``other`` hears first.
        """
        self._write = pipe(self.transport, other.transport)
        self._write(ready)
        self._receive = self._carry

    def close(self) -> None:
        """Close it when what is left for it has been written."""
        self._receive = _ignore
        if self._write is not None:
            self._write = None
            self.transport.unregisterProducer()
        self.transport.loseConnection()

    def abort(self) -> None:
        """Close it at once."""
        self._receive = _ignore
        self.transport.abortConnection()

    def _early(self, data: bytes) -> None:
        self._pair.spoke_early(self)

    def _carry(self, data: bytes) -> None:
        if self._pair.carries(self, len(data)) and self._write is not None:
            self._write(data)


class _Claim:
    """
    Collects the frame that says who this is.

    :param connection: whose it is.
    """

    def __init__(self, connection: DataConnection, pair: Pair) -> None:
        self._connection = connection
        self._pair = pair
        self._decoder = FrameDecoder(_FRAMING)
        self._size = 0

    def receive(self, data: bytes) -> None:
        """Look at the first octets only; the rest is for whoever the connection has become."""
        room = CLAIM_SIZE - self._size
        self._size += len(data)
        try:
            messages = self._decoder.feed(data[:room])
        except WireError as problem:
            self._pair.turn_away(self._connection, problem.code)
            return
        if messages:
            self._judge(messages[0])
        elif self._size >= CLAIM_SIZE:
            self._pair.turn_away(self._connection, "no RLY_PKT")
        if self._size > CLAIM_SIZE:
            self._connection.dataReceived(data[room:])

    def _judge(self, message: Message) -> None:
        if isinstance(message, RlyPkt):
            self._pair.claimed(self._connection, message)
        else:
            self._pair.turn_away(self._connection, "no RLY_PKT")


def _ignore(data: bytes) -> None:
    """What a connection sends that is closing."""
