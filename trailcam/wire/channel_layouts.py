"""
Body layouts of the channel messages, which are nearly all of the traffic.

Written out instead of derived from annotations, because every packet of a
download passes here.  Protocol: DRW reliability.
"""

from __future__ import annotations

import struct
from typing import Generic, TypeVar

from trailcam.errors import BadMagic, LengthMismatch, Truncated, WireError
from trailcam.wire.constants import CHANNELS, DRW_MAGIC
from trailcam.wire.session_messages import DrwAck, Piece

P = TypeVar("P", bound=Piece)

#: Magic, channel, then the index (DRW, PSR) or the number of entries (DRW_ACK).
_HEAD = struct.Struct(">BBH")
_HEAD_SIZE = _HEAD.size


def _read_head(body: bytes) -> tuple[int, int]:
    """Channel and third field of a body."""
    if len(body) < _HEAD_SIZE:
        raise Truncated(f"{len(body)} octets of a channel message's head")
    magic, channel, third = _HEAD.unpack_from(body)
    if magic != DRW_MAGIC:
        raise BadMagic(f"channel message with magic {magic:#04x}")
    if channel >= CHANNELS:
        raise WireError(f"there is no channel {channel}")
    return channel, third


def _write_head(channel: int, third: int) -> bytes:
    if not 0 <= channel < CHANNELS:
        raise WireError(f"there is no channel {channel}")
    try:
        return _HEAD.pack(DRW_MAGIC, channel, third)
    except struct.error as error:
        raise WireError(f"{third} is no index of a channel") from error


class Payload(Generic[P]):
    """
    DRW and PSR: head, then payload to the end.

    :param most_out: octets of payload that may be sent.
    :param most_in: octets of payload that are accepted.
    """

    def __init__(self, message: type[P], most_out: int, most_in: int) -> None:
        self._message = message
        self._most_out = most_out
        self._most_in = most_in

    def encode(self, message: P) -> bytes:
        """
        The body of ``message``.

        :raises WireError: for a channel, index or size that cannot be sent.
        """
        payload = message.payload
        if len(payload) > self._most_out:
            raise LengthMismatch(f"payload of {len(payload)} octets, at most {self._most_out}")
        return _write_head(message.channel, message.index) + payload

    def decode(self, body: bytes) -> P:
        """
        The message whose body this is.

        :raises WireError: when the head is malformed or the payload too long.
        """
        channel, index = _read_head(body)
        if len(body) > self._most_in + _HEAD_SIZE:
            raise LengthMismatch(f"payload of more than {self._most_in} octets")
        return self._message(channel, index, body[_HEAD_SIZE:])


class Acknowledgement:
    """DRW_ACK: head with the number of entries, then the entries."""

    def encode(self, message: DrwAck) -> bytes:
        """
        The body of ``message``.

        :raises WireError: for a channel or an index that cannot be.
        """
        indexes = message.indexes
        head = _write_head(message.channel, len(indexes))
        try:
            return head + struct.pack(f">{len(indexes)}H", *indexes)
        except struct.error as error:
            raise WireError(f"an acknowledged index is out of range: {error}") from error

    def decode(self, body: bytes) -> DrwAck:
        """
        The message whose body this is.

        :raises WireError: when the head is malformed or its count disagrees with the size.
        """
        channel, count = _read_head(body)
        if len(body) != _HEAD_SIZE + 2 * count:
            raise LengthMismatch(f"{count} entries announced in {len(body)} octets of DRW_ACK")
        return DrwAck(channel, struct.unpack_from(f">{count}H", body, _HEAD_SIZE))
