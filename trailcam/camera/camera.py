"""
A camera over a session: the Deferred API.

Protocol: the application layer.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.artemis.commands import CommandID
from trailcam.camera.answers import check
from trailcam.camera.commands import delete, insist, log_in, simple
from trailcam.camera.control import COMMAND_TIMEOUT, ControlChannel
from trailcam.camera.events import EventChannel, Observer
from trailcam.camera.frames import MOST_WAITING, FrameBuffer, LiveFrame
from trailcam.camera.heartbeat import Heartbeat
from trailcam.camera.listing import list_media
from trailcam.camera.photo import EndCheck, FileDownload, Progress
from trailcam.camera.playback import LiveView, Playback
from trailcam.camera.sinks import ConsumerSink, VideoSink
from trailcam.camera.stream import MediaChannel
from trailcam.camera.thumbnails import fetch_thumbnails
from trailcam.errors import CommandRejected, SessionError, TrailcamError
from trailcam.interfaces import ICamera, ISession
from trailcam.model import Credentials, MediaItem, MediaKind

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime

#: Seconds that a logout may take.
LOGOUT_TIMEOUT = 1.0

_CONTROL, _LIVE, _PLAYBACK, _FILES, _THUMBNAILS, _EVENTS = 0, 1, 2, 3, 4, 6

_VIDEOS = (MediaKind.VIDEO, MediaKind.AVI)

_T = TypeVar("_T")


def _ignore(reason: Failure | None) -> None:
    """Nobody wants to know."""


@implementer(ICamera)
class Camera:
    """
    One camera.  Its session belongs to it, and ends with :meth:`close`.

    Commands wait for the camera's greeting, for at most 5 s.  Every Deferred can be cancelled; a
    cancelled download tells the camera to stop, and leaves everything else as it was.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        session: ISession,
        *,
        seq_num: int = 1,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """
        Listen on the session's channels.

        :param reactor: provides IReactorTime.
        :param seq_num: the number of the first command's record.
        :param wall_clock: seconds since 1970, told to the camera at login.
        """
        self._log = Logger()
        self._reactor = reactor
        self.session = session
        self._wall_clock = wall_clock
        self._control = ControlChannel(reactor, session.channel(_CONTROL), seq_num)
        self._events = EventChannel(session.channel(_EVENTS))
        self._streams = {
            number: MediaChannel(session.channel(number))
            for number in (_LIVE, _PLAYBACK, _FILES, _THUMBNAILS)
        }
        self._end_check = EndCheck()
        self._heartbeat = Heartbeat(reactor, self._control.write)
        self._logged_in = False
        self._playbacks = 0
        self._live: LiveView | None = None
        session.when_closed().addCallback(self._ended)

    @property
    def malformed(self) -> int:
        """Records of commands and events that could not be read."""
        return self._control.malformed + self._events.malformed

    def ask(
        self, number: int, members: Mapping[str, Any], timeout: float = COMMAND_TIMEOUT
    ) -> Deferred[dict[str, Any]]:
        """Send any command; the Deferred fires with the answer, even when that is a refusal."""
        return self._control.ask(number, members, timeout)

    def tell(self, number: int, members: Mapping[str, Any]) -> None:
        """Send a command whose answer nobody waits for.  Never raises."""
        self.ask(number, members).addErrback(
            lambda failure: self._log.debug("{n} failed: {why}", n=number, why=str(failure.value))
        )

    def command(
        self, number: int, *, timeout: float = COMMAND_TIMEOUT, **members: Any
    ) -> Deferred[dict[str, Any]]:
        """
        Send any command and wait for its answer.

        :param timeout: seconds from sending; no more than 20 commands are on their way at once.
        """
        return _deferred(self._command(number, members, timeout))

    def login(self, credentials: Credentials) -> Deferred[dict[str, Any]]:
        """Log in; the Deferred fires with the answer, or fails with LoginRejected."""
        return _deferred(self._login(credentials))

    def logout(self) -> Deferred[None]:
        """Log out, and end the heartbeat; the session stays."""
        return _deferred(self._logout(COMMAND_TIMEOUT))

    def info(self) -> Deferred[dict[str, Any]]:
        """Fires with what the camera says about itself."""
        return _deferred(simple(self, CommandID.GET_DEVICE_INFO))

    def set_info(self, **changes: Any) -> Deferred[dict[str, Any]]:
        """Change members of :meth:`info`; raises ValueError without any."""
        if not changes:
            raise ValueError("there is nothing to change")
        return _deferred(simple(self, CommandID.SET_DEVICE_INFO, **changes))

    def change_password(self, password: str, username: str = "admin") -> Deferred[dict[str, Any]]:
        """
        Change the password.

        The members of this command were never recorded: they are taken to be those of a login.
        """
        members = {"usrName": username, "password": password}
        return _deferred(simple(self, CommandID.CHANGE_PASSWORD, **members))

    def events(self, observer: Observer) -> Callable[[], None]:
        """
        Call ``observer`` with every event, the first observer also with the last 64 before.

        :return: call it to hear no more.
        """
        return self._events.observe(observer)

    def start_live(self, sink: VideoSink | None = None) -> Deferred[dict[str, Any]]:
        """
        Start the live view; the Deferred fires with the answer.

        :param sink: gets the frames until :meth:`stop_live` or the end of the session; without
            one they are thrown away.
        """
        return _deferred(self._start_live(sink))

    async def live(self, most_waiting: int = MOST_WAITING) -> AsyncGenerator[LiveFrame, None]:
        """
        The live view, frame by frame, without its sound: ``async for frame in camera.live()``.

        It starts with the loop and stops with it, however that is left (``break`` included; other
        interpreters than CPython want :func:`contextlib.aclosing` for that).  It ends after
        :meth:`stop_live` and :meth:`close`; when the session is lost, that is raised, as is what
        keeps the live view from starting.

        :param most_waiting: frames that may wait while the loop is busy.  When more come, those
            that wait are dropped, and all until decoding can begin anew; the next frame says how
            many those were.
        """
        frames = FrameBuffer(most_waiting)
        await self._start_live(frames, frames.end)
        view = self._live
        try:
            async for frame in frames:
                yield frame
        finally:  # without waiting: after a break there is nobody to wait
            if view is not None and self._live is view:
                self.tell(CommandID.STOP_LIVE, {})
                self._stop_live()

    def stop_live(self) -> Deferred[dict[str, Any]]:
        """End the live view."""
        answer = _deferred(simple(self, CommandID.STOP_LIVE))
        self._stop_live()  # after sending: somebody may wait to start the next one
        return answer

    def media(self) -> Deferred[list[MediaItem]]:
        """Fires with everything on the card, newest first; with 100 000 items at most."""
        return _deferred(list_media(self))

    def thumbnails(self, items: Sequence[MediaItem]) -> Deferred[dict[MediaItem, bytes]]:
        """Fires with the JPEG of each item; those that do not come for 10 s are left out."""
        stream = self._streams[_THUMBNAILS]
        return _deferred(fetch_thumbnails(self._reactor, self, stream, items))

    def download(
        self, item: MediaItem, consumer: Any, progress: Progress | None = None
    ) -> Deferred[int]:
        """
        Fetch one item: of a photo the JPEG, of a video the H.264 access units without the sound.

        :param consumer: an IConsumer.  A photo is written when it has come wholly.
        :param progress: called with the octets so far; of a photo with the number of all once it
            has come, of a video never.
        """
        if item.kind in _VIDEOS:
            return _deferred(self._play(item, ConsumerSink(consumer), progress, consumer))
        download = FileDownload(item, consumer, progress, self._end_check)
        return _deferred(download.fetch(self._reactor, self, self._streams[_FILES]))

    def play(
        self, item: MediaItem, sink: VideoSink, progress: Progress | None = None
    ) -> Deferred[int]:
        """
        Fetch a video with its sound, frame by frame; the Deferred fires with the octets of video.

        It fails as that of :meth:`download` does, or with what ``sink`` raised.
        """
        return _deferred(self._play(item, sink, progress, None))

    def delete(self, item: MediaItem) -> Deferred[None]:
        """Delete one item; fails with MediaNotFound when it is not there.  Cannot be undone."""
        return _deferred(delete(self, item))

    def delete_all(self, *, sure: bool = False) -> Deferred[dict[str, Any]]:
        """Delete everything on the card; raises ValueError unless ``sure`` is true."""
        insist(sure, "deleting everything on the card")
        return _deferred(simple(self, CommandID.DELETE_ALL_MEDIA))

    def format_card(self, *, sure: bool = False) -> Deferred[dict[str, Any]]:
        """Format the card; raises ValueError unless ``sure`` is true."""
        insist(sure, "formatting the card")
        return _deferred(simple(self, CommandID.FORMAT_SD))

    def factory_reset(self, *, sure: bool = False) -> Deferred[dict[str, Any]]:
        """Forget all settings; raises ValueError unless ``sure`` is true."""
        insist(sure, "a factory reset")
        return _deferred(simple(self, CommandID.FACTORY_RESET))

    def when_closed(self) -> Deferred[SessionError | None]:
        """Fires when the session has ended: with why, or ``None`` when we closed it."""
        return self.session.when_closed()

    def close(self) -> Deferred[None]:
        """Log out, for at most a second, and end the session.  May be called again."""
        return _deferred(self._close())

    async def _command(
        self, number: int, members: Mapping[str, Any], timeout: float
    ) -> dict[str, Any]:
        if "cmdId" in members:
            raise ValueError("the number of a command is given by its own argument")
        answer = await self.ask(number, members, timeout)
        check(number, answer)
        return answer

    async def _login(self, credentials: Credentials) -> dict[str, Any]:
        answer, token = await log_in(self, credentials, self._wall_clock())
        self._control.token = token
        self._logged_in = True
        self._heartbeat.start()
        self._log.info("logged in to the camera as {user}", user=credentials.username)
        return answer

    async def _logout(self, timeout: float) -> None:
        self._heartbeat.stop()
        self._logged_in = False
        try:
            await self._command(CommandID.LOGOUT, {}, timeout)
        finally:
            self._control.token = None

    async def _start_live(
        self, sink: VideoSink | None, over: Callable[[Failure | None], None] = _ignore
    ) -> dict[str, Any]:
        """:param over: called when ``sink`` gets no more, with the failure if there was one."""
        if sink is None:
            return await simple(self, CommandID.START_LIVE)
        live = await self._claim_live(sink, over)
        try:
            answer = await simple(self, CommandID.START_LIVE)
        except CommandRejected:
            live.stop()
            raise
        except BaseException:
            if self._live is live:  # else it was stopped, and the camera's is another's by now
                self.tell(CommandID.STOP_LIVE, {})
            live.stop()
            raise
        live.start()
        return answer

    async def _claim_live(
        self, sink: VideoSink, over: Callable[[Failure | None], None]
    ) -> LiveView:
        stream = self._streams[_LIVE]

        def ended(reason: Failure | None) -> None:
            if self._live is live:
                self._live = None
            stream.lock.release()
            over(reason)

        await stream.lock.acquire()
        try:
            live = LiveView(self._reactor, stream, sink, ended)
        except BaseException:
            stream.lock.release()
            raise
        self._live = live  # from now on, and not from the answer: it may be stopped before that
        return live

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.stop()

    async def _play(
        self, item: MediaItem, sink: VideoSink, progress: Progress | None, consumer: Any
    ) -> int:
        self._playbacks += 1
        playback = Playback(item, sink, self._playbacks, progress)
        return await playback.fetch(self._reactor, self, self._streams[_PLAYBACK], consumer)

    async def _close(self) -> None:
        self._heartbeat.stop()
        self._stop_live()
        try:
            if self._logged_in:
                await self._logout(LOGOUT_TIMEOUT)
        except CancelledError:
            raise
        except TrailcamError as error:
            self._log.debug("no logout: {why}", why=str(error))
        finally:
            await self.session.close()

    def _ended(self, reason: SessionError | None) -> None:
        self._logged_in = False
        self._heartbeat.stop()
        # A session that was over before tells its channels nothing any more.
        for reader in (self._control, self._events, *self._streams.values()):
            reader.channel_closed(reason)


def _deferred(coroutine: Coroutine[Any, Any, _T]) -> Deferred[_T]:
    return Deferred.fromCoroutine(coroutine)
