"""
Where a relay is, as people write it, and how to get there.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import attrs

from trailcam.connect.target import check_address, check_host, check_port
from trailcam.errors import shown

if TYPE_CHECKING:
    from twisted.internet.interfaces import IStreamClientEndpoint

_TLS = "tls:"

#: Seconds that a connection may take when nobody says otherwise.
_TIMEOUT = 30.0


@attrs.frozen
class RelayAddress:
    """
    The control address of a relay.

    :ivar host: IPv4 literal or host name.
    :ivar port: TCP port.
    :ivar tls: ``None`` without TLS; else the options of Twisted's ``tls:`` client endpoint, such as
        ``"trustRoots=/etc/trailcam/roots"``, or an empty text for none.
    """

    host: str
    port: int
    tls: str | None = None

    def __str__(self) -> str:
        """As it is written: ``HOST:PORT`` or ``tls:HOST:PORT[:OPTIONS]``."""
        return f"{self.name}:{self.tls}" if self.tls else self.name

    @property
    def name(self) -> str:
        """The same without options, for sentences."""
        place = f"{self.host}:{self.port}"
        return place if self.tls is None else f"{_TLS}{place}"

    def endpoint(
        self,
        reactor: Any,
        port: int | None = None,
        timeout: float = _TIMEOUT,
        host: str | None = None,
    ) -> IStreamClientEndpoint:
        """
        The way to the relay's control port, or to another of its ports.

        :param reactor: provides IReactorTCP, IReactorTime and, for a host name,
            IReactorPluggableNameResolver.
        :param port: default: the control port.
        :param timeout: seconds that the connection may take.
        :param host: the IP literal to go to, where the name was resolved before; the certificate is
            still the name's.
        """
        port = self.port if port is None else port
        if self.tls is None:
            return _plain(reactor, host or self.host, port, timeout)
        return _tls(reactor, self.host, port, timeout, self.tls, host)


def check_relay(name: str, value: object) -> RelayAddress:
    """
    ``"HOST:PORT"``, ``"tls:HOST:PORT"``, ``"tls:HOST:PORT:trustRoots=/folder"``, or a pair.

    :param name: the argument's name, for the error.
    :raises ValueError: for anything else, and for TLS where the libraries for it are missing.
    """
    if isinstance(value, RelayAddress):
        host, port = check_host(name, value.host), check_port(name, value.port)
        relay = RelayAddress(host, port, value.tls)
    elif isinstance(value, str) and value.startswith(_TLS):
        host, _, rest = value.removeprefix(_TLS).partition(":")
        number, _, options = rest.partition(":")
        relay = RelayAddress(*_place(name, f"{host}:{number}", value), options)
    else:
        relay = RelayAddress(*_place(name, value, value))
    if relay.tls is not None:
        _check_tls(name, relay)
    return relay


def _place(name: str, place: object, given: object) -> tuple[str, int]:
    try:
        return check_address(name, place)
    except ValueError as problem:
        if "expected HOST:PORT" not in str(problem):
            raise
        raise ValueError(
            f"{name}: expected HOST:PORT or tls:HOST:PORT, got {shown(given)}"
        ) from problem


def _check_tls(name: str, relay: RelayAddress) -> None:
    """Make the endpoint once, for nobody: each option has its own complaints."""
    if "endpoint=" in (relay.tls or ""):
        raise ValueError(f"{name}: endpoint= leads to one port only, and a relay has several")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it misses a resolver
        try:
            relay.endpoint(object())
        except ImportError as problem:
            raise ValueError(
                f"{name}: TLS needs libraries that are not installed ({problem}); "
                "pip install 'trailcam[tls]' brings them"
            ) from problem
        except Exception as problem:
            cause = getattr(problem, "originalException", problem)  # of a folder that is none
            raise ValueError(f"{name}: {shown(str(relay))} cannot be used: {cause}") from problem


def _plain(reactor: Any, host: str, port: int, timeout: float) -> IStreamClientEndpoint:
    from twisted.internet.abstract import isIPAddress, isIPv6Address
    from twisted.internet.endpoints import (
        HostnameEndpoint,
        TCP4ClientEndpoint,
        TCP6ClientEndpoint,
    )

    if isIPAddress(host):
        return TCP4ClientEndpoint(reactor, host, port, timeout)
    if isIPv6Address(host):
        return TCP6ClientEndpoint(reactor, host, port, timeout)
    return HostnameEndpoint(reactor, host.encode(), port, timeout)


def _tls(
    reactor: Any, name: str, port: int, timeout: float, options: str, host: str | None
) -> IStreamClientEndpoint:
    from twisted.internet.endpoints import clientFromString, quoteStringArgument

    words = [f"{_TLS}{name}:{port}", f"timeout={math.ceil(timeout)}"]
    if host is not None:
        inner = f"tcp:{quoteStringArgument(host)}:{port}:timeout={math.ceil(timeout)}"
        words.append(f"endpoint={quoteStringArgument(inner)}")
    if options:
        words.append(options)
    endpoint: IStreamClientEndpoint = clientFromString(reactor, ":".join(words))
    return endpoint
