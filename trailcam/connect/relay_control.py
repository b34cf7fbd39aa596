"""
The control connection to a relay: one question, one answer.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from trailcam.interfaces import Address
from trailcam.link.framed import FramedConnection
from trailcam.waiting import settle
from trailcam.wire.messages import Message

#: Seconds that the goodbye to a relay may take: a caller's time includes it, and a winner waits for
#: that of the losers.
FAREWELL = 0.2

M = TypeVar("M", bound=Message)


async def dial(
    reactor: Any, endpoint: IStreamClientEndpoint, connection: FramedConnection
) -> FramedConnection:
    """
    Connect; fails as the endpoint does, except that cancelling is CancelledError.

    :param reactor: provides IReactorTime.
    :param connection: what is connected, and returned.
    """
    factory = Factory.forProtocol(lambda: connection)
    factory.noisy = False
    try:
        return cast(FramedConnection, await endpoint.connect(factory))
    except ConnectingCancelledError as cancelled:
        await settle(deferLater(reactor, 0))  # its socket is closed only after we heard of it
        raise CancelledError from cancelled


class Control:
    """
    Takes over a connection: whatever comes unasked is ignored.

    :ivar peer: where it leads to; an IP literal and the port.
    """

    def __init__(self, connection: FramedConnection) -> None:
        self.peer: Address = connection.peer
        self._connection = connection
        self._kind: type[Message] = Message
        self._answer: Deferred[Any] | None = None
        self._end: Failure | None = None
        connection.hear = self._heard
        connection.ended = self._ended

    def ask(self, question: Message, kind: type[M]) -> Deferred[M]:
        """
        Send ``question``.

        :return: fires with the next message of ``kind``; fails with what ended the connection.
        """
        if self._end is not None:
            return fail(self._end)
        self._kind, self._answer = kind, Deferred()
        answer = self._answer
        self._connection.send(question)
        return answer

    def close(self) -> Deferred[None]:
        """See :meth:`~trailcam.link.framed.FramedConnection.close`."""
        return self._connection.close()

    def _heard(self, message: Message) -> None:
        if isinstance(message, self._kind):
            answer, self._answer = self._answer, None
            if answer is not None:
                answer.callback(message)

    def _ended(self, reason: Failure) -> None:
        self._end = reason
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.errback(reason)
