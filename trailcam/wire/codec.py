"""
Datagrams to messages and back.

One datagram is one message: the envelope (magic, opcode, big-endian length) and a
body whose layout the opcode picks from one table.  Protocol: envelope, ids and addresses.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import attrs

from trailcam.errors import BadMagic, LengthMismatch, Truncated, UnknownMessage
from trailcam.wire.channel_layouts import Acknowledgement, Payload
from trailcam.wire.cipher import ProprietaryCipher
from trailcam.wire.constants import (
    HEADER_SIZE,
    MAGIC,
    MAX_DATAGRAM,
    MAX_DRW_PAYLOAD,
    MAX_PSR_PAYLOAD,
    REPORT_KEY,
    MessageType,
)
from trailcam.wire.layouts import BySize, Counted, Enciphered, Layout, Record
from trailcam.wire.messages import (
    ALL,
    Drw,
    ListReqAck,
    Message,
    Psr,
    ReportSessionReady,
    RlyServerReq,
    RlyServerReqAck,
    SmartPunchTo,
)

_HEADER = struct.Struct(">BBH")

_REPORT_CIPHER: Final = ProprietaryCipher(REPORT_KEY)

_SPECIAL: Final[dict[int, Layout[Any]]] = {
    MessageType.DRW: Payload(Drw, MAX_DRW_PAYLOAD, MAX_DATAGRAM),
    MessageType.PSR: Payload(Psr, MAX_PSR_PAYLOAD, MAX_PSR_PAYLOAD),
    MessageType.DRW_ACK: Acknowledgement(),
    MessageType.REPORT_SESSION_READY: Enciphered(Record(ReportSessionReady), _REPORT_CIPHER),
    MessageType.SMART_PUNCH_TO: Enciphered(Record(SmartPunchTo), _REPORT_CIPHER),
    MessageType.LIST_REQ_ACK: Counted(Record(ListReqAck), "relays"),
    MessageType.RLY_SERVER_REQ: BySize(
        Record(RlyServerReq), Counted(Record(RlyServerReqAck), "relays")
    ),
}

_LAYOUTS: Final[dict[int, Layout[Any]]] = _SPECIAL | {
    message.type: Record(message) for message in ALL if message.type not in _SPECIAL
}

#: Opcodes whose announced length is not believed: some devices announce a body that is not there.
_BODYLESS: Final = frozenset(message.type for message in ALL if not attrs.fields(message)) | {
    MessageType.HELLO
}


def encode(message: Message) -> bytes:
    """
    The datagram of ``message``.

    :raises WireError: when a value does not fit its field.
    """
    body = _LAYOUTS[message.type].encode(message)
    if len(body) > MAX_DATAGRAM - HEADER_SIZE:
        raise LengthMismatch(f"body of {len(body)} octets, too long for a datagram")
    return _HEADER.pack(MAGIC, message.type, len(body)) + body


def decode(datagram: bytes) -> Message:
    """
    The message in ``datagram``, which must hold it exactly.

    Only a message without body may be longer than it says, or say what it likes.

    :raises WireError: for octets that are no message.
    """
    size = len(datagram)
    if size > MAX_DATAGRAM:
        raise LengthMismatch(f"datagram of {size} octets, at most {MAX_DATAGRAM} are read")
    if size < HEADER_SIZE:
        raise Truncated(f"datagram of {size} octets")
    magic, opcode, length = _HEADER.unpack_from(datagram)
    if magic != MAGIC:
        raise BadMagic(f"datagram starts with {magic:#04x}")
    layout = _LAYOUTS.get(opcode)
    if layout is None:
        raise UnknownMessage(f"opcode {opcode:#04x}")
    if length != size - HEADER_SIZE and opcode not in _BODYLESS:
        error = Truncated if length > size - HEADER_SIZE else LengthMismatch
        raise error(f"{MessageType(opcode).name} announces {length} octets in {size}")
    message: Message = layout.decode(datagram[HEADER_SIZE:])
    return message
