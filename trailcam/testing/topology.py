"""
Who answers to which address, seen from where.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator

import attrs

from trailcam.interfaces import Address
from trailcam.testing.datagram import Fate
from trailcam.testing.host import MemoryHost
from trailcam.testing.nat import Nat
from trailcam.testing.port import MemoryPort, is_loopback


@attrs.frozen
class Landing:
    """
    Where a datagram ended.

    :ivar listeners: the ports that get it.
    :ivar error: the :mod:`errno` value that its sender hears of, 0 for none.
    """

    fate: Fate
    listeners: tuple[MemoryPort, ...] = ()
    error: int = 0


_FILTERED = Landing(Fate.FILTERED)
_NO_ROUTE = Landing(Fate.NO_ROUTE)


class Topology:
    """
    The public network and the private ones behind NATs; one table of hosts for each.

    :param severed: tells whether the way between two hosts is cut.
    """

    def __init__(self, severed: Callable[[MemoryHost, MemoryHost], bool]) -> None:
        self._severed = severed
        self._realms: dict[Nat | None, dict[str, MemoryHost]] = {None: {}}
        self._nats: dict[str, Nat] = {}

    def hosts(self) -> Iterator[MemoryHost]:
        """All hosts, whatever they are behind."""
        return (host for realm in self._realms.values() for host in realm.values())

    def add(self, host: MemoryHost) -> None:
        """
        Put a host in its place.

        :raises ValueError: when its address, or its NAT's, is somebody else's.
        """
        if host.nat is not None:
            self._add_nat(host.nat)
        realm = self._realms[host.nat]
        if host.address in realm or (host.nat is None and host.address in self._nats):
            raise ValueError(f"{host.address} is in use")
        realm[host.address] = host

    def _add_nat(self, nat: Nat) -> None:
        """Make a realm for a NAT that is new here."""
        taken = nat.public_address in self._realms[None]
        if taken or self._nats.setdefault(nat.public_address, nat) is not nat:
            raise ValueError(f"{nat.public_address} is in use")
        self._realms.setdefault(nat, {})

    def outbound(
        self, sender: MemoryHost, source: Address, destination: Address, now: float
    ) -> Address | None:
        """
        What the sender looks like to the receiver, once its NAT let the datagram out.

        :returns: ``None`` when the NAT could not.
        """
        nat = sender.nat
        if nat is None or self._is_near(sender, destination[0]):
            return source
        return nat.outbound(source, destination, now)

    def reach(self, sender: MemoryHost, address: str) -> MemoryHost | None:
        """The host that a connection from ``sender`` to an address comes to; none behind a NAT."""
        if is_loopback(address):
            return sender
        return self._realms[sender.nat].get(address) or self._realms[None].get(address)

    def stream_address(self, sender: MemoryHost, source: Address, destination: str) -> Address:
        """What the sender of a connection looks like to the receiver."""
        if sender.nat is None or self._is_near(sender, destination):
            return source
        return sender.nat.stream_address()

    def _is_near(self, sender: MemoryHost, address: str) -> bool:
        """Whether what is sent to an address passes no NAT."""
        return (
            is_loopback(address)
            or sender.is_broadcast(address)
            or address in self._realms[sender.nat]
        )

    def land(
        self, sender: MemoryHost, seen_from: Address, destination: Address, now: float
    ) -> Landing:
        """
        Find out what becomes of a datagram that arrives now.

        :param seen_from: the source after translation.
        """
        address, number = destination
        if sender.is_broadcast(address):
            return self._land_broadcast(sender, number)
        if is_loopback(address):
            return self._land_on(sender, sender, address, number)
        realm = self._realms[sender.nat]
        if (host := realm.get(address)) or (host := self._realms[None].get(address)):
            return self._land_on(sender, host, address, number)
        if (nat := self._nats.get(address)) is not None:
            return self._land_behind(nat, sender, seen_from, number, now)
        return _NO_ROUTE

    def _land_broadcast(self, sender: MemoryHost, number: int) -> Landing:
        """Reach the other hosts of the sender's subnet."""
        heard = tuple(
            port
            for host in self._realms[sender.nat].values()
            if host is not sender and host.broadcast == sender.broadcast
            if not self._severed(sender, host)
            if (port := host.listener(host.broadcast, number)) is not None and port.hearing
        )
        return Landing(Fate.DELIVERED, heard) if heard else _NO_ROUTE

    def _land_behind(
        self, nat: Nat, sender: MemoryHost, seen_from: Address, number: int, now: float
    ) -> Landing:
        """Reach a host behind a NAT by a public port, if the NAT has nothing against it."""
        if nat is sender.nat and not nat.hairpin:
            return _FILTERED
        inside = nat.inbound(number, seen_from, now)
        if inside is None:
            return _FILTERED
        return self._land_on(sender, self._realms[nat][inside[0]], *inside)

    def _land_on(self, sender: MemoryHost, host: MemoryHost, address: str, number: int) -> Landing:
        """Reach a port of a host, or be refused."""
        if self._severed(sender, host):
            return Landing(Fate.LOST)
        port = host.listener(address, number)
        if port is None:
            return _FILTERED if host.silent else Landing(Fate.REFUSED, error=errno.ECONNREFUSED)
        return Landing(Fate.DELIVERED, (port,)) if port.hearing else Landing(Fate.LOST)
