"""The thumbnail within a JPEG of a photographic camera."""

from __future__ import annotations

import struct

_EXIF = b"Exif\0\0"
_APP1 = 0xE1
#: Markers after which there are no more segments: the picture itself, or the end.
_LAST = (0xDA, 0xD9)
_OFFSET = 0x0201
_LENGTH = 0x0202
_JPEG = b"\xff\xd8"
_MAX_ENTRIES = 100


def embedded_thumbnail(jpeg: bytes) -> bytes | None:
    """The thumbnail in the EXIF data of ``jpeg``, or ``None``.  Raises nothing."""
    try:
        tiff = _exif_of(jpeg)
        return None if tiff is None else _thumbnail_of(tiff)
    except struct.error:  # it points behind its end
        return None


def _exif_of(jpeg: bytes) -> bytes | None:
    at = 2
    while jpeg[at : at + 1] == b"\xff":
        marker, length = struct.unpack_from(">BH", jpeg, at + 1)
        if marker in _LAST or length < 2:
            break
        payload = jpeg[at + 4 : at + 2 + length]
        if marker == _APP1 and payload.startswith(_EXIF):
            return payload[len(_EXIF) :]
        at += 2 + length
    return None


def _thumbnail_of(tiff: bytes) -> bytes | None:
    """The JPEG that the second directory of a TIFF file points to."""
    order = "<" if tiff.startswith(b"II") else ">"
    (first,) = struct.unpack_from(order + "I", tiff, 4)
    (entries,) = struct.unpack_from(order + "H", tiff, first)
    (second,) = struct.unpack_from(order + "I", tiff, first + 2 + 12 * entries)
    if not second:
        return None
    tags = _numbers(tiff, order, second)
    start, length = tags.get(_OFFSET, 0), tags.get(_LENGTH, 0)
    found = tiff[start : start + length]
    return found if found.startswith(_JPEG) and len(found) == length else None


def _numbers(tiff: bytes, order: str, at: int) -> dict[int, int]:
    """The 32-bit values of a directory's entries, by their tags."""
    (count,) = struct.unpack_from(order + "H", tiff, at)
    found = {}
    for index in range(min(count, _MAX_ENTRIES)):
        tag, _, _, value = struct.unpack_from(order + "HHII", tiff, at + 2 + 12 * index)
        found[tag] = value
    return found
