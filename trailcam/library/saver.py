"""
One item of the card becomes one file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import attrs
from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from trailcam.errors import MediaTruncated, TrailcamError, VideoLibraryMissing
from trailcam.interfaces import ICamera
from trailcam.library import disk
from trailcam.library.items import MP4, RAW_VIDEO, Key, suffixes
from trailcam.library.sink import FileSink, Progress, SaveVideo, through
from trailcam.library.summary import one_line, title
from trailcam.model import MediaItem


@attrs.frozen
class Settings:
    """
    How a run goes about it.

    :ivar utc: whether the camera's clock shows UTC instead of this machine's local time.
    :ivar restore: whether to fetch again what was deleted from the folder.
    :ivar retries: how many times an item that came incomplete is fetched again.
    :ivar save_video: writes MP4 files; without it videos are kept as H.264 streams.
    :ivar open_file: makes the file that a photo is written to.
    """

    utc: bool = False
    restore: bool = False
    retries: int = 3
    save_video: SaveVideo | None = None
    open_file: Callable[[Path], BinaryIO] = disk.open_new


class Saver:
    """Fetches items, incomplete ones again."""

    _log = Logger()

    def __init__(
        self, settings: Settings, advanced: Callable[[MediaItem, int, int | None], None]
    ) -> None:
        """:param advanced: called with the octets so far, and of how many when that is known."""
        self._settings = settings
        self._advanced = advanced

    async def save(self, camera: ICamera, key: Key, item: MediaItem, part: Path) -> str:
        """
        Write an item to ``part``, where nothing is yet.

        :return: the suffix that its name has to have.
        :raises FolderUnusable: it cannot be written.
        :raises CameraError: it cannot be had; something may be at ``part`` then.
        """
        for left in reversed(range(self._settings.retries + 1)):
            try:
                return await self._once(camera, key, item, part)
            except MediaTruncated:
                if not left:
                    raise
            with disk.trouble(part):
                disk.remove(part)
        raise AssertionError("the last try returns or raises")  # pragma: no cover

    async def _once(self, camera: ICamera, key: Key, item: MediaItem, part: Path) -> str:
        if not key.is_video:
            await self._save_octets(camera, item, part)
            return suffixes(key)[0]
        if self._settings.save_video is None or not await self._save_video(camera, item, part):
            await self._save_octets(camera, item, part)
            return RAW_VIDEO
        return MP4

    async def _save_video(self, camera: ICamera, item: MediaItem, part: Path) -> bool:
        """Whether it could be made an MP4 file; otherwise its octets are still worth having."""
        assert self._settings.save_video is not None
        try:
            await self._settings.save_video(camera, item, part, self._progress(item))
        except CancelledError:
            raise
        except Exception as problem:
            # A library that is there, but broken, is like one that is not.
            if isinstance(problem, TrailcamError) and not isinstance(problem, VideoLibraryMissing):
                raise
            with disk.trouble(part):
                if isinstance(problem, OSError) and disk.is_about_disk(problem):
                    raise
                disk.remove(part)
            self._log.warn(
                "{name} cannot be made an MP4 file ({why}); it is kept as it comes",
                name=title(item),
                why=one_line(problem),
            )
            return False
        return True

    async def _save_octets(self, camera: ICamera, item: MediaItem, part: Path) -> None:
        with disk.trouble(part):
            sink = FileSink(self._settings.open_file(part))
            await through(camera, item, sink, self._progress(item))

    def _progress(self, item: MediaItem) -> Progress:
        return lambda octets, total: self._advanced(item, octets, total)
