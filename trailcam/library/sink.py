"""
What a download is written to.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IConsumer
from zope.interface import implementer

from trailcam.errors import MediaTruncated
from trailcam.interfaces import ICamera
from trailcam.model import MediaItem

Progress = Callable[[int, int | None], None]

#: Octets after which a file is brought to the disk itself, so that no single time takes long:
#: meanwhile nobody answers the camera.
_FLUSH_EVERY = 4 * 1024 * 1024


class Sink(Protocol):
    """Takes a file, piece by piece."""

    def write(self, data: bytes) -> None:
        """The next octets; may raise, which ends the transfer."""

    def finish(self) -> None:
        """
        Close the file.  Called once, last; after a transfer that failed, too, and then the file
        is thrown away.
        """


class FileSink:
    """Writes to an open file, which belongs to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._waiting = 0

    def write(self, data: bytes) -> None:
        """Write; :raises OSError: when that fails."""
        self._file.write(data)
        self._waiting += len(data)
        if self._waiting >= _FLUSH_EVERY:
            self._waiting = 0
            self._file.flush()
            os.fsync(self._file.fileno())

    def finish(self) -> None:
        """Close it; :raises OSError: when the rest cannot be written."""
        self._file.close()


@implementer(IConsumer)
class _Guard:
    """
    Stands before a sink.  What that raises is kept, and the transfer ended.

    :ivar octets: how many came.
    :ivar problem: what the sink raised.
    """

    def __init__(self, sink: Sink) -> None:
        self.octets = 0
        self.problem: Exception | None = None
        self._sink = sink
        self._transfer: Deferred[int] | None = None
        self._producer: Any = None
        self._pulls = False

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """A disk is fast: nobody is paused, and who must be asked is asked."""
        self._producer, self._pulls = producer, not streaming
        if self._pulls:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """There is no more."""
        self._producer, self._pulls = None, False

    def write(self, data: bytes) -> None:
        """Never raises."""
        if self.problem is not None:
            return
        try:
            self._sink.write(data)
        except Exception as problem:
            self.problem = problem
            if self._transfer is not None:
                self._transfer.cancel()
            return
        self.octets += len(data)
        if self._pulls:
            self._producer.resumeProducing()

    async def of(self, transfer: Deferred[int]) -> int:
        """Wait for the end of the transfer; raises what the sink raised, or what it failed with."""
        self._transfer = transfer
        if self.problem is not None:
            transfer.cancel()
        try:
            await transfer
        except CancelledError:
            if self.problem is None:
                raise
        if self.problem is not None:
            raise self.problem
        return self.octets


async def through(
    camera: ICamera, item: MediaItem, sink: Sink, progress: Progress | None = None
) -> int:
    """
    Download ``item`` into ``sink``, and finish that.

    :return: the octets written.
    :raises MediaTruncated: also when nothing came.
    :raises Exception: what the sink raised.
    """
    guard = _Guard(sink)
    whole = False
    try:
        octets = await guard.of(camera.download(item, guard, progress))
        whole = True
    finally:
        if not whole:
            _give_up(sink)
    sink.finish()
    if not octets:
        raise MediaTruncated("the camera sent nothing")
    return octets


def _give_up(sink: Sink) -> None:
    try:
        sink.finish()
    except Exception:  # the first problem is the one to tell
        return


#: Writes one video to a path where nothing is yet; fires with the octets of it.
SaveVideo = Callable[[ICamera, MediaItem, Path, Progress], "Deferred[int]"]


def into(open_video: Callable[[MediaItem, Path], Sink]) -> SaveVideo:
    """
    Save videos by a muxer that takes H.264 access units in Annex B form, one each ``write()``.

    :param open_video: makes a sink that writes an MP4 file to the path, whose name does not tell
        what is in it.
    """

    def save(camera: ICamera, item: MediaItem, path: Path, progress: Progress) -> Deferred[int]:
        async def work() -> int:
            return await through(camera, item, open_video(item, path), progress)

        return Deferred.fromCoroutine(work())

    return save
