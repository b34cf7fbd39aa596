"""
The blocking camera client, for ordinary, threaded code.

For Twisted applications there is :func:`trailcam.opening.open_camera`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from trailcam.blocking import ParallelConnectionManager, check_logger, take_over
from trailcam.camera.camera import Camera
from trailcam.errors import LoginRejected, ReactorUnavailable, SessionClosed
from trailcam.interfaces import IRuntime
from trailcam.library import disk
from trailcam.library.saver import Saver, Settings
from trailcam.library.single import fetch_one
from trailcam.model import Credentials, MediaItem
from trailcam.reactorthread import shared_runtime
from trailcam.session.session import Session


class CameraClient:
    """
    A camera, from any thread.  As a context manager it logs out and closes.

    After :meth:`login` the heartbeat runs by itself until :meth:`close`.
    """

    def __init__(
        self,
        camera_ip: str | None,
        source_port: int = 0,
        logger: logging.Logger | None = None,
        *,
        runtime: IRuntime | None = None,
        **connection: Any,
    ) -> None:
        """
        Check the arguments; nothing is opened yet.

        :param camera_ip: the camera's address, as given to the manager.
        :param source_port: ``info["port"]`` of a manager in this process: its connection is taken
            over, and the manager has none any more.  0, or a port that nobody here holds: connect.
        :param logger: gets the progress; default ``logging.getLogger("CameraClient")``.
        :param connection: more arguments of
            :class:`~trailcam.blocking.ParallelConnectionManager`, for when there is none yet.
        :raises ValueError: for an argument that cannot be, naming it.
        :raises TypeError: for one that there is not; name and password belong to :meth:`login`.
        """
        if type(source_port) is not int or not 0 <= source_port <= 65535:
            raise ValueError(f"source_port: expected 0 to 65535, got {source_port!r}")
        for name in ("username", "password"):
            if name in connection:
                raise TypeError(f"{name}: belongs to login({name}=...)")
        self._logger = check_logger(logger, "CameraClient")
        self._runtime = runtime or shared_runtime()
        self._manager = ParallelConnectionManager(
            camera_ip, logger=self._logger, runtime=self._runtime, **connection
        )
        self._relay = "relay_server" in connection or "relay_directory" in connection
        self._host = camera_ip
        self._source_port = source_port
        self._camera: Camera | None = None
        self._session: Session | None = None

    def login(
        self,
        token: int | str | None = None,
        seq_num: int | None = None,
        *,
        username: str = "admin",
        password: str = "admin",
    ) -> bool:
        """
        Log in, over the manager's connection or a new one.

        :param token: used as the session's token when the camera's answer brings none; a number, or
            the text of one.
        :param seq_num: the number of the first command record; default 1.
        :return: whether the camera accepted; when not, or when there is no connection, the log
            says why.
        :raises ValueError: for an argument that cannot be, naming it.
        :raises trailcam.errors.SessionError: when the connection is lost.
        """
        if seq_num is not None and type(seq_num) is not int:
            # Its value is not told: it may be a password that was put into the wrong place.
            raise ValueError("seq_num: not a number; give username= and password=")
        credentials = Credentials(username, password, self._number_of(token))
        if self._camera is None and not self._adopt(seq_num):
            return False
        try:
            self._call(lambda camera: camera.login(credentials))
        except LoginRejected as refused:
            self._logger.warning("[LOGIN] %s", refused)
            return False
        self._logger.info("[LOGIN] Logged in as %s", username)
        return True

    def command(self, number: int, *, timeout: float = 10.0, **members: Any) -> dict[str, Any]:
        """Send any command; see :meth:`trailcam.interfaces.ICamera.command`."""
        answer: dict[str, Any] = self._call(
            lambda camera: camera.command(number, timeout=timeout, **members)
        )
        return answer

    def info(self) -> dict[str, Any]:
        """What the camera says about itself."""
        answer: dict[str, Any] = self._call(lambda camera: camera.info())
        return answer

    def media(self) -> list[MediaItem]:
        """Everything on the card, newest first."""
        items: list[MediaItem] = self._call(lambda camera: camera.media())
        return items

    def thumbnails(self, items: Iterable[MediaItem]) -> dict[MediaItem, bytes]:
        """The JPEG of each item; what the camera did not send is left out."""
        wanted = list(items)
        pictures: dict[MediaItem, bytes] = self._call(lambda camera: camera.thumbnails(wanted))
        return pictures

    def download(
        self,
        item: MediaItem,
        path: str | os.PathLike[str],
        progress: Callable[[int, int | None], None] | None = None,
    ) -> int:
        """
        Fetch one item into a file, which is there only when all of it has come.

        What came incomplete is fetched again, three times.  A video is kept as its H.264 stream.

        :param progress: called on the reactor's thread with the octets so far, and of how many.
        :return: octets.
        :raises FileExistsError: when there is such a file, or it is just being fetched; none is
            overwritten.
        :raises ValueError: when the item is an impossible one.
        :raises trailcam.errors.FolderUnusable: when it cannot be written.
        """
        count: int = self._call(lambda camera: _fetch(camera, item, Path(path), progress))
        return count

    @property
    def connected(self) -> bool:
        """Whether there is a session, and the camera was heard lately."""
        session = self._session
        return session is not None and session.state in ("established", "probing")

    def close(self) -> None:
        """Log out and end the session; returns when the port is free."""
        camera, self._camera = self._camera, None
        self._session = None
        if camera is None:
            return
        try:
            self._runtime.call(camera.close)
        except ReactorUnavailable:
            return  # it ended with the reactor, which told the camera

    def __enter__(self) -> CameraClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _number_of(self, token: int | str | None) -> int | None:
        """Other text than a number is of no use; a camera that gives a token needs none of ours."""
        if token is None:
            return None
        with suppress(TypeError, ValueError):
            return int(token)
        self._logger.warning("[LOGIN] The token is not a number, and is not used")
        return None

    def _adopt(self, seq_num: int | None) -> bool:
        """Get a session; whether there is one."""
        self._runtime.ensure_running()
        port = self._source_port
        if port and self._runtime.call(lambda: self._use(take_over(self._host, port), seq_num)):
            return True
        success, info = self._manager.connect_parallel(enable_relay=self._relay)
        if not success:
            reasons = {t["error"] for t in info["threads_info"].values() if t["error"]}
            self._logger.warning("[LOGIN] No connection: %s", "; ".join(sorted(reasons)))
            return False
        own = info["port"]
        return bool(self._runtime.call(lambda: self._use(take_over(None, own), seq_num)))

    def _use(self, session: Session | None, seq_num: int | None) -> bool:
        """On the reactor's thread."""
        if session is None:
            return False
        self._session = session
        self._camera = Camera(self._runtime.reactor, session, seq_num=seq_num or 1)
        return True

    def _call(self, use: Callable[[Camera], Any]) -> Any:
        camera = self._camera
        if camera is None:
            raise SessionClosed("there is no connection: call login() first")
        return self._runtime.call(lambda: use(camera))


async def _fetch(
    camera: Camera,
    item: MediaItem,
    path: Path,
    progress: Callable[[int, int | None], None] | None,
) -> int:
    def advanced(_: MediaItem, octets: int, total: int | None) -> None:
        if progress is not None:
            progress(octets, total)

    saver = Saver(Settings(), advanced)
    part = path.with_name(f".{path.name}.part")
    await fetch_one(camera, item, saver, part=part, name=lambda suffix: path)
    return disk.size(path) or 0
