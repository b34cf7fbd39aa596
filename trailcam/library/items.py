"""
What an item is called on the disk, and when it was made.

Names are made of checked integers; no text of a camera gets into one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import attrs

from trailcam.errors import shown
from trailcam.model import MediaItem, MediaKind

#: What fits into the head of a file that the camera sends.
_U16 = 0xFFFF
_U32 = 0xFFFFFFFF

_VIDEOS = (MediaKind.VIDEO, MediaKind.AVI)

#: The suffix of a video that is kept as it comes: H.264 access units in Annex B form.
RAW_VIDEO = "h264"

#: The suffix of a video that was put into a container.
MP4 = "MP4"

_MOST_NAMESAKES = 10_000

#: What :func:`names` makes, with the number of the directory before it.
NAME = re.compile(r"[0-9]{1,5}/DSCF[0-9]{4,5}(-[0-9]{1,10}){0,2}\.(JPG|MP4|h264|BIN)", re.ASCII)


@attrs.frozen
class Key:
    """
    What tells one item from all others, also from one that had its number before the card was
    formatted.

    :ivar media_id: 0 when unknown.
    :ivar time: seconds since 1970 by the camera's clock; 0 when unknown.
    """

    kind: int
    directory: int
    number: int
    media_id: int
    time: int

    @property
    def is_video(self) -> bool:
        """Whether it has to be played to be fetched."""
        return self.kind in _VIDEOS


def key_of(item: MediaItem) -> Key:
    """
    The checked integers of ``item``.

    A time or an id that cannot be one is taken for unknown: the picture is worth having.

    :raises ValueError: when it cannot be named.
    """
    return Key(
        _checked("kind", item.kind),
        _checked("directory", item.directory),
        _checked("number", item.number),
        item.media_id if _fits(item.media_id, _U32) else 0,
        item.time if _fits(item.time, _U32) else 0,
    )


def _checked(what: str, value: object) -> int:
    if not _fits(value, _U16):
        raise ValueError(f"its {what} {shown(value)} is outside 0..{_U16}")
    assert isinstance(value, int)
    return int(value)


def _fits(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def suffixes(key: Key) -> tuple[str, ...]:
    """The suffixes that a file of this item may have."""
    if key.is_video:
        return (MP4, RAW_VIDEO)
    return ("JPG",) if key.kind == MediaKind.PHOTO else ("BIN",)


def names(key: Key, suffix: str) -> Iterator[str]:
    """
    The names that a file may have, relative to the folder, the best first.

    Those behind the first are for items whose number was used before: they have the item's time,
    then a count.
    """
    stem = f"{key.directory}/DSCF{key.number:04d}"
    yield f"{stem}.{suffix}"
    if key.time:
        stem = f"{stem}-{key.time}"
        yield f"{stem}.{suffix}"
    for count in range(2, _MOST_NAMESAKES):
        yield f"{stem}-{count}.{suffix}"


def file_time(key: Key, *, utc: bool) -> float | None:
    """
    The time that a file of this item has, in seconds since 1970; ``None`` when it is unknown.

    :param utc: whether the camera's clock shows UTC; otherwise it shows this machine's local time.
    """
    if not key.time:
        return None
    if utc:
        return float(key.time)
    try:
        return time.mktime((*time.gmtime(key.time)[:8], -1))
    except (OverflowError, ValueError, OSError):  # where time_t is small
        return None
