"""
The items that people mean, and how items are shown to them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from trailcam.errors import MediaNotFound, shown
from trailcam.library.summary import title
from trailcam.model import MediaItem, MediaKind

_KINDS: dict[int, str] = {
    MediaKind.PHOTO: "photo",
    MediaKind.VIDEO: "video",
    MediaKind.AVI: "video",
}
_LATEST = 0xFFFFFFFF  # of a clock of 32 bits
_MOST_NAMED = 5


def pick(items: Sequence[MediaItem], names: Iterable[str]) -> list[MediaItem]:
    """
    The items of these names, each once.

    A name is ``100/DSCF0318.JPG``; the directory and the suffix may be left out as long as only
    one item is meant.

    :raises MediaNotFound: a name means none, or several.
    """
    found: dict[MediaItem, None] = {}
    for name in names:
        found[_one(items, name)] = None
    return list(found)


def _one(items: Sequence[MediaItem], name: str) -> MediaItem:
    wanted = name.lower()
    matching = list(dict.fromkeys(item for item in items if wanted in _spellings(item)))
    if not matching:
        raise MediaNotFound(f"there is no {shown(name)} on the card")
    if len(matching) > 1:
        several = " and ".join(title(item) for item in matching[:_MOST_NAMED])
        raise MediaNotFound(f"{shown(name)} may mean {several}")
    return matching[0]


def _spellings(item: MediaItem) -> set[str]:
    full = title(item).lower()
    stem = full.rpartition(".")[0]
    return {full, stem, full.partition("/")[2], stem.partition("/")[2]}


def kind(item: MediaItem) -> str:
    """The kind of an item in a word."""
    return _KINDS.get(item.kind, "unknown")


def when(item: MediaItem) -> str:
    """The time that the camera's clock showed."""
    if not 0 < item.time <= _LATEST:
        return "-"
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(item.time))


def line(item: MediaItem) -> str:
    """An item for people."""
    text = f"{title(item):18}  {kind(item):7}  {when(item)}"
    return f"{text}  {item.duration:.0f} s" if item.duration > 0 else text


def as_json(item: MediaItem) -> dict[str, Any]:
    """An item for programs."""
    return {
        "name": title(item),
        "kind": kind(item),
        "directory": item.directory,
        "number": item.number,
        "media_id": item.media_id,
        "time": item.time,
        "duration": item.duration,
    }
