"""
Where a relay listens: its control port, and the data ports that it opens for the pairings.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import attrs
from twisted.internet.endpoints import quoteStringArgument, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint

from trailcam.errors import NoFreePort
from trailcam.wire.constants import RELAY_PORT

#: Numbers of data ports.
DATA_PORTS: Final = range(61000, 62000)

#: What is listened at, when nothing else is said: no TLS.
ENDPOINT: Final = "tcp:{port}:interface={interface}"

# Others may have some of the numbers; who has most of them has given us the wrong ones.
_MOST_TRIES = 4
_NO_MORE_FILES = (errno.EMFILE, errno.ENFILE)


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
        # One that was used a moment ago comes last.
        self._free = deque(place.data_ports)

    async def open(self, factory: IProtocolFactory) -> IListeningPort:
        """
        Open one; :meth:`give_back` its number when it is closed.

        :raises NoFreePort: when all numbers are in use here.
        :raises CannotListenError: when somebody else has the next few numbers.
        """
        if not self._free:
            raise NoFreePort("all data ports are in use")
        for tries_left in reversed(range(min(_MOST_TRIES, len(self._free)))):
            number = self._free.popleft()
            try:
                port = await self._place.endpoint(self._reactor, number).listen(factory)
            except BaseException as problem:
                self._free.append(number)
                if not tries_left or not _is_taken(problem):
                    raise
            else:
                if not number:  # the system's choice can be had again and again
                    self._free.append(number)
                return port
        raise AssertionError("the last try returns or raises")  # pragma: no cover

    def give_back(self, number: int) -> None:
        """A port with this number is closed."""
        if number in self._place.data_ports:
            self._free.append(number)


def _is_taken(problem: BaseException) -> bool:
    if not isinstance(problem, CannotListenError):
        return False
    return getattr(problem.socketError, "errno", None) not in _NO_MORE_FILES


def place_name(port: IListeningPort) -> str:
    """Where it listens, in a sentence: ``HOST:PORT``, or what else an endpoint has."""
    host: Any = port.getHost()
    return f"{host.host}:{host.port}" if hasattr(host, "port") else str(host)


def port_number(port: IListeningPort) -> int:
    """The number that it got; 0 for what has none (a UNIX socket, say)."""
    return getattr(port.getHost(), "port", 0)
