"""
Joining a client on the data port of a relay.

See :doc:`/explain/servers`, "Data connection".
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NoReturn

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.python.failure import Failure

from trailcam.agent.standing import words
from trailcam.connect.relay_control import dial
from trailcam.errors import AttemptFailed, LinkClosed, RelayEnded, RelayUnreachable
from trailcam.link.framed import FramedConnection
from trailcam.link.relayed import RelayLink
from trailcam.model import ConnectionMode
from trailcam.waiting import settle
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import Message, RlyPkt, RlyRdy

#: Seconds that joining may take; the relay's patience ends then, too.
JOIN_LIMIT = 10.0


def join(
    reactor: Any, endpoint: IStreamClientEndpoint, magic: int, did: DeviceID
) -> Deferred[RelayLink]:
    """
    Connect to a relay's data port, and wait there for the client.

    :param reactor: provides IReactorTime.
    :param endpoint: the data port.
    :param magic: the relay's number of this pairing.
    :param did: our id.
    :return: fires with the link to the client; fails with
        :class:`~trailcam.errors.RelayUnreachable` or :class:`~trailcam.errors.RelayEnded`.  May be
        cancelled, and settles when nothing is left open.
    """
    return _Joining(reactor, RlyPkt(magic, did, is_device=True)).run(endpoint)


class _Joining:
    """One try."""

    def __init__(self, reactor: Any, ticket: RlyPkt) -> None:
        self._reactor = reactor
        self._ticket = ticket
        self._began = reactor.seconds()
        self._connection = FramedConnection(reactor)
        self._joined: Deferred[RelayLink] = Deferred()

    def run(self, endpoint: IStreamClientEndpoint) -> Deferred[RelayLink]:
        """Dial ``endpoint``."""
        work = Deferred.fromCoroutine(self._join(endpoint))
        return work.addTimeout(JOIN_LIMIT, self._reactor, self._out_of_time)

    async def _join(self, endpoint: IStreamClientEndpoint) -> RelayLink:
        self._connection.hear = self._heard
        self._connection.ended = self._ended
        try:
            await self._dial(endpoint)
            with suppress(LinkClosed):  # then the end has been told already
                self._connection.send(self._ticket)
            return await self._joined
        except Exception:  # cancelling is one; what throws us away lets nobody wait
            await settle(self._connection.close())
            raise

    async def _dial(self, endpoint: IStreamClientEndpoint) -> None:
        try:
            await dial(self._reactor, endpoint, self._connection)
        except CancelledError:
            raise
        except Exception as problem:  # each kind of endpoint has its own
            raise self._failure(RelayUnreachable, f"no connection: {problem}") from problem

    def _heard(self, message: Message) -> None:
        if isinstance(message, RlyRdy) and message.did == self._ticket.did:
            self._joined.callback(RelayLink(self._connection))

    def _ended(self, reason: Failure) -> None:
        if not self._joined.called:
            text = f"the relay ended the connection: {words(reason)}"
            self._joined.errback(self._failure(RelayEnded, text))

    def _out_of_time(self, _: object, limit: float) -> NoReturn:
        raise self._failure(RelayEnded, f"nobody joined within {limit:.0f} s")

    def _failure(self, kind: type[AttemptFailed], text: str) -> AttemptFailed:
        elapsed = self._reactor.seconds() - self._began
        return kind(ConnectionMode.RELAY, "joining", elapsed, text)
