"""
The files of thumbnail and photo records: a 72-octet head, and the file.

Protocol: the application layer, media records, file head.
"""

from __future__ import annotations

import struct

import attrs

from trailcam.errors import LengthMismatch, Truncated

FILE_HEAD_SIZE = 72

#: The documented part of the head; the octets from 52 on are zero.
_HEAD = struct.Struct("<32sHHI8sI")


@attrs.frozen
class FileHead:
    """
    What comes before a file's data.

    :ivar camera: the camera's MAC address, as text.
    :ivar directory: ``dirNum``, for example 100.
    :ivar number: ``mediaNum``, for example 318.
    :ivar length: octets of the file.
    :ivar check: varies from file to file; how it is made is not known.
    :ivar media_id: ``mediaId``; 0 in thumbnails.
    """

    camera: str
    directory: int
    number: int
    length: int
    check: bytes
    media_id: int


def decode_file(payload: bytes) -> tuple[FileHead, bytes]:
    """
    Read the payload of a thumbnail or photo record; it gives the head and the file.

    What follows the file is ignored.

    :raises Truncated: the payload has no whole head.
    :raises LengthMismatch: the head promises more than the payload holds.
    """
    if len(payload) < FILE_HEAD_SIZE:
        raise Truncated(f"{len(payload)} octets are too few for a file's head")
    camera, *numbers = _HEAD.unpack_from(payload)
    head = FileHead(camera.partition(b"\0")[0].decode("ascii", "replace"), *numbers)
    present = len(payload) - FILE_HEAD_SIZE
    if head.length > present:
        raise LengthMismatch(f"{head.length} octets promised, {present} in the record")
    return head, payload[FILE_HEAD_SIZE : FILE_HEAD_SIZE + head.length]
