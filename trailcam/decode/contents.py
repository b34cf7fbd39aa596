"""What the records of a stream say: JSON objects, and notes for people."""

from __future__ import annotations

from typing import Any

from trailcam.artemis.commands import carries_json, decode_body
from trailcam.artemis.crypto import unseal_beginning
from trailcam.artemis.media import decode_frame
from trailcam.artemis.record import Record, RecordKind, Unfinished
from trailcam.wire.messages import ReportSessionReady
from trailcam.wire.sockaddr import UNSPECIFIED, SocketAddress

#: Characters of a text, octets of a frame, that a note quotes.
_QUOTED_TEXT = 60
_QUOTED_VIDEO = 5

_FRAMES: dict[int, str] = {RecordKind.LIVE: "live", RecordKind.PLAYBACK: "playback"}
_ENCIPHERED = (RecordKind.COMMAND, RecordKind.ANSWER)


def read_record(record: Record) -> tuple[dict[str, Any] | None, str | None]:
    """
    What a record holds: a JSON object, or a note.

    :raises WireError: it is not what its kind says.
    """
    if carries_json(record.kind):
        return decode_body(record), None
    word = _FRAMES.get(record.kind)
    return None, word and _describe_frame(word, record.payload)


def describe_unfinished(record: Unfinished) -> str:
    """A note on a record that ends too early."""
    note = (
        f"unfinished record kind {record.kind} seq {record.sequence}: "
        f"{len(record.payload)} of {record.length} bytes"
    )
    if record.kind not in _ENCIPHERED:
        return note
    clear = unseal_beginning(record.payload).decode("utf-8", "replace")[:_QUOTED_TEXT]
    return f"{note}, clear text begins {clear}" if clear else note


def describe_report(report: ReportSessionReady) -> str:
    """A note on what a client told the servers."""
    flags = (report.mode, report.unknown_31, report.lan_search, report.unknown_33)
    return (
        f"report handle={report.result} max={report.max_sessions} active={report.active_sessions} "
        f"ms={report.elapsed_ms} flags={bytes(flags).hex()} local={_address(report.local)} "
        f"wan={_address(report.wan)} remote={_address(report.peer)}"
    )


def _describe_frame(word: str, payload: bytes) -> str:
    frame = decode_frame(payload)
    head = frame.head
    return (
        f"{word} record: video {head.video_length} audio {head.audio_length} key {head.key_frame} "
        f"{head.width}x{head.height}, clear head {frame.video[:_QUOTED_VIDEO].hex()}"
    )


def _address(address: SocketAddress) -> str:
    """An address after its family, which is 0 (not 2, IPv4) when there is no address."""
    return f"{0 if address == UNSPECIFIED else 2}/{address}"
