"""
``twist trailcam-connect``: stay connected to a camera, and show how it stands.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import attrs
from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.logger import Logger
from twisted.python import usage
from zope.interface import implementer

from trailcam.commands.options import WATCH_EVERY, FolderChoices
from trailcam.interfaces import ILink, IStatusSource
from trailcam.model import Report
from trailcam.status.service import StatusService
from trailcam.tap.demo import Demo
from trailcam.tap.eventcommand import EVENT_VARIABLE, EventCommand, check_command
from trailcam.tap.keeper import Keeper
from trailcam.tap.login import LoginOptions
from trailcam.tap.options import usage_errors
from trailcam.tap.saving import usual_settings
from trailcam.tap.secretfile import readers_of_secret
from trailcam.tap.syncing import Syncing
from trailcam.tap.visitor import Visitor

_log = Logger()

_PORT = re.compile(r"(?:tcp6?|ssl):(?:(?:.*:)?port=)?([^:=]+)")


class Options(LoginOptions, FolderChoices):
    """
    The connection's options, what to do with it, and where to show the status.

    :ivar command: the words of what is run for each event; none for nothing.
    :ivar directory: the folder of pictures; ``None`` for none.
    :ivar every: seconds between two looks at the card.
    """

    longdesc = (
        "Connects to a camera, holds the session, connects again when it is lost, "
        "and serves status pages.  With --sync or --on-event it logs in, too."
    )

    optParameters = [
        ["status", "s", "tcp:8650:interface=127.0.0.1", "Twisted endpoint of the status pages."],
        ["sync", None, None, "Folder DIR to fetch everything into that is on the card."],
        [
            "every",
            None,
            None,
            f"With --sync: seconds between two looks at the card. [default: {WATCH_EVERY:g}]",
        ],
        [
            "on-event",
            None,
            None,
            "Command to run for each event of the camera: its JSON on standard input, "
            f"its number in {EVENT_VARIABLE}.",
        ],
    ]

    optFlags = [
        ["no-status", None, "Do not serve status pages."],
    ]

    command: tuple[str, ...] = ()
    directory: Path | None = None
    every: float = WATCH_EVERY

    @property
    def logs_in(self) -> bool:
        """Whether a camera is needed, and not only a session."""
        return self.directory is not None or bool(self.command)

    def postOptions(self) -> None:
        """Check everything; :raises UsageError: for the first mistake."""
        super().postOptions()
        self.every = self.looks("sync")
        with usage_errors():
            if self["sync"] is not None:
                self.directory = _check_folder(self["sync"])
            if self["on-event"] is not None:
                self.command = check_command("--on-event", self["on-event"])
        if self["password-file"] is not None and not self.logs_in:
            raise usage.UsageError("--password-file: only --sync and --on-event log in")
        if not self["no-status"]:
            self._check_endpoint()

    def endpoint(self, reactor: Any) -> IStreamServerEndpoint:
        """Where the status pages are served."""
        endpoint: IStreamServerEndpoint = serverFromString(reactor, self["status"])
        return endpoint

    def _check_endpoint(self) -> None:
        try:
            self.endpoint(object())
            _check_port(self["status"])
        except Exception as problem:  # each kind of endpoint has its own complaints
            wrong = f"{self['status']!r} is not a Twisted endpoint such as tcp:8650"
            raise usage.UsageError(f"--status: {wrong} ({problem})") from problem


def _check_port(description: str) -> None:
    """Twisted takes any number for a port, until it listens there."""
    match = _PORT.match(description)
    if match is not None and not 0 <= int(match[1]) <= 65535:
        raise ValueError(f"port {match[1]} is outside 0..65535")


def _check_folder(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError(f"--sync: the name of a folder is wanted, got {text!r}")
    if os.path.exists(text) and not os.path.isdir(text):
        raise ValueError(f"--sync: {text!r} is there already, and is not a folder")
    return Path(text).absolute()


def makeService(options: Options) -> IService:
    """The service that :class:`Options` describe."""
    from twisted.internet import reactor

    return connect_service(reactor, options)


def connect_service(reactor: Any, options: Options) -> IService:
    """
    What keeps the connection, with its status pages and, for ``--demo``, the camera.

    :param reactor: provides IReactorTime, IReactorUDP, and what the status endpoint needs.
    """
    request = options.request()
    warning = readers_of_secret(options["secret-file"])
    if warning is not None:
        _log.warn("{problem}", problem=warning)
    demo = Demo(reactor) if options["demo"] else None

    def race() -> Deferred[tuple[ILink, Report]]:
        wish = request if demo is None else demo.aim(request)
        return wish.connector(reactor).connect(wish.modes)

    hook = EventCommand(reactor, options.command) if options.command else None
    heard = None if hook is None else hook.heard
    visitor = Visitor(reactor, options.credentials, heard) if options.logs_in else None
    keeper = Keeper(reactor, race, None if visitor is None else visitor.visit)
    syncing = None if visitor is None else _syncing(reactor, visitor, options)
    source = keeper if syncing is None else _Both(keeper, syncing)
    status = None
    if not options["no-status"]:
        status = StatusService(reactor, options.endpoint(reactor), source)
    whole: IService = MultiService()
    for part in (demo, hook, keeper, syncing, status):  # in order of their start
        if part is not None:
            part.setServiceParent(whole)  # type: ignore[no-untyped-call]
    return whole


def _syncing(reactor: Any, visitor: Visitor, options: Options) -> Syncing | None:
    if options.directory is None:
        return None
    settings = options.chosen(usual_settings())
    return Syncing(reactor, visitor, options.directory, settings, options.every)


@implementer(IStatusSource)
@attrs.frozen
class _Both:
    """The connection, and what is done with it."""

    keeper: Keeper
    syncing: Syncing

    def snapshot(self) -> dict[str, Any]:
        return {**self.keeper.snapshot(), "sync": self.syncing.snapshot()}
