"""
The frames of live and playback records: a 108-octet head, video, audio.

Protocol: the application layer, media records.
"""

from __future__ import annotations

import struct

import attrs

from trailcam.artemis.crypto import decipher_pages
from trailcam.errors import LengthMismatch, Truncated

FRAME_HEAD_SIZE = 108

#: The documented part of the head; the octets from 56 on are reserved.
_HEAD = struct.Struct("<QQ9I")


@attrs.frozen
class FrameHead:
    """
    What comes before a frame's data.  Lengths are octets.

    :ivar timestamp: microseconds in live records; milliseconds in those of playback, by the one
        source that has looked at them.
    :ivar frame_type: 2 for the first frame of a playback, 4 for its end.
    """

    number: int
    timestamp: int
    video_length: int
    audio_length: int
    key_frame: int
    width: int
    height: int
    audio_format: int
    frame_type: int
    wifi_quality: int
    playback_session: int


@attrs.frozen
class Frame:
    """
    One frame, in clear.

    :ivar video: H.264 in Annex B form.
    :ivar audio: in playback AAC with ADTS heads; there a frame has either video or audio.
    """

    head: FrameHead
    video: bytes
    audio: bytes


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
    data = decipher_pages(payload[FRAME_HEAD_SIZE : FRAME_HEAD_SIZE + promised])
    return Frame(head, data[: head.video_length], data[head.video_length :])
