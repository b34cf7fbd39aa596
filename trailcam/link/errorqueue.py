"""
A UDP port that hears refusals.

An unconnected UDP socket is never told that a port is closed, and a connected one is deaf to a
camera that answers from another port than it was asked on.  With Linux's ``IP_RECVERR`` an
unconnected socket gets both: ICMP errors wait in an error queue beside the datagrams.

Two habits of the kernel shape this file.  While the queue holds something, the socket polls as
"error", which Twisted's epoll and poll reactors read as the end of the descriptor; a descriptor
that provides ``IHalfCloseableDescriptor`` is asked first.  And a queued error makes the *next* call
fail: a ``sendto`` without sending, so a failed write empties the queue and sends once more; a
``recvfrom`` without reading, so one that gives nothing at first empties the queue, and reads on.
"""

from __future__ import annotations

import socket
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from twisted.internet import udp
from twisted.internet.interfaces import IHalfCloseableDescriptor, IReactorFDSet
from twisted.logger import Logger
from zope.interface import implementer

from trailcam.interfaces import Address

if TYPE_CHECKING:
    from twisted.internet.interfaces import IListeningPort
    from twisted.internet.protocol import DatagramProtocol
    from twisted.python.failure import Failure

_IP_RECVERR = 11  # linux/in.h; the socket module names it only from Python 3.14 on
_ERRNO = struct.Struct("@I")  # ee_errno, the first member of struct sock_extended_err
_CONTROL_SIZE = 512
_MOST_ERRORS = 64  # in one turn
_MOST_DATAGRAMS = 256
_ALONE = 4  # octets: a message without body, such as ALIVE, seldom comes with others

#: Whether refusals can be heard on this system at all.
REFUSALS_HEARD = sys.platform.startswith("linux")


@implementer(IHalfCloseableDescriptor)
class ErrorQueuePort(udp.Port):
    """
    Twisted's UDP port with ``IP_RECVERR``.

    The protocol's ``refused(address, errno)`` is called for every ICMP error, with the address
    the datagram had been sent to.  It may be called from within ``transport.write``.

    Who holds many idle sessions spends most of the time in here: so the system is not asked for
    what is hardly ever there.
    """

    _log = Logger()

    def createInternetSocket(self) -> socket.socket:
        """Make the socket, with its error queue switched on, where the kernel has one."""
        skt = super().createInternetSocket()
        with suppress(OSError):
            skt.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        return skt

    def write(self, datagram: bytes, addr: tuple[str, int] | None = None) -> None:
        """
        Send; when an older error got in the way, take it out and send again.

        :param addr: an IPv4 literal and a port.
        """
        # Past Twisted, which reads the address three times and takes half as long as the system.
        with suppress(OSError):  # a lasting reason shows the second time
            self.socket.sendto(datagram, cast(Address, addr))
            return
        self._empty_error_queue()
        super().write(datagram, addr)

    def doRead(self) -> None:
        """Read datagrams, or errors: the select and asyncio reactors report both as readable."""
        for turn in range(_MOST_DATAGRAMS):
            try:
                datagram, address = self.socket.recvfrom(self.maxPacketSize)
            except OSError:
                if turn:
                    return  # if it is more than the end of the datagrams, it waits in the queue
                self._empty_error_queue()
            else:
                self._hear(datagram, address)
                if len(datagram) <= _ALONE:
                    return  # instead of looking in vain; if there is more, the reactor says so

    def _hear(self, datagram: bytes, address: Any) -> None:
        try:
            cast(Any, self.protocol).datagramReceived(datagram, address)
        except Exception:
            self._log.failure("bug: a protocol raised")

    def readConnectionLost(self, reason: Failure) -> None:
        """The reactor saw an error and no datagram: that is the queue, not the end."""
        self._empty_error_queue()
        cast(Any, self).startReading()

    def writeConnectionLost(self, reason: Failure) -> None:
        """Datagram sockets have no such half."""

    def _empty_error_queue(self) -> None:
        for _ in range(_MOST_ERRORS):
            try:
                _, control, _, address = self.socket.recvmsg(0, _CONTROL_SIZE, socket.MSG_ERRQUEUE)
            except OSError:
                return
            self._report(control, address)

    def _report(self, control: list[tuple[int, int, bytes]], address: Any) -> None:
        for level, kind, data in control:
            if (level, kind) == (socket.IPPROTO_IP, _IP_RECVERR) and len(data) >= _ERRNO.size:
                cast(Any, self.protocol).refused(address[:2], _ERRNO.unpack_from(data)[0])


def listen_udp(
    reactor: Any, protocol: DatagramProtocol, local: Address = ("", 0)
) -> IListeningPort:
    """
    Open a UDP port whose protocol hears refusals where the system and the reactor allow it.

    :param protocol: has a method ``refused(address, errno)``.
    :param local: interface (``""`` for all) and port (0 for any free one).
    :raises twisted.internet.error.CannotListenError: when the port cannot be opened.
    """
    interface, number = local
    if REFUSALS_HEARD and IReactorFDSet.providedBy(reactor):
        port = cast(Any, ErrorQueuePort)(number, protocol, interface, reactor=reactor)
        port.startListening()
        return cast("IListeningPort", port)
    return cast("IListeningPort", reactor.listenUDP(number, protocol, interface=interface))
