"""
The path to one client that came through the NATs: its share of the agent's socket.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.errors import LinkClosed
from trailcam.interfaces import Address, ILink, IMessageReceiver
from trailcam.link.datagram import DatagramLink
from trailcam.link.handover import Handover
from trailcam.model import ConnectionMode
from trailcam.wire.constants import MAX_DRW_PAYLOAD
from trailcam.wire.messages import Message, P2PRdy, PunchPkt

_KNOCKS = (PunchPkt, P2PRdy)


@implementer(ILink)
class PunchedLink:
    """
    One client among those that share a socket, told from the others by its exact address.

    :ivar settled: whether the client has said anything that only follows on our P2P_RDY.
    :ivar left: when the link ended, in seconds; ``None`` before.
    """

    mode = ConnectionMode.P2P
    max_payload = MAX_DRW_PAYLOAD
    _log = Logger()

    def __init__(self, socket: DatagramLink, peer: Address, seconds: Callable[[], float]) -> None:
        """
        :param socket: the shared one; it stays open when this link ends.
        :param seconds: tells the time.
        """
        self.peer = peer
        self.local = socket.local
        self.settled = False
        self.left: float | None = None
        self._socket = socket
        self._seconds = seconds
        self._handover = Handover(self._log)

    def attach(self, receiver: IMessageReceiver) -> None:
        """Make ``receiver`` the one who hears, and give it at once what was kept."""
        self._handover.attach(receiver)

    def send(self, message: Message) -> None:
        """Send to the client; raises :class:`~trailcam.errors.LinkClosed` after the end."""
        if self.left is not None:
            raise LinkClosed("this link is closed")
        self._socket.send_to(message, self.peer)

    def abandon(self) -> Deferred[None]:
        """Tell the client CLOSE, and hear it no more; fires at once."""
        if self.left is None:
            self.left = self._seconds()
            self._handover.forget()
            self._socket.send_close(self.peer)
        return succeed(None)

    # For the owner of the socket

    def hear(self, message: Message) -> None:
        """The client said something."""
        if not isinstance(message, _KNOCKS):
            self.settled = True
        self._handover.message(message, self.peer)

    def refused(self, error: int) -> None:
        """A datagram to the client was refused."""
        self._handover.refused(self.peer, error)

    def lost(self, reason: Failure) -> None:
        """The socket is gone."""
        if self.left is None:
            self.left = self._seconds()
            self._handover.lost(reason)
