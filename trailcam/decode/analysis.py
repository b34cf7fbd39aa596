"""Reads all packets of a recording; names the ends when it has seen them all."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from trailcam.decode.contents import describe_report
from trailcam.decode.conversation import Conversation
from trailcam.decode.decoded import Decoded, RelayPort
from trailcam.decode.faults import Faults
from trailcam.decode.packets import Endpoint, Ignored, Item, Packet
from trailcam.decode.roles import Roles
from trailcam.decode.sources import Recording, open_recording
from trailcam.decode.totals import Totals
from trailcam.errors import WireError
from trailcam.wire.codec import decode
from trailcam.wire.messages import DrwAck, Message, ReportSessionReady, RlyPkt, RlyPortAck


def decode_file(path: Path) -> Decoded:
    """
    Decode a recording: a ``.jsonl`` or a ``.pcap`` file.

    A packet that cannot be read is counted, and named in the result's ``bad``.

    :raises CaptureError: the file cannot be read at all.
    """
    with open_recording(path) as recording:
        analysis = Analysis()
        for item in recording.items:
            analysis.take(item)
        return analysis.finish(path.name, recording)


class Analysis:
    """Takes the items of a recording one by one."""

    def __init__(self) -> None:
        self._conversations: dict[frozenset[Endpoint], Conversation] = {}
        self._roles = Roles()
        self._times: tuple[float, float] | None = None
        self._reports: list[str] = []
        self._relay_ports: list[RelayPort] = []
        self._faults = Faults()
        self._lost = 0
        self._ack_max_entries = 0
        self._ignored: Counter[str] = Counter()

    def take(self, item: Item) -> None:
        """Take the next item."""
        if isinstance(item, Packet):
            self._packet(item)
        elif isinstance(item, Ignored):
            self._ignored[item.why] += 1
        else:
            self._lost += 1
            self._faults.add(item.number, item.why)

    def finish(self, file: str, recording: Recording) -> Decoded:
        """
        What was found.

        :param file: the name to give it.
        """
        first, last = self._times or (None, None)
        totals = Totals(first)
        self._close_channels()
        for conversation in self._conversations.values():
            totals.add(conversation, self._roles.names(conversation.first, conversation.other))
        return Decoded(
            file=file,
            source=recording.kind,
            packets=self._lost + totals.packets,
            span=None if first is None or last is None else round(last - first, 3),
            ack_max_entries=self._ack_max_entries,
            relay_ports=tuple(self._relay_ports),
            notes=(*self._reports, *totals.notes),
            bad=tuple(f"{recording.unit} {f.number}: {f.why}" for f in self._faults.first()),
            bad_count=self._faults.count,
            ignored=self._ignored,
            **totals.counts(),
        )

    def _packet(self, packet: Packet) -> None:
        self._note_time(packet.time)
        conversation = self._conversation(packet.sender, packet.receiver)
        conversation.packets += 1
        try:
            message = decode(packet.data)
        except WireError as error:
            self._faults.add(packet.number, str(error))
            return
        self._roles.message(packet.sender, message.type)
        self._note_message(packet, message)
        conversation.take(packet, message)

    def _note_message(self, packet: Packet, message: Message) -> None:
        if isinstance(message, ReportSessionReady):
            self._reports.append(describe_report(message))
        elif isinstance(message, DrwAck):
            self._ack_max_entries = max(self._ack_max_entries, len(message.indexes))
        elif isinstance(message, RlyPkt):
            self._roles.joined(packet.sender, message.is_device)
        elif isinstance(message, RlyPortAck):
            relay, client = str(packet.sender), str(packet.receiver)
            self._relay_ports.append(RelayPort(relay, client, message.port, message.magic))

    def _note_time(self, time: float | None) -> None:
        if time is not None:
            first, last = self._times or (time, time)
            self._times = (min(first, time), max(last, time))

    def _conversation(self, sender: Endpoint, receiver: Endpoint) -> Conversation:
        ends = frozenset((sender, receiver))
        if ends not in self._conversations:
            self._conversations[ends] = Conversation(sender, receiver, self._faults)
        return self._conversations[ends]

    def _close_channels(self) -> None:
        """Read what the channels still hold, and learn from it who is the camera."""
        for conversation in self._conversations.values():
            for channel in conversation.channels():
                channel.finish()
                is_camera = channel.is_of_camera()
                if is_camera is not None:
                    self._roles.wrote(channel.sender, is_camera)
