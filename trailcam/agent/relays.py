"""
Clients that wait at relays: where the agent goes to meet them, and where not.

See :doc:`/explain/servers`, "Agent".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure

from trailcam.agent.identity import Identity
from trailcam.agent.joining import join
from trailcam.connect.relay_address import RelayAddress
from trailcam.errors import AttemptFailed
from trailcam.interfaces import ILink
from trailcam.link.noise import Noise
from trailcam.link.recent import Recent
from trailcam.waiting import settle_all
from trailcam.wire.messages import TcpRsStart
from trailcam.wire.sockaddr import UNSPECIFIED, SocketAddress

#: Relays that are dialled at a time.
MOST_JOINS = 16
#: Seconds in which a call that is repeated counts as the same.
REMEMBERED_FOR = 30.0

_MOST_REMEMBERED = 1024


class Relays(Service):
    """
    Joins clients at relays that the agent was given, or that its own rendezvous servers list.

    A relay that was given with TLS is dialled with TLS.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        identity: Identity,
        given: Sequence[RelayAddress],
        arrived: Callable[[ILink], None],
    ) -> None:
        """
        :param reactor: provides IReactorTime, and what the relays' endpoints need.
        :param given: relays that may be dialled on any port.
        :param arrived: is given the link of each new client.
        """
        self._reactor = reactor
        self._did = identity.did
        self._hosts = {relay: relay.host for relay in given}
        self._arrived = arrived
        self._noise = Noise(self._log)
        self._listed: dict[str, frozenset[str]] = {}
        self._calls: Recent[tuple[int, int]] = Recent(REMEMBERED_FOR, _MOST_REMEMBERED)
        self._joining: set[Deferred[None]] = set()

    def stopService(self) -> Deferred[None]:
        """Give up what is under way; fires when nothing of it is left."""
        super().stopService()  # type: ignore[no-untyped-call]
        works = list(self._joining)
        for work in works:
            work.cancel()
        return Deferred.fromCoroutine(settle_all(works))

    def reached(self, relay: RelayAddress, host: str) -> None:
        """A relay that was given has this host, an IP literal, for its name."""
        self._hosts[relay] = host

    def listed(self, server: str, relays: Sequence[SocketAddress]) -> None:
        """A rendezvous server of ours tells which relays it knows."""
        self._listed[server] = frozenset(relay.host for relay in relays)

    def called(self, address: SocketAddress, magic: int) -> None:
        """A rendezvous server of ours tells that a client waits (RLY_TO)."""
        relay = self._known(address.host)
        if relay is None:
            self._noise.note((address.host, address.port), "a relay that is not ours")
        else:
            self._go(relay, address, magic)

    def announced(self, relay: RelayAddress, host: str, message: TcpRsStart) -> None:
        """
        A relay tells that a client waits (TCP_RS_START).

        :param host: the relay's, as an IP literal.
        """
        address = message.address
        if address.host in (UNSPECIFIED.host, host):
            self._go(relay, SocketAddress(host, address.port), message.magic)
        else:
            self.called(address, message.magic)

    def _known(self, host: str) -> RelayAddress | None:
        """The relay at this address, if it may be dialled."""
        for relay, known in self._hosts.items():
            if host == known:
                return relay
        if any(host in hosts for hosts in self._listed.values()):
            return RelayAddress(host, 0)
        return None

    def _go(self, relay: RelayAddress, address: SocketAddress, magic: int) -> None:
        # A client repeats its call, and may send it on two ways.
        call, now = (address.port, magic), self._reactor.seconds()
        if not self.running or not address.port or self._calls.holds(call, now):
            return
        if len(self._joining) >= MOST_JOINS:
            self._noise.note((address.host, address.port), "too many calls to relays")
            return
        self._calls.note(call, now)
        self._log.info("called to relay {address}", address=str(address))
        endpoint = relay.endpoint(self._reactor, address.port, host=address.host)
        work = Deferred.fromCoroutine(self._meet(endpoint, str(address), magic))
        self._joining.add(work)
        work.addBoth(self._met, work)

    async def _meet(self, endpoint: IStreamClientEndpoint, address: str, magic: int) -> None:
        try:
            link = await join(self._reactor, endpoint, magic, self._did)
        except AttemptFailed as problem:
            self._log.info(  # often the client has come on another way meanwhile
                "met nobody at relay {address}: {problem}",
                address=address,
                problem=str(problem),
                code=problem.code,
            )
        else:
            self._arrived(link)

    def _met(self, result: object, work: Deferred[None]) -> None:
        self._joining.discard(work)
        if isinstance(result, Failure) and not result.check(CancelledError):
            self._log.failure("bug: joining broke", failure=result)
