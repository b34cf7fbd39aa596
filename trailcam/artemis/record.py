"""
Records: the units that the octets of a DRW channel are made of.

A record is a 20-octet head (magic, kind, sequence, length; all little-endian) and a payload.
Its borders need not match those of the packets that carry it.

Protocol: the application layer, records.
"""

from __future__ import annotations

import enum
import struct

import attrs

from trailcam.errors import LengthMismatch

MAGIC = b"ARTEMIS\0"

#: The first thing a camera writes on channel 0: bare, without a record's head.
BANNER = b"ACK"

#: Octets of payload accepted in a record.  The largest one documented, a photo, has about 1 MiB.
MAX_PAYLOAD = 16 * 1024 * 1024

#: The same for commands and answers; the largest one recorded has about 7 KiB.
MAX_TEXT = 1024 * 1024

_HEAD = struct.Struct("<8sIII")
HEAD_SIZE = _HEAD.size


class RecordKind(enum.IntEnum):
    """What a record carries; each kind has its own channel."""

    LIVE = 0
    TALK = 1
    COMMAND = 2
    ANSWER = 3
    PLAYBACK = 4
    FILE = 5
    PIR = 6
    EVENT = 7
    THUMBNAIL = 8


@attrs.frozen
class Record:
    """
    One record.

    :ivar kind: a :class:`RecordKind`, or the number of a kind nobody has documented.
    :ivar sequence: the record's number; an answer repeats the number of its command.
    """

    kind: int
    sequence: int
    payload: bytes

    def to_bytes(self) -> bytes:
        """
        The octets to write to a channel.

        :raises LengthMismatch: the payload is longer than a decoder would accept.
        """
        if len(self.payload) > payload_limit(self.kind):
            raise LengthMismatch(f"{len(self.payload)} octets are too many for one record")
        return _HEAD.pack(MAGIC, self.kind, self.sequence, len(self.payload)) + self.payload


@attrs.frozen
class Unfinished:
    """
    A record whose head has come, and whose payload has not come wholly.

    :ivar length: octets the head promises.
    :ivar payload: the octets that have come.
    """

    kind: int
    sequence: int
    length: int
    payload: bytes


def payload_limit(kind: int) -> int:
    """The octets of payload accepted in a record of ``kind``."""
    return MAX_TEXT if kind in (RecordKind.COMMAND, RecordKind.ANSWER) else MAX_PAYLOAD


class RecordDecoder:
    """
    Cuts the octets of one channel, one direction, into records.

    Octets that belong to no record are skipped up to the next magic; a head that promises more than
    :func:`payload_limit` is skipped like them.  So at most one record is ever buffered.

    :ivar skipped: octets that belonged to no record.
    :ivar refused: heads that promised too much.
    """

    def __init__(self) -> None:
        self.skipped = 0
        self.refused = 0
        self._buffer = bytearray()
        self._wanted = HEAD_SIZE

    def feed(self, data: bytes) -> list[Record]:
        """
        Take the next octets of the channel.

        :return: the records that these octets complete, in order.
        """
        self._buffer += data
        records = []
        while len(self._buffer) >= self._wanted:
            record = self._next()
            if record is not None:
                records.append(record)
        return records

    def restart(self) -> Unfinished | None:
        """
        Forget what is buffered: the octets that come next do not continue it.

        :return: the record that stays unfinished, if one had begun.
        """
        unfinished = self._begun()
        if unfinished is None:
            self.skipped += len(self._buffer)
        self._buffer.clear()
        self._wanted = HEAD_SIZE
        return unfinished

    def _next(self) -> Record | None:
        """Take a record off the buffer, or learn how many octets that needs."""
        if not self._at_magic():
            return None
        _, kind, sequence, length = _HEAD.unpack_from(self._buffer)
        if length > payload_limit(kind):
            self.refused += 1
            self._skip(1)
            return None
        self._wanted = HEAD_SIZE + length
        if len(self._buffer) < self._wanted:
            return None
        record = Record(kind, sequence, bytes(self._buffer[HEAD_SIZE : self._wanted]))
        self._drop(self._wanted)
        return record

    def _at_magic(self) -> bool:
        """Skip to the next magic, or to what may be its beginning."""
        if self._buffer.startswith(MAGIC):
            return True
        found = self._buffer.find(MAGIC)
        self._skip(found if found >= 0 else len(self._buffer) - self._magic_tail())
        return False

    def _magic_tail(self) -> int:
        """How many octets at the buffer's end may be the beginning of a magic."""
        longest = len(MAGIC) - 1
        return next((n for n in range(longest, 0, -1) if self._buffer.endswith(MAGIC[:n])), 0)

    def _skip(self, count: int) -> None:
        self.skipped += count
        self._drop(count)

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._wanted = HEAD_SIZE

    def _begun(self) -> Unfinished | None:
        if len(self._buffer) < HEAD_SIZE:
            return None
        _, kind, sequence, length = _HEAD.unpack_from(self._buffer)
        return Unfinished(kind, sequence, length, bytes(self._buffer[HEAD_SIZE:]))
