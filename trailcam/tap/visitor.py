"""
Logs in on each session of a kept connection, and shares the camera.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger, LogLevel

from trailcam.camera.camera import Camera
from trailcam.camera.events import Observer
from trailcam.errors import CameraError, LoginRejected, SessionError
from trailcam.interfaces import ISession
from trailcam.library.sync import Reconnecting
from trailcam.model import Credentials
from trailcam.waiting import see_out, settle

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime

#: When to try again while too many clients are logged in, or the camera does not answer.
_AGAIN = Reconnecting(first=5.0, longest=60.0)


class Visitor:
    """
    One camera for everybody who works with it, on one session after the other.

    A login that is refused is tried again with the next session; meanwhile the session is held.
    """

    _log = Logger()

    def __init__(
        self, clock: IReactorTime, credentials: Credentials, observer: Observer | None = None
    ) -> None:
        """
        :param clock: provides IReactorTime.
        :param observer: is told every event of the camera.
        """
        self._clock = clock
        self._credentials = credentials
        self._observer = observer
        self._camera: Camera | None = None
        self._waiting: list[Deferred[Camera]] = []
        self._last_problem: str | None = None

    def visit(self, session: ISession) -> Deferred[None]:
        """
        Log in on a session, and stay until it ends or this is cancelled.

        :return: fires, or fails with CancelledError, when the session is closed.
        """
        return Deferred.fromCoroutine(self._visit(session))

    def camera(self) -> Deferred[Camera]:
        """
        Fires with a camera that is logged in, as soon as there is one; it may be cancelled.

        The camera belongs to all who asked: nobody closes it, but see :meth:`give_up`.
        """
        if self._camera is not None:
            return succeed(self._camera)
        waiter: Deferred[Camera] = Deferred(self._waiting.remove)
        self._waiting.append(waiter)
        return waiter

    async def give_up(self, camera: Camera) -> None:
        """End the session of a camera that is of no use any more."""
        if self._camera is camera:
            self._camera = None
        await see_out(camera.close())

    async def _visit(self, session: ISession) -> None:
        camera = Camera(self._clock, session)
        if self._observer is not None:
            camera.events(self._observer)
        try:
            if await self._log_in(camera):
                self._lend(camera)
            await session.when_closed()
        except CancelledError:
            raise
        except Exception:
            self._log.failure("bug: the visit broke")
        finally:
            self._camera = None
            await settle(camera.close())

    async def _log_in(self, camera: Camera) -> bool:
        """Whether it worked out."""
        tries = 0
        while True:
            try:
                await camera.login(self._credentials)
            except SessionError:
                return False  # who holds the session tells
            except CameraError as problem:
                if isinstance(problem, LoginRejected) and not problem.passes:
                    self._tell(problem, "trying again with the next session")
                    return False
                pause = _AGAIN.pause(tries)
                self._tell(problem, f"trying again in {pause:g} s")
            else:
                self._last_problem = None
                return True
            tries += 1
            await deferLater(self._clock, pause)

    def _lend(self, camera: Camera) -> None:
        self._camera = camera
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(camera)

    def _tell(self, problem: CameraError, then: str) -> None:
        """At full volume only when it is another problem than the last one."""
        reason = str(problem)
        level = LogLevel.debug if reason == self._last_problem else LogLevel.warn
        self._last_problem = reason
        self._log.emit(
            level, "not logged in: {reason}; {then}", reason=reason, then=then, code=problem.code
        )
