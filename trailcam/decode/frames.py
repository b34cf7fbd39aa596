"""From the frame of a network to the UDP datagram, or the TCP segment, inside it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Final

import attrs

from trailcam.decode.packets import Ignored

_TCP_PROTOCOL = 6
_UDP_PROTOCOL = 17
_ETHERTYPE_IPV4 = 0x0800
_VLAN_TAGS = (0x8100, 0x88A8)
_AF_INET = 2

#: Version and header length, total length, fragment, protocol, source, destination.
_IPV4 = struct.Struct(">BxHxxHxBxx4s4s")
_UDP = struct.Struct(">HHHxx")
#: Ports, sequence number, header length, flags.
_TCP = struct.Struct(">HHI4xBB6x")
_TCP_SYN = 0x02


@attrs.frozen
class Udp:
    """
    One UDP datagram.

    :ivar data: its octets, as far as they were recorded.
    :ivar size: the octets it has by its own length field.
    """

    source: tuple[str, int]
    destination: tuple[str, int]
    data: bytes
    size: int

    @property
    def missing(self) -> int:
        """Octets that were not recorded."""
        return self.size - len(self.data)


@attrs.frozen
class Tcp:
    """
    One TCP segment.

    :ivar sequence: the number of its first octet.
    :ivar opens: it opens the connection: SYN, which has a sequence number of its own before the
        first octet.
    :ivar data: its octets, as far as they were recorded.
    :ivar missing: octets that were not recorded.
    """

    source: tuple[str, int]
    destination: tuple[str, int]
    sequence: int
    opens: bool
    data: bytes
    missing: int


@attrs.frozen
class Damaged:
    """Something that may hold a packet of ours, and cannot be read."""

    why: str


def dissect(link_type: int, frame: bytes) -> Udp | Tcp | Ignored | Damaged:
    """
    Take the UDP datagram or the TCP segment out of a frame.

    :param link_type: a key of :data:`LINK_TYPES`.
    """
    packet = LINK_TYPES[link_type](frame)
    if not packet or packet[0] >> 4 != 4:
        return Ignored("not IPv4")
    return _ipv4(packet)


def _ipv4(packet: bytes) -> Udp | Tcp | Ignored | Damaged:
    if len(packet) < _IPV4.size:
        return Damaged("its IPv4 header is cut short")
    first, total, fragment, protocol, source, destination = _IPV4.unpack_from(packet)
    if protocol not in (_TCP_PROTOCOL, _UDP_PROTOCOL):
        return Ignored("neither UDP nor TCP")
    # More fragments follow, or this is not the first one: reserved and don't-fragment masked out.
    if fragment & 0x3FFF:
        return Damaged("a fragment of an IPv4 packet; fragments are not put together")
    start = (first & 0x0F) * 4
    if start < _IPV4.size:
        return Damaged(f"its IPv4 header says it has {start} octets")
    if protocol == _UDP_PROTOCOL:
        return _udp(packet[start:total], source, destination)
    # A network card that cuts segments itself is given longer ones, which may say 0.
    total = total or len(packet)
    return _tcp(packet[start:total], total - start, source, destination)


def _udp(segment: bytes, source: bytes, destination: bytes) -> Udp | Damaged:
    if len(segment) < _UDP.size:
        return Damaged("its UDP header is cut short")
    source_port, destination_port, length = _UDP.unpack_from(segment)
    if length < _UDP.size:
        return Damaged(f"its UDP length field says {length}")
    return Udp(
        (socket.inet_ntoa(source), source_port),
        (socket.inet_ntoa(destination), destination_port),
        segment[_UDP.size : length],
        length - _UDP.size,
    )


def _tcp(segment: bytes, size: int, source: bytes, destination: bytes) -> Tcp | Damaged:
    if len(segment) < _TCP.size:
        return Damaged("its TCP header is cut short")
    source_port, destination_port, sequence, offset, flags = _TCP.unpack_from(segment)
    start = (offset >> 4) * 4
    if not _TCP.size <= start <= size:
        return Damaged(f"its TCP header says it has {start} octets")
    data = segment[start:]
    return Tcp(
        (socket.inet_ntoa(source), source_port),
        (socket.inet_ntoa(destination), destination_port),
        sequence,
        bool(flags & _TCP_SYN),
        data,
        size - start - len(data),
    )


def _ethernet(frame: bytes) -> bytes:
    start = 14
    while _ethertype(frame, start - 2) in _VLAN_TAGS:
        start += 4
    return frame[start:] if _ethertype(frame, start - 2) == _ETHERTYPE_IPV4 else b""


def _cooked(frame: bytes) -> bytes:
    return frame[16:] if _ethertype(frame, 14) == _ETHERTYPE_IPV4 else b""


def _cooked2(frame: bytes) -> bytes:
    return frame[20:] if _ethertype(frame, 0) == _ETHERTYPE_IPV4 else b""


def _loopback(frame: bytes) -> bytes:
    # The family is in the byte order of the machine that recorded, which the file does not tell.
    families = (_AF_INET.to_bytes(4, "little"), _AF_INET.to_bytes(4, "big"))
    return frame[4:] if frame[:4] in families else b""


def _raw(frame: bytes) -> bytes:
    return frame


def _ethertype(frame: bytes, start: int) -> int:
    return int.from_bytes(frame[start : start + 2], "big")


#: How to find the IPv4 packet in a frame; nothing when there is none.
LINK_TYPES: Final[dict[int, Callable[[bytes], bytes]]] = {
    0: _loopback,
    1: _ethernet,
    12: _raw,
    14: _raw,
    101: _raw,
    108: _loopback,
    113: _cooked,
    228: _raw,
    276: _cooked2,
}
