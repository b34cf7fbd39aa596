"""
The subcommands of ``trailcam`` that work with a camera's pictures.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from trailcam.cli_running import reach, run_on_reactor
from trailcam.commands.options import (
    CameraOptions,
    GetOptions,
    InfoOptions,
    LiveOptions,
    LsOptions,
    RmOptions,
    SnapOptions,
    SyncOptions,
    ThumbsOptions,
)
from trailcam.console import SIGNALLED, VersionOption, complain, show

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from trailcam.camera.camera import Camera
    from trailcam.connect.request import Request
    from trailcam.library.observer import SyncObserver


class CameraCommand(VersionOption, CameraOptions):
    """One command: ``run()`` connects, logs in, and does :meth:`act`."""

    def run(self) -> int:
        """Run on the reactor; returns the exit status."""
        status = run_on_reactor(self.work, verbose=bool(self["verbose"]))
        interrupted = status in (SIGNALLED + signal.SIGINT, SIGNALLED + signal.SIGTERM)
        return complain("interrupted", status) if interrupted else status

    async def work(self, reactor: Any) -> int:
        """Do it, with the simulated camera if that was asked for; returns the exit status."""
        return await reach(reactor, self, partial(self._act_on, reactor))

    async def _act_on(self, reactor: Any, request: Request) -> int:
        from trailcam.narration import narrator
        from trailcam.opening import open_camera
        from trailcam.stderrlog import logger

        def connect() -> Deferred[Any]:
            return open_camera(reactor, request, self.credentials, narrator(logger))

        return await self.act(reactor, connect)

    async def act(self, reactor: Any, connect: Callable[[], Deferred[Any]]) -> int:
        """Connect once, and do :meth:`act_with` that camera."""
        from trailcam.waiting import settle

        camera = await connect()
        try:
            return await self.act_with(reactor, camera)
        finally:
            await settle(camera.close())

    async def act_with(self, reactor: Any, camera: Camera) -> int:
        """Do what the command is for; returns the exit status."""
        raise NotImplementedError  # pragma: no cover

    def observer(self, reactor: Any) -> SyncObserver:
        """A bar where a person looks and there is one, lines otherwise; nothing with --json."""
        from trailcam.library.observer import SyncObserver

        return SyncObserver() if self["json"] else _observer(reactor)


class LsCommand(CameraCommand, LsOptions):
    """``trailcam ls``."""

    async def act_with(self, reactor: Any, camera: Camera) -> int:
        """List."""
        from trailcam.commands.looking import ls

        return await ls(camera, self, show)


class InfoCommand(CameraCommand, InfoOptions):
    """``trailcam info``."""

    async def act_with(self, reactor: Any, camera: Camera) -> int:
        """Ask."""
        from trailcam.commands.looking import info

        return await info(camera, self, show)


class ThumbsCommand(CameraCommand, ThumbsOptions):
    """``trailcam thumbs``."""

    async def act_with(self, reactor: Any, camera: Camera) -> int:
        """Fetch small pictures."""
        from trailcam.commands.fetching import thumbs

        return await thumbs(camera, self, show)


class GetCommand(CameraCommand, GetOptions):
    """``trailcam get``."""

    async def act_with(self, reactor: Any, camera: Camera) -> int:
        """Fetch single items."""
        from trailcam.commands.fetching import get
        from trailcam.library.bar import ProgressBar
        from trailcam.tap.saving import usual_settings

        observer = self.observer(reactor)
        bar = observer if isinstance(observer, ProgressBar) else None  # each file has a line anyway
        return await get(camera, self, show, bar, usual_settings())


class SyncCommand(CameraCommand, SyncOptions):
    """``trailcam sync``."""

    async def act(self, reactor: Any, connect: Callable[[], Deferred[Any]]) -> int:
        """Connect as often as it takes, and fetch what is new."""
        from trailcam.commands.syncing import sync
        from trailcam.tap.saving import usual_settings

        return await sync(reactor, connect, self, show, self.observer(reactor), usual_settings())


class LiveCommand(CameraCommand, LiveOptions):
    """``trailcam live``."""

    async def act_with(self, reactor: Any, camera: Camera) -> int:
        """Record."""
        from trailcam.commands.live import live

        return await live(reactor, camera, self, show)


class SnapCommand(CameraCommand, SnapOptions):
    """``trailcam snap``."""

    async def act_with(self, reactor: Any, camera: Camera) -> int:
        """Take a photo."""
        from trailcam.commands.card import snap

        return await snap(camera, self, show)


class RmCommand(CameraCommand, RmOptions):
    """``trailcam rm``."""

    async def act_with(self, reactor: Any, camera: Camera) -> int:
        """Delete."""
        from trailcam.commands.card import rm

        return await rm(camera, self, show)


def _observer(reactor: Any) -> SyncObserver:
    from trailcam.library.bar import observer_for
    from trailcam.library.lines import PlainLines

    return observer_for(sys.stderr, reactor) if sys.stderr.isatty() else PlainLines(sys.stdout)


#: Name, class, and one line of help, as ``trailcam --help`` shows them.
COMMANDS: tuple[tuple[str, type[CameraCommand], str], ...] = (
    ("ls", LsCommand, "List what is on the camera's card."),
    ("info", InfoCommand, "Show what the camera says about itself."),
    ("thumbs", ThumbsCommand, "Fetch small pictures of everything."),
    ("get", GetCommand, "Fetch single photos and videos."),
    ("sync", SyncCommand, "Fetch every new photo and video into a folder."),
    ("live", LiveCommand, "Record the live view."),
    ("snap", SnapCommand, "Have the camera take a photo."),
    ("rm", RmCommand, "Delete photos and videos from the card."),
)
