"""Tests for :mod:`trailcam.link.errorqueue`, with real sockets on loopback."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet import udp
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError, MessageLengthError
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SkipTest, SynchronousTestCase, TestCase

from tests.link.scenarios import LOOPBACK, SCENARIOS, Bench, Ear, play
from tests.scripts import ScriptTestCase
from trailcam.link import errorqueue
from trailcam.link.errorqueue import ErrorQueuePort, listen_udp
from trailcam.testing import MemoryNetwork, MemoryPort

NOT_HERE = None if errorqueue.REFUSALS_HEARD else "only Linux tells of refusals"
IP_RECVERR = 11


class RunningReactorTests(TestCase):
    """The reactor that runs these tests."""

    skip = NOT_HERE
    timeout = 60.0


def _scenario_test(name: str) -> Callable[[RunningReactorTests], Deferred[None]]:
    async def run(case: RunningReactorTests) -> None:
        verdict = await play(global_reactor, name)
        if verdict is None:
            raise SkipTest("only the administrator may forge ICMP messages")
        case.assertIn(verdict, SCENARIOS[name][1])

    def test(self: RunningReactorTests) -> Deferred[None]:
        return Deferred.fromCoroutine(run(self))

    test.__doc__ = SCENARIOS[name][0].__doc__
    return test


for _name in SCENARIOS:
    setattr(RunningReactorTests, f"test_{_name}", _scenario_test(_name))


class OtherReactorTests(ScriptTestCase):
    """Every other reactor that watches file descriptors; each in a process of its own."""

    skip = NOT_HERE

    async def check(self, name: str, kind: str) -> None:
        """All scenarios on one kind of reactor."""
        source = "import sys; from tests.link.scenarios import main; main(sys.argv[1])"
        verdicts = await self.run_script(source, name)
        self.assertEqual(verdicts.pop("reactor"), kind)
        wrong = {name: v for name, v in verdicts.items() if v not in SCENARIOS[name][1]}
        self.assertEqual(wrong, {})
        self.assertEqual(verdicts.keys(), SCENARIOS.keys())

    async def test_epoll(self) -> None:
        """The usual one on Linux."""
        await self.check("epoll", "EPollReactor")

    async def test_poll(self) -> None:
        """A queued error looks like the end of the descriptor here, too."""
        await self.check("poll", "PollReactor")

    async def test_select(self) -> None:
        """A queued error looks like a datagram here."""
        await self.check("select", "SelectReactor")

    async def test_asyncio(self) -> None:
        """asyncio's own loop below."""
        await self.check("asyncio", "AsyncioSelectorReactor")


class ScriptedSocket:
    """
    Gives what it is told to, so that the system's rarer answers can be had.

    :ivar arriving: what the next ``recvfrom`` calls give or raise.
    :ivar errors: what the next ``recvmsg`` calls give.
    """

    def __init__(self, real: socket.socket) -> None:
        self.arriving: list[Any] = []
        self.errors: list[Any] = []
        self.close = real.close
        self.fileno = real.fileno

    def recvfrom(self, size: int) -> Any:
        """The next datagram."""
        return self._next(self.arriving)

    def recvmsg(self, size: int, ancillary: int, flags: int) -> Any:
        """The next error."""
        return b"", self._next(self.errors), flags, (LOOPBACK, 7)

    @staticmethod
    def _next(events: list[Any]) -> Any:
        if not events:
            raise BlockingIOError(errno.EAGAIN, "nothing more")
        event = events.pop(0)
        if isinstance(event, Exception):
            raise event
        return event


class PortTests(SynchronousTestCase):
    """A port driven by hand: its reactor only takes notes."""

    skip = NOT_HERE

    def setUp(self) -> None:
        """Open a port."""
        self.reactor = MemoryReactorClock()
        self.bench = Bench(self.reactor)
        self.ear = self.bench.ear()
        self.port: Any = self.ear.transport

    def tearDown(self) -> None:
        """Close it."""
        closing = Deferred.fromCoroutine(self.bench.close())
        self.reactor.advance(0)
        self.successResultOf(closing)
        self.assertEqual(self.reactor.readers, set())

    def script(self) -> ScriptedSocket:
        """Replace the port's socket."""
        scripted = ScriptedSocket(self.port.socket)
        self.port.socket = scripted
        return scripted

    def test_kind(self) -> None:
        """A reactor that watches file descriptors gets a port that hears refusals."""
        self.assertIsInstance(self.port, ErrorQueuePort)
        self.assertEqual(self.reactor.readers, {self.port})

    def test_without_error_queue(self) -> None:
        """A kernel that knows no error queue still gives a port."""

        class Plain(socket.socket):
            def setsockopt(self, *args: Any) -> None:
                raise OSError(errno.ENOPROTOOPT, "not known here")

        self.patch(socket, "socket", Plain)
        self.bench.ear()

    def test_lasting_write_error(self) -> None:
        """An error that is not an older datagram's comes up."""
        problem = self.assertRaises(OSError, self.port.write, b"hello", (LOOPBACK, 0))
        self.assertEqual(problem.errno, errno.EINVAL)

    def test_too_long(self) -> None:
        """So does the one of a datagram that is too long."""
        self.assertRaises(MessageLengthError, self.port.write, bytes(70_000), (LOOPBACK, 9))

    def test_empty_datagram(self) -> None:
        """A datagram without payload is sent once, though the system reports 0 octets."""
        friend = self.bench.ear()
        self.port.write(b"", friend.address)
        friend.transport.doRead()
        self.assertEqual([datagram for datagram, _ in friend.heard], [b""])

    def test_errors_before_datagrams(self) -> None:
        """What waits in the error queue does not keep a datagram waiting for another turn."""
        friend, closed = self.bench.ear(), self.bench.closed_port()
        self.port.write(b"anybody?", closed)
        friend.transport.write(b"me", self.ear.address)
        self.port.doRead()
        self.assertEqual(self.ear.refusals, [(closed, errno.ECONNREFUSED)])
        self.assertEqual(len(self.ear.heard), 1)

    def test_reading_survives_any_error(self) -> None:
        """An error between two datagrams, of whatever kind, is no end."""
        scripted = self.script()
        for number in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EPROTO, errno.ECONNREFUSED):
            scripted.arriving = [(b"one", (LOOPBACK, 1)), OSError(number, "unreachable")]
            self.port.doRead()
        self.assertEqual(len(self.ear.heard), 4)
        self.assertTrue(self.port.connected)

    def test_errors_cost_nothing_without(self) -> None:
        """Where datagrams are there to be read, the error queue is not asked for any."""
        scripted = self.script()
        scripted.arriving = [(b"first", (LOOPBACK, 1)), (b"second", (LOOPBACK, 1))]
        scripted.errors = [[], []]
        self.port.doRead()
        self.assertEqual([datagram for datagram, _ in self.ear.heard], [b"first", b"second"])
        self.assertEqual(len(scripted.errors), 2)

    def test_brief_datagram(self) -> None:
        """One like ALIVE ends the turn; what comes after it all the same has the next one."""
        scripted = self.script()
        scripted.arriving = [(datagram, (LOOPBACK, 1)) for datagram in (b"", b"four", b"after")]
        for count in (1, 2, 3):
            self.port.doRead()
            self.assertEqual(len(self.ear.heard), count)

    def test_bounded_reading(self) -> None:
        """One turn takes a bounded number of datagrams."""
        scripted = self.script()
        scripted.arriving = [(b"hello", (LOOPBACK, 1))] * 300
        self.port.doRead()
        self.assertEqual(len(self.ear.heard), 256)
        self.port.doRead()
        self.assertEqual(len(self.ear.heard), 300)

    def test_protocol_that_raises(self) -> None:
        """It is told of, and hears the next datagram."""
        scripted = self.script()
        scripted.arriving = [(b"first", (LOOPBACK, 1)), (b"second", (LOOPBACK, 1))]
        heard: list[bytes] = []

        def broken(datagram: bytes, address: Any) -> None:
            heard.append(datagram)
            raise ValueError(datagram)

        self.patch(self.ear, "datagramReceived", broken)
        self.port.doRead()
        self.assertEqual(heard, [b"first", b"second"])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)

    def test_error_is_not_the_end(self) -> None:
        """Told of the end of reading, the port reads its errors and goes on."""
        closed = self.bench.closed_port()
        self.port.write(b"anybody?", closed)
        self.reactor.removeReader(self.port)  # as the reactors do before
        self.port.readConnectionLost(None)
        self.assertEqual(self.ear.refusals, [(closed, errno.ECONNREFUSED)])
        self.assertEqual(self.reactor.readers, {self.port})

    def test_no_writing_half(self) -> None:
        """The end of writing means nothing."""
        self.port.writeConnectionLost(None)
        self.assertTrue(self.port.connected)

    def test_foreign_control_messages(self) -> None:
        """Only whole control messages of the right kind count."""
        scripted = self.script()
        whole = struct.pack("@IBBBBII", errno.ECONNREFUSED, 2, 3, 3, 0, 0, 0)
        scripted.errors = [
            [(socket.IPPROTO_IP, IP_RECVERR, whole[:3])],
            [(socket.IPPROTO_IP, 8, whole), (socket.SOL_SOCKET, IP_RECVERR, whole)],
            [],
            [(socket.SOL_SOCKET, 29, whole), (socket.IPPROTO_IP, IP_RECVERR, whole)],
        ]
        self.port.doRead()
        self.assertEqual(self.ear.refusals, [((LOOPBACK, 7), errno.ECONNREFUSED)])

    def test_bounded_turn(self) -> None:
        """One turn takes a bounded number of errors out, whoever makes them."""
        scripted = self.script()
        whole = struct.pack("@IBBBBII", errno.ECONNREFUSED, 2, 3, 3, 0, 0, 0)
        scripted.errors = [[(socket.IPPROTO_IP, IP_RECVERR, whole)]] * 100
        self.port.doRead()
        self.assertEqual(len(self.ear.refusals), 64)
        self.port.doRead()
        self.assertEqual(len(self.ear.refusals), 100)

    def test_port_taken(self) -> None:
        """A number that is in use is refused in the usual way."""
        self.assertRaises(CannotListenError, listen_udp, self.reactor, Ear(), self.ear.address)


class FallbackTests(SynchronousTestCase):
    """Where refusals cannot be heard, everything else works."""

    def test_other_reactor(self) -> None:
        """A reactor without file descriptors opens the port itself."""
        network = MemoryNetwork()
        host = network.host("10.0.0.1")
        port: Any = listen_udp(host, Ear(), ("10.0.0.1", 5000))
        self.assertIsInstance(port, MemoryPort)
        self.assertEqual((port.getHost().host, port.getHost().port), ("10.0.0.1", 5000))
        port.stopListening()
        network.advance(0)
        network.assert_quiet()


class OtherSystemTests(TestCase):
    """A system that is not Linux."""

    timeout = 30.0

    async def test_plain_port(self) -> None:
        """Twisted's own port is used; datagrams are heard, refusals are not, nothing breaks."""
        self.patch(errorqueue, "REFUSALS_HEARD", False)
        bench = Bench(global_reactor)
        try:
            ear, friend, closed = bench.ear(), bench.ear(), bench.closed_port()
            self.assertIs(type(ear.transport), udp.Port)
            ear.transport.write(b"anybody?", closed)
            ear.transport.write(b"hello", friend.address)
            await friend.when(global_reactor, heard=1)
            await bench.turns(3)
            self.assertEqual(ear.refusals, [])
        finally:
            await bench.close()
