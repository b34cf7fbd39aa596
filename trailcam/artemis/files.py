"""
The files of photo and thumbnail records: a 72-octet head and a JPEG, not enciphered.

Protocol: the application layer, media records.
"""

from __future__ import annotations

import struct

import attrs

from trailcam.errors import LengthMismatch, Truncated, WireError

FILE_HEAD_SIZE = 72

#: Octets of a file's end that its head repeats.
CHECK_SIZE = 8

_HEAD = struct.Struct("<32sHHI8sI20x")
_DEVICE_SIZE = 32


@attrs.frozen
class FileHead:
    """
    What comes before a file's data.

    :ivar device: the camera's MAC address as text.
    :ivar directory: ``dirNum``, for example 100.
    :ivar number: ``mediaNum``, for example 318.
    :ivar length: octets of the file.
    :ivar check: the file's last 8 octets, see :func:`check_of`.
    :ivar media_id: ``mediaId``; 0 in thumbnails.
    """

    device: str
    directory: int
    number: int
    length: int
    check: bytes
    media_id: int = 0

    def to_bytes(self) -> bytes:
        """
        The octets of the head.

        :raises WireError: a member does not fit its field.
        """
        try:
            device = self.device.encode("ascii")
            head = (self.directory, self.number, self.length, self.check, self.media_id)
            octets = _HEAD.pack(device, *head)
        except (UnicodeEncodeError, struct.error) as error:
            raise WireError(f"a value does not fit the head of a file: {error}") from error
        # struct would cut, or fill, these two without a word.
        if len(device) > _DEVICE_SIZE or len(self.check) != CHECK_SIZE:
            raise WireError("the device or the check data has a wrong size for the head of a file")
        return octets


@attrs.frozen
class File:
    """One file with its head."""

    head: FileHead
    data: bytes

    @property
    def intact(self) -> bool:
        """Whether the data ends as the head says."""
        return check_of(self.data) == self.head.check


def check_of(data: bytes) -> bytes:
    """The check data of a file: its last 8 octets; NULs fill up what is shorter."""
    return data[-CHECK_SIZE:].ljust(CHECK_SIZE, b"\0")


def encode_file(file: File) -> bytes:
    """
    Make the payload of a photo or thumbnail record.

    :raises LengthMismatch: the length in the head is not that of the data.
    :raises WireError: a member of the head does not fit its field.
    """
    if file.head.length != len(file.data):
        raise LengthMismatch(f"{file.head.length} octets promised, {len(file.data)} in the file")
    return file.head.to_bytes() + file.data


def decode_file_head(payload: bytes) -> FileHead:
    """
    Read the head alone, for example of a record that is not complete.

    :raises Truncated: the payload has no whole head.
    """
    if len(payload) < FILE_HEAD_SIZE:
        raise Truncated(f"{len(payload)} octets are too few for a file's head")
    device, directory, number, length, check, media_id = _HEAD.unpack_from(payload)
    text = device.partition(b"\0")[0].decode("ascii", "replace")
    return FileHead(text, directory, number, length, check, media_id)


def decode_file(payload: bytes) -> File:
    """
    Read the payload of a photo or thumbnail record.

    The record may be longer than its head says: what follows the data is ignored.  Whether the
    data is what was sent is for :attr:`File.intact` to say.

    :raises Truncated: the payload has no whole head.
    :raises LengthMismatch: the head promises more data than the payload holds.
    """
    head = decode_file_head(payload)
    if head.length > len(payload) - FILE_HEAD_SIZE:
        raise LengthMismatch(
            f"{head.length} octets promised, {len(payload) - FILE_HEAD_SIZE} in the record"
        )
    return File(head, payload[FILE_HEAD_SIZE : FILE_HEAD_SIZE + head.length])
