"""
From host names to IPv4 addresses, by the reactor's own resolver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from twisted.internet.abstract import isIPAddress
from twisted.internet.address import IPv4Address
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    DeferredList,
    FirstError,
    TimeoutError,
    succeed,
)
from twisted.internet.interfaces import IResolutionReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.interfaces import Address


@implementer(IResolutionReceiver)
class _FirstAddress:
    """Fires ``found`` with the first IPv4 address of a resolution, or ``None``."""

    def __init__(self) -> None:
        self.found: Deferred[str | None] = Deferred()
        self._first: str | None = None

    def resolutionBegan(self, resolutionInProgress: Any) -> None:
        """Nothing to do: a resolution cannot be stopped, only ignored."""

    def addressResolved(self, address: Any) -> None:
        """Keep the first."""
        self._first = self._first or address.host

    def resolutionComplete(self) -> None:
        """Tell; a cancelled ``found`` swallows this."""
        self.found.callback(self._first)


def resolve(reactor: Any, host: str, limit: float | None = None) -> Deferred[str | None]:
    """
    Find the IPv4 address of ``host``.

    :param reactor: provides IReactorTime and IReactorPluggableNameResolver.
    :param limit: seconds that it may take.
    :return: fires with an IPv4 literal, or ``None`` when there is none; fails with
        :class:`~twisted.internet.defer.TimeoutError` after the limit; may be cancelled.
    """
    if isIPAddress(host):
        return succeed(host)
    receiver = _FirstAddress()
    reactor.nameResolver.resolveHostName(receiver, host, 0, [IPv4Address], transportSemantics="UDP")
    return receiver.found if limit is None else receiver.found.addTimeout(limit, reactor)


async def resolve_each(
    reactor: Any,
    wanted: Iterable[Address],
    limit: float,
    found: Callable[[Address, str | None], None],
) -> None:
    """
    Look up many hosts side by side, so that none waits for a slower one.

    Cancelling ends all; ``found`` is not called any more then.

    :param reactor: provides IReactorTime and IReactorPluggableNameResolver.
    :param limit: seconds that each may take.
    :param found: is told, as soon as that is known, one of ``wanted`` and the IPv4 literal of its
        host, or ``None`` where there is none in time.
    """

    async def look_up(address: Address) -> None:
        try:
            host = await resolve(reactor, address[0], limit)
        except TimeoutError:
            host = None
        found(address, host)

    lookups = [Deferred.fromCoroutine(look_up(address)) for address in wanted]
    try:
        await DeferredList(lookups, fireOnOneErrback=True, consumeErrors=True)
    except FirstError as first:
        raise cast(Exception, first.subFailure.value) from None


def _ignore(*_: Address) -> None:
    """Nobody listens."""


class Lookups:
    """
    Servers, of which each counts as soon as its name is known.

    :ivar known: those that are known by now.
    :ivar pending: whether there may be more.
    :ivar found: is told each; may be changed at any time.
    :ivar over: is told when there will be no more, unless it was stopped; may be changed as well.
    """

    def __init__(self, reactor: Any, wanted: Iterable[Address]) -> None:
        """:param reactor: see :func:`resolve_each`."""
        self.known: list[Address] = []
        self.pending = False
        self.found: Callable[[Address], None] = _ignore
        self.over: Callable[[], None] = _ignore
        self._reactor = reactor
        self._wanted = tuple(wanted)
        self._work: Deferred[None] = succeed(None)
        self._first: Deferred[None] = Deferred()

    async def first(self, limit: float) -> None:
        """
        Begin, and wait until one is known, or none can be.  Cancelled, it stops.

        :param limit: seconds that each lookup may take.
        """
        self.known, self.pending, self._first = [], True, Deferred()
        work = resolve_each(self._reactor, self._wanted, limit, self._found)
        self._work = Deferred.fromCoroutine(work)
        self._work.addCallbacks(self._over, _trap_cancelled)
        try:
            await self._first
        except CancelledError:
            self.stop()
            raise

    def stop(self) -> None:
        """Look up no more."""
        self.pending = False
        self._work.cancel()

    def _found(self, wanted: Address, host: str | None) -> None:
        if host is None:
            return
        server = host, wanted[1]
        self.known.append(server)
        self.found(server)
        self._wake()

    def _over(self, _: None) -> None:
        self.pending = False
        self.over()
        self._wake()

    def _wake(self) -> None:
        if not self._first.called:
            self._first.callback(None)


def _trap_cancelled(reason: Failure) -> None:
    reason.trap(CancelledError)
