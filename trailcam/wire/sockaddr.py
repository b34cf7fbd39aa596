"""
Socket addresses as the protocol writes them.

The native form is a ``sockaddr_in`` whose fields were each byte-swapped, so port
and IPv4 address come out backwards: ``00 02 a3 9e 01 2b a8 c0`` is
192.168.43.1:40611.  Only the relay list of one dialect holds the plain structure of
a little-endian machine: family little-endian, port and address in network order.
Protocol: envelope, ids and addresses.
"""

from __future__ import annotations

import socket
import struct
from typing import Final

import attrs

from trailcam.errors import LengthMismatch, WireError

SOCKADDR_HEAD_SIZE: Final = 8
SOCKADDR_SIZE: Final = 16
SOCKADDR_CS2_SIZE: Final = 24

_FAMILY_IPV4 = 2
_SWAPPED = struct.Struct(">H2s4s")
_NETWORK = struct.Struct(">2sH4s")
_ZERO_IPV4 = bytes(4)
_ZERO_IPV6 = bytes(16)


@attrs.frozen
class SocketAddress:
    """
    A host and a port.

    The unspecified address, ``0.0.0.0`` port 0, is sixteen (or 24) zero octets on
    the wire, family included: so says a device that does not know an address.

    :ivar host: an IPv4 literal; the 24-octet form can hold an IPv6 literal instead.
    :ivar port: 0 to 65535.
    """

    host: str
    port: int

    def to_bytes(self) -> bytes:
        """
        The 16 octets of the native form.

        :raises WireError: when the host is no IPv4 literal or the port is out of range.
        """
        return self.to_head_bytes() + bytes(8)

    def to_head_bytes(self) -> bytes:
        """
        The first 8 octets of the native form: all of it but the padding.

        :raises WireError: when the host is no IPv4 literal or the port is out of range.
        """
        return self._head(_literal(socket.AF_INET, self.host))

    def to_cs2_bytes(self) -> bytes:
        """
        The 24 octets of the form that can also hold IPv6.

        :raises WireError: when the host is no literal or the port is out of range.
        """
        if ":" in self.host:
            return self._head(_ZERO_IPV4) + _literal(socket.AF_INET6, self.host)
        return self._head(_literal(socket.AF_INET, self.host)) + _ZERO_IPV6

    def to_network_bytes(self) -> bytes:
        """
        The 16 octets in network order.

        :raises WireError: when the host is no IPv4 literal or the port is out of range.
        """
        family = _family(self).to_bytes(2, "little")
        return _NETWORK.pack(family, _port(self), _literal(socket.AF_INET, self.host)) + bytes(8)

    @classmethod
    def from_bytes(cls, octets: bytes) -> SocketAddress:
        """
        Read the native form; its last 8 octets are padding and not looked at.

        :raises WireError: for another size or family.
        """
        return cls(*_read_head(octets, SOCKADDR_SIZE))

    @classmethod
    def from_head_bytes(cls, octets: bytes) -> SocketAddress:
        """
        Read the first 8 octets of the native form.

        :raises WireError: for another size or family.
        """
        return cls(*_read_head(octets, SOCKADDR_HEAD_SIZE))

    @classmethod
    def from_cs2_bytes(cls, octets: bytes) -> SocketAddress:
        """
        Read the 24-octet form; the IPv6 address counts when there is no IPv4 address.

        :raises WireError: for another size or family.
        """
        host, port = _read_head(octets, SOCKADDR_CS2_SIZE)
        ipv6 = octets[8:]
        if host == UNSPECIFIED.host and ipv6 != _ZERO_IPV6:
            host = socket.inet_ntop(socket.AF_INET6, ipv6)
        return cls(host, port)

    @classmethod
    def from_network_bytes(cls, octets: bytes) -> SocketAddress:
        """
        Read the form in network order; its last 8 octets are not looked at.

        :raises WireError: for another size or family.
        """
        _check_size(octets, SOCKADDR_SIZE)
        family, port, host = _NETWORK.unpack_from(octets)
        _check_family(int.from_bytes(family, "little"), octets)
        return cls(socket.inet_ntoa(host), port)

    def _head(self, ipv4: bytes) -> bytes:
        return _SWAPPED.pack(_family(self), _port(self).to_bytes(2, "little"), ipv4[::-1])

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


#: What stands for "not known".
UNSPECIFIED: Final = SocketAddress("0.0.0.0", 0)


def _family(address: SocketAddress) -> int:
    return 0 if address == UNSPECIFIED else _FAMILY_IPV4


def _port(address: SocketAddress) -> int:
    if not 0 <= address.port <= 0xFFFF:
        raise WireError(f"port {address.port} is not 0 to 65535")
    return address.port


def _literal(family: socket.AddressFamily, host: str) -> bytes:
    try:
        return socket.inet_pton(family, host)
    except (OSError, ValueError) as error:
        raise WireError(f"{host!r} is not an address literal that fits here") from error


def _read_head(octets: bytes, size: int) -> tuple[str, int]:
    """IPv4 host and port of the two forms that write them backwards."""
    _check_size(octets, size)
    family, port, host = _SWAPPED.unpack_from(octets)
    _check_family(family, octets)
    return socket.inet_ntoa(host[::-1]), int.from_bytes(port, "little")


def _check_size(octets: bytes, size: int) -> None:
    if len(octets) != size:
        raise LengthMismatch(f"a socket address has {size} octets here, not {len(octets)}")


def _check_family(family: int, octets: bytes) -> None:
    if family != _FAMILY_IPV4 and any(octets):
        raise WireError(f"socket address of unknown family {family}")
