"""
Thumbnails: many JPEGs for one request, one record each.

Protocol: the application layer, commands and answers; media records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trailcam.artemis.commands import CommandID
from trailcam.artemis.files import decode_file
from trailcam.artemis.record import Record, RecordKind
from trailcam.camera.answers import check
from trailcam.camera.asking import Asker, requested
from trailcam.camera.stream import MediaChannel
from trailcam.camera.transfer import Transfer
from trailcam.errors import MediaTruncated, WireError
from trailcam.model import MediaItem

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime

#: Items in one request; the number that the camera's own app asks for.
BATCH = 45

#: Octets of a thumbnail; those that were recorded have 15 to 40 KB.
LONGEST = 1024 * 1024

#: How a JPEG begins.
JPEG = b"\xff\xd8\xff"


async def fetch_thumbnails(
    reactor: IReactorTime, camera: Asker, channel: MediaChannel, items: Sequence[MediaItem]
) -> dict[MediaItem, bytes]:
    """The thumbnails of ``items`` that the camera has, in their order."""
    unique = list(dict.fromkeys(items))
    found: dict[MediaItem, bytes] = {}
    for start in range(0, len(unique), BATCH):
        async with channel.lock:
            batch = _Batch(unique[start : start + BATCH])
            await batch.fetch(reactor, camera, channel)
            found |= batch.found
    return {item: found[item] for item in unique if item in found}


class _Batch:
    """
    One request.

    :ivar found: what has come.
    :ivar damaged: records that could not be read, or were of no item that is waited for.
    """

    def __init__(self, items: Sequence[MediaItem]) -> None:
        self.found: dict[MediaItem, bytes] = {}
        self.damaged = 0
        self._items = items
        # A photo and a video may have the same number; records do not tell which they are of.
        self._waiting: dict[tuple[int, int], list[MediaItem]] = {}
        for item in items:
            self._waiting.setdefault((item.directory, item.number), []).append(item)
        self._transfer: Transfer | None = None

    async def fetch(self, reactor: IReactorTime, camera: Asker, channel: MediaChannel) -> None:
        """Ask, and wait until all have come or nothing comes any more."""
        transfer = Transfer(reactor, channel, RecordKind.THUMBNAIL, self._take)
        self._transfer = transfer
        try:
            wanted = {"thumbnailReqs": [requested(item) for item in self._items]}
            check(CommandID.THUMBNAILS, await camera.ask(CommandID.THUMBNAILS, wanted))
            transfer.start()
            await transfer.done
        except MediaTruncated:
            pass  # the end of a batch has no marker: the rest is not there
        finally:
            transfer.end()

    def _take(self, record: Record) -> None:
        try:
            file = decode_file(record.payload)
        except WireError:
            self.damaged += 1
            return
        place = (file.head.directory, file.head.number)
        items = self._waiting.get(place)
        if not items:
            self.damaged += 1
            return
        item = items.pop(0)
        if not items:
            del self._waiting[place]
        if file.data.startswith(JPEG) and len(file.data) <= LONGEST:
            self.found[item] = file.data
        if not self._waiting and self._transfer is not None:
            self._transfer.finish()
