"""
A path to one camera through a relay.
"""

from __future__ import annotations

from contextlib import suppress

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.errors import LinkClosed, LinkLost, WireError
from trailcam.interfaces import Address, ILink, IMessageReceiver
from trailcam.link.framed import FramedConnection
from trailcam.link.handover import Handover
from trailcam.model import ConnectionMode
from trailcam.wire.constants import MAX_DRW_PAYLOAD
from trailcam.wire.messages import Close, Message


@implementer(ILink)
class RelayLink:
    """
    A connection to a relay's data port on which both parties are there.

    While more waits to be sent than the connection likes, messages are dropped, as on any crowded
    path: who needs them sends them again, and nothing piles up here, whatever the peer is up to.

    :ivar dropped: how many were.
    """

    mode = ConnectionMode.RELAY
    max_payload = MAX_DRW_PAYLOAD
    _log = Logger()

    def __init__(self, connection: FramedConnection) -> None:
        """:param connection: open; the link's own from now on."""
        self.peer: Address = connection.peer
        self.local: Address = connection.local
        self.dropped = 0
        self._connection = connection
        self._handover = Handover(self._log)
        self._leaving = False
        self._over = "this link is closed"
        connection.hear = self._heard
        connection.ended = self._ended

    def attach(self, receiver: IMessageReceiver) -> None:
        """Make ``receiver`` the one who hears, and give it at once what was kept."""
        self._handover.attach(receiver)

    def confirm(self, proof: Message) -> None:
        """
        The camera has proved itself: from now on keep what comes, for the next receiver.

        :param proof: the message that did it; the next receiver answers it.
        """
        self._handover.detach()
        self._handover.message(proof, self.peer)

    def send(self, message: Message) -> None:
        """Send to the camera; raises :class:`~trailcam.errors.LinkClosed` after the end."""
        if self._leaving:
            raise LinkClosed(self._over)
        if self._connection.congested:
            self.dropped += 1
        else:
            self._connection.send(message)

    def abandon(self) -> Deferred[None]:
        """Say CLOSE and let go of the connection; fires within the time of a farewell."""
        if not self._leaving:
            self._leaving = True
            self._handover.forget()
            self._say_close()
        return self._connection.close()

    def _say_close(self) -> None:
        with suppress(LinkClosed):  # there may be nobody left to tell
            self._connection.send(Close())

    def _heard(self, message: Message) -> None:
        self._handover.message(message, self.peer)

    def _ended(self, reason: Failure) -> None:
        if self._leaving:
            return
        self._leaving = True
        if reason.check(WireError):
            text = f"what came through the relay is out of order: {reason.getErrorMessage()}"
        else:
            text = f"the relay ended the connection: {reason.getErrorMessage()}"
        self._over = text
        self._handover.lost(Failure(LinkLost(text)))
