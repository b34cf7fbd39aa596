"""What is found in a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs


def some(lines: Sequence[str], most: int, count: int) -> list[str]:
    """The first lines, ``most`` of them, and how many of ``count`` are left."""
    left = count - min(most, len(lines))
    return [*lines[:most], *([f"... and {left} more"] if left > 0 else [])]


@attrs.frozen
class Text:
    """
    One command, answer or event.

    :ivar direction: who wrote it: ``camera`` or ``client``.
    :ivar index: index of the DRW that completed it.
    :ivar kind: the kind of its record; see :class:`trailcam.artemis.record.RecordKind`.
    :ivar sequence: the number of its record.
    :ivar number: number of the packet that completed it.
    :ivar time: seconds from the first packet, where they were recorded.
    """

    direction: str
    channel: int
    index: int
    kind: int
    sequence: int
    body: Mapping[str, Any]
    number: int
    time: float | None

    def as_json(self) -> dict[str, Any]:
        """The members of an entry of ``json``."""
        return {
            "dir": self.direction,
            "ch": self.channel,
            "seq": self.index,
            "kind": self.kind,
            "record_seq": self.sequence,
            "json": dict(self.body),
        }


@attrs.frozen
class Talk:
    """
    A conversation.

    :ivar ends: its two ends with what they were taken for.
    """

    ends: Mapping[str, str]
    packets: int


@attrs.frozen
class RelayPort:
    """
    The data port that a relay opened for one pairing.

    :ivar relay: the end that opened it.
    :ivar client: the end that it was opened for.
    :ivar port: its number; 0 when the relay refused.
    :ivar magic: the relay's number of the pairing.
    """

    relay: str
    client: str
    port: int
    magic: int

    def as_json(self) -> dict[str, Any]:
        """The members of an entry of ``relay_ports``."""
        return attrs.asdict(self)


@attrs.frozen
class Decoded:
    """
    A recording, counted and put in clear.

    Keys of the counts are ``camera DRW`` in ``ops`` and ``camera ch0`` in the others: the sender,
    then the message or the channel.

    :ivar file: the file's name.
    :ivar source: ``jsonl`` or ``pcap``.
    :ivar packets: datagrams of the protocol, and frames over TCP, those that cannot be read
        included.
    :ivar span: seconds from the first packet to the last; ``None`` without time stamps.
    :ivar ack_entries: entries of DRW_ACK, by their sender.
    :ivar drw_missing: indexes that never came between the first and the last.
    :ivar records: complete records.
    :ivar texts: commands, answers and events in the order of the streams.
    :ivar relay_ports: data ports that relays opened.
    :ivar bad: what could not be read, each with its place in the file: the first
        :data:`~trailcam.decode.faults.MOST_FAULTS` in the file.
    :ivar bad_count: how many there are.
    :ivar ignored: what else the file holds, by reason.
    """

    file: str
    source: str
    packets: int
    ops: Mapping[str, int]
    span: float | None
    drw_distinct: Mapping[str, int]
    drw_repeats: Mapping[str, int]
    drw_missing: Mapping[str, int]
    ack_entries: Mapping[str, int]
    ack_max_entries: int
    records: int
    record_kinds: Mapping[str, int]
    skipped_octets: Mapping[str, int]
    texts: tuple[Text, ...]
    relay_ports: tuple[RelayPort, ...]
    notes: tuple[str, ...]
    bad: tuple[str, ...]
    bad_count: int
    ignored: Mapping[str, int]
    talks: tuple[Talk, ...]

    def as_json(self) -> dict[str, Any]:
        """All of it in values that :mod:`json` can write."""
        return {
            "file": self.file,
            "source": self.source,
            "packets": self.packets,
            "ops": dict(self.ops),
            "span_s": self.span,
            "drw_distinct": dict(self.drw_distinct),
            "drw_repeats": dict(self.drw_repeats),
            "drw_missing": dict(self.drw_missing),
            "ack_entries": dict(self.ack_entries),
            "ack_max_entries": self.ack_max_entries,
            "records": self.records,
            "record_kinds": dict(self.record_kinds),
            "skipped_octets": dict(self.skipped_octets),
            "json": [text.as_json() for text in self.texts],
            "relay_ports": [opened.as_json() for opened in self.relay_ports],
            "notes": list(self.notes),
            "bad": some(self.bad, len(self.bad), self.bad_count),
            "ignored": dict(self.ignored),
            "conversations": [{**talk.ends, "packets": talk.packets} for talk in self.talks],
        }
