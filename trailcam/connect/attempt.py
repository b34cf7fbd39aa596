"""
One UDP attempt: its own socket, its timer, and the handshake between them.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import ECONNREFUSED
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, TimeoutError
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.connect.closed_ports import ClosedPorts
from trailcam.connect.diagnosis import Evidence, diagnose
from trailcam.connect.events import Observer, ProbeSent, ignore
from trailcam.connect.handshake import Dialect, Exchange, machine
from trailcam.connect.pacing import Pace
from trailcam.connect.search import DirectSearch, Search
from trailcam.connect.target import Target
from trailcam.errors import AttemptFailed, Hopeless, LinkUnavailable, PortUnavailable
from trailcam.interfaces import Address, IAttempt, ILink, IMessageReceiver
from trailcam.link.addresses import broadcast_addresses
from trailcam.link.datagram import DatagramLink
from trailcam.model import ConnectionMode
from trailcam.waiting import settle
from trailcam.wire.messages import (
    Alive,
    AliveAck,
    Close,
    Drw,
    LanTcpOffer,
    Message,
    P2PRdy,
    PunchPkt,
)

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall

#: Nudges that a candidate may leave unanswered before the search begins again.
_PATIENCE = 8

#: Seconds that the right camera still has after every port has answered with another id.
_GRACE = 1.0

#: Seconds before a camera that sent CLOSE is asked again: slots become free by the second.
_WHEN_FULL = 1.0


@implementer(IAttempt, IMessageReceiver)
class DatagramAttempt:
    """
    LAN or P2P, as its :class:`~trailcam.connect.handshake.Dialect` says.

    Good for one :meth:`connect`.
    """

    def __init__(
        self,
        reactor: Any,
        dialect: Dialect,
        target: Target,
        *,
        pace: Pace | None = None,
        observer: Observer = ignore,
        closed_ports: ClosedPorts | None = None,
        broadcasts: Callable[[], list[str]] = broadcast_addresses,
        search: Search | None = None,
    ) -> None:
        """
        :param reactor: provides IReactorTime, IReactorUDP and, for host names,
            IReactorPluggableNameResolver.
        :param pace: intervals between resends.
        :param observer: told of the first probe to each port.
        :param closed_ports: what all attempts of one race know of refusals.
        :param broadcasts: lists the addresses that a broadcast search goes to.
        :param search: where to look; default: at the target's address, or by broadcast.
        """
        self.mode: ConnectionMode = dialect.mode
        self.round_trip: float | None = None
        own_broadcasts = None if dialect.opens_sessions else broadcasts
        self._search = search or DirectSearch(reactor, target, own_broadcasts)
        self._reactor = reactor
        self._dialect = dialect
        self._target = target
        self._pace = pace or Pace()
        self._observer = observer
        self._closed_ports = closed_ports or ClosedPorts()
        self._link = DatagramLink(reactor, dialect.mode)
        self._proof: Deferred[Address] = Deferred()
        self._evidence = Evidence()
        self._exchange = Exchange(dialect, self._send, self._proof.callback)
        self._machine = machine(self._exchange)
        self._timer: IDelayedCall | None = None
        self._doom: IDelayedCall | None = None
        self._started = 0.0
        self._probed = 0.0
        self._resends = 0
        self._gave_up = False

    @property
    def phase(self) -> str:
        """idle, resolving, searching, punching or ready."""
        return self._exchange.phase

    @property
    def port(self) -> int | None:
        """Our local UDP port, once it was open."""
        return self._link.local[1] or None

    @property
    def retries(self) -> int:
        """
        Destination ports tried without success.

        Of a winner: those preferred to the one that answered; of a failure: all; otherwise those
        that are known to be closed.
        """
        peer, ports = self._link.peer, self._target.ports
        if peer is not None and peer[1] in ports:
            return ports.index(peer[1])
        if self._gave_up:
            return len({port for _, port in self._evidence.tried})
        return len(self._evidence.refused)

    def connect(self, budget: float) -> Deferred[ILink]:
        """Try for at most ``budget`` seconds; see :class:`~trailcam.interfaces.IAttempt`."""
        return Deferred.fromCoroutine(self._connect(budget))

    async def _connect(self, budget: float) -> ILink:
        self._started = self._reactor.seconds()
        try:
            peer = await self._find(budget)
        except Exception:
            self._dismiss()
            await settle(self._link.abandon())
            raise
        self._link.confirm(peer, P2PRdy(self._target.did))
        return self._link

    async def _find(self, budget: float) -> Address:
        try:
            self._exchange.phase = "resolving"
            await self._search.prepare(budget)
            self._open()
            left = budget - self._elapsed()
            return await self._proof.addTimeout(max(0.0, left), self._reactor)
        except Hopeless as reason:
            raise self._failure(reason.kind, reason.message) from reason
        except TimeoutError:
            raise self._diagnosis() from None
        finally:
            self._closed_ports.unwatch(self._refused)
            self._search.end()
            self._stop_timers()  # before the link closes: it would be sent to

    def _open(self) -> None:
        destinations = self._search.destinations()
        self._evidence.tried = tuple(destinations)
        self._evidence.broadcast = self._search.broadcast
        self._exchange.destinations = destinations
        try:
            self._link.open(broadcast=self._search.broadcast)
        except LinkUnavailable as problem:
            raise self._failure(PortUnavailable, str(problem)) from problem
        self._link.attach(self)
        self._search.begin(self, self._link.local[1])
        self._closed_ports.watch(self._refused)
        probed = tuple(destinations)
        self._probed = self._reactor.seconds()
        self._machine.start()
        self._arm()
        for number, (_, port) in enumerate(probed, 1):
            self._observer(ProbeSent(self.mode, number, self._link.local[1], port))

    def tell(self, message: Message, peer: Address) -> None:
        """Called by the search: send."""
        self._link.send_to(message, peer)

    def found(self, candidate: Address) -> None:
        """Called by the search: knock there as well, at once and then with the others."""
        if not self._exchange.destinations:
            self._probed = self._reactor.seconds()
        self._exchange.destinations.append(candidate)
        self._evidence.tried = (*self._evidence.tried, candidate)
        if self.phase == "searching":
            self._exchange.send(self._dialect.opening, candidate)
            self._resends = 0
            self._arm()
        number = len(self._evidence.tried)
        self._observer(ProbeSent(self.mode, number, self._link.local[1], candidate[1]))

    def give_up(self, kind: type[AttemptFailed], message: str) -> None:
        """Called by the search: there is no hope left."""
        if not self._proof.called:
            self._proof.errback(self._failure(kind, message))

    def message_received(self, message: Message, peer: Address) -> None:
        """Sort out whom and what to believe, then tell the machine."""
        if self._search.takes(message, peer):
            return
        did = getattr(message, "did", None)
        if not self._search.expects(peer[0]):
            self._ignore_stranger(peer, did)
        elif did is not None and did != self._target.did:
            self._evidence.note_wrong_id(peer, did)
            self._link.noise.note(peer, "another device id")
            self._give_up_if_hopeless()
        elif type(message) in _HANDLERS:
            _HANDLERS[type(message)](self, peer)

    def peer_refused(self, peer: Address, error: int) -> None:
        """Nobody listens there; that is so for every attempt of the race."""
        if error == ECONNREFUSED:
            self._closed_ports.tell(peer)
        else:
            self._refused(peer, error)

    def _refused(self, peer: Address, error: int = ECONNREFUSED) -> None:
        """Ask there no more, unless a NAT may have said it."""
        self._search.refused(peer, error)
        if not self._search.refusals_count:
            return
        self._evidence.note_refused(peer, error)
        if peer in self._exchange.destinations:
            self._exchange.destinations.remove(peer)
        self._give_up_if_hopeless()

    def link_lost(self, reason: Failure) -> None:
        """Somebody else closed our socket: there is nothing left to try with."""
        self.give_up(PortUnavailable, reason.getErrorMessage())

    def _punched(self, peer: Address) -> None:
        self._answered(peer)
        self._machine.punched(peer)

    def _offered(self, peer: Address) -> None:
        self._answered(peer)
        self._evidence.note_own_words(peer)
        self._machine.offered(peer)

    def _ready(self, peer: Address) -> None:
        # A search alone makes nobody ready: what comes is left over from another session.
        punched = self._exchange.phase == "punching" and self._evidence.host_answered(peer[0])
        if not self._dialect.opens_sessions and not punched:
            return
        self._answered(peer)
        if self._dialect.opens_sessions and self._evidence.may_be_echo(peer):
            self._evidence.note_claim(peer)
            self._link.send_to(Alive(), peer)
        else:
            self._machine.ready(peer)

    def _proved_no_echo(self, peer: Address) -> None:
        if peer in self._evidence.claims:
            self._evidence.note_own_words(peer)
            self._machine.ready(peer)

    def _closed(self, peer: Address) -> None:
        if peer not in self._evidence.answered and peer not in self._evidence.tried:
            return
        self._evidence.note_closed(peer)
        if peer in self._evidence.answered:
            self._machine.closed()
        self._wait(_WHEN_FULL)

    def _answered(self, peer: Address) -> None:
        if not self._evidence.answered and not self._resends:
            self.round_trip = self._reactor.seconds() - self._probed
        self._evidence.note_answered(peer)
        self._resends = 0
        self._arm()

    def _send(self, message: Message, peer: Address) -> None:
        if isinstance(message, P2PRdy):
            self._evidence.note_told_ready(peer)
        self._link.send_to(message, peer)

    def _ignore_stranger(self, peer: Address, did: object) -> None:
        self._link.noise.note(peer, "not from the camera")
        if did == self._target.did:
            self._evidence.note_stranger(peer[0])

    def _arm(self) -> None:
        self._wait(self._pace.interval(self._resends))

    def _wait(self, delay: float) -> None:
        if self._timer is None:
            self._timer = self._reactor.callLater(delay, self._silence)
        else:
            self._timer.reset(delay)

    def _silence(self) -> None:
        self._timer = None
        self._resends += 1
        if self._exchange.silent_rounds >= _PATIENCE:
            self._machine.forget()
        else:
            self._machine.silence()
        self._arm()
        self._search.again()

    def _stop_timers(self) -> None:
        for timer in (self._timer, self._doom):
            if timer is not None:
                timer.cancel()
        self._timer = self._doom = None

    def _give_up_if_hopeless(self) -> None:
        """At once when all refused; after wrong ids, which anybody may send, in a while."""
        if self._evidence.all_refused:
            self._give_up()
        elif self._evidence.hopeless and self._doom is None:
            self._doom = self._reactor.callLater(_GRACE, self._meet_doom)

    def _meet_doom(self) -> None:
        self._doom = None
        if self._evidence.hopeless:
            self._give_up()

    def _give_up(self) -> None:
        if not self._proof.called:
            self._proof.errback(self._diagnosis())

    def _dismiss(self) -> None:
        """Tell CLOSE to everybody who may have opened a session for us."""
        reached: list[Address] = list(self._evidence.answered)
        if not reached and self._dialect.opens_sessions and self._exchange.phase == "searching":
            reached = self._exchange.destinations
        for peer in reached:
            self._link.send_close(peer)

    def _elapsed(self) -> float:
        return float(self._reactor.seconds() - self._started)

    def _diagnosis(self) -> AttemptFailed:
        self._gave_up = True
        if not self._evidence.answered_at_all and (cause := self._search.failure(self._elapsed())):
            return self._failure(*cause)
        return diagnose(
            self._evidence,
            mode=self.mode,
            phase=self.phase,
            elapsed=self._elapsed(),
            target=self._target.named(),
            wanted=self._target.did,
        )

    def _failure(self, kind: type[AttemptFailed], message: str) -> AttemptFailed:
        self._gave_up = True
        return kind(self.mode, self.phase, self._elapsed(), message)


_HANDLERS: dict[type[Message], Callable[[DatagramAttempt, Address], None]] = {
    PunchPkt: DatagramAttempt._punched,
    LanTcpOffer: DatagramAttempt._offered,
    P2PRdy: DatagramAttempt._ready,
    AliveAck: DatagramAttempt._proved_no_echo,
    Drw: DatagramAttempt._proved_no_echo,
    Close: DatagramAttempt._closed,
}
