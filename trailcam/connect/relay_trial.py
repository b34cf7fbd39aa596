"""
One relay being tried: its control connection, the pairing there, and the proof through it.

Protocol: UDP relay messages, TCP relay and LAN TCP.  See :doc:`/explain/servers`, "Relay".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar, cast

from twisted.internet.abstract import isIPAddress
from twisted.internet.defer import CancelledError, Deferred, DeferredList, TimeoutError, succeed
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from trailcam.connect import relay_words
from trailcam.connect.race import first_outcome
from trailcam.connect.relay_address import RelayAddress
from trailcam.connect.relay_control import FAREWELL, Control, dial
from trailcam.connect.relay_proof import prove
from trailcam.connect.rendezvous import Rendezvous
from trailcam.connect.resolve import resolve
from trailcam.connect.target import Target
from trailcam.errors import (
    AttemptFailed,
    Cause,
    DeviceNeverJoined,
    Hopeless,
    PortUnavailable,
    RelayFull,
    RelayNotUnderstood,
    RelayUnreachable,
    RendezvousUnreachable,
    WrongDevice,
)
from trailcam.link.framed import FramedConnection
from trailcam.link.relayed import RelayLink
from trailcam.waiting import see_out, settle
from trailcam.wire.constants import Result
from trailcam.wire.messages import (
    Message,
    RlyHello,
    RlyHelloAck,
    RlyPkt,
    RlyPort,
    RlyPortAck,
    RlyRdy,
    TcpRlyReq,
    TcpRlyReqAck,
    TcpRlyReqDsk,
)
from trailcam.wire.sockaddr import SocketAddress

#: Seconds that a relay may take to answer RLY_HELLO.
GREETING_TIME = 5.0

#: Seconds from RLY_PORT_ACK until both parties must be there: a magic is good for ten.
PAIRING_TIME = 9.0

#: Seconds between two requests to the rendezvous servers: what they send to the device may be lost.
_SEND_AGAIN = 1.0

#: Our own address is nobody's business: nobody dials it.
_NOWHERE = SocketAddress("0.0.0.0", 0)
_VERSION = bytes(3)

M = TypeVar("M", bound=Message)

#: Is told of each connection: our own port, and the relay's.
Opened = Callable[[int, int], None]


class Trial:
    """
    ``greet()``, then ``join()``, then ``close()``.

    :ivar failure: why it was of no use, once that is known.
    :ivar round_trip: seconds from RLY_HELLO to its answer.
    """

    def __init__(
        self,
        reactor: Any,
        relay: RelayAddress,
        target: Target,
        rendezvous: Rendezvous | None,
        timeout: float,
        opened: Opened,
    ) -> None:
        """
        :param reactor: see :meth:`~trailcam.connect.relay_address.RelayAddress.endpoint`.
        :param rendezvous: who else may send the device to the relay.
        :param timeout: seconds that each connection may take.
        """
        self.relay = relay
        self.failure: Cause | None = None
        self.round_trip: float | None = None
        self._reactor = reactor
        self._target = target
        self._rendezvous = rendezvous
        self._timeout = timeout
        self._opened = opened
        self._control: Control | None = None
        self._awaited: Cause = (RelayUnreachable, "")
        self._hint = ""
        self._entry: Cause | None = None
        self._answered = False
        self._turned_away: Hopeless | None = None

    def cause(self, elapsed: float) -> Cause:
        """Why it failed; or what was still missing after ``elapsed`` seconds."""
        if self.failure is not None:
            return self.failure
        (kind, text), hint = (self._entry, "") if self._entry else (self._awaited, self._hint)
        return kind, f"{text} within {elapsed:.1f} s{hint}"

    async def greet(self) -> Trial:
        """
        Say RLY_HELLO and hear the answer.

        :raises Hopeless: when there is no relay.
        """
        self._await(RelayUnreachable, f"the relay {self.relay.name} did not accept the connection")
        try:
            endpoint = self.relay.endpoint(self._reactor, timeout=self._timeout)
            connection = await dial(
                self._reactor, endpoint, FramedConnection(self._reactor, FAREWELL)
            )
        except CancelledError:
            raise
        except Exception as problem:  # each kind of endpoint has its own
            raise self._hopeless(relay_words.not_reached(self.relay, problem)) from problem
        self._control = Control(connection)
        self._opened(connection.local[1], connection.peer[1])
        try:
            await self._greet()
        except Exception:
            await see_out(self.close())
            raise
        return self

    async def _greet(self) -> None:
        self._await(
            RelayNotUnderstood,
            f"{self.relay.name} accepted the connection, but said nothing",
            ": is this the control port of a trailcam relay?",
        )
        asked = self._reactor.seconds()
        asking = Deferred.fromCoroutine(self._ask(RlyHello(), RlyHelloAck))
        try:
            await asking.addTimeout(GREETING_TIME, self._reactor)
        except TimeoutError:
            raise self._hopeless(self.cause(GREETING_TIME)) from None
        self.round_trip = self._reactor.seconds() - asked

    async def join(self) -> RelayLink:
        """
        Get a data port, have the device told, meet it there, and let its camera prove itself.

        :return: a proven link.
        :raises Hopeless: when one of that will not be.
        """
        self._await(RelayNotUnderstood, f"the relay {self.relay.name} did not answer RLY_PORT")
        offer = await self._ask(RlyPort(), RlyPortAck)
        if not offer.port:
            text = f"the relay {self.relay.name} has no room for another pair: try again later"
            raise self._hopeless((RelayFull, text))
        link = await self._meet(offer)
        gone = self.close()  # the pairing does not need it any more
        did = self._target.did
        self._await(
            DeviceNeverJoined,
            f"the agent of {did} came to the relay {self.relay.name}, "
            "but its camera did not answer",
        )
        try:
            await prove(link, did, self.relay.name)
        except Exception as problem:
            if isinstance(problem, Hopeless):
                self.failure = (problem.kind, problem.message)
            await see_out(link.abandon())
            raise
        await settle(gone)
        return link

    def close(self) -> Deferred[None]:
        """Let go of the control connection; fires when it is gone.  May be called again."""
        return succeed(None) if self._control is None else self._control.close()

    async def _meet(self, offer: RlyPortAck) -> RelayLink:
        """Go to the data port, and have the device told to go there, both at once."""
        works = [
            Deferred.fromCoroutine(self._enter(offer)),
            Deferred.fromCoroutine(self._call(offer)),
        ]
        meeting = Deferred.fromCoroutine(first_outcome(works, RelayLink.abandon))
        try:
            return await meeting.addTimeout(PAIRING_TIME, self._reactor)
        except TimeoutError:
            raise self._hopeless(self.cause(PAIRING_TIME)) from None

    async def _enter(self, offer: RlyPortAck) -> RelayLink:
        """
        From the data port to RLY_RDY.

        A relay that refuses the device closes the data port as well: why it did, it says on the
        control connection, which is therefore heard first.
        """
        try:
            return await self._go_in(offer)
        except Hopeless as failure:
            if self._answered:
                raise
            self._turned_away = failure
            return await Deferred()

    async def _go_in(self, offer: RlyPortAck) -> RelayLink:
        assert self._control is not None
        relay, port = self.relay, offer.port
        self._entry = relay_words.no_entry(relay, port, "it did not accept the connection")
        try:
            host = self._control.peer[0]
            endpoint = relay.endpoint(self._reactor, port, self._timeout, host)
            connection = await dial(
                self._reactor, endpoint, FramedConnection(self._reactor, FAREWELL)
            )
        except CancelledError:
            raise
        except Exception as problem:
            cause = relay_words.no_entry(relay, port, relay_words.words(problem))
            raise self._hopeless(cause) from problem
        self._entry = None
        self._opened(connection.local[1], port)
        try:
            return await self._sit_down(connection, offer.magic)
        except Exception as problem:
            closing = [connection.close()]
            if isinstance(problem, CancelledError):
                closing.append(self.close())  # it is over: no goodbye has to wait for another
            await see_out(DeferredList(closing))
            raise

    async def _sit_down(self, connection: FramedConnection, magic: int) -> RelayLink:
        ready: Deferred[RelayLink] = Deferred()
        did = self._target.did

        def hear(message: Message) -> None:
            if not isinstance(message, RlyRdy) or ready.called:
                return
            if message.did == did:
                # At once: what follows is for the link.
                ready.callback(RelayLink(connection))
            else:
                text = f"the relay {self.relay.name} paired us with {message.did} instead of {did}"
                ready.errback(self._hopeless((WrongDevice, text)))

        def ended(reason: Failure) -> None:
            if not ready.called:
                ready.errback(self._ended(cast(Exception, reason.value)))

        connection.hear, connection.ended = hear, ended
        connection.send(RlyPkt(magic, did, is_device=False))
        return await ready

    async def _call(self, offer: RlyPortAck) -> RelayLink:
        """Have the device told; never returns, since what follows is heard at the data port."""
        did, secret = self._target.did, self._target.secret
        self._await(RelayNotUnderstood, f"the relay {self.relay.name} did not answer TCP_RLY_REQ")
        answer = await self._ask(self._request(), TcpRlyReqAck)
        cause = relay_words.refused(self.relay, did, answer.result, secret is not None)
        elsewhere = answer.result == Result.DEVICE_OFFLINE and self._rendezvous is not None
        if answer.result != Result.OK and not elsewhere:
            raise self._hopeless(cause)
        self._answered = True
        if self._turned_away is not None:
            raise self._turned_away
        if self._rendezvous is not None and elsewhere:
            return await self._send_device(self._rendezvous, offer, cause)
        self._await_device()
        return await Deferred()

    def _request(self) -> Message:
        did, secret = self._target.did, self._target.secret
        if secret is None:
            return TcpRlyReq(did, _NOWHERE)
        return TcpRlyReqDsk(did, _NOWHERE, 0, _VERSION, 0, secret)

    async def _send_device(
        self, rendezvous: Rendezvous, offer: RlyPortAck, cause: Cause
    ) -> NoReturn:
        """Ask the rendezvous servers to send the device, again and again."""
        self._await(RendezvousUnreachable, f"{cause[1]}; no rendezvous server answered")
        given = self._target.secret is not None
        host = await self._ipv4()
        if host is None:
            raise self._hopeless(cause)
        while True:
            try:
                result = await rendezvous.send_device((host, offer.port), offer.magic)
            except Hopeless as reason:
                kind = reason.kind if reason.kind is PortUnavailable else cause[0]
                raise self._hopeless((kind, f"{cause[1]}; {reason}")) from reason
            if result != Result.OK:
                raise self._hopeless(relay_words.not_sent(cause, rendezvous, result, given))
            self._await_device()
            await deferLater(self._reactor, _SEND_AGAIN)

    async def _ipv4(self) -> str | None:
        """The relay's address, as the device can be told it."""
        assert self._control is not None
        host = self._control.peer[0]
        return host if isIPAddress(host) else await resolve(self._reactor, self.relay.host)

    async def _ask(self, question: Message, kind: type[M]) -> M:
        assert self._control is not None
        try:
            return await self._control.ask(question, kind)
        except CancelledError:
            raise
        except Exception as problem:
            raise self._ended(problem) from problem

    def _await_device(self) -> None:
        did = self._target.did
        self._await(
            DeviceNeverJoined,
            f"the agent of {did} was told, but did not come to the relay {self.relay.name}",
            ": the way there is closed to it, or its agent has stopped in the last minute",
        )

    def _await(self, kind: type[AttemptFailed], text: str, hint: str = "") -> None:
        """From now on this is what is missing; ``hint`` is what follows the time it took."""
        self._awaited, self._hint = (kind, text), hint

    def _ended(self, problem: Exception) -> Hopeless:
        greeted = self.round_trip is not None
        return self._hopeless(relay_words.ended(self.relay, problem, greeted))

    def _hopeless(self, cause: Cause) -> Hopeless:
        self.failure = cause
        return Hopeless(*cause)
