"""
The stream of one channel in one direction, put together from DRW in whatever order and number.

A recording may lack packets, and nobody sends them again to a reader: where some are missing the
stream has a hole, and records begin anew behind it.
"""

from __future__ import annotations

import enum
import zlib
from collections.abc import Iterator

import attrs

from trailcam.artemis.record import BANNER, Record, RecordDecoder, Unfinished
from trailcam.decode.packets import Packet

#: Indexes count modulo this.
_CYCLE = 0x10000

#: DRW kept for sorting: many times what a camera runs ahead of one that was lost.
_WINDOW = 4096


class Copy(enum.Enum):
    """How a DRW compares with what came before it."""

    FIRST = enum.auto()
    SAME = enum.auto()
    DIFFERENT = enum.auto()
    TOO_LATE = enum.auto()


@attrs.frozen
class Found:
    """
    A record, and where it was completed.

    :ivar index: index of the DRW that holds its last octet.
    :ivar packet: the packet after which all its octets were there.
    """

    index: int
    packet: Packet
    record: Record


@attrs.frozen
class Hole:
    """A record of which the rest is missing."""

    record: Unfinished


class Stream:
    """
    Sorts DRW and cuts records from their payloads.

    :ivar repeats: copies that came after the first.
    :ivar missing: indexes between the first and the last that never came.
    :ivar banner: whether the stream begins with the banner of a camera.
    """

    def __init__(self) -> None:
        self.repeats = 0
        self.missing = 0
        self.banner = False
        self._decoder = RecordDecoder()
        self._checks: dict[int, int] = {}
        self._held: dict[int, tuple[Packet, bytes]] = {}
        self._newest: int | None = None
        self._last: int | None = None
        self._latest: Packet | None = None

    @property
    def distinct(self) -> int:
        """Indexes that came."""
        return len(self._checks)

    @property
    def skipped(self) -> int:
        """Octets that belong to no record."""
        return self._decoder.skipped

    def add(self, index: int, packet: Packet, payload: bytes) -> Copy:
        """Take the payload of one DRW."""
        position = self._unwrap(index)
        check = zlib.crc32(payload)
        if position in self._checks:
            self.repeats += 1
            return Copy.SAME if self._checks[position] == check else Copy.DIFFERENT
        self._checks[position] = check
        if self._last is not None and position < self._last:
            return Copy.TOO_LATE
        self._held[position] = (packet, payload)
        return Copy.FIRST

    def settled(self) -> Iterator[Found | Hole]:
        """What lies before the window; to be called after every :meth:`add`."""
        if len(self._held) >= 2 * _WINDOW:
            yield from self._take(sorted(self._held)[:_WINDOW])

    def rest(self) -> Iterator[Found | Hole]:
        """Everything that is still held; the stream ends here."""
        yield from self._take(sorted(self._held))
        yield from self._break()

    def _unwrap(self, index: int) -> int:
        """The position in the stream: the one within half a cycle of the newest."""
        if self._newest is None:
            self._newest = index
        ahead = (index - self._newest + _CYCLE // 2) % _CYCLE - _CYCLE // 2
        position = self._newest + ahead
        self._newest = max(self._newest, position)
        return position

    def _take(self, positions: list[int]) -> Iterator[Found | Hole]:
        for position in positions:
            if self._last is not None and position != self._last + 1:
                self.missing += position - self._last - 1
                yield from self._break()
            self._last = position
            yield from self._read(position, *self._held.pop(position))

    def _read(self, position: int, packet: Packet, payload: bytes) -> Iterator[Found]:
        if self._latest is None or self._latest.number < packet.number:
            self._latest = packet
        if position == 0 and payload == BANNER:
            self.banner = True
            return
        for record in self._decoder.feed(payload):
            yield Found(position % _CYCLE, self._latest, record)

    def _break(self) -> Iterator[Hole]:
        self._latest = None
        unfinished = self._decoder.restart()
        if unfinished is not None:
            yield Hole(unfinished)
