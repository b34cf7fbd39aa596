"""
Photos: one file in one record.

Protocol: the application layer, commands and answers; media records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
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


@attrs.define
class EndCheck:
    """
    Whether the heads of a camera's files tell how the files end.

    No recording shows how that is made.  So a file that ends otherwise is fetched again, and when
    it comes as before, that is how the camera has it: then its heads say nothing about damage.
    """

    proves: bool = True


class FileDownload:
    """
    Fetches one file.

    :ivar damaged: records that could not be read, or were of another item.
    """

    def __init__(
        self,
        item: MediaItem,
        consumer: IConsumer,
        progress: Progress | None,
        end_check: EndCheck | None = None,
    ) -> None:
        """
        :param consumer: gets the file, in pieces, once it has come wholly.
        :param end_check: what is known about the camera's heads, and will be.
        """
        self.damaged = 0
        self._end_check = EndCheck() if end_check is None else end_check
        self._doubtful: bytes | None = None  # digest of what did not end as its head says
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
            while self._data is None:
                await self._ask(reactor, camera, channel)
        return self._written

    async def _ask(self, reactor: IReactorTime, camera: Asker, channel: MediaChannel) -> None:
        """Fetch it once; what came may have to be fetched again."""
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
        if not file.intact and not self._is_as_before(file.data):
            assert self._transfer is not None
            self._transfer.finish()
            return
        self._data = file.data
        self._write()

    def _is_as_before(self, data: bytes) -> bool:
        """Whether what does not end as its head says is to be kept all the same."""
        if not self._end_check.proves:
            return True
        digest = hashlib.sha256(data).digest()
        if self._doubtful is None:
            self._doubtful = digest
            return False
        if self._doubtful != digest:
            raise MediaTruncated(f"{self._item.name} came damaged: twice, and differently")
        self._end_check.proves = False
        _log.warn("{name} does not end as its head says, twice", name=self._item.name)
        return True

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
