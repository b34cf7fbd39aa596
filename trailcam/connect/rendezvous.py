"""
The relay mode's talk with rendezvous servers: which relays are there, and send the device to one.

Protocol: UDP relay messages.  See :doc:`/explain/servers`, "Relays".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.connect.inquiry import Inquiry
from trailcam.connect.pacing import Pace
from trailcam.connect.resolve import Lookups
from trailcam.connect.target import Target
from trailcam.errors import Hopeless, LinkUnavailable, PortUnavailable, RendezvousUnreachable
from trailcam.interfaces import Address, IMessageReceiver
from trailcam.link.datagram import DatagramLink
from trailcam.model import ConnectionMode
from trailcam.wire.constants import Result
from trailcam.wire.messages import (
    ListReq1,
    ListReqAck,
    ListReqDsk,
    Message,
    RlyReq,
    RlyReqAck,
)
from trailcam.wire.sockaddr import SocketAddress

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall

#: Seconds that a server's name may take to resolve.
_NAMES = 5.0

#: Seconds that the other servers have after one has had nothing to offer.
_GRACE = 1.0

Useful = Callable[[Message], bool]
Send = Callable[[Message, Address], None]


def _ignore(*_: Address) -> None:
    """Nobody listens."""


class _Round:
    """
    One question to all servers, until one has a useful answer or none can have one.

    :ivar over: fires with all answers, the useful one, if there is one, last.
    """

    def __init__(self, reactor: Any, send: Send, lookups: Lookups, pace: Pace) -> None:
        self.over: Deferred[list[Message]] = Deferred()
        self._reactor = reactor
        self._send = send
        self._lookups = lookups
        self._pace = pace
        self._answers: dict[Address, Message] = {}
        self._resends = 0
        self._timer: IDelayedCall | None = None
        self._grace: IDelayedCall | None = None

    def ask(
        self, question: Message, kind: type[Message], useful: Useful
    ) -> Deferred[list[Message]]:
        """
        Begin.

        :param kind: the messages that are answers.
        :param useful: whether one of them is what is looked for.
        """
        self._kind, self._useful = kind, useful
        self.inquiry = Inquiry(self._lookups.known, question, self._send, self._answered)
        self.inquiry.start()
        self._lookups.found, self._lookups.over = self.inquiry.add, self._look
        self._wait()
        return self.over

    def refused(self, server: Address, error: int) -> None:
        """Perhaps nobody listens there."""
        if self.inquiry.refused(server, error):
            self._look()

    def stop(self) -> None:
        """Let go of the timers, and take in no more servers."""
        self._lookups.found, self._lookups.over = _ignore, _ignore
        for timer in (self._timer, self._grace):
            if timer is not None and timer.active():
                timer.cancel()

    def _answered(self, message: Message, server: Address) -> None:
        if not isinstance(message, self._kind) or server in self._answers:
            return
        self._answers[server] = message
        if self._useful(message):
            self._finish()
            return
        if self._grace is None:
            self._grace = self._reactor.callLater(_GRACE, self._finish)
        self._settle(server)

    def _settle(self, server: Address) -> None:
        self.inquiry.settle(server)
        self._look()

    def _look(self) -> None:
        if self.inquiry.settled and not self._lookups.pending:
            self._finish()

    def _finish(self) -> None:
        if not self.over.called:
            self.over.callback(list(self._answers.values()))

    def _wait(self) -> None:
        self._timer = self._reactor.callLater(self._pace.interval(self._resends), self._again)

    def _again(self) -> None:
        self._resends += 1
        self.inquiry.again()
        self._wait()


@implementer(IMessageReceiver)
class Rendezvous:
    """
    One UDP socket, from which one question after the other goes to all rendezvous servers.

    The socket stays the same, because the servers remember what its address has shown.

    :ivar trouble: what stood in the way to servers in the last round; empty if nothing is known.
    """

    def __init__(self, reactor: Any, target: Target, pace: Pace) -> None:
        """
        :param reactor: provides IReactorTime, IReactorUDP and, for host names,
            IReactorPluggableNameResolver.
        :param pace: intervals between resends.
        """
        self.trouble = ""
        self._reactor = reactor
        self._target = target
        self._pace = pace
        self._link = DatagramLink(reactor, ConnectionMode.RELAY)
        self._lookups = Lookups(reactor, target.rendezvous)
        self._round: _Round | None = None
        self._opened = False
        self._lost: Failure | None = None

    def __str__(self) -> str:
        """The servers as they were given."""
        return ", ".join(f"{host}:{port}" for host, port in self._target.rendezvous)

    async def relays(self) -> list[Address]:
        """
        The relays that the servers list: those of the first server that lists any.

        Shows the device's secret, too, if there is one.

        :raises Hopeless: when no server can be asked.
        """
        answers = await self._ask(
            self._list_request(), ListReqAck, lambda answer: bool(_listed(answer))
        )
        return _listed(answers[-1])

    async def send_device(self, relay: Address, magic: int) -> int:
        """
        Have the device told that a client waits for it at a relay.

        :param relay: its IPv4 literal and data port.
        :return: the result of the server that could do most; see
            :class:`~trailcam.wire.constants.Result`.
        :raises Hopeless: when no server can be asked.
        """
        question = RlyReq(self._target.did, SocketAddress(*relay), magic)
        answers = await self._ask(question, RlyReqAck, lambda answer: _result(answer) == Result.OK)
        return min(map(_result, answers), key=_usefulness)

    def _list_request(self) -> Message:
        did, secret = self._target.did, self._target.secret
        return ListReq1(did) if secret is None else ListReqDsk(did, secret)

    def _send(self, message: Message, server: Address) -> None:
        """RLY_REQ has no room for the secret: it is shown just before."""
        if isinstance(message, RlyReq) and self._target.secret is not None:
            self._link.send_to(self._list_request(), server)
        self._link.send_to(message, server)

    def close(self) -> Deferred[None]:
        """Let go of the socket; fires when it is gone."""
        self._lookups.stop()
        return self._link.abandon()

    async def _ask(self, question: Message, kind: type[Message], useful: Useful) -> list[Message]:
        """The answers; at least one."""
        await self._open()
        if self._lost is not None:
            raise Hopeless(PortUnavailable, self._lost.getErrorMessage())
        self._round = _Round(self._reactor, self._send, self._lookups, self._pace)
        try:
            answers = await self._round.ask(question, kind, useful)
        finally:
            self._round.stop()
            self.trouble = self._round.inquiry.trouble
            self._round = None
        if not answers:
            raise Hopeless(
                RendezvousUnreachable,
                f"no rendezvous server listens at {self} (ICMP): is it running, "
                "and is it the port?",
            )
        return answers

    async def _open(self) -> None:
        if self._opened:
            return
        await self._lookups.first(_NAMES)
        if not self._lookups.known:
            raise Hopeless(
                RendezvousUnreachable,
                f"no rendezvous server has an IPv4 address ({self}): is the name spelt right, "
                "and is there a network?",
            )
        try:
            self._link.open()
        except LinkUnavailable as problem:
            raise Hopeless(PortUnavailable, str(problem)) from problem
        self._opened = True
        self._link.attach(self)

    def message_received(self, message: Message, peer: Address) -> None:
        """Called by the link; between two questions nothing is of interest."""
        if self._round is None:
            return
        if not self._round.inquiry.message_received(message, peer):
            self._link.noise.note(peer, "not from a rendezvous server")

    def peer_refused(self, peer: Address, error: int) -> None:
        """Called by the link: a datagram did not get there."""
        if self._round is not None:
            self._round.refused(peer, error)

    def link_lost(self, reason: Failure) -> None:
        """Called by the link: somebody else closed our socket.  No later question can be asked."""
        self._lost = reason
        if self._round is not None and not self._round.over.called:
            self._round.over.errback(Hopeless(PortUnavailable, reason.getErrorMessage()))


def _listed(answer: Message) -> list[Address]:
    assert isinstance(answer, ListReqAck)
    return [(address.host, address.port) for address in answer.relays]


def _result(answer: Message) -> int:
    assert isinstance(answer, RlyReqAck)
    return answer.result


#: Results from the best on; a server that knows the device tells more than one that does not.
_ORDER = (Result.OK, Result.INVALID_DSK, Result.DEVICE_OFFLINE, Result.INVALID_PREFIX)


def _usefulness(result: int) -> int:
    return _ORDER.index(result) if result in _ORDER else len(_ORDER)
