"""
The blocking facade: connect to a camera from ordinary, threaded code.

For Twisted applications there is :class:`trailcam.Connector`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from trailcam.connect.relay_address import RelayAddress, check_relay
from trailcam.connect.request import Request
from trailcam.connect.target import (
    DEFAULT_MAX_TIME,
    DEFAULT_PORTS,
    Target,
    check_address,
    check_did,
    check_host,
    check_port,
    check_ports,
    check_seconds,
    check_secret,
    check_url,
    check_weights,
)
from trailcam.errors import AllAttemptsFailed, ClosedByCamera, ReactorUnavailable, SessionError
from trailcam.info import failure_info, success_info
from trailcam.interfaces import Address, IRuntime
from trailcam.model import ConnectionMode
from trailcam.narration import narrator
from trailcam.reactorthread import shared_runtime
from trailcam.session.session import Session
from trailcam.shutdown import BeforeShutdown

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

#: What the managers of this process hold; touched on the reactor's thread only.
_held: dict[Session, ParallelConnectionManager] = {}


def take_over(host: str | None, port: int) -> Session | None:
    """
    Take the session that a manager holds; it is the caller's from then on.

    To be called on the reactor's thread.

    :param host: the camera's address, or ``None`` for any.
    :param port: the local port, ``info["port"]`` of a manager.
    :return: ``None`` when no manager of this process holds such a session.
    """
    for session, manager in _held.items():
        if session.link.local[1] == port and manager.serves(host):
            manager.let_go(session)
            return session
    return None


class ParallelConnectionManager:
    """
    Races P2P, LAN and relay to one camera, and keeps the winner alive.

    Safe to use from any thread, many at once.  As a context manager it closes what it holds.
    """

    def __init__(
        self,
        camera_ip: str | None,
        destination_ports: Iterable[int] = DEFAULT_PORTS,
        max_connection_time: float = DEFAULT_MAX_TIME,
        logger: logging.Logger | None = None,
        *,
        relay_server: str | None = None,
        relay_port: int | None = None,
        relay_directory: str | None = None,
        adaptive_timeout: bool = False,
        mode_weights: Mapping[str | ConnectionMode, float] | None = None,
        uid: str | None = None,
        rendezvous: Iterable[str] = (),
        secret: str | None = None,
        broadcast: bool = False,
        runtime: IRuntime | None = None,
    ) -> None:
        """
        Check the arguments; nothing is opened or started yet.

        :param camera_ip: IPv4 literal or host name; ``None`` finds the camera by LAN search.
        :param destination_ports: UDP ports to try, the preferred one first.
        :param max_connection_time: seconds that one :meth:`connect_parallel` may take.
        :param logger: gets the progress; default ``logging.getLogger("ConnectionManager")``.
        :param relay_server: host of a relay; with TLS ``"tls:host"``, or
            ``"tls:host:trustRoots=/folder"``.
        :param relay_port: its control port.
        :param relay_directory: http or https URL of a list of relays, see
            :mod:`trailcam.connect.directory`.
        :param adaptive_timeout: times from measurements and this camera's history.
        :param mode_weights: for example ``{"p2p": 1.0, "lan": 0.8}``: heavier modes start first,
            weight 0 is not used.
        :param uid: the device id the camera must answer with; default: every TrailCam's.
        :param rendezvous: ``"host:port"`` of rendezvous servers.
        :param secret: what servers may want to see of who asks for this camera.
        :param broadcast: search by broadcast although ``camera_ip`` is known.
        :param runtime: what runs the reactor; default: the process's own.
        :raises ValueError: for an argument that cannot be, naming it.
        """
        self._request = Request(
            Target(
                host=None if camera_ip is None else check_host("camera_ip", camera_ip),
                ports=check_ports("destination_ports", destination_ports),
                did=check_did("uid", uid),
                broadcast=bool(broadcast),
                rendezvous=_check_rendezvous(rendezvous),
                relay=_check_relay(relay_server, relay_port),
                relay_directory=(
                    None
                    if relay_directory is None
                    else check_url("relay_directory", relay_directory)
                ),
                secret=None if secret is None else check_secret("secret", secret),
            ),
            max_time=check_seconds("max_connection_time", max_connection_time),
            weights=check_weights("mode_weights", mode_weights),
            adaptive=bool(adaptive_timeout),
        )
        self._logger = check_logger(logger, "ConnectionManager")
        self._runtime = runtime or shared_runtime()
        self._turn = threading.Lock()
        self._session: Session | None = None

    def connect_parallel(
        self, enable_p2p: bool = True, enable_lan: bool = True, enable_relay: bool = False
    ) -> tuple[bool, dict[str, Any]]:
        """
        Race the enabled modes, and return when the race is over and the losers are gone.

        What an earlier call still holds is closed first.  A second caller waits for the first.

        :return: ``(True, info)`` or ``(False, info)``; see the reference for the keys of ``info``.
        :raises trailcam.errors.CalledFromReactorThread: on the reactor's own thread.
        :raises trailcam.errors.ReactorUnavailable: when the process's reactor was stopped.
        """
        enabled = {
            ConnectionMode.P2P: enable_p2p,
            ConnectionMode.LAN: enable_lan,
            ConnectionMode.RELAY: enable_relay,
        }
        modes = frozenset(mode for mode, wanted in enabled.items() if wanted)
        self._runtime.ensure_running()
        with self._turn:
            result: tuple[bool, dict[str, Any]] = self._runtime.call(lambda: self._connect(modes))
            return result

    def close(self) -> None:
        """
        End the connection: the camera is told CLOSE, and the port is free when this returns.

        Waits for a race that another thread has begun here.  Nothing happens when there is nothing.
        """
        if self._session is None and not self._turn.locked():
            return
        try:
            self._runtime.ensure_running()
            with self._turn:
                self._runtime.call(self._close)
        except ReactorUnavailable:
            self._session = None  # it ended with the reactor, which told the camera

    @property
    def connected(self) -> bool:
        """Whether a connection is held and the camera was heard lately."""
        session = self._session
        return session is not None and session.state in ("established", "probing")

    def __enter__(self) -> ParallelConnectionManager:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def serves(self, host: str | None) -> bool:
        """Whether the manager was made for this address."""
        return host is None or host == self._request.target.host

    def let_go(self, session: Session) -> None:
        """Somebody else has taken over: on the reactor's thread."""
        if self._session is session:
            self._session = None
        _held.pop(session, None)

    async def _connect(self, modes: frozenset[ConnectionMode]) -> tuple[bool, dict[str, Any]]:
        """On the reactor's thread: the race, and then the session."""
        await self._close()
        reactor = self._runtime.reactor
        connector = self._request.connector(reactor, narrator(self._logger))
        try:
            link, report = await connector.connect(modes)
        except AllAttemptsFailed as failure:
            self._tell_own_sessions(failure)
            return False, failure_info(failure.report)
        self._hold(reactor, Session(reactor, link))
        return True, success_info(link, report)

    def _hold(self, reactor: Any, session: Session) -> None:
        self._session = session
        _held[session] = self
        shutdown = BeforeShutdown(reactor, session.close)

        def ended(reason: SessionError | None) -> None:
            ours = _held.pop(session, None)
            shutdown.withdraw()
            if reason is not None and ours is not None:
                self._logger.log(logging.WARNING, "[CONNECT] Connection lost: %s", reason)

        session.when_closed().addCallback(ended)

    def _tell_own_sessions(self, failure: AllAttemptsFailed) -> None:
        """A camera whose slots are taken may be full of connections that nobody closed here."""
        if _held and any(isinstance(f, ClosedByCamera) for f in failure.failures):
            self._logger.log(
                logging.WARNING,
                "[CONNECT] This process itself still holds connections: %d. "
                "Call close() on managers that are done",
                len(_held),
            )

    async def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            closing: Deferred[None] = session.close()
            await closing


def _check_relay(server: object, port: object) -> RelayAddress | None:
    if server is None:
        if port is not None:
            raise ValueError("relay_port: a port needs a relay_server")
        return None
    if port is None:
        raise ValueError("relay_port: a relay_server needs a port")
    number = check_port("relay_port", port)
    if not isinstance(server, str) or not server.startswith("tls:"):
        return RelayAddress(check_host("relay_server", server), number)
    host, _, options = server.removeprefix("tls:").partition(":")
    return check_relay("relay_server", RelayAddress(host, number, options))


def _check_rendezvous(servers: object) -> tuple[Address, ...]:
    if isinstance(servers, str) or not isinstance(servers, Iterable):
        raise ValueError(f"rendezvous: expected a list of HOST:PORT, got {servers!r}")
    return tuple(check_address("rendezvous", server) for server in servers)


def check_logger(logger: Any, usual: str) -> logging.Logger:
    """A logger, by default the one with the usual name; :raises ValueError: when it is none."""
    if logger is None:
        return logging.getLogger(usual)
    if not callable(getattr(logger, "log", None)):
        raise ValueError(f"logger: expected a logging.Logger, got {logger!r}")
    checked: logging.Logger = logger
    return checked
