"""
The frames of live and playback records: a 108-octet head, video, audio.

Protocol: the application layer, media records.
"""

from __future__ import annotations

import struct

import attrs

from trailcam.artemis.crypto import decipher_pages, encipher_pages
from trailcam.errors import LengthMismatch, Truncated, WireError

FRAME_HEAD_SIZE = 108

#: The documented part of the head; the octets from 56 on are reserved.
_HEAD = struct.Struct("<QQ9I")

#: A number of unknown meaning behind it, 1 in the one live record that was captured.
_UNKNOWN = struct.Struct("<I")
_UNKNOWN_VALUE = 1

#: Where that record repeats the last octets of its video.
_REPEATED_AT = 66
_REPEATED = 4


@attrs.frozen
class FrameHead:
    """
    What comes before a frame's data.  Lengths are octets.

    :ivar timestamp: microseconds in live records; milliseconds in playback, as one client reads it.
    :ivar audio_format: 0 PCM, 1 ADPCM; playback has AAC in ADTS form, whatever this says.
    :ivar frame_type: 2 for the first frame of a playback, 4 for its end.
    """

    number: int
    timestamp: int
    video_length: int = 0
    audio_length: int = 0
    key_frame: int = 0
    width: int = 0
    height: int = 0
    audio_format: int = 0
    frame_type: int = 0
    wifi_quality: int = 0
    playback_session: int = 0


@attrs.frozen
class Frame:
    """
    One frame, in clear.  In playback it has either video or audio.

    :ivar video: H.264 in Annex B form.
    :ivar audio: in playback AAC in ADTS form.
    """

    head: FrameHead
    video: bytes
    audio: bytes = b""


def encode_frame(frame: Frame) -> bytes:
    """
    Make the payload of a live or playback record.

    :raises LengthMismatch: the lengths in the head are not those of the data.
    :raises WireError: a number in the head does not fit its field.
    """
    head = frame.head
    if (head.video_length, head.audio_length) != (len(frame.video), len(frame.audio)):
        raise LengthMismatch(
            f"{head.video_length} and {head.audio_length} octets promised, "
            f"{len(frame.video)} and {len(frame.audio)} in the frame"
        )
    return _encode_head(head, frame.video) + encipher_pages(frame.video + frame.audio)


def decode_frame(payload: bytes) -> Frame:
    """
    Read the payload of a live or playback record.

    The record may be longer than its head says: what follows the data is ignored.

    :raises Truncated: the payload has no whole head.
    :raises LengthMismatch: the head promises more data than the payload holds.
    """
    if len(payload) < FRAME_HEAD_SIZE:
        raise Truncated(f"{len(payload)} octets are too few for a frame's head")
    head = FrameHead(*_HEAD.unpack_from(payload))
    promised = head.video_length + head.audio_length
    if promised > len(payload) - FRAME_HEAD_SIZE:
        raise LengthMismatch(
            f"{promised} octets promised, {len(payload) - FRAME_HEAD_SIZE} in the record"
        )
    # The pages are counted through video and audio together: both are the frame's data.
    data = decipher_pages(payload[FRAME_HEAD_SIZE : FRAME_HEAD_SIZE + promised])
    return Frame(head, data[: head.video_length], data[head.video_length :])


def _encode_head(head: FrameHead, video: bytes) -> bytes:
    octets = bytearray(FRAME_HEAD_SIZE)
    try:
        _HEAD.pack_into(octets, 0, *attrs.astuple(head))
    except struct.error as error:
        raise WireError(f"a number does not fit the head of a frame: {error}") from error
    _UNKNOWN.pack_into(octets, _HEAD.size, _UNKNOWN_VALUE)
    tail = video[-_REPEATED:]
    octets[_REPEATED_AT : _REPEATED_AT + len(tail)] = tail
    return bytes(octets)
