"""
``twist trailcam-rendezvous``: introduces clients to devices behind NATs.
"""

from __future__ import annotations

import secrets
from collections import Counter
from typing import Any

from twisted.application.service import IService, Service
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.internet.task import deferLater
from twisted.logger import Logger

from trailcam.connect.resolve import resolve_each
from trailcam.connect.target import check_address
from trailcam.errors import shown
from trailcam.interfaces import Address
from trailcam.server.proofs import KEY_SIZE
from trailcam.server.registry import MemoryRegistry
from trailcam.server.rendezvous import RendezvousServer
from trailcam.server.rendezvous_rules import MOST_RELAYS
from trailcam.server.ticking import Ticking
from trailcam.tap.options import usage_errors
from trailcam.tap.serving import ServerOptions
from trailcam.wire.constants import RENDEZVOUS_PORT
from trailcam.wire.sockaddr import SocketAddress

_TELL_EVERY = 60.0
_RESOLVE_AGAIN = 30.0
_RESOLVE_LIMIT = 10.0


class Options(ServerOptions):
    """
    Where the server listens, for whom, and which relays it names.

    :ivar relays: the checked relays; a host may be a name.
    """

    longdesc = (
        "Tells clients and devices where the other one is, so that they reach each other through "
        "their NATs, and which relays there are where that does not work."
    )

    optParameters = [
        ["port", "p", str(RENDEZVOUS_PORT), "UDP port; 0 is any."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["relay"] = []
        self.relays: tuple[Address, ...] = ()

    def opt_relay(self, text: str) -> None:
        """HOST:PORT of a relay to name to clients and devices; may be repeated."""
        self["relay"].append(text)

    def postOptions(self) -> None:
        """Check everything; :raises UsageError: for the first mistake."""
        super().postOptions()
        with usage_errors():
            self.relays = tuple(map(_relay, self["relay"]))
            if len(self.relays) > MOST_RELAYS:
                raise ValueError(f"--relay: at most {MOST_RELAYS} can be named")


def _relay(text: str) -> Address:
    """A relay that the protocol has room for; :raises ValueError: for anything else."""
    if text.startswith("tls:"):
        raise ValueError(
            "--relay: a rendezvous server cannot list relays with TLS; "
            f"give {shown(text)} to agents and clients themselves"
        )
    return check_address("--relay", text)


class RendezvousService(Service):
    """
    A rendezvous server on its port.

    It tells what it counted once a minute when that has changed, and in the end.
    """

    _log = Logger()

    def __init__(self, reactor: Any, options: Options) -> None:
        """:param reactor: provides IReactorTime, IReactorUDP, IReactorPluggableNameResolver."""
        self._reactor = reactor
        self._options = options
        self._server = RendezvousServer(
            reactor,
            MemoryRegistry(),
            options.admission,
            secrets.token_bytes(KEY_SIZE),
            options.login_key,
        )
        self._port: IListeningPort | None = None
        self._resolving: Deferred[None] = succeed(None)
        self._told: Counter[str] = Counter()
        self._telling = Ticking(reactor, self._tell)

    def startService(self) -> None:
        """Open the port; :raises SystemExit: with the reason when it cannot be had."""
        super().startService()  # type: ignore[no-untyped-call]
        place = (self._options.port, self._server, self._options.interface)
        try:
            self._port = self._reactor.listenUDP(*place)
        except CannotListenError as problem:
            raise SystemExit(f"trailcam-rendezvous: {problem}") from problem
        self._log.info("rendezvous server at {address}", address=_shown(self._port.getHost()))
        self._telling.start(_TELL_EVERY)
        self._resolving = Deferred.fromCoroutine(self._name_relays())
        self._resolving.addErrback(lambda failure: failure.trap(CancelledError) and None)

    def stopService(self) -> Deferred[None]:
        """Close the port; fires when it is gone."""
        super().stopService()  # type: ignore[no-untyped-call]
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        port, self._port = self._port, None
        if port is None:  # it never was open
            return
        self._resolving.cancel()
        self._telling.stop()
        await maybeDeferred(port.stopListening)
        self._tell()

    async def _name_relays(self) -> None:
        """Resolve the relays' names, and try those again that nobody knows (yet)."""
        wanted = tuple(dict.fromkeys(self._options.relays))
        named: dict[Address, SocketAddress] = {}

        def found(relay: Address, host: str | None) -> None:
            if host is None:
                self._log.warn("relay {name} has no address: not named to anybody", name=relay[0])
                return
            named[relay] = SocketAddress(host, relay[1])
            self._server.name_relays([named[known] for known in wanted if known in named])

        while missing := [relay for relay in wanted if relay not in named]:
            await resolve_each(self._reactor, missing, _RESOLVE_LIMIT, found)
            if len(named) < len(wanted):
                await deferLater(self._reactor, _RESOLVE_AGAIN)

    def _tell(self) -> None:
        counts = self._server.counts
        if counts != self._told:
            told = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
            self._log.info("counted: {told}", told=told, counts=dict(counts))
            self._told = counts


def _shown(address: Any) -> str:
    return f"{address.host}:{address.port}"


def makeService(options: Options) -> IService:
    """The server that :class:`Options` describe."""
    from twisted.internet import reactor

    return RendezvousService(reactor, options)
