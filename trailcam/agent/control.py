"""
Staying logged in at one relay.

See :doc:`/explain/servers`, "Control connection of a device".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from twisted.application.internet import ClientService, backoffPolicy
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Factory, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.agent.identity import Identity
from trailcam.agent.standing import REFUSED_PAUSE, Standing, words
from trailcam.connect.relay_address import RelayAddress
from trailcam.errors import LinkClosed, LinkLost
from trailcam.link.framed import FramedConnection
from trailcam.waiting import settle_all
from trailcam.wire.messages import Alive, AliveAck, Message, TcpRsStart

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall

#: Seconds between two ALIVE.
ALIVE_EVERY = 10.0
#: Seconds of silence after which the relay counts as gone.
LOST_AFTER = 20.0


class ControlConnection(FramedConnection):
    """Logs in, and keeps the connection alive."""

    def __init__(
        self,
        reactor: Any,
        identity: Identity,
        answered: Callable[[int, str], bool],
        announced: Callable[[TcpRsStart, str], None],
    ) -> None:
        """
        :param reactor: provides IReactorTime.
        :param answered: is told the result of the login, and any that comes later, and the
            relay's host; says whether to go on.
        :param announced: is told of each client that waits at a data port, and the relay's host.
        """
        super().__init__(reactor)
        self._identity = identity
        self._answered = answered
        self._announced = announced
        self._heard_at = 0.0
        self._timer: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Log in."""
        super().connectionMade()
        self.hear = self._heard
        self._heard_at = self._reactor.seconds()
        try:
            self.send(self._identity.login(self.local))
        except Exception:  # whoever connects us waits until we return
            self._fault = Failure()
            self._timer = self._reactor.callLater(0, self._give_up)
        else:
            self._timer = self._reactor.callLater(ALIVE_EVERY, self._tick)

    def close(self) -> Deferred[None]:
        """See :meth:`FramedConnection.close`."""
        self._stop_timer()
        return super().close()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is over."""
        self._stop_timer()
        super().connectionLost(reason)

    def _heard(self, message: Message) -> None:
        self._heard_at = self._reactor.seconds()
        result = self._identity.result(message)
        if result is not None:
            if not self._answered(result, self.peer[0]):
                self.close()
        elif isinstance(message, TcpRsStart) and message.did == self._identity.did:
            self._announced(message, self.peer[0])
        elif isinstance(message, Alive):
            self.send(AliveAck())

    def _tick(self) -> None:
        self._timer = None
        now, lost_at = self._reactor.seconds(), self._heard_at + LOST_AFTER
        if now >= lost_at:
            self._fault = Failure(LinkLost(f"it has been silent for {LOST_AFTER:.0f} s"))
            self.close()
        else:
            self._timer = self._reactor.callLater(min(ALIVE_EVERY, lost_at - now), self._tick)
            with suppress(LinkClosed):  # then the end will be told in a moment
                self.send(Alive())

    def _give_up(self) -> None:
        self._timer = None
        self.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Control(Service):
    """
    A control connection that is made again whenever it ends.

    :ivar standing: whether the relay has us registered.
    """

    def __init__(
        self,
        reactor: Any,
        relay: RelayAddress,
        identity: Identity,
        *,
        reached: Callable[[RelayAddress, str], None],
        announced: Callable[[RelayAddress, str, TcpRsStart], None],
        retry_policy: Callable[[int], float] | None = None,
    ) -> None:
        """
        :param reactor: provides IReactorTime, and what the relay's endpoint needs.
        :param reached: is told that the relay accepted us, and its host as an IP literal.
        :param announced: is told of each client that waits: the relay, its host, its message.
        :param retry_policy: from the number of failures in a row to seconds of waiting; default:
            :func:`twisted.application.internet.backoffPolicy`, at most half a minute.
        """
        self.standing = Standing(identity, f"relay {relay}")
        self._reactor = reactor
        self._relay = relay
        self._identity = identity
        self._reached = reached
        self._announced = announced
        self._retry_policy = retry_policy or backoffPolicy(maxDelay=30.0)
        self._connection: ControlConnection | None = None
        self._fruitless = 0
        self._was_refused = False
        factory = Factory.forProtocol(self._new_connection)
        factory.noisy = False
        self._client = ClientService(
            _Watched(str(relay), relay.endpoint(reactor), self._not_connected),
            factory,
            retryPolicy=self._delay,
            clock=reactor,
        )

    def startService(self) -> None:
        """Connect, and stay connected."""
        super().startService()  # type: ignore[no-untyped-call]
        self._client.startService()

    def stopService(self) -> Deferred[None]:
        """Close the connection; fires within about a second, when it is gone."""
        super().stopService()  # type: ignore[no-untyped-call]
        closing = [self._connection.close()] if self._connection is not None else []
        return Deferred.fromCoroutine(settle_all([*closing, self._client.stopService()]))

    def _new_connection(self) -> ControlConnection:
        connection = ControlConnection(self._reactor, self._identity, self._answered, self._called)
        connection.ended = self._ended
        self._connection = connection
        return connection

    def _answered(self, result: int, host: str) -> bool:
        accepted = self.standing.answered(result)
        self._was_refused = not accepted
        if accepted:
            self._fruitless = 0
            self._reached(self._relay, host)
        return accepted

    def _called(self, message: TcpRsStart, host: str) -> None:
        self._announced(self._relay, host, message)

    def _not_connected(self, problem: Failure) -> None:
        if self.running:
            self.standing.trouble(f"no connection to relay {self._relay}: {words(problem)}")

    def _ended(self, reason: Failure) -> None:
        self._connection = None
        self._fruitless += 1
        if self.running and not self._was_refused:
            self.standing.trouble(f"relay {self._relay} is lost: {words(reason)}")

    def _delay(self, failures: int) -> float:
        """Seconds until the next try, now that ``failures`` connections could not be made."""
        if self._was_refused:
            self._was_refused = False
            return REFUSED_PAUSE
        return self._retry_policy(max(failures, self._fruitless))


@implementer(IStreamClientEndpoint)
class _Watched:
    """An endpoint that tells why it could not connect; a ClientService keeps that to itself."""

    def __init__(
        self, name: str, endpoint: IStreamClientEndpoint, failed: Callable[[Failure], None]
    ) -> None:
        self._name = name
        self._endpoint = endpoint
        self._failed = failed

    def __str__(self) -> str:
        """The relay, as the service's log names it."""
        return self._name

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """See :class:`twisted.internet.interfaces.IStreamClientEndpoint`."""

        def failed(problem: Failure) -> Failure:
            self._failed(problem)
            return problem

        return self._endpoint.connect(protocolFactory).addErrback(failed)
