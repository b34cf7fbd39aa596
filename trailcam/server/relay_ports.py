"""
Where a relay listens: its control port, and the data ports that it opens for the pairings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs
from twisted.internet.endpoints import quoteStringArgument, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint

from trailcam.wire.constants import RELAY_PORT

#: Numbers of data ports.
DATA_PORTS: Final = range(61000, 62000)

#: What is listened at, when nothing else is said: no TLS.
ENDPOINT: Final = "tcp:{port}:interface={interface}"

_MOST_TRIES = 100


@attrs.frozen
class Place:
    """
    Where a relay listens.

    :ivar port: the number of the control port; 0 is the system's choice.
    :ivar data_ports: the numbers of the data ports; with 0 among them the system chooses.
    :ivar interface: the address to listen on; empty for all.
    :ivar template: a Twisted server endpoint, with ``{port}`` and ``{interface}`` in it.
    """

    port: int = RELAY_PORT
    data_ports: Sequence[int] = DATA_PORTS
    interface: str = ""
    template: str = ENDPOINT

    def endpoint(self, reactor: Any, port: int) -> IStreamServerEndpoint:
        """
        The endpoint with this number.

        Certificates are read anew each time, so a relay takes a renewed one without a restart.

        :raises Exception: whatever a Twisted endpoint says of a wrong description.
        """
        interface = quoteStringArgument(self.interface)
        text = self.template.replace("{port}", str(port)).replace("{interface}", interface)
        endpoint: IStreamServerEndpoint = serverFromString(reactor, text)
        return endpoint


class DataPorts:
    """Opens data ports, each with the next number that is free."""

    def __init__(self, reactor: Any, place: Place) -> None:
        """:param reactor: provides what the endpoint needs, usually IReactorTCP."""
        self._reactor = reactor
        self._place = place
        self._next = 0

    async def open(self, factory: IProtocolFactory) -> IListeningPort:
        """
        Open one.

        :raises CannotListenError: when none of the next hundred numbers is free.
        """
        tries = min(_MOST_TRIES, len(self._place.data_ports))
        while True:
            tries -= 1
            try:
                return await self._place.endpoint(self._reactor, self._number()).listen(factory)
            except CannotListenError:
                if not tries:
                    raise

    def _number(self) -> int:
        """The next number: one that was used a moment ago comes last."""
        numbers = self._place.data_ports
        self._next = (self._next + 1) % len(numbers)
        return numbers[self._next - 1]


def place_name(port: IListeningPort) -> str:
    """Where it listens, in a sentence: ``HOST:PORT``, or what else an endpoint has."""
    host: Any = port.getHost()
    return f"{host.host}:{host.port}" if hasattr(host, "port") else str(host)


def port_number(port: IListeningPort) -> int:
    """The number that it got; 0 for what has none (a UNIX socket, say)."""
    return getattr(port.getHost(), "port", 0)
