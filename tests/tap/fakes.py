"""
Links, reports and races for the tests of what is built on them.
"""

from __future__ import annotations

import attrs
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from trailcam.errors import AllAttemptsFailed, PortsRefused
from trailcam.interfaces import Address, ILink, IMessageReceiver
from trailcam.model import AttemptReport, AttemptState, ConnectionMode, Report
from trailcam.wire.messages import Close, Message

P2P, LAN, RELAY = ConnectionMode

REFUSED = "192.168.43.1 refused port 40611 (ICMP): nothing listens there"

VICTORY = Report(
    winner=P2P,
    elapsed=0.25,
    attempts=(
        AttemptReport(P2P, AttemptState.SUCCESS, 5000, 0, 0.25, phase="ready", round_trip=0.125),
        AttemptReport(LAN, AttemptState.CANCELLED, 5001, 0, 0.2, phase="searching"),
        AttemptReport(RELAY),
    ),
)

DEFEAT = Report(
    winner=None,
    elapsed=0.5,
    attempts=(
        AttemptReport(
            P2P, AttemptState.FAILED, 5000, 1, 0.5, REFUSED, "refused", phase="searching"
        ),
        AttemptReport(
            LAN, AttemptState.FAILED, 5001, 1, 0.4, "nothing answered", "no_answer", "searching"
        ),
        AttemptReport(RELAY),
    ),
)


def defeat() -> AllAttemptsFailed:
    """How a race fails."""
    return AllAttemptsFailed((PortsRefused(P2P, "searching", 0.5, REFUSED),), DEFEAT)


@implementer(ILink)
@attrs.define(eq=False)
class FakeLink:
    """
    A proven link to nobody.

    :ivar sent: what was sent; the CLOSE of :meth:`abandon` too.
    :ivar gone: what :meth:`abandon` returns, fired or not.
    """

    mode: ConnectionMode = P2P
    peer: Address | None = ("192.168.43.1", 40611)
    local: Address = ("0.0.0.0", 5000)
    max_payload: int = 1024
    receiver: IMessageReceiver | None = None
    sent: list[Message] = attrs.field(factory=list)
    abandoned: bool = False
    gone: Deferred[None] = attrs.field(factory=lambda: succeed(None))

    def attach(self, receiver: IMessageReceiver) -> None:
        """Keep the receiver."""
        self.receiver = receiver

    def send(self, message: Message) -> None:
        """Keep the message."""
        self.sent.append(message)

    def abandon(self) -> Deferred[None]:
        """Be gone as soon as ``gone`` fires."""
        if not self.abandoned:
            self.abandoned = True
            self.sent.append(Close())
        waiter: Deferred[None] = Deferred()
        self.gone.chainDeferred(waiter) if not self.gone.called else waiter.callback(None)
        return waiter

    def hear(self, message: Message) -> None:
        """Let the camera say something."""
        assert self.receiver is not None
        assert self.peer is not None
        self.receiver.message_received(message, self.peer)


class Races:
    """
    Stands for a connector: each race is a Deferred for the test to settle.

    :ivar started: the races so far, the running one last.
    :ivar cancelled: how many were cancelled.
    :ivar stubborn: a cancelled race hands out this link all the same.
    """

    def __init__(self) -> None:
        self.started: list[Deferred[tuple[ILink, Report]]] = []
        self.cancelled = 0
        self.stubborn: FakeLink | None = None

    def connect(self) -> Deferred[tuple[ILink, Report]]:
        """Start a race."""
        race: Deferred[tuple[ILink, Report]] = Deferred(self._cancel)
        self.started.append(race)
        return race

    def win(self, link: FakeLink) -> FakeLink:
        """The running race is won by ``link``."""
        self.started[-1].callback((link, VICTORY))
        return link

    def lose(self, problem: Exception | None = None) -> None:
        """Nobody wins the running race."""
        self.started[-1].errback(problem or defeat())

    def _cancel(self, race: Deferred[tuple[ILink, Report]]) -> None:
        self.cancelled += 1
        if self.stubborn is not None:
            race.callback((self.stubborn, VICTORY))
