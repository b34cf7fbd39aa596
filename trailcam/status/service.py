"""
Serves the status pages for as long as the application runs.
"""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Site

from trailcam.interfaces import IStatusSource
from trailcam.status.resource import status_resource


class StatusSite(Site):
    """A site without a log line for every look."""

    noisy = False

    def log(self, request: object) -> None:
        """Nothing."""


class StatusService(Service):
    """Status pages at an endpoint.  When that cannot be listened on, the log says so, once."""

    _log = Logger()

    def __init__(
        self, reactor: Any, endpoint: IStreamServerEndpoint, source: IStatusSource
    ) -> None:
        """:param reactor: provides IReactorTime."""
        pages = status_resource(source)
        self._endpoint = endpoint
        self._site = StatusSite(pages, reactor=reactor)  # type: ignore[no-untyped-call]
        self._listening: Deferred[Any] | None = None

    def startService(self) -> None:
        """Listen."""
        super().startService()  # type: ignore[no-untyped-call]
        listening: Deferred[Any] = self._endpoint.listen(self._site)
        self._listening = listening.addCallbacks(self._announce, self._carry_on)

    def stopService(self) -> Deferred[None]:
        """Listen no more; fires when the port is closed."""
        super().stopService()  # type: ignore[no-untyped-call]
        listening, self._listening = self._listening, None
        if listening is None:
            return succeed(None)
        listening.cancel()
        return listening.addCallback(_close)

    def _announce(self, port: IListeningPort) -> IListeningPort:
        self._log.info("status page at {address}", address=_shown(port.getHost()))
        return port

    def _carry_on(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.error(
                "no status page, going on without: {reason}", reason=failure.getErrorMessage()
            )


def _shown(address: Any) -> str:
    """A URL where there is one; otherwise (a UNIX socket, say) the address itself."""
    host = getattr(address, "host", None)
    if host is None:
        return str(address)
    return f"http://{f'[{host}]' if ':' in host else host}:{address.port}/"


def _close(port: IListeningPort | None) -> Deferred[None]:
    """Close ``port``, if there is one."""
    closing = None if port is None else port.stopListening()
    return succeed(None) if closing is None else closing
