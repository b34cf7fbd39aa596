"""
One UDP port of a host in memory: what :class:`twisted.internet.udp.Port` is to the real system.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from twisted.internet import error
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort, IUDPTransport
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger
from zope.interface import implementer

from trailcam.interfaces import Address
from trailcam.testing.origin import origin
from trailcam.testing.ports import ANY

if TYPE_CHECKING:
    from trailcam.testing.host import MemoryHost

MAX_PAYLOAD = 65507
"""The most octets that fit into one UDP datagram over IPv4."""

LIMITED_BROADCAST = "255.255.255.255"


def is_loopback(address: str) -> bool:
    """Whether an IPv4 address never leaves its host."""
    return address.startswith("127.")


@implementer(IListeningPort, IUDPTransport)
class MemoryPort:
    """
    A UDP port that is made by :meth:`~trailcam.testing.host.MemoryHost.listenUDP`.

    It errs as the real port errs, with the same exceptions.  In particular, between
    :meth:`stopListening` and the firing of its Deferred it can still write but hears nothing, and
    calling :meth:`stopListening` twice in that time is a bug: the first Deferred never fires and
    an :class:`AssertionError` comes up.

    :ivar host: the host it belongs to.
    :ivar protocol: who hears it.
    :ivar opened_by: the line of code that opened it.
    """

    _log = Logger()

    def __init__(
        self,
        host: MemoryHost,
        port: int,
        protocol: DatagramProtocol,
        interface: str,
        maxPacketSize: int,
    ) -> None:
        self.host = host
        self.port = port
        self.protocol = protocol
        self.interface = interface
        self.maxPacketSize = maxPacketSize
        self.opened_by = origin()
        self._address: IPv4Address | None = None
        self._started = False
        self._hearing = False
        self._broadcast_allowed = False
        self._stopped: Deferred[None] | None = None

    def __repr__(self) -> str:
        where = f"on {self._address.host}:{self._address.port}" if self._address else "closed"
        return f"<{type(self).__name__} of {self.host.label} for {self.protocol!r}, {where}>"

    @property
    def hearing(self) -> bool:
        """Whether a datagram that arrives now is heard; false once it is told to stop."""
        return self._hearing

    # IListeningPort

    def startListening(self) -> None:
        """
        Bind the port and start the protocol; :meth:`MemoryHost.listenUDP` did so already.

        :raises CannotListenError: when the number is taken or the interface is not this host's.
        :raises RuntimeError: the second time; a real port would let you and then be deaf.
        """
        if self._started:
            raise RuntimeError(f"{self!r} has been started before")
        address = self.interface or ANY
        try:
            number = self.host.bind(self, address, self.port)
        except OSError as e:
            raise error.CannotListenError(self.interface, self.port, e) from e
        self._address = IPv4Address("UDP", address, number)
        self._started = self._hearing = True
        self.protocol.makeConnection(self)

    def stopListening(self) -> Deferred[None] | None:
        """
        Close the port in the next turn of the clock.

        :returns: a Deferred that fires with ``None`` when the number is free again and the
            protocol has been stopped; ``None`` when the port is closed already.
        """
        if self._address is None:
            return None
        self._hearing = False
        self._stopped = Deferred()
        self.host.callLater(0, self._close)
        return self._stopped

    def getHost(self) -> IPv4Address:
        """
        The address and number it is bound to, ``0.0.0.0`` for all addresses of the host.

        :raises AttributeError: when the port is closed, as on the real one.
        """
        if self._address is None:
            raise AttributeError(f"{self!r} has no address")
        return self._address

    # IUDPTransport

    def write(self, datagram: bytes, addr: Address | None = None) -> None:
        """
        Send a datagram.

        :param addr: IPv4 address, or ``"<broadcast>"``, and port of the destination.
        :raises InvalidAddressError: for a name or an IPv6 address.
        :raises MessageLengthError: for more than 65507 octets.
        :raises PermissionError: for a broadcast without :meth:`setBroadcastAllowed`.
        :raises OSError: for port 0, from a loopback port to elsewhere, or what
            :attr:`MemoryHost.write_error` says.
        :raises AttributeError: when the port is closed.
        """
        assert addr is not None, "an unconnected port needs an address to write to"
        address, number = addr
        if address == "<broadcast>":
            address = LIMITED_BROADCAST
        self._check_address(address)
        try:
            self._send(bytes(memoryview(datagram)), (address, number))
        except OSError as e:
            if e.errno == errno.EMSGSIZE:
                raise error.MessageLengthError("message too long") from e
            if e.errno != errno.ECONNREFUSED:
                raise

    def connect(self, host: str, port: int) -> None:
        """
        Not for ports in memory, and for cameras not at all.

        :raises RuntimeError: always.
        """
        raise RuntimeError("a port in memory cannot be connected: it would hear only one peer")

    def setBroadcastAllowed(self, enabled: bool) -> None:
        """Allow broadcasts, or forbid them again; raises AttributeError on a closed port."""
        self.getHost()
        self._broadcast_allowed = bool(enabled)

    def getBroadcastAllowed(self) -> bool:
        """Whether the port may broadcast; raises AttributeError on a closed port."""
        self.getHost()
        return self._broadcast_allowed

    # For the network

    def deliver(self, payload: bytes, source: Address) -> None:
        """Hand over a datagram that arrived, cut off at ``maxPacketSize`` octets."""
        if not self._hearing:
            return
        try:
            self.protocol.datagramReceived(payload[: self.maxPacketSize], source)
        except Exception:
            self._log.failure("{port} failed on a datagram", port=self)

    def refuse(self, destination: Address, number: int) -> None:
        """
        Hand over the news that a datagram was refused.

        :param destination: where it was written to.
        :param number: an :mod:`errno` value.
        """
        refused = getattr(self.protocol, "refused", None)
        if refused is None or not self._hearing:
            return
        try:
            refused(destination, number)
        except Exception:
            self._log.failure("{port} failed on a refusal", port=self)

    # Insides

    @staticmethod
    def _check_address(address: str) -> None:
        """Refuse what is not an IPv4 address, in the words of the real port."""
        if isIPAddress(address):
            return
        message = "write() only accepts IP addresses, not hostnames"
        if isIPv6Address(address):
            message = "IPv4 port write() called with IPv6 address"
        raise error.InvalidAddressError(address, message)

    def _send(self, payload: bytes, destination: Address) -> None:
        """Do what the system call ``sendto`` does."""
        bound = self.getHost()
        address, number = destination
        if not 0 <= number <= 65535:
            raise OverflowError("sendto(): port must be 0-65535.")
        if refusal := self._system_error(bound.host, destination, len(payload)):
            raise OSError(refusal, os.strerror(refusal))
        if self.host.write_error is not None:
            raise self.host.write_error
        inside = is_loopback(address) and bound.host == ANY
        source = "127.0.0.1" if inside else self.host.address if bound.host == ANY else bound.host
        self.host.network.carry(self, (source, bound.port), destination, payload)

    def _system_error(self, bound: str, destination: Address, size: int) -> int:
        """The :mod:`errno` value with which the system refuses to send, 0 if it does not."""
        address, number = destination
        if number == 0 or (is_loopback(bound) and not is_loopback(address)):
            return errno.EINVAL
        if size > MAX_PAYLOAD:
            return errno.EMSGSIZE
        if self.host.is_broadcast(address) and not self._broadcast_allowed:
            return errno.EACCES
        return 0

    def _close(self) -> None:
        """Free the number, stop the protocol, tell whoever waits."""
        if self._address is not None:
            self.host.release(self._address)
            self._address = None
        self.protocol.doStop()
        assert self._stopped is not None
        self._stopped.callback(None)
