"""
What travels through a :class:`~trailcam.testing.network.MemoryNetwork`, and the log of it.
"""

from __future__ import annotations

import enum
import itertools

import attrs

from trailcam.interfaces import Address


class Fate(enum.Enum):
    """What became of a datagram."""

    IN_FLIGHT = "in_flight"
    """Still on its way."""
    DELIVERED = "delivered"
    """Handed to the protocol of a port (of at least one port, for a broadcast)."""
    DUPLICATED = "duplicated"
    """An extra copy that the network made, delivered as well."""
    LOST = "lost"
    """Lost by chance or at a cut, thrown away by a hook, or arrived at a port just closing."""
    REFUSED = "refused"
    """Its host has no such port."""
    FILTERED = "filtered"
    """Thrown away by a NAT or by the firewall of a silent host."""
    NO_ROUTE = "no_route"
    """Nobody has that address, or nobody listens to that broadcast."""


@attrs.frozen
class Datagram:
    """
    One UDP datagram, as its sender wrote it.

    :ivar sent_at: seconds on the network's clock.
    :ivar source: the sender's own address, a private one for a host behind a NAT.
    :ivar destination: where the sender wanted it to go.
    :ivar fate: what became of it by the time of looking.
    """

    sent_at: float
    source: Address
    destination: Address
    payload: bytes
    fate: Fate = Fate.IN_FLIGHT

    def met(self, fate: Fate) -> Datagram:
        """The same datagram with another fate."""
        return Datagram(self.sent_at, self.source, self.destination, self.payload, fate)


class DatagramLog:
    """
    The last datagrams sent, oldest first, each with its latest fate.

    :param limit: how many are kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: dict[int, Datagram] = {}
        self._numbers = itertools.count()

    def add(self, datagram: Datagram) -> int:
        """Keep ``datagram``; the result is the number to :meth:`settle` it by."""
        number = next(self._numbers)
        self._entries[number] = datagram
        if len(self._entries) > self._limit:
            del self._entries[number - self._limit]
        return number

    def settle(self, number: int, fate: Fate) -> None:
        """Note what became of a datagram, unless it is forgotten already."""
        if (entry := self._entries.get(number)) is not None:
            self._entries[number] = entry.met(fate)

    def entries(self) -> list[Datagram]:
        """A copy of the log."""
        return list(self._entries.values())
