"""
Photos: one file in one record.

Protocol: the application layer, commands and answers; media records.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.logger import Logger

from trailcam.artemis.commands import CommandID
from trailcam.artemis.files import FILE_HEAD_SIZE, decode_file, decode_file_head
from trailcam.artemis.record import HEAD_SIZE, Record, RecordKind
from trailcam.camera.answers import check_item
from trailcam.camera.asking import Asker, requested
from trailcam.camera.stream import MediaChannel
from trailcam.camera.thumbnails import JPEG
from trailcam.camera.transfer import Transfer
from trailcam.errors import (
    CommandRejected,
    LengthMismatch,
    MediaNotFound,
    MediaTruncated,
    Truncated,
)
from trailcam.model import MediaItem, MediaKind

if TYPE_CHECKING:
    from twisted.internet.interfaces import IConsumer, IReactorTime

#: Called with the octets so far, and of how many when that is known.
Progress = Callable[[int, int | None], None]

#: Octets given to a consumer at once.
_PIECE = 64 * 1024

_log = Logger()


class FileDownload:
    """
    Fetches one file.

    :ivar damaged: records that could not be read, or were of another item.
    """

    def __init__(self, item: MediaItem, consumer: IConsumer, progress: Progress | None) -> None:
        """:param consumer: gets the file, in pieces, once it has come wholly."""
        self.damaged = 0
        self._item = item
        self._consumer = consumer
        self._progress = progress
        self._data: bytes | None = None
        self._written = 0
        self._transfer: Transfer | None = None
        self._channel: MediaChannel | None = None

    async def fetch(self, reactor: IReactorTime, camera: Asker, channel: MediaChannel) -> int:
        """Ask, wait and write; gives the octets written."""
        async with channel.lock:
            self._channel = channel
            self._transfer = transfer = Transfer(
                reactor,
                channel,
                RecordKind.FILE,
                self._take,
                resumed=self._write,
                heard=self._arriving,
            )
            try:
                wanted = {"downloadReqs": [requested(self._item)]}
                answer = await camera.ask(CommandID.START_DOWNLOAD, wanted)
                check_item(CommandID.START_DOWNLOAD, self._item, answer)
                transfer.start(self._consumer)
                await transfer.done
            except (CommandRejected, MediaNotFound):
                raise
            except Exception:
                camera.tell(CommandID.STOP_DOWNLOAD, {})
                raise
            finally:
                transfer.end()
        return self._written

    def _take(self, record: Record) -> None:
        if self._data is not None:
            return
        if not self._is_ours(record):
            self.damaged += 1
            return
        try:
            file = decode_file(record.payload)
        except LengthMismatch as error:
            raise MediaTruncated(f"{self._item.name} came incomplete: {error}") from error
        if self._item.kind == MediaKind.PHOTO and not file.data.startswith(JPEG):
            raise MediaTruncated(f"{self._item.name} came damaged: it is no JPEG")
        if not file.intact:
            # No recording shows how the check is made, so that it proves nothing.
            _log.warn("{name} does not end as its head says", name=self._item.name)
        self._data = file.data
        self._write()

    def _is_ours(self, record: Record) -> bool:
        try:
            head = decode_file_head(record.payload)
        except Truncated:
            return False
        return (head.directory, head.number) == (self._item.directory, self._item.number)

    def _write(self) -> None:
        """Write until the consumer has enough.  It may call this again from within."""
        if self._data is None or self._transfer is None:
            return
        while self._written < len(self._data) and not self._transfer.paused:
            piece = self._data[self._written : self._written + _PIECE]
            self._written += len(piece)
            self._consumer.write(piece)
        if self._written == len(self._data) and not self._transfer.done.called:
            self._tell(self._written, self._written)
            self._transfer.finish()

    def _arriving(self) -> None:
        if self._data is None and self._channel is not None:
            come = self._channel.arriving - HEAD_SIZE - FILE_HEAD_SIZE
            if come > 0:
                self._tell(come, None)

    def _tell(self, octets: int, total: int | None) -> None:
        if self._progress is not None:
            self._progress(octets, total)
