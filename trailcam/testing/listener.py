"""
A TCP port that accepts connections: what :class:`twisted.internet.tcp.Port` is to the real system.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet import error
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from trailcam.testing.origin import origin
from trailcam.testing.pipe import End, Pipe
from trailcam.testing.ports import ANY
from trailcam.testing.stream import MemoryStream

if TYPE_CHECKING:
    from trailcam.testing.host import MemoryHost


@implementer(IListeningPort)
class MemoryListener:
    """
    A TCP port that is made by :meth:`~trailcam.testing.host.MemoryHost.listenTCP`.

    :ivar host: the host it belongs to.
    :ivar factory: makes a protocol for each connection.
    :ivar opened_by: the line of code that opened it.
    """

    _log = Logger()

    def __init__(
        self, host: MemoryHost, port: int, factory: IProtocolFactory, interface: str
    ) -> None:
        self.host = host
        self.port = port
        self.factory = factory
        self.interface = interface
        self.opened_by = origin()
        self._address: IPv4Address | None = None
        self._hearing = False

    def __repr__(self) -> str:
        where = f"on {self._address.host}:{self._address.port}" if self._address else "closed"
        return f"<{type(self).__name__} of {self.host.label} for {self.factory!r}, {where}>"

    @property
    def hearing(self) -> bool:
        """Whether it accepts connections; false once it is told to stop."""
        return self._hearing

    # IListeningPort

    def startListening(self) -> None:
        """
        Bind the port and start the factory; :meth:`MemoryHost.listenTCP` did so already.

        :raises CannotListenError: when the number is taken or the interface is not this host's.
        """
        address = self.interface or ANY
        try:
            number = self.host.tcp.bind(self, address, self.port)
        except OSError as e:
            raise error.CannotListenError(self.interface, self.port, e) from e
        self._address = IPv4Address("TCP", address, number)
        self._hearing = True
        self.factory.doStart()

    def stopListening(self) -> Deferred[None] | None:
        """
        Close the port in the next turn; the connections it accepted stay.

        :returns: a Deferred that fires with ``None`` when the number is free again and the
            factory has been stopped; ``None`` when the port is closed already.
        """
        if self._address is None:
            return None
        self._hearing = False
        return deferLater(self.host, 0, self._close)

    def getHost(self) -> IPv4Address:
        """
        The address and number it is bound to, ``0.0.0.0`` for all addresses of the host.

        :raises AttributeError: when the port is closed, as on the real one.
        """
        if self._address is None:
            raise AttributeError(f"{self!r} has no address")
        return self._address

    # For the clients

    def accept(
        self, outlet: Pipe, peer_host: MemoryHost, local: IPv4Address, peer: IPv4Address
    ) -> None:
        """Take over one end of a connection, or reset it when there is nobody to take it."""
        if not self._hearing:
            outlet.hang_up(End.RESET)
            return
        try:
            protocol = self.factory.buildProtocol(peer)
        except Exception:
            self._log.failure("{port} failed on a connection", port=self)
            protocol = None
        if protocol is None:
            outlet.hang_up()
            return
        stream = MemoryStream(self.host, self.opened_by)
        stream.open(peer_host, local, peer, outlet)
        try:
            stream.attach(protocol)
        except Exception:
            self._log.failure("{port} failed on a connection", port=self)

    def _close(self) -> None:
        """Free the number and stop the factory."""
        self.host.tcp.release(self.getHost())
        self._address = None
        self.factory.doStop()
