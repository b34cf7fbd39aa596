"""
The list of what is on the card, in pages.

Protocol: the application layer, commands and answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.logger import Logger

from trailcam.artemis.commands import CommandID
from trailcam.camera.answers import check, whole
from trailcam.camera.asking import Asker
from trailcam.errors import CommandRejected
from trailcam.model import MediaItem, MediaKind

#: Items on a page; the number that the camera's own app asks for.
PAGE = 45

#: Items in all; a camera that goes on for ever is not listened to for ever.
MOST_ITEMS = 100_000

_U8 = 0xFF
_U16 = 0xFFFF

_log = Logger()


async def list_media(camera: Asker, most: int = MOST_ITEMS) -> list[MediaItem]:
    """
    Ask for all pages; newest first, as the camera has them.

    The list ends with a page that is not full, with one that brings nothing new, or with a refusal
    of any page but the first.  Items that come twice, since the list grew meanwhile, count once.
    """
    found: dict[tuple[int, int, int], MediaItem] = {}
    page = unreadable = 0
    while len(found) < most:
        entries = await _page(camera, page)
        before = len(found)
        for item in map(read_item, entries):
            if item is None:
                unreadable += 1
            elif len(found) < most:
                found.setdefault((item.kind, item.directory, item.number), item)
        if len(entries) < PAGE or len(found) == before:
            break
        page += 1
    if unreadable:
        _log.warn("{count} entries of the media list name no item", count=unreadable)
    return list(found.values())


async def _page(camera: Asker, page: int) -> list[Any]:
    """The entries of one page, as they are."""
    answer = await camera.ask(CommandID.MEDIA_LIST, {"itemCntPerPage": PAGE, "pageNo": page})
    try:
        check(CommandID.MEDIA_LIST, answer)
    except CommandRejected as refused:
        if page == 0:
            raise
        _log.info("the media list ends before page {page}: {why}", page=page, why=str(refused))
        return []
    entries = answer.get("mediaFiles")
    return entries if isinstance(entries, list) else []


def read_item(entry: object) -> MediaItem | None:
    """Read one entry of the list; ``None`` when it names no item."""
    if not isinstance(entry, Mapping):
        return None
    kind = whole(entry, "fileType", _U8)
    directory = whole(entry, "mediaDirNum", _U16)
    number = whole(entry, "mediaNum", _U16)
    if kind is None or directory is None or number is None:
        return None
    return MediaItem(
        kind=MediaKind(kind) if kind in _KINDS else kind,
        directory=directory,
        number=number,
        media_id=whole(entry, "mediaId") or 0,
        time=whole(entry, "mediaTime") or 0,
        duration=(whole(entry, "durationMs") or 0) / 1000,
    )


_KINDS = {kind.value for kind in MediaKind}
