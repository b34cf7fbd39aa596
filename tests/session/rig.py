"""A session over a link that does nothing, on a clock that nobody winds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from trailcam.errors import LinkClosed, SessionError
from trailcam.interfaces import Address, IChannelReader, ILink, IMessageReceiver
from trailcam.model import ConnectionMode
from trailcam.session.session import Session
from trailcam.wire.messages import Drw, Message

PEER = ("192.168.43.1", 40611)
LOCAL = ("192.168.43.20", 50000)


def drw(index: int) -> Drw:
    """One of many messages that are not about keeping alive."""
    return Drw(0, index, b"payload")


@implementer(IChannelReader)
class Reader:
    """
    Keeps what a channel gives.

    :ivar pieces: what came, in order.
    :ivar closed: the reasons of the channel's end, of which there may be one.
    :ivar react: called after each piece.
    """

    def __init__(self, react: Callable[[], object] = lambda: None) -> None:
        self.pieces: list[bytes] = []
        self.closed: list[SessionError | None] = []
        self._react = react

    @property
    def data(self) -> bytes:
        """All octets."""
        return b"".join(self.pieces)

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self.pieces.append(data)
        self._react()

    def channel_closed(self, reason: SessionError | None) -> None:
        """Keep it."""
        self.closed.append(reason)


@implementer(ILink)
class QuietLink:
    """
    A proven link to nowhere.

    :ivar sent: time and message, in order.
    :ivar kept: what the next receiver gets.
    :ivar abandoned: how often the end was asked for.
    :ivar gone: fires when the port is gone, ``None`` when it goes at once.
    """

    mode = ConnectionMode.LAN
    max_payload = 1024

    def __init__(self, clock: Clock) -> None:
        self.peer: Address | None = PEER
        self.local = LOCAL
        self.sent: list[tuple[float, Message]] = []
        self.kept: list[Message] = []
        self.receiver: IMessageReceiver | None = None
        self.abandoned = 0
        self.gone: Deferred[None] | None = None
        self._clock = clock

    @property
    def messages(self) -> list[Message]:
        """What was sent."""
        return [message for _, message in self.sent]

    def times(self, kind: type[Message]) -> list[float]:
        """When messages of a kind were sent."""
        return [time for time, message in self.sent if type(message) is kind]

    def attach(self, receiver: IMessageReceiver) -> None:
        """Give what was kept."""
        self.receiver = receiver
        while self.kept:
            receiver.message_received(self.kept.pop(0), PEER)

    def send(self, message: Any) -> None:
        """Keep it, with its time."""
        if self.abandoned:
            raise LinkClosed("this link is closed")
        self.sent.append((self._clock.seconds(), message))

    def abandon(self) -> Deferred[None]:
        """Count."""
        self.abandoned += 1
        return succeed(None) if self.gone is None else self.gone


class SessionTestCase(SynchronousTestCase):
    """A fresh session; at the end of every test it must have left no call behind."""

    def setUp(self) -> None:
        """Begin at a time that is not 0, as on a real clock."""
        self.clock = Clock()
        self.clock.advance(100)
        self.link = QuietLink(self.clock)
        self.session = Session(self.clock, self.link)

    def tearDown(self) -> None:
        """Close it."""
        self.successResultOf(self.session.close())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def restart(self, *kept: Message) -> QuietLink:
        """Begin again, with a link in which messages wait; the result is the link."""
        self.successResultOf(self.session.close())
        self.link = QuietLink(self.clock)
        self.link.kept = list(kept)
        self.session = Session(self.clock, self.link)
        return self.link

    def hear(self, *messages: Message) -> None:
        """Let the camera say something."""
        for message in messages:
            self.session.message_received(message, PEER)

    def wait(self, seconds: float, *answers: Message) -> None:
        """Let time pass in steps of 1/8 s, exact in floats; the camera says ``answers`` in each."""
        for _ in range(round(seconds * 8)):
            self.clock.advance(0.125)
            self.hear(*answers)

    def since_start(self, kind: type[Message]) -> list[float]:
        """When messages of a kind were sent, in seconds since the session began."""
        return [time - 100 for time in self.link.times(kind)]
