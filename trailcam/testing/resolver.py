"""
Host names: a resolver that knows what the network was taught.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from twisted.internet.abstract import isIPAddress
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHostnameResolver,
    IHostResolution,
    IReactorTime,
    IResolutionReceiver,
)
from zope.interface import implementer


@implementer(IHostResolution)
class MemoryResolution:
    """
    One question under way.

    :ivar name: the name asked for.
    """

    def __init__(self, name: str, answer: IDelayedCall) -> None:
        self.name = name
        self._answer = answer

    def cancel(self) -> None:
        """Ask no more: nothing is reported from now on, not even the end."""
        if self._answer.active():
            self._answer.cancel()


@implementer(IHostnameResolver)
class MemoryResolver:
    """
    Answers with what is in ``names`` at the time of the answer, and with nothing for other names.

    :param names: IPv4 addresses by lower-case name; a shared, living mapping.
    :param delay: gives the seconds until the answer.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        names: Mapping[str, Sequence[str]],
        delay: Callable[[], float],
    ) -> None:
        self._reactor = reactor
        self._names = names
        self._delay = delay

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> MemoryResolution:
        """See :class:`twisted.internet.interfaces.IHostnameResolver`."""

        def answer() -> None:
            if addressTypes is None or IPv4Address in addressTypes:
                kind: Literal["TCP", "UDP"] = "UDP" if transportSemantics == "UDP" else "TCP"
                for address in self._lookup(hostName):
                    resolutionReceiver.addressResolved(IPv4Address(kind, address, portNumber))
            resolutionReceiver.resolutionComplete()

        call = self._reactor.callLater(self._delay(), answer)
        resolution = MemoryResolution(hostName, call)
        resolutionReceiver.resolutionBegan(resolution)
        return resolution

    def _lookup(self, name: str) -> Sequence[str]:
        """The addresses of a name; an address is its own name."""
        return (name,) if isIPAddress(name) else self._names.get(name.lower(), ())
