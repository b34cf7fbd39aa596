"""
The doors of this room: one run over one connection, or over as many as it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from trailcam.errors import CommandTimeout, ConnectError, LoginRejected, SessionError, TrailcamError
from trailcam.interfaces import ICamera
from trailcam.library.folder import Folder
from trailcam.library.observer import SyncObserver
from trailcam.library.run import Run
from trailcam.library.saver import Settings
from trailcam.library.summary import Summary, one_line
from trailcam.waiting import see_out, settle

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime


@attrs.frozen
class Reconnecting:
    """
    When to connect again.

    :ivar first: seconds of the first pause; each is twice the one before.
    :ivar longest: seconds of the longest.
    :ivar most: reconnects without a single new item after which to give up; ``None`` for never.
    """

    first: float = 1.0
    longest: float = 60.0
    most: int | None = 5

    def pause(self, barren: int) -> float:
        """Seconds before the reconnect that follows ``barren`` ones without success."""
        return min(self.first * 2.0 ** min(barren, 30), self.longest)

    def is_enough(self, barren: int) -> bool:
        """Whether to give up."""
        return self.most is not None and barren >= self.most


def sync(
    camera: ICamera,
    directory: Path,
    *,
    clock: IReactorTime,
    observer: SyncObserver | None = None,
    settings: Settings | None = None,
    watch: float | None = None,
) -> Deferred[Summary]:
    """
    Fetch what is on the card and not in ``directory``.

    The Deferred fires with the :class:`Summary`, which also has the items that failed.  It fails
    with a :class:`~trailcam.errors.SessionError` when the connection is lost, with a
    :class:`~trailcam.errors.CameraError` when the camera gives no list, and with a
    :class:`~trailcam.errors.LibraryError` when the folder cannot be used.  It can be cancelled at
    any time; calling again goes on with what is missing.

    :param clock: provides IReactorTime.
    :param watch: seconds until the next look at the card, again and again; the Deferred then only
        ends by failing.  ``None`` looks once.
    """

    told = observer or SyncObserver()

    async def work() -> Summary:
        with closing(told), closing(_folder(directory, settings)) as folder:
            run = Run(clock, folder, told, settings or Settings())
            with _told(told, run):
                return await _passes(clock, run, camera, watch)

    return Deferred.fromCoroutine(work())


def _close(camera: ICamera) -> Deferred[None]:
    return camera.close()


def sync_until_done(
    connect: Callable[[], Deferred[ICamera]],
    directory: Path,
    *,
    clock: IReactorTime,
    observer: SyncObserver | None = None,
    settings: Settings | None = None,
    watch: float | None = None,
    reconnecting: Reconnecting | None = None,
    leave: Callable[[ICamera], Deferred[None]] = _close,
) -> Deferred[Summary]:
    """
    :func:`sync`, which connects again when the connection is lost, and goes on.

    It fails with what ended the last connection, or kept it from coming to be, when there were too
    many without a new item; at once when there never was one, or the camera refuses the login.
    The folder stays locked all the time.

    :param connect: fires with a camera that is logged in.
    :param reconnecting: when to connect again, and when to give up.
    :param leave: is done with a camera in the end, whatever that was; default: close it.
    """
    policy = reconnecting or Reconnecting()
    told = observer or SyncObserver()

    async def work() -> Summary:
        with closing(told), closing(_folder(directory, settings)) as folder:
            run = Run(clock, folder, told, settings or Settings())
            with _told(told, run):
                connections = _Connections(clock, run, connect, told, policy, leave)
                return await connections.until_done(watch)

    return Deferred.fromCoroutine(work())


@contextmanager
def _told(observer: SyncObserver, run: Run) -> Iterator[None]:
    try:
        yield
    except Exception:
        observer.broken_off(run.summary())
        raise


def _folder(directory: Path, settings: Settings | None) -> Folder:
    chosen = settings or Settings()
    return Folder(directory, utc=chosen.utc, restore=chosen.restore)


async def _passes(
    clock: IReactorTime,
    run: Run,
    camera: ICamera,
    watch: float | None,
    passed: Callable[[], None] = lambda: None,
) -> Summary:
    """One look at the card, or one after the other."""
    pause = _Pause(clock, camera)
    while True:
        summary = await run.once(camera)
        passed()
        if watch is None:
            return summary
        await pause.wait(watch)


class _Pause:
    """
    Waits between two looks at the card.

    Nobody waits when the connection is over: another one is to be made then, and a camera that is
    there for some minutes only is not to be missed.
    """

    def __init__(self, clock: IReactorTime, camera: ICamera) -> None:
        self._clock = clock
        self._over = False
        self._due: Deferred[None] | None = None
        camera.when_closed().addBoth(self._closed)

    async def wait(self, seconds: float) -> None:
        if self._over:
            return
        due: Deferred[None] = Deferred()
        self._due = due
        timer = self._clock.callLater(seconds, due.callback, None)
        try:
            await due
        finally:
            self._due = None
            if timer.active():
                timer.cancel()

    def _closed(self, _: object) -> None:
        self._over = True
        if self._due is not None:
            self._due.callback(None)


class _Connections:
    """Makes one connection after the other."""

    def __init__(
        self,
        clock: IReactorTime,
        run: Run,
        connect: Callable[[], Deferred[ICamera]],
        observer: SyncObserver,
        policy: Reconnecting,
        leave: Callable[[ICamera], Deferred[None]],
    ) -> None:
        self._clock = clock
        self._run = run
        self._connect = connect
        self._observer = observer
        self._policy = policy
        self._leave = leave
        self._barren = 0
        self._connected = False

    async def until_done(self, watch: float | None) -> Summary:
        while True:
            before = self._run.new
            try:
                return await self._one(watch)
            except (SessionError, CommandTimeout, ConnectError, LoginRejected) as problem:
                if self._run.new > before:
                    self._barren = 0
                if self._is_final(problem):
                    raise
                await self._pause(problem)

    async def _one(self, watch: float | None) -> Summary:
        """One connection, to its end."""
        camera = await self._connect()
        self._connected = True
        try:
            summary = await _passes(self._clock, self._run, camera, watch, self._passed)
        except BaseException:
            await see_out(self._leave(camera))  # who is cancelled meanwhile wants no other one
            raise
        await settle(self._leave(camera))
        return summary

    def _passed(self) -> None:
        self._barren = 0

    def _is_final(self, problem: TrailcamError) -> bool:
        if isinstance(problem, LoginRejected) and not problem.passes:
            return True
        return not self._connected or self._policy.is_enough(self._barren)

    async def _pause(self, problem: TrailcamError) -> None:
        pause = self._policy.pause(self._barren)
        self._barren += 1
        self._observer.reconnecting(one_line(problem), pause)
        await deferLater(self._clock, pause)
        self._run.reconnects += 1
