"""
TCP connections from a host in memory: the connector, and the end that it connects.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from twisted.internet import error
from twisted.internet.abstract import isIPAddress
from twisted.internet.address import IPv4Address
from twisted.internet.base import BaseConnector, ReactorBase
from twisted.internet.interfaces import (
    IAddress,
    IConnector,
    IHostResolution,
    IProtocol,
    IResolutionReceiver,
)
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.interfaces import Address
from trailcam.testing.listener import MemoryListener
from trailcam.testing.origin import origin
from trailcam.testing.pipe import Pipe
from trailcam.testing.ports import ANY
from trailcam.testing.stream import MemoryStream

if TYPE_CHECKING:
    from trailcam.testing.host import MemoryHost


@implementer(IConnector)
class MemoryConnector(BaseConnector):
    """
    Connects a factory to a port; made by :meth:`~trailcam.testing.host.MemoryHost.connectTCP`.

    Its state machine, the timeout included, is that of Twisted's own connectors.
    """

    def __init__(
        self,
        host: MemoryHost,
        destination: Address,
        factory: ClientFactory[Any],
        timeout: float,
        bind_address: Address | None,
    ) -> None:
        # Of a reactor the superclass wants nothing but callLater.
        super().__init__(factory, timeout, cast(ReactorBase, host))
        self._host = host
        self._destination = destination
        self._bind_address = bind_address

    def _makeTransport(self) -> MemoryClient:  # type: ignore[override]
        """Begin to connect."""
        return MemoryClient(self._host, self, self._destination, self._bind_address or (ANY, 0))

    def getDestination(self) -> IPv4Address:
        """The address and number that were asked for; the address may be a name."""
        return IPv4Address("TCP", *self._destination)


@implementer(IResolutionReceiver)
class MemoryClient(MemoryStream):
    """
    The client's end of a connection, from the first attempt on.

    A handshake takes three latencies: the client's protocol is connected after two of them, the
    server's after the third.  Nothing is sent again, so a host or port that appears meanwhile is
    too late.
    """

    _resolution: IHostResolution | None = None
    _bound: IPv4Address | None = None
    _destination: IPv4Address
    _ended = False

    def __init__(
        self,
        host: MemoryHost,
        connector: MemoryConnector,
        destination: Address,
        bind_address: Address,
    ) -> None:
        super().__init__(host, origin())
        self._connector = connector
        self._name, self._number = destination
        self._address: str | None = None
        host.tcp.streams[self] = None
        host.network.wires.soon(partial(self._start, bind_address))

    # For the connector

    def failIfNotConnected(self, reason: Exception) -> None:
        """Give up, unless it is too late for that."""
        if self.connected or self.disconnected or self._ended:
            return
        self._release()
        self.host.tcp.streams.pop(self)
        if self._resolution is not None:
            self._resolution.cancel()
        self._connector.connectionFailed(Failure(reason))

    def connectionLost(self, reason: Failure) -> None:
        """Close now; tell the protocol, then the connector."""
        if self.disconnected:
            return
        self._release()
        super().connectionLost(reason)
        self._connector.connectionLost(reason)

    def _release(self) -> None:
        """Free the number."""
        self._ended = True
        if self._bound is not None:
            self.host.tcp.release(self._bound)

    # IResolutionReceiver

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Keep the question, to be able to withdraw it."""
        self._resolution = resolutionInProgress

    def addressResolved(self, address: IAddress) -> None:
        """Keep the first address."""
        self._address = self._address or cast(IPv4Address, address).host

    def resolutionComplete(self) -> None:
        """Connect to the address found."""
        self._resolution = None
        if self._address is None:
            self.failIfNotConnected(error.DNSLookupError(f"no results for {self._name}"))
        else:
            self._dial(self._address)

    # The handshake

    def _start(self, bind_address: Address) -> None:
        """Get a number, then an address."""
        if self._ended:
            return
        try:
            number = self.host.tcp.bind(self, *bind_address)
        except OSError as e:
            self.failIfNotConnected(error.ConnectBindError(e.errno, e.strerror))
            return
        self._bound = IPv4Address("TCP", bind_address[0], number)
        if isIPAddress(self._name):
            self._dial(self._name)
        else:
            types: Sequence[type[IAddress]] = [IPv4Address]
            self.host.nameResolver.resolveHostName(self, self._name, self._number, types)

    def _dial(self, address: str) -> None:
        """Send the first packet."""
        self._destination = IPv4Address("TCP", address, self._number)
        network = self.host.network
        there = network.wires.reach(self.host, address)
        network.wires.travel(self.host, there or self.host, partial(self._knock, there))

    def _knock(self, there: MemoryHost | None) -> None:
        """Arrive at the other host, if there is one, and have its answer sent."""
        network, number = self.host.network, self._destination.port
        if self._destination.host in network.unreachable:
            refused = partial(self._refused, errno.ENETUNREACH)
            network.wires.travel(self.host, self.host, refused)
        elif there is None:
            return
        elif listener := there.tcp.listener(self._destination.host, number):
            network.wires.travel(there, self.host, partial(self._accepted, there, listener))
        elif not there.silent:
            network.wires.travel(there, self.host, partial(self._refused, errno.ECONNREFUSED))

    def _refused(self, number: int) -> None:
        """Hear why not."""
        self.failIfNotConnected(error.getConnectError((number, os.strerror(number))))

    def _accepted(self, there: MemoryHost, listener: MemoryListener) -> None:
        """Be connected, and let the other host know."""
        if self._ended:
            return
        assert self._bound is not None
        outlet, inlet = Pipe.pair(self.host, there)
        local, seen_from = self.host.tcp.route(self._bound, self._destination)
        accept = partial(listener.accept, inlet, self.host, self._destination, seen_from)
        self.host.network.wires.travel(self.host, there, accept)
        try:
            protocol = self._connector.buildProtocol(self._destination)
        except Exception as e:
            self._log.failure("{connector} failed to make a protocol", connector=self._connector)
            outlet.hang_up()
            self.failIfNotConnected(error.ConnectError(string=repr(e)))
            return
        self.open(there, local, self._destination, outlet)
        self._act(partial(self._use, protocol), is_read=False)

    def _use(self, protocol: IProtocol | None) -> None:
        """Hand over to a protocol; without one the connection is of no use."""
        if protocol is None:
            self.protocol = Protocol()
            self.loseConnection()  # type: ignore[no-untyped-call]
        else:
            self.attach(protocol)
