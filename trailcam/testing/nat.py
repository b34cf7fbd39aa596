"""
Address translators (NAT) of the four classic kinds.

All four rewrite the source of what leaves; they differ in which answers they let back in, and
the symmetric one shows a new port to each destination as well.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Hashable, Iterator

import attrs

from trailcam.interfaces import Address

PUBLIC_PORTS = range(20000, 60000)
"""The ports a NAT gives out, one after the other."""


class NatKind(enum.Enum):
    """How a NAT maps and filters."""

    FULL_CONE = "full_cone"
    """One public port per inside port; anybody may send to it."""
    ADDRESS_RESTRICTED = "address_restricted"
    """One public port per inside port; only addresses written to before may answer, on any port."""
    PORT_RESTRICTED = "port_restricted"
    """One public port per inside port; only address and port pairs written to before may answer."""
    SYMMETRIC = "symmetric"
    """One public port per inside port *and* destination; only that destination may answer."""


@attrs.define(eq=False)
class _Mapping:
    """One public port, and the last time that each kind of peer was written to through it."""

    key: Hashable
    inside: Address
    public_port: int
    used_at: float
    written: dict[Hashable, float] = attrs.field(factory=dict)


@attrs.define(eq=False)
class Nat:
    """
    A router with one public address and a network of its own behind it.

    Give the same object to every :meth:`~trailcam.testing.network.MemoryNetwork.host` behind it.
    They reach each other by their private addresses, directly.  Public ports are given out in
    turn, whatever the number inside, so that nobody comes to rely on keeping it.

    :ivar kind: how it maps and filters.
    :ivar public_address: the address that everybody outside sees.
    :ivar lifetime: seconds without outbound traffic after which a mapping, or the permission of
        one peer to answer, is forgotten.
    :ivar hairpin: whether hosts behind it reach each other by the public address too.
    :ivar capacity: mappings, and peers of one mapping, that are remembered at a time.  With the
        table full, datagrams that need a new mapping are thrown away; a new peer takes the place
        of the one written to longest ago.
    """

    kind: NatKind
    public_address: str
    lifetime: float = attrs.field(default=120.0, validator=attrs.validators.gt(0))
    hairpin: bool = False
    capacity: int = attrs.field(
        default=1024,
        validator=[attrs.validators.ge(1), attrs.validators.lt(len(PUBLIC_PORTS))],
    )
    # This one, and each ``written``, is kept in the order of last use: the stalest come first.
    _mappings: dict[Hashable, _Mapping] = attrs.field(init=False, factory=dict, repr=False)
    _by_port: dict[int, _Mapping] = attrs.field(init=False, factory=dict, repr=False)
    _ports: Iterator[int] = attrs.field(
        init=False, factory=lambda: itertools.cycle(PUBLIC_PORTS), repr=False
    )
    _stream_ports: Iterator[int] = attrs.field(
        init=False, factory=lambda: itertools.cycle(PUBLIC_PORTS), repr=False
    )

    def outbound(self, inside: Address, destination: Address, now: float) -> Address | None:
        """
        Translate the source of a datagram that leaves, and open the way back.

        :param inside: the sender's private address and port.
        :param now: seconds on the network's clock.
        :returns: the public address and port, or ``None`` when the table is full.
        """
        self._expire(now)
        key = (inside, destination if self.kind is NatKind.SYMMETRIC else None)
        mapping = self._mappings.pop(key, None) or self._open(key, inside, now)
        if mapping is None:
            return None
        self._mappings[key] = mapping
        mapping.used_at = now
        self._permit(mapping, self._peer_key(destination), now)
        return self.public_address, mapping.public_port

    def inbound(self, public_port: int, source: Address, now: float) -> Address | None:
        """
        Find out for whom a datagram from outside is.

        :param source: the sender as seen from outside.
        :returns: the private address and port, or ``None`` when it may not pass.
        """
        mapping = self._by_port.get(public_port)
        if mapping is None:
            return None
        written_at = mapping.written.get(self._peer_key(source))
        if written_at is None or now - written_at >= self.lifetime:
            return None
        return mapping.inside

    def stream_address(self) -> Address:
        """
        The public address and port of a TCP connection that leaves.

        TCP has ports of its own.  A connection keeps its mapping for as long as it lasts, and
        nobody can connect in.
        """
        return self.public_address, next(self._stream_ports)

    def _peer_key(self, peer: Address) -> Hashable:
        """What this kind of NAT remembers, and compares, of a peer."""
        if self.kind is NatKind.FULL_CONE:
            return None
        return peer[0] if self.kind is NatKind.ADDRESS_RESTRICTED else peer

    def _expire(self, now: float) -> None:
        """Forget the mappings that nobody used for the lifetime."""
        while self._mappings:
            oldest = next(iter(self._mappings.values()))
            if now - oldest.used_at < self.lifetime:
                return
            del self._mappings[oldest.key]
            del self._by_port[oldest.public_port]

    def _open(self, key: Hashable, inside: Address, now: float) -> _Mapping | None:
        """A new mapping with a port that is free, unless the table is full."""
        if len(self._by_port) >= self.capacity:
            return None
        port = next(port for port in self._ports if port not in self._by_port)
        mapping = self._by_port[port] = _Mapping(key, inside, port, now)
        return mapping

    def _permit(self, mapping: _Mapping, peer: Hashable, now: float) -> None:
        """Remember that ``peer`` was written to, in place of the stalest one when full."""
        mapping.written.pop(peer, None)
        if len(mapping.written) >= self.capacity:
            del mapping.written[next(iter(mapping.written))]
        mapping.written[peer] = now
