"""
What one host knows of TCP: its listeners, its connections, and which number belongs to whom.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from twisted.internet.address import IPv4Address

from trailcam.testing.connector import MemoryClient
from trailcam.testing.listener import MemoryListener
from trailcam.testing.port import is_loopback
from trailcam.testing.ports import ANY, PortTable
from trailcam.testing.stream import MemoryStream

if TYPE_CHECKING:
    from trailcam.testing.host import MemoryHost


class TcpTable:
    """
    The TCP of one host.

    :param first_port: where to begin with the numbers for those who want any.
    :ivar streams: the connections of the host, and the attempts at one, in the order of their
        making; only the keys count.
    """

    def __init__(self, host: MemoryHost, first_port: int) -> None:
        self.streams: dict[MemoryStream, None] = {}
        self._host = host
        self._ports: PortTable[MemoryListener | MemoryClient] = PortTable(first_port)

    def listeners(self) -> Iterator[MemoryListener]:
        """The ports that are bound to listen."""
        return (owner for owner in self._ports if isinstance(owner, MemoryListener))

    def bind(self, owner: MemoryListener | MemoryClient, address: str, number: int) -> int:
        """
        Give a number to a listener or client; see :meth:`PortTable.bind`.

        :raises OSError: ``EADDRINUSE``, or ``EADDRNOTAVAIL`` for an address of somebody else.
        """
        self._host.check_own(address)
        return self._ports.bind(owner, address, number)

    def release(self, address: IPv4Address) -> None:
        """Undo :meth:`bind`."""
        self._ports.release(address.host, address.port)

    def listener(self, address: str, number: int) -> MemoryListener | None:
        """Who accepts connections to this address of the host, if anybody does."""
        owner = self._ports.listener(address, number)
        return owner if isinstance(owner, MemoryListener) and owner.hearing else None

    def route(
        self, bound: IPv4Address, destination: IPv4Address
    ) -> tuple[IPv4Address, IPv4Address]:
        """The address of the host's end of a connection, and what the other end sees of it."""
        address = bound.host
        if address == ANY:
            address = "127.0.0.1" if is_loopback(destination.host) else self._host.address
        seen_from = self._host.network.wires.seen_as(
            self._host, (address, bound.port), destination.host
        )
        return IPv4Address("TCP", address, bound.port), IPv4Address("TCP", *seen_from)
