"""
A host on a network in memory: for the code under test it is the reactor.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from twisted.internet import error
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.address import IPv4Address
from twisted.internet.base import DelayedCall
from twisted.internet.interfaces import (
    IDelayedCall,
    IHostnameResolver,
    IProtocolFactory,
    IReactorPluggableNameResolver,
    IReactorTCP,
    IReactorTime,
    IReactorUDP,
)
from twisted.internet.protocol import ClientFactory, DatagramProtocol
from zope.interface import implementer

from trailcam.interfaces import Address
from trailcam.testing.connector import MemoryConnector
from trailcam.testing.events import SystemEvents, Trigger
from trailcam.testing.listener import MemoryListener
from trailcam.testing.nat import Nat
from trailcam.testing.origin import origin
from trailcam.testing.port import LIMITED_BROADCAST, MemoryPort, is_loopback
from trailcam.testing.ports import ANY, PortTable
from trailcam.testing.tcp import TcpTable

if TYPE_CHECKING:
    from trailcam.testing.network import MemoryNetwork


@implementer(IReactorTime, IReactorUDP, IReactorTCP, IReactorPluggableNameResolver)
class MemoryHost:
    """
    One machine, made by :meth:`trailcam.testing.network.MemoryNetwork.host`.

    Pass it wherever a reactor is wanted for time, UDP, TCP, host names or system events.

    :ivar network: the network it is on.
    :ivar address: its IPv4 address; behind a NAT, the private one.
    :ivar name: its name, if it has one.
    :ivar nat: the NAT it is behind, if any.
    :ivar broadcast: the broadcast address of its subnet.  The hosts of one subnet are those with
        the same broadcast address behind the same NAT.
    :ivar silent: a firewall that throws away what arrives at a port that is not open, instead of
        refusing it.
    :ivar write_error: raised by every UDP write from this host while it is set, as if the system
        call had failed; so ``EMSGSIZE`` and ``ECONNREFUSED`` come out as on a real port.
    :ivar nameResolver: an ``IHostnameResolver`` that knows the names of the network.
    :ivar tcp: its TCP connections and listening ports.
    """

    def __init__(
        self,
        network: MemoryNetwork,
        address: str,
        name: str | None,
        nat: Nat | None,
        resolver: Callable[[MemoryHost], IHostnameResolver],
        first_port: int,
    ) -> None:
        self.network = network
        self.address = address
        self.name = name
        self.nat = nat
        self.broadcast = address.rpartition(".")[0] + ".255"
        self.silent = False
        self.write_error: OSError | None = None
        self.nameResolver = resolver(self)
        self.tcp = TcpTable(self, first_port)
        self._ports: PortTable[MemoryPort] = PortTable(first_port)
        self._events = SystemEvents()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label}>"

    @property
    def label(self) -> str:
        """Its name and address, for people."""
        return f"{self.name} ({self.address})" if self.name else self.address

    # IReactorTime

    def seconds(self) -> float:
        """The time in seconds; every host of a network has the same."""
        return self.network.clock.seconds()

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kwargs: object
    ) -> IDelayedCall:
        """
        Call a function after ``delay`` seconds.

        What it raises comes out of :meth:`MemoryNetwork.advance`; a real reactor would log it.
        """
        assert delay >= 0, f"cannot call {callable!r} in the past: {delay} s"
        # A Clock makes nothing else, though its signature promises less.
        call = cast(DelayedCall, self.network.clock.callLater(delay, callable, *args, **kwargs))
        # Twisted's debug mode keeps a traceback there; one line is cheap enough for every call.
        call.creator = call.creator or [origin()]
        return call

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        """The calls that are still to come on the whole network."""
        return self.network.delayed_calls()

    # IReactorUDP

    def listenUDP(
        self,
        port: int,
        protocol: DatagramProtocol,
        interface: str = "",
        maxPacketSize: int = 8192,
    ) -> MemoryPort:
        """
        Open a UDP port.

        :param port: its number; 0 for one that nobody else has had yet.
        :param interface: the host's own address or a loopback address; all of them by default.
            A port that is bound to one address hears no broadcasts.
        :param maxPacketSize: octets; what is longer is cut off on arrival.
        :raises CannotListenError: when the number is taken or the interface is not this host's.
        :raises InvalidAddressError: when the interface is not an address.
        """
        if interface and not (isIPAddress(interface) or isIPv6Address(interface)):
            raise error.InvalidAddressError(interface, "not an IPv4 or IPv6 address.")
        _check_number(port)
        opened = MemoryPort(self, port, protocol, interface, maxPacketSize)
        opened.startListening()
        return opened

    # IReactorTCP

    def listenTCP(
        self, port: int, factory: IProtocolFactory, backlog: int = 50, interface: str = ""
    ) -> MemoryListener:
        """
        Accept TCP connections.

        :param port: its number; 0 for one that nobody else has had yet.
        :param backlog: ignored: nobody waits to be accepted.
        :param interface: the host's own address or a loopback address; all of them by default.
        :raises CannotListenError: when the number is taken or the interface is not this host's.
        """
        _check_number(port)
        opened = MemoryListener(self, port, factory, interface)
        opened.startListening()
        return opened

    def connectTCP(
        self,
        host: str,
        port: int,
        factory: ClientFactory[Any],
        timeout: float = 30,
        bindAddress: Address | None = None,
    ) -> MemoryConnector:
        """
        Connect to a TCP port; the factory hears how that went.

        :param host: an IPv4 address, or a name that the host's resolver knows.
        :param timeout: seconds until it fails with :class:`~twisted.internet.error.TimeoutError`.
        :param bindAddress: own address and number; by default those of the way, and any.
        """
        connector = MemoryConnector(self, (host, port), factory, timeout, bindAddress)
        connector.connect()
        return connector

    # IReactorPluggableNameResolver

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Use another resolver; the result is the one in use until now."""
        previous, self.nameResolver = self.nameResolver, resolver
        return previous

    # The small part of IReactorCore that services ask for

    def callWhenRunning(
        self, callable: Callable[..., object], *args: object, **kwargs: object
    ) -> None:
        """Call a function at once: a host in memory is always running."""
        callable(*args, **kwargs)

    def addSystemEventTrigger(
        self,
        phase: str,
        eventType: str,
        callable: Callable[..., object],
        *args: object,
        **kwargs: object,
    ) -> Trigger:
        """Call a function "before", "during" or "after" an event such as "shutdown"."""
        return self._events.add(phase, eventType, callable, args, kwargs)

    def removeSystemEventTrigger(self, triggerID: Trigger) -> None:
        """Undo :meth:`addSystemEventTrigger`; ValueError when it ran already."""
        self._events.remove(triggerID)

    def fireSystemEvent(self, eventType: str) -> None:
        """Run the triggers of an event; "shutdown" stops nothing by itself."""
        self._events.fire(eventType)

    # For the ports and the network

    def ports(self) -> Iterator[MemoryPort]:
        """The ports that are bound now."""
        return iter(self._ports)

    def is_broadcast(self, address: str) -> bool:
        """Whether everybody on this host's subnet is meant."""
        return address in (LIMITED_BROADCAST, self.broadcast)

    def check_own(self, address: str) -> None:
        """
        Check that a port may be bound to an address.

        :raises OSError: ``EADDRNOTAVAIL`` for an address of somebody else.
        """
        if address not in (ANY, self.address) and not is_loopback(address):
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))

    def bind(self, port: MemoryPort, address: str, number: int) -> int:
        """
        Give a number to a port; see :meth:`PortTable.bind`.

        :raises OSError: ``EADDRINUSE``, or ``EADDRNOTAVAIL`` for an address of somebody else.
        """
        self.check_own(address)
        return self._ports.bind(port, address, number)

    def release(self, address: IPv4Address) -> None:
        """Undo :meth:`bind`."""
        self._ports.release(address.host, address.port)

    def listener(self, address: str, number: int) -> MemoryPort | None:
        """The port that hears what arrives for this address of the host, if there is one."""
        return self._ports.listener(address, number)


def _check_number(port: int) -> None:
    """Refuse a port number that no system would take, in the system's words."""
    if not 0 <= port <= 65535:
        raise OverflowError("bind(): port must be 0-65535.")
