"""
One run: what is new on the card goes into the folder, over any number of connections.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from trailcam.errors import CameraError, CommandTimeout, LoginRejected, SessionError
from trailcam.interfaces import ICamera
from trailcam.library import disk
from trailcam.library.folder import Folder
from trailcam.library.items import RAW_VIDEO, Key, key_of
from trailcam.library.observer import SyncObserver
from trailcam.library.saver import Saver, Settings
from trailcam.library.summary import FailedItem, Summary, one_line, title
from trailcam.model import MediaItem

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime

#: Commands in a row without an answer that are as good as a lost connection.
_MOST_TIMEOUTS = 3


class Run:
    """
    The state of a run.

    :ivar new: items fetched so far.
    :ivar reconnects: to be counted by who reconnects.
    """

    def __init__(
        self, clock: IReactorTime, folder: Folder, observer: SyncObserver, settings: Settings
    ) -> None:
        """:param clock: provides IReactorTime."""
        self.new = 0
        self.reconnects = 0
        self._clock = clock
        self._began = clock.seconds()
        self._folder = folder
        self._observer = observer
        self._saver = Saver(settings, observer.advanced)
        self._present = 0
        self._octets = 0
        self._raw_videos = 0
        self._known: set[Key] = set()
        self._failed: dict[Key | MediaItem, FailedItem] = {}
        self._losses: Counter[Key] = Counter()
        self._timeouts = 0

    def summary(self) -> Summary:
        """What became of it so far."""
        return Summary(
            self.new,
            self._present,
            tuple(self._failed.values()),
            self._octets,
            self._clock.seconds() - self._began,
            self.reconnects,
            self._raw_videos,
        )

    async def once(self, camera: ICamera) -> Summary:
        """
        Fetch everything that is on the card and not in the folder, the newest first.

        :raises SessionError: the connection is lost; call again with another.
        :raises CameraError: the camera does not give its list, or does not answer any more.
        :raises LibraryError: the folder cannot be used any more.
        """
        self._timeouts = 0
        wanted = self._plan(await camera.media())
        self._folder.save()
        self._observer.planned(len(wanted))
        for key, item in wanted:
            await self._one(camera, key, item)
        summary = self.summary()
        self._observer.passed(summary)
        return summary

    def _plan(self, items: list[MediaItem]) -> list[tuple[Key, MediaItem]]:
        wanted: dict[Key, MediaItem] = {}
        for item in items:
            try:
                key = key_of(item)
            except ValueError as problem:
                self._fail(item, item, str(problem), "refused")
                continue
            if key not in wanted and key not in self._known:
                path = self._folder.find(key)
                if path is None:
                    wanted[key] = item
                else:
                    self._skip(key, item, path)
        # What broke the connection before comes last, or it would keep all others away.
        return sorted(wanted.items(), key=lambda pair: (self._losses[pair[0]], -pair[0].time))

    def _skip(self, key: Key, item: MediaItem, path: Path) -> None:
        self._known.add(key)
        self._present += 1
        self._observer.skipped(item, path)

    async def _one(self, camera: ICamera, key: Key, item: MediaItem) -> None:
        self._observer.began(item)
        try:
            path = await self._fetch(camera, key, item)
        except SessionError:
            self._losses[key] += 1
            raise
        except CommandTimeout as problem:
            self._timeouts += 1
            if self._timeouts >= _MOST_TIMEOUTS:
                raise
            self._fail(key, item, problem, problem.code)
        except LoginRejected:
            raise
        except CameraError as problem:
            self._timeouts = 0
            self._fail(key, item, problem, problem.code)
        else:
            self._timeouts = 0
            self._known.add(key)
            self._failed.pop(key, None)
            self.new += 1
            self._observer.finished(item, path)

    def _fail(self, key: Key | MediaItem, item: MediaItem, reason: object, code: str) -> None:
        failed = FailedItem(item, title(item), one_line(reason), code)
        if self._failed.get(key) != failed:
            self._failed[key] = failed
            self._observer.failed(item, failed.reason)

    async def _fetch(self, camera: ICamera, key: Key, item: MediaItem) -> Path:
        part = self._folder.part(key)
        try:
            suffix = await self._saver.save(camera, key, item, part)
            octets = disk.size(part) or 0
            path = self._folder.take(key, part, suffix)
        finally:
            with disk.trouble(part):
                disk.remove(part)
        self._octets += octets
        self._raw_videos += suffix == RAW_VIDEO
        return path
