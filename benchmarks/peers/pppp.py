"""
The few messages of the protocol that a plain camera and a plain client need.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

LAN_SEARCH, PUNCH_PKT, P2P_RDY = 0x30, 0x41, 0x42
DRW, DRW_ACK = 0xD0, 0xD1
ALIVE, ALIVE_ACK, CLOSE = 0xE0, 0xE1, 0xF0

#: The device id that every camera of the family has on its own network.
DID: Final = struct.pack(">8sI8s", b"LBCS", 0, b"CCCJJ")

#: Octets before the payload of a DRW, and the most that follow.
DRW_HEAD: Final = 8
MOST_PAYLOAD: Final = 1024

#: Channels of a session.
COMMANDS: Final = 0

#: A command of this camera alone: send so many octets, in packets of so many, on a channel.
_POUR: Final = struct.Struct("<4sBBHQ")
#: What it says on the channel of commands when all of them have been acknowledged.
POURED: Final = b"FCBE"


def message(kind: int, body: bytes = b"") -> bytes:
    """A datagram."""
    return struct.pack(">BBH", 0xF1, kind, len(body)) + body


def drw(channel: int, index: int, payload: bytes) -> bytes:
    """A piece of a channel's stream; of the index, 16 bits go."""
    head = struct.pack(">BBHBBH", 0xF1, DRW, len(payload) + 4, 0xD1, channel, index & 0xFFFF)
    return head + payload


def drw_ack(channel: int, indexes: Sequence[int]) -> bytes:
    """Says which pieces of a channel have come."""
    count = len(indexes)
    body = struct.pack(f">BBH{count}H", 0xD1, channel, count, *indexes)
    return message(DRW_ACK, body)


def acknowledged(datagram: bytes) -> tuple[int, ...]:
    """The indexes that a DRW_ACK names."""
    count = (len(datagram) - DRW_HEAD) // 2
    return struct.unpack_from(f">{count}H", datagram, DRW_HEAD)


def unwrapped(index: int, near: int) -> int:
    """The number whose last 16 bits are ``index``, and which is nearest to ``near``."""
    return near + (((index - near) + 0x8000) & 0xFFFF) - 0x8000


def pour(channel: int, chunk: int, octets: int) -> bytes:
    """The command for so many octets."""
    return _POUR.pack(b"FCBL", 0, channel, chunk, octets)


def poured(command: bytes) -> tuple[int, int, int] | None:
    """Channel, octets of a packet, and octets of all; ``None`` for another command."""
    if len(command) != _POUR.size or not command.startswith(b"FCBL"):
        return None
    _, _, channel, chunk, octets = _POUR.unpack(command)
    return channel, chunk, octets
