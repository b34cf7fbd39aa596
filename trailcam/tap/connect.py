"""
``twist trailcam-connect``: stay connected to a camera, and show how it stands.
"""

from __future__ import annotations

import re
from typing import Any

from twisted.application.service import IService, MultiService, Service
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.logger import Logger
from twisted.python import usage

from trailcam.interfaces import ILink
from trailcam.model import Report
from trailcam.status.service import StatusService
from trailcam.tap.demo import Demo
from trailcam.tap.keeper import Keeper
from trailcam.tap.options import ConnectOptions
from trailcam.tap.secretfile import readers_of_secret

_log = Logger()

_PORT = re.compile(r"(?:tcp6?|ssl):(?:(?:.*:)?port=)?([^:=]+)")


class Options(ConnectOptions):
    """The connection's options, and where to show the status."""

    longdesc = (
        "Connects to a camera, holds the session, connects again when it is lost, "
        "and serves status pages."
    )

    optParameters = [
        ["status", "s", "tcp:8650:interface=127.0.0.1", "Twisted endpoint of the status pages."],
    ]

    optFlags = [
        ["no-status", None, "Do not serve status pages."],
    ]

    def postOptions(self) -> None:
        """Check everything; :raises UsageError: for the first mistake."""
        super().postOptions()
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

    keeper = Keeper(reactor, race)
    parts: list[Service] = [keeper] if demo is None else [demo, keeper]  # in order of their start
    if not options["no-status"]:
        parts.append(StatusService(reactor, options.endpoint(reactor), keeper))
    whole: IService = MultiService()
    for part in parts:
        part.setServiceParent(whole)
    return whole
