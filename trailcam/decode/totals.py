"""Adds conversations up, with the ends called by what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from trailcam.artemis.record import RecordKind
from trailcam.decode.conversation import Channel, Conversation
from trailcam.decode.decoded import Talk, Text
from trailcam.decode.packets import Endpoint
from trailcam.decode.roles import is_named

_KINDS = {kind.value: kind.name.lower() for kind in RecordKind}


class Totals:
    """
    The sums over all conversations.

    :param start: time of the first packet, from which the times of texts count.
    """

    def __init__(self, start: float | None) -> None:
        self.packets = 0
        self.notes: list[str] = []
        self._start = start
        self._talks: list[Talk] = []
        self._texts: list[Text] = []
        self._ops: Counter[str] = Counter()
        self._distinct: Counter[str] = Counter()
        self._repeats: Counter[str] = Counter()
        self._missing: Counter[str] = Counter()
        self._acks: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()

    def counts(self) -> dict[str, Any]:
        """The members of :class:`~trailcam.decode.decoded.Decoded` that are sums."""
        return {
            "ops": _counted(self._ops),
            "drw_distinct": _counted(self._distinct),
            "drw_repeats": _counted(self._repeats),
            "drw_missing": _counted(self._missing),
            "ack_entries": _counted(self._acks),
            "records": self._kinds.total(),
            "record_kinds": _counted(self._kinds),
            "skipped_octets": _counted(self._skipped),
            "texts": tuple(self._texts),
            "talks": tuple(self._talks),
        }

    def add(self, conversation: Conversation, names: Mapping[Endpoint, str]) -> None:
        """
        Add one conversation.

        :param names: what its ends are called.
        """
        self.packets += conversation.packets
        if not is_named(conversation.first):
            ends = {name: str(end) for end, name in names.items()}
            self._talks.append(Talk(ends, conversation.packets))
        for (sender, message), count in conversation.ops.items():
            self._ops[f"{names[sender]} {message}"] += count
        for (sender, number), count in conversation.ack_entries.items():
            self._acks[f"{names[sender]} ch{number}"] += count
        for session in conversation.sessions:
            for channel in sorted(session.values(), key=lambda c: (names[c.sender], c.number)):
                self._add_channel(channel, names[channel.sender])

    def _add_channel(self, channel: Channel, name: str) -> None:
        stream, label = channel.stream, f"{name} ch{channel.number}"
        self._distinct[label] += stream.distinct
        self._repeats[label] += stream.repeats
        self._missing[label] += stream.missing
        self._skipped[label] += stream.skipped
        for kind, count in channel.kinds.items():
            self._kinds[f"{label} {_KINDS.get(kind, f'kind {kind}')}"] += count
        if stream.banner:
            self.notes.append(f"{label} seq0 is the 3-byte banner")
        self.notes += channel.notes
        self._texts += self._named(channel, name)

    def _named(self, channel: Channel, name: str) -> list[Text]:
        return [
            Text(
                direction=name,
                channel=channel.number,
                index=found.index,
                kind=found.record.kind,
                sequence=found.record.sequence,
                body=body,
                number=found.packet.number,
                time=self._since_start(found.packet.time),
            )
            for found, body in channel.texts
        ]

    def _since_start(self, time: float | None) -> float | None:
        return None if time is None or self._start is None else time - self._start


def _counted(counter: Counter[str]) -> dict[str, int]:
    """The counts that are not 0, in alphabetical order."""
    return {key: counter[key] for key in sorted(counter) if counter[key]}
