"""
Keeps a folder of pictures up to date over a kept connection.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger, LogLevel

from trailcam.commands.options import WATCH_EVERY
from trailcam.errors import TrailcamError
from trailcam.interfaces import ICamera
from trailcam.library.observer import SyncObserver
from trailcam.library.saver import Settings
from trailcam.library.summary import Summary, amount, one_line, raw_videos, title
from trailcam.library.sync import Reconnecting, sync_until_done
from trailcam.model import MediaItem
from trailcam.tap.visitor import Visitor
from trailcam.waiting import settle

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime

    from trailcam.camera.camera import Camera

#: Seconds after which a run is begun anew that a full disk, say, has ended.
RETRY = 60.0

#: Whoever keeps the connection waits already.
_AT_ONCE = Reconnecting(first=0.0, longest=0.0, most=None)


class Syncing(Service):
    """
    ``trailcam sync --watch`` on the cameras of a visitor, for as long as the service runs.

    What ends a run is told, once, and the run begun anew after a minute.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        visitor: Visitor,
        directory: Path,
        settings: Settings,
        every: float = WATCH_EVERY,
    ) -> None:
        """
        :param clock: provides IReactorTime.
        :param every: seconds between two looks at the card.
        """
        self._clock = clock
        self._visitor = visitor
        self._directory = directory
        self._settings = settings
        self._every = every
        self._notes = _Notes(self._log)
        self._work: Deferred[None] | None = None

    def startService(self) -> None:
        """Begin, as soon as there is a camera."""
        super().startService()  # type: ignore[no-untyped-call]
        self._work = Deferred.fromCoroutine(self._run())

    def stopService(self) -> Deferred[None]:
        """Stop; fires when the folder is let go."""
        super().stopService()  # type: ignore[no-untyped-call]
        return Deferred.fromCoroutine(self._stop())

    def snapshot(self) -> dict[str, Any]:
        """How it stands, in values that :mod:`json` can write."""
        summary = self._notes.summary
        return {
            "new": summary.new,
            "present": summary.present,
            "failed": len(summary.failed),
            "problem": self._notes.problem,
        }

    async def _stop(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work.cancel()
            await settle(work)

    async def _run(self) -> None:
        while self.running:
            try:
                await self._sync()
            except CancelledError:
                raise
            except TrailcamError as problem:
                self._tell(problem)
            except Exception:
                self._log.failure("bug: the sync broke")
            if self.running:  # else something went wrong while it stopped
                await deferLater(self._clock, RETRY)

    def _sync(self) -> Deferred[Summary]:
        return sync_until_done(
            self._lender(),
            self._directory,
            clock=self._clock,
            observer=self._notes,
            settings=self._settings,
            watch=self._every,
            reconnecting=_AT_ONCE,
            leave=lambda camera: succeed(None),  # it is not ours
        )

    def _lender(self) -> Callable[[], Deferred[ICamera]]:
        """For one run: lends a camera, and not the same again."""
        last: Camera | None = None

        async def lend() -> ICamera:
            nonlocal last
            camera = await self._visitor.camera()
            if camera is last:
                self._log.warn(
                    "the sync wants another session: {reason}", reason=self._notes.interruption
                )
                await self._visitor.give_up(camera)
                camera = await self._visitor.camera()
            last = camera
            return camera

        return lambda: Deferred.fromCoroutine(lend())

    def _tell(self, problem: TrailcamError) -> None:
        """At full volume only when it is another problem than the last one."""
        reason = one_line(problem)
        level = LogLevel.debug if reason == self._notes.problem else LogLevel.warn
        self._notes.problem = reason
        self._log.emit(
            level,
            "the sync stopped: {reason}; beginning anew in {pause:g} s",
            reason=reason,
            pause=RETRY,
            code=problem.code,
        )


class _Notes(SyncObserver):
    """
    Logs how it goes on, a line for each item.

    :ivar summary: the last one.
    :ivar problem: why the run stopped, until the next one has been through the whole list.
    :ivar interruption: why the last connection was of no use any more.
    """

    def __init__(self, log: Logger) -> None:
        self.summary = Summary()
        self.problem: str | None = None
        self.interruption = ""
        self._log = log
        self._told: tuple[int, ...] = ()

    def planned(self, total: int) -> None:
        """How much there is to do, if anything."""
        if total:
            self._log.info("{total} to fetch", total=total)

    def finished(self, item: MediaItem, path: Path) -> None:
        """Which, and where."""
        self._log.info("fetched {item} -> {path}", item=title(item), path=str(path))

    def failed(self, item: MediaItem, reason: str) -> None:
        """Which, and why."""
        self._log.warn("{item} failed: {reason}", item=title(item), reason=reason)

    def reconnecting(self, reason: str, pause: float) -> None:
        """Who keeps the connection tells why it was lost."""
        self.interruption = reason
        self._log.debug("the sync waits for the next session: {reason}", reason=reason)

    def passed(self, summary: Summary) -> None:
        """What became of it, unless that is as it was."""
        self.summary = summary
        self.problem = None
        counts = (summary.new, summary.present, len(summary.failed))
        if counts != self._told:
            self._told = counts
            self._log.info(
                "in the folder: {new} new ({octets}), {present} from before; {failed} failed",
                new=summary.new,
                octets=amount(summary.octets),
                present=summary.present,
                failed=len(summary.failed),
            )
            if summary.raw_videos:
                self._log.info("{advice}", advice=raw_videos(summary.raw_videos))
