"""
What ports in memory and the reactor's own UDP ports have in common: one set of tests, run on both.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError, InvalidAddressError, MessageLengthError
from twisted.internet.interfaces import IListeningPort, IReactorUDP, IUDPTransport
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from tests.testing.recorder import Clumsy, Recorder
from trailcam.testing import MemoryNetwork, MemoryPort

if TYPE_CHECKING:
    Base = TestCase
else:
    Base = object

T = TypeVar("T")
LOOPBACK = "127.0.0.1"


class PortContract(Base):
    """The tests; subclasses say on which reactor, and how time passes."""

    reactor: IReactorUDP

    def happen(self, result: Deferred[T]) -> Deferred[T]:
        """Let what is under way happen."""
        raise NotImplementedError

    def listen(
        self,
        protocol: Recorder | None = None,
        port: int = 0,
        interface: str = LOOPBACK,
        maxPacketSize: int = 8192,
    ) -> MemoryPort:
        """Open a port that is closed after the test."""
        opened = self.reactor.listenUDP(port, protocol or Recorder(), interface, maxPacketSize)
        # For the type checker only: both kinds have these methods.
        opened = cast(MemoryPort, opened)
        self.addCleanup(self.close, opened)
        return opened

    async def close(self, port: MemoryPort) -> None:
        """Close a port and wait until it is."""
        if (stopped := port.stopListening()) is not None:
            await self.happen(stopped)

    def test_interfaces(self) -> None:
        """A port provides what Twisted says of UDP ports."""
        port = self.listen()
        verifyObject(IListeningPort, port)
        verifyObject(IUDPTransport, port)

    def test_get_host(self) -> None:
        """The address is the interface, and the number a real one."""
        host = self.listen().getHost()
        self.assertEqual((host.type, host.host), ("UDP", LOOPBACK))
        self.assertIn(host.port, range(1024, 65536))

    def test_get_host_of_all_interfaces(self) -> None:
        """Without an interface the address is 0.0.0.0."""
        self.assertEqual(self.listen(interface="").getHost().host, "0.0.0.0")

    def test_transport(self) -> None:
        """The protocol has the port as its transport."""
        protocol = Recorder()
        port = self.listen(protocol)
        self.assertIs(protocol.transport, port)

    async def test_delivery(self) -> None:
        """Datagrams arrive whole, in order, with their source, and not at once."""
        protocol = Recorder()
        target = (LOOPBACK, self.listen(protocol).getHost().port)
        sender = self.listen()
        for payload in (b"first", b"", bytearray(b"third")):
            sender.write(cast(bytes, payload), target)
        self.assertEqual(protocol.heard, [])
        await self.happen(protocol.when_heard(3))
        source = (LOOPBACK, sender.getHost().port)
        self.assertEqual(protocol.heard, [(b"first", source), (b"", source), (b"third", source)])

    async def test_delivery_to_self(self) -> None:
        """A port can write to itself."""
        protocol = Recorder()
        port = self.listen(protocol)
        port.write(b"me", (LOOPBACK, port.getHost().port))
        await self.happen(protocol.when_heard(1))
        self.assertEqual(protocol.heard, [(b"me", (LOOPBACK, port.getHost().port))])

    async def test_all_interfaces_hear_loopback(self) -> None:
        """A port without an interface hears and answers on the loopback address."""
        protocol, answered = Recorder(), Recorder()
        anywhere = self.listen(protocol, interface="")
        asker = self.listen(answered)
        asker.write(b"?", (LOOPBACK, anywhere.getHost().port))
        await self.happen(protocol.when_heard(1))
        anywhere.write(b"!", protocol.heard[0][1])
        await self.happen(answered.when_heard(1))
        self.assertEqual(answered.heard, [(b"!", (LOOPBACK, anywhere.getHost().port))])

    async def test_max_packet_size(self) -> None:
        """Datagrams longer than the port's packet size are cut off."""
        protocol = Recorder()
        port = self.listen(protocol, maxPacketSize=4)
        self.listen().write(b"12345678", (LOOPBACK, port.getHost().port))
        await self.happen(protocol.when_heard(1))
        self.assertEqual(protocol.payloads, [b"1234"])

    async def test_largest_datagram(self) -> None:
        """65507 octets can be written, 65508 cannot."""
        protocol = Recorder()
        target = (LOOPBACK, self.listen(protocol, maxPacketSize=65536).getHost().port)
        sender = self.listen()
        sender.write(bytes(65507), target)
        self.assertRaises(MessageLengthError, sender.write, bytes(65508), target)
        await self.happen(protocol.when_heard(1))
        self.assertEqual(protocol.payloads, [bytes(65507)])

    def test_taken_number(self) -> None:
        """Two ports cannot have the same number on the same address."""
        number = self.listen().getHost().port
        failure = self.assertRaises(CannotListenError, self.listen, port=number)
        self.assertEqual((failure.interface, failure.port), (LOOPBACK, number))
        self.assertEqual(failure.socketError.errno, errno.EADDRINUSE)

    def test_taken_by_all_interfaces(self) -> None:
        """A port on all addresses keeps the number for itself on each of them, and vice versa."""
        one, all_of_them = self.listen(), self.listen(interface="")
        number = all_of_them.getHost().port
        self.assertRaises(CannotListenError, self.listen, port=number)
        number = one.getHost().port
        self.assertRaises(CannotListenError, self.listen, port=number, interface="")

    def test_foreign_interface(self) -> None:
        """The interface must be the host's."""
        failure = self.assertRaises(CannotListenError, self.listen, interface="192.0.2.1")
        self.assertEqual(failure.socketError.errno, errno.EADDRNOTAVAIL)

    def test_interface_by_name(self) -> None:
        """The interface must be an address."""
        self.assertRaises(InvalidAddressError, self.listen, interface="localhost")

    def test_impossible_number(self) -> None:
        """Numbers end at 65535, for binding and for writing."""
        self.assertRaises(OverflowError, self.listen, port=65536)
        self.assertRaises(OverflowError, self.listen, port=-1)
        port = self.listen()
        self.assertRaises(OverflowError, port.write, b"", (LOOPBACK, 65536))
        self.assertRaises(OverflowError, port.write, b"", (LOOPBACK, -1))

    def test_write_to_nobody(self) -> None:
        """A destination is needed, with a number."""
        port = self.listen()
        self.assertRaises(AssertionError, port.write, b"")
        self.assertRaises(OSError, port.write, b"", (LOOPBACK, 0))

    def test_write_to_names(self) -> None:
        """A destination must be an IPv4 address."""
        port = self.listen()
        for host in ("localhost", "::1", "999.0.0.1", ""):
            self.assertRaises(InvalidAddressError, port.write, b"", (host, 9))

    def test_write_text(self) -> None:
        """Only octets can be written."""
        port = self.listen()
        for datagram in ("text", 3, None):
            self.assertRaises(TypeError, port.write, datagram, (LOOPBACK, 9))

    def test_write_out_of_loopback(self) -> None:
        """A loopback port reaches nobody else."""
        port = self.listen()
        failure = self.assertRaises(OSError, port.write, b"", ("192.0.2.1", 9))
        self.assertEqual(failure.errno, errno.EINVAL)

    def test_broadcast_permission(self) -> None:
        """Broadcasts are forbidden until they are allowed."""
        port = self.listen(interface="")
        for host in ("255.255.255.255", "<broadcast>"):
            self.assertRaises(PermissionError, port.write, b"", (host, 9))
        self.assertIs(port.getBroadcastAllowed(), False)
        port.setBroadcastAllowed(True)
        self.assertIs(port.getBroadcastAllowed(), True)
        port.setBroadcastAllowed(False)
        self.assertIs(port.getBroadcastAllowed(), False)

    async def test_stop(self) -> None:
        """Stopping takes a turn; then the protocol is stopped and the number is free."""
        protocol = Recorder()
        port = self.listen(protocol)
        number = port.getHost().port
        stopped = port.stopListening()
        assert stopped is not None
        self.assertNoResult(stopped)
        self.assertEqual((protocol.stops, protocol.transport), (0, port))
        self.assertRaises(CannotListenError, self.listen, port=number)
        fired: list[object] = []
        stopped.addCallback(fired.append)
        await self.happen(stopped)
        self.assertEqual(fired, [None])
        self.assertEqual((protocol.stops, protocol.transport), (1, None))
        self.assertEqual(self.listen(port=number).getHost().port, number)

    async def test_stop_again(self) -> None:
        """Stopping a closed port does nothing."""
        protocol = Recorder()
        port = self.listen(protocol)
        await self.close(port)
        self.assertIsNone(port.stopListening())
        self.assertEqual(protocol.stops, 1)

    async def test_use_after_stop(self) -> None:
        """A closed port can do nothing, and says so by AttributeError."""
        port = self.listen()
        await self.close(port)
        self.assertRaises(AttributeError, port.write, b"", (LOOPBACK, 9))
        self.assertRaises(AttributeError, port.getHost)
        self.assertRaises(AttributeError, port.setBroadcastAllowed, True)
        self.assertRaises(AttributeError, port.getBroadcastAllowed)

    async def test_last_words(self) -> None:
        """What is written in the turn of closing still goes out, but nothing comes in."""
        protocol, leaving = Recorder(), Recorder()
        peer = self.listen(protocol)
        port = self.listen(leaving)
        peer.write(b"too late", (LOOPBACK, port.getHost().port))
        stopped = port.stopListening()
        assert stopped is not None
        port.write(b"bye", (LOOPBACK, peer.getHost().port))
        await self.happen(protocol.when_heard(1))
        await self.happen(stopped)
        self.assertEqual(protocol.payloads, [b"bye"])
        self.assertEqual(leaving.payloads, [])

    async def test_failing_protocol(self) -> None:
        """What a protocol raises is logged, and the next datagram comes all the same."""
        protocol = Clumsy()
        port = self.listen(protocol)
        for payload in (b"bad", b"bad too", b"good"):
            port.write(payload, (LOOPBACK, port.getHost().port))
        await self.happen(protocol.when_heard(3))
        self.assertEqual(protocol.payloads, [b"bad", b"bad too", b"good"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)


class MemoryPortTests(PortContract, TestCase):
    """The contract on a host in memory."""

    def setUp(self) -> None:
        """Make a network of one host."""
        self.network = MemoryNetwork()
        self.reactor = self.network.host("10.0.0.1")
        self.addCleanup(self.network.assert_quiet)

    def happen(self, result: Deferred[T]) -> Deferred[T]:
        """Half a second is enough for everything, and costs nothing."""
        self.network.advance(0.5)
        return result


class RealPortTests(PortContract, TestCase):
    """The contract on the reactor that runs the tests."""

    timeout = 10

    def setUp(self) -> None:
        """Use the reactor that is there."""
        from twisted.internet import reactor

        self.reactor = IReactorUDP(reactor)

    def happen(self, result: Deferred[T]) -> Deferred[T]:
        """Time passes by itself."""
        return result
