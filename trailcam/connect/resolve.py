"""
From a host name to an IPv4 address, by the reactor's own resolver.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.abstract import isIPAddress
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IResolutionReceiver
from zope.interface import implementer


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


def resolve(reactor: Any, host: str) -> Deferred[str | None]:
    """
    Find the IPv4 address of ``host``.

    :param reactor: provides IReactorPluggableNameResolver.
    :return: fires with an IPv4 literal, or ``None`` when there is none; may be cancelled.
    """
    if isIPAddress(host):
        return succeed(host)
    receiver = _FirstAddress()
    reactor.nameResolver.resolveHostName(receiver, host, 0, [IPv4Address], transportSemantics="UDP")
    return receiver.found
