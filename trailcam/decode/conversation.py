"""One conversation: the sessions two ends had, and what their channels carried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import attrs

from trailcam.artemis.record import RecordKind
from trailcam.decode.contents import describe_unfinished, read_record
from trailcam.decode.faults import Faults
from trailcam.decode.packets import Endpoint, Packet
from trailcam.decode.streams import Copy, Found, Hole, Stream
from trailcam.errors import WireError
from trailcam.wire.messages import Drw, DrwAck, Message, PunchPkt

_COPY_FAULTS = {
    Copy.DIFFERENT: "differs from its first copy",
    Copy.TOO_LATE: "comes too late to be put in its place",
}


@attrs.define
class Channel:
    """
    What one end wrote to one channel in one session.

    :ivar faults: where to add what could not be read.
    :ivar texts: the JSON objects, with the records they were in.
    :ivar kinds: complete records, by kind.
    """

    sender: Endpoint
    number: int
    faults: Faults
    stream: Stream = attrs.Factory(Stream)
    texts: list[tuple[Found, dict[str, Any]]] = attrs.Factory(list)
    kinds: Counter[int] = attrs.Factory(Counter)
    notes: list[str] = attrs.Factory(list)

    def add(self, packet: Packet, drw: Drw) -> None:
        """Take one DRW."""
        copy = self.stream.add(drw.index, packet, drw.payload)
        if copy in _COPY_FAULTS:
            self._fault(packet.number, f"DRW index {drw.index} {_COPY_FAULTS[copy]}")
        self._take(self.stream.settled())

    def finish(self) -> None:
        """No more DRW will come."""
        self._take(self.stream.rest())

    def is_of_camera(self) -> bool | None:
        """Whether what was written is a camera's; ``None`` when it does not tell."""
        if self.stream.banner or RecordKind.ANSWER in self.kinds:
            return True
        return False if RecordKind.COMMAND in self.kinds else None

    def _take(self, items: Iterator[Found | Hole]) -> None:
        for item in items:
            if isinstance(item, Hole):
                self.notes.append(describe_unfinished(item.record))
            else:
                self._read(item)

    def _read(self, found: Found) -> None:
        self.kinds[found.record.kind] += 1
        try:
            body, note = read_record(found.record)
        except WireError as error:
            self._fault(found.packet.number, f"record {found.record.sequence}: {error}")
            return
        if body is not None:
            self.texts.append((found, body))
        if note is not None:
            self.notes.append(note)

    def _fault(self, number: int, why: str) -> None:
        self.faults.add(number, f"channel {self.number}: {why}")


class Conversation:
    """
    All that passed between two ends.

    :param faults: where to add what cannot be read.
    :ivar first: the end that spoke first.
    :ivar packets: datagrams, those that cannot be read included.
    :ivar ops: messages, by sender and name.
    :ivar ack_entries: entries of DRW_ACK, by sender and channel.
    :ivar sessions: for each session its channels, by sender and number.
    """

    def __init__(self, first: Endpoint, other: Endpoint, faults: Faults) -> None:
        self.first = first
        self.other = other
        self.packets = 0
        self.ops: Counter[tuple[Endpoint, str]] = Counter()
        self.ack_entries: Counter[tuple[Endpoint, int]] = Counter()
        self.sessions: list[dict[tuple[Endpoint, int], Channel]] = [{}]
        self._faults = faults
        self._acknowledging: set[Endpoint] = set()
        self._punched_again = False

    def take(self, packet: Packet, message: Message) -> None:
        """Take the message that was in a packet."""
        self.ops[packet.sender, message.type.name] += 1
        if isinstance(message, Drw):
            self._channel(packet.sender, message).add(packet, message)
        elif isinstance(message, DrwAck):
            self.ack_entries[packet.sender, message.channel] += len(message.indexes)
            self._acknowledging.add(packet.sender)
        elif isinstance(message, PunchPkt) and packet.sender in self._acknowledging:
            self._punched_again = True

    def channels(self) -> list[Channel]:
        """The channels of all sessions."""
        return [channel for session in self.sessions for channel in session.values()]

    def _channel(self, sender: Endpoint, drw: Drw) -> Channel:
        # A later session on the same ports begins with a punch and counts from 0 again.
        if self._punched_again and (drw.channel, drw.index) == (0, 0):
            self.sessions.append({})
            self._acknowledging.clear()
            self._punched_again = False
        session = self.sessions[-1]
        key = (sender, drw.channel)
        if key not in session:
            session[key] = Channel(sender, drw.channel, self._faults)
        return session[key]
