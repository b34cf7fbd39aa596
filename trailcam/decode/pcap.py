"""
Recordings as classic pcap files, in either byte order, with micro- or nanoseconds.

What is neither a PPPP datagram over UDP and IPv4 nor a frame of a relay over TCP is passed over and
counted.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

import attrs

from trailcam.decode.frames import LINK_TYPES, Damaged, Tcp, Udp, dissect
from trailcam.decode.packets import Endpoint, Ignored, Item, Packet, Unreadable
from trailcam.decode.tcp import TcpStreams
from trailcam.errors import CaptureError
from trailcam.wire.constants import (
    HEADER_SIZE,
    LAN_SEARCH_PORT,
    MAGIC,
    RENDEZVOUS_PORT,
    SESSION_PORT,
)

#: First octets of a file: byte order, seconds in one tick.
BYTE_ORDERS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6),
    b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9),
    b"\xa1\xb2\x3c\x4d": (">", 1e-9),
}
PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"

#: Octets of the longest frame that capture programs write.
MAX_FRAME = 256 * 1024

_PPPP_PORTS = {LAN_SEARCH_PORT, RENDEZVOUS_PORT, SESSION_PORT}
_DNS_PORT = 53


@attrs.frozen
class _Frame:
    """
    One frame of the file.

    :ivar whole: the file has as many octets of it as the network had.
    """

    number: int
    time: float
    data: bytes
    whole: bool


def read_pcap(file: BinaryIO) -> Iterator[Item]:
    """
    The PPPP packets of a pcap file.

    :raises CaptureError: the header is cut short, or names a link type that is not read.
    """
    header = file.read(24)
    if len(header) < 24:
        raise CaptureError(f"it ends inside the header of a pcap file ({len(header)} octets)")
    order, tick = BYTE_ORDERS[header[:4]]
    # The upper half of the field tells of checksums behind the frames.
    link_type = struct.unpack(f"{order}I", header[20:])[0] & 0xFFFF
    if link_type not in LINK_TYPES:
        raise CaptureError(
            f"its link type {link_type} is not read (Ethernet, raw IP, Linux cooked, loopback are)"
        )
    return _items(_frames(file, struct.Struct(f"{order}4I"), tick), link_type)


def _frames(file: BinaryIO, head: struct.Struct, tick: float) -> Iterator[_Frame | Unreadable]:
    number = 0
    while octets := file.read(head.size):
        number += 1
        if len(octets) < head.size:
            yield Unreadable(number, "the file ends inside the head of this frame")
            return
        seconds, ticks, kept, size = head.unpack(octets)
        if kept > MAX_FRAME:
            yield Unreadable(number, f"{kept} octets are impossible; the rest of the file is lost")
            return
        data = file.read(kept)
        if len(data) < kept:
            yield Unreadable(number, "the file ends inside this frame")
            return
        yield _Frame(number, seconds + ticks * tick, data, kept >= size)


def _items(frames: Iterator[_Frame | Unreadable], link_type: int) -> Iterator[Item]:
    talking: set[frozenset[Endpoint]] = set()
    streams = TcpStreams()
    for frame in frames:
        if isinstance(frame, Unreadable):
            yield frame
            continue
        found = dissect(link_type, frame.data)
        if isinstance(found, Tcp):
            yield from streams.take(frame.number, frame.time, found)
        else:
            yield _item(frame, found, talking)
    yield from streams.end()


def _item(frame: _Frame, found: Udp | Ignored | Damaged, talking: set[frozenset[Endpoint]]) -> Item:
    if isinstance(found, Ignored):
        return found
    if isinstance(found, Damaged):
        return Unreadable(frame.number, _cut(found.why, frame))
    sender, receiver = Endpoint(*found.source), Endpoint(*found.destination)
    ends = frozenset((sender, receiver))
    if not _is_pppp(found, known=ends in talking):
        return Ignored("not PPPP")
    if found.missing:
        why = f"{found.missing} of its octets are missing"
        return Unreadable(frame.number, _cut(why, frame))
    talking.add(ends)
    return Packet(frame.number, frame.time, sender, receiver, found.data)


def _cut(why: str, frame: _Frame) -> str:
    return why if frame.whole else f"{why} (the recording program kept {len(frame.data)})"


def _is_pppp(udp: Udp, known: bool) -> bool:
    """
    Whether a datagram is one of ours.

    Its first octet alone does not tell: a DNS query may have a transaction number that begins so.
    """
    ports = {udp.source[1], udp.destination[1]}
    if _DNS_PORT in ports or udp.data[:1] != bytes([MAGIC]):
        return False
    announced = int.from_bytes(udp.data[2:HEADER_SIZE], "big")
    return known or not _PPPP_PORTS.isdisjoint(ports) or HEADER_SIZE + announced == udp.size
