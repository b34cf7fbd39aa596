"""
One end of a TCP connection: what :class:`twisted.internet.tcp.Connection` is to the real system.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from twisted.internet import error, main
from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import (
    IHalfCloseableProtocol,
    IProtocol,
    IReactorFDSet,
    ITCPTransport,
)
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.testing.pipe import End, Pipe

if TYPE_CHECKING:
    from trailcam.testing.host import MemoryHost


@implementer(ITCPTransport)
class MemoryStream(FileDescriptor):
    """
    The transport of a protocol; :class:`MemoryNetwork` takes the place of the system's sockets.

    Buffers, producers and the ways to close are Twisted's own, those of the real transport: this
    class only says when there is something to read and room to write.

    :ivar host: the host this end is on.
    :ivar peer_host: the host of the other end.
    :ivar protocol: who reads and writes.
    :ivar opened_by: the line of code that asked for the connection, or for the port it came to.
    """

    _log = Logger()
    protocol: IProtocol
    peer_host: MemoryHost
    _local: IPv4Address
    _peer: IPv4Address
    _inlet: Pipe
    _outlet: Pipe

    def __init__(self, host: MemoryHost, opened_by: str) -> None:
        # Whatever the superclass wants of the reactor's file descriptors is overridden here.
        super().__init__(cast(IReactorFDSet, host))
        self.host = host
        self.opened_by = opened_by
        self._reading = self._writing = self._stirred = self._aborting = False
        self._no_delay = self._keep_alive = False

    def __repr__(self) -> str:
        if not self.connected:
            return f"<{type(self).__name__} of {self.host.label}, not connected>"
        (local, peer) = (f"{end.host}:{end.port}" for end in (self._local, self._peer))
        name = type(self).__name__
        return f"<{name} of {self.host.label} for {self.protocol!r}, {local} to {peer}>"

    # ITCPTransport, as far as the superclass does not provide it

    def getHost(self) -> IPv4Address:
        """The address and number of this end."""
        return self._local

    def getPeer(self) -> IPv4Address:
        """The address and number of the other end, as seen from here."""
        return self._peer

    def abortConnection(self) -> None:
        """Close in the next turn; what was not written yet is lost, and the peer gets a reset."""
        if self.disconnected or self._aborting:
            return
        self._aborting = True
        self.lose(error.ConnectionAborted())

    def getTcpNoDelay(self) -> bool:
        """What :meth:`setTcpNoDelay` said; nothing is ever held back here."""
        return self._no_delay

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Remember that small writes shall not wait; they never do."""
        self._no_delay = bool(enabled)

    def getTcpKeepAlive(self) -> bool:
        """What :meth:`setTcpKeepAlive` said."""
        return self._keep_alive

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Remember that a dead peer shall be noticed; it never is."""
        self._keep_alive = bool(enabled)

    # For those who make and break connections

    def open(
        self, peer_host: MemoryHost, local: IPv4Address, peer: IPv4Address, outlet: Pipe
    ) -> None:
        """Begin to exist as one end of a connection; :meth:`attach` comes next."""
        self.peer_host, self._local, self._peer = peer_host, local, peer
        self._outlet, self._inlet = outlet, outlet.reverse
        self._inlet.on_readable = self._outlet.on_writable = self._stir
        self.connected = 1
        self.host.tcp.streams[self] = None

    def attach(self, protocol: IProtocol) -> None:
        """Let ``protocol`` use the connection."""
        self.protocol = protocol
        self.startReading()
        protocol.makeConnection(self)

    def lose(self, reason: error.ConnectionLost) -> None:
        """Close in the next turn, whatever is under way."""
        self.host.network.wires.soon(partial(self._lose, Failure(reason)))

    def connectionLost(self, reason: Failure) -> None:
        """Close now, and tell the protocol; only the first time does anything."""
        if self.disconnected:
            return
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        del self.host.tcp.streams[self]
        aborted = reason.check(error.ConnectionAborted) is not None
        self._outlet.hang_up(End.RESET if aborted else End.FINISHED)
        self.protocol.connectionLost(reason)

    # For the superclass

    def startReading(self) -> None:
        """Hand over what arrives."""
        self._reading = True
        self._stir()

    def stopReading(self) -> None:
        """Let wait what arrives."""
        self._reading = False

    def startWriting(self) -> None:
        """Send what is buffered as soon as there is room."""
        self._writing = True
        self._stir()

    def stopWriting(self) -> None:
        """Send nothing for the moment."""
        self._writing = False

    def doRead(self) -> Exception | None:
        """Hand over what has arrived; the result says why the connection is over, if it is."""
        if data := self._inlet.pull(self.bufferSize):
            self.protocol.dataReceived(data)
            return None
        return main.CONNECTION_LOST if self._inlet.end is End.RESET else main.CONNECTION_DONE

    def writeSomeData(self, data: bytes) -> int | Exception:
        """Send what there is room for."""
        return main.CONNECTION_LOST if self._outlet.broken else self._outlet.push(data)

    def readConnectionLost(self, reason: Failure) -> None:
        """The peer writes no more: to most protocols that is the end."""
        if IHalfCloseableProtocol.providedBy(self.protocol):
            cast(IHalfCloseableProtocol, self.protocol).readConnectionLost()
        else:
            self.connectionLost(reason)

    def _closeWriteConnection(self) -> None:
        """All is written, and nothing more will be."""
        self._outlet.finish()
        if IHalfCloseableProtocol.providedBy(self.protocol):
            cast(IHalfCloseableProtocol, self.protocol).writeConnectionLost()

    # Turns

    @property
    def _alive(self) -> bool:
        return bool(self.connected) and not self._aborting

    @property
    def _can_read(self) -> bool:
        return self._alive and self._reading and self._inlet.readable

    @property
    def _can_write(self) -> bool:
        if not (self._alive and self._writing):
            return False
        return self._outlet.broken or self._outlet.room > 0

    def _stir(self) -> None:
        """Have a turn soon, if there is anything to do in it."""
        if not self._stirred and (self._can_read or self._can_write):
            self._stirred = True
            self.host.network.wires.soon(self._turn)

    def _turn(self) -> None:
        """Read once and write once, as in one turn of a reactor."""
        self._stirred = False
        if self._can_read:
            self._act(self.doRead, is_read=True)
        if self._can_write:
            self._act(self.doWrite, is_read=False)
        self._stir()

    def _act(self, action: Callable[[], Exception | None], is_read: bool) -> None:
        """Do one thing; what it raises is logged and ends the connection."""
        try:
            reason = action()
        except Exception as e:
            self._log.failure("{stream} failed", stream=self)
            reason = e
        if reason is None:
            return
        self.stopReading()
        if is_read and reason is main.CONNECTION_DONE:
            self._lose(Failure(reason), self.readConnectionLost)
        else:
            self._lose(Failure(reason))

    def _lose(self, reason: Failure, tell: Callable[[Failure], None] | None = None) -> None:
        """Let go of the connection; what the protocol raises at that is logged."""
        try:
            (tell or self.connectionLost)(reason)
        except Exception:
            self._log.failure("{stream} failed on its end", stream=self)
            self.connectionLost(Failure())
