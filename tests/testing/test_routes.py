"""
Tests for where a datagram ends: refusals, errors of the system, broadcast and loopback.
"""

from __future__ import annotations

import errno

from twisted.internet.error import MessageLengthError
from twisted.internet.protocol import DatagramProtocol

from tests.testing.case import A, B, C, TwoHosts
from tests.testing.recorder import Clumsy, Recorder
from trailcam.testing import Fate


class RefusalTests(TwoHosts):
    """Datagrams that nobody wants."""

    def test_refused(self) -> None:
        """A host without such a port refuses, and the sender hears of it after a round trip."""
        self.network.latency = 0.5
        self.send(b"", to=(B, 9))
        self.network.advance(0.999)
        self.assertEqual((self.fates(), self.sending.refusals), ([Fate.REFUSED], []))
        self.network.advance(0.001)
        self.assertEqual(self.sending.refusals, [((B, 9), errno.ECONNREFUSED)])

    def test_refused_by_own_host(self) -> None:
        """The own host refuses too, by its address and on the loopback."""
        self.send(b"", to=(A, 9))
        self.send(b"", to=("127.0.0.1", 9))
        self.network.advance(1.0)
        refused = errno.ECONNREFUSED
        self.assertEqual(self.sending.refusals, [((A, 9), refused), (("127.0.0.1", 9), refused)])

    def test_refused_by_a_number_on_another_address(self) -> None:
        """A port bound to one address does not hear, and so refuses, on another."""
        self.open(self.b, 7000, interface="127.0.0.1")
        self.send(b"", to=(B, 7000))
        self.network.advance(1.0)
        self.assertEqual(self.sending.refusals, [((B, 7000), errno.ECONNREFUSED)])

    def test_without_refusals(self) -> None:
        """A network can keep the news to itself."""
        self.network.refusals = False
        self.send(b"", to=(B, 9))
        self.network.advance(1.0)
        self.assertEqual((self.fates(), self.sending.refusals), ([Fate.REFUSED], []))

    def test_silent_host(self) -> None:
        """A silent host throws away, but its open ports still hear."""
        self.b.silent = True
        self.send(b"", to=(B, 9))
        self.send(b"hello")
        self.network.advance(1.0)
        self.assertEqual(self.fates(), [Fate.FILTERED, Fate.DELIVERED])
        self.assertEqual(self.sending.refusals, [])
        self.assertEqual(self.receiving.payloads, [b"hello"])

    def test_protocol_without_the_method(self) -> None:
        """A protocol need not care."""
        port = self.a.listenUDP(0, DatagramProtocol())
        port.write(b"", (B, 9))
        self.network.advance(1.0)
        self.assertEqual(self.fates(), [Fate.REFUSED])

    def test_sender_gone(self) -> None:
        """A port that has been closed, or is closing, hears of nothing any more."""
        self.send(b"", to=(B, 9))
        self.sender.stopListening()
        self.network.advance(1.0)
        self.assertEqual((self.fates(), self.sending.refusals), ([Fate.REFUSED], []))

    def test_failing_protocol(self) -> None:
        """What a protocol raises about a refusal is logged."""
        protocol = Clumsy()
        self.a.listenUDP(0, protocol).write(b"", (B, 9))
        self.network.advance(1.0)
        self.assertEqual(len(protocol.refusals), 1)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_nobody(self) -> None:
        """What is sent to an address without a host vanishes."""
        self.send(b"", to=(C, 9))
        self.network.advance(1.0)
        self.assertEqual((self.fates(), self.sending.refusals), ([Fate.NO_ROUTE], []))

    def test_unreachable(self) -> None:
        """A router can report an address as unreachable, host or not."""
        self.network.unreachable.update([B, C])
        self.send(b"")
        self.send(b"", to=(C, 9))
        self.network.advance(1.0)
        self.assertEqual(self.fates(), [Fate.NO_ROUTE] * 2)
        unreachable = errno.EHOSTUNREACH
        self.assertEqual(self.sending.refusals, [((B, 6000), unreachable), ((C, 9), unreachable)])

    def test_reachable_again(self) -> None:
        """An address can come back."""
        self.network.unreachable.add(B)
        self.network.unreachable.discard(B)
        self.send(b"back")
        self.network.advance(1.0)
        self.assertEqual(self.receiving.payloads, [b"back"])


class WriteErrorTests(TwoHosts):
    """Systems that refuse to send."""

    def test_raised(self) -> None:
        """Every write from the host fails while it is told so."""
        for number in (errno.ENETUNREACH, errno.EPERM):
            self.a.write_error = OSError(number, "told so")
            failure = self.assertRaises(OSError, self.send, b"")
            self.assertEqual(failure.errno, number)
        self.a.write_error = None
        self.send(b"works")
        self.network.advance(1.0)
        self.assertEqual(self.receiving.payloads, [b"works"])
        self.assertEqual(len(self.network.log), 1)

    def test_only_that_host(self) -> None:
        """Other hosts are not concerned."""
        self.a.write_error = OSError(errno.EPERM, "told so")
        self.receiver.write(b"works", (A, 5000))
        self.network.advance(1.0)
        self.assertEqual(self.sending.payloads, [b"works"])

    def test_translated(self) -> None:
        """Two errors come out of a port the way the real one has it."""
        self.a.write_error = OSError(errno.EMSGSIZE, "too long")
        self.assertRaises(MessageLengthError, self.send, b"")
        self.a.write_error = OSError(errno.ECONNREFUSED, "an earlier datagram")
        self.send(b"swallowed")
        self.assertEqual(self.network.log, [])


class BroadcastTests(TwoHosts):
    """One datagram for all hosts of a subnet."""

    def setUp(self) -> None:
        """Let the sender broadcast."""
        super().setUp()
        self.sender.setBroadcastAllowed(True)

    def test_everybody(self) -> None:
        """Each way of writing it reaches the ports of that number on all other hosts."""
        other, _ = self.open(self.network.host(C), 6000)
        own, _ = self.open(self.a, 6000)
        wrong_number, _ = self.open(self.b, 6001)
        for host in ("255.255.255.255", "10.0.0.255", "<broadcast>"):
            self.send(host.encode(), to=(host, 6000))
        self.network.advance(1.0)
        expected = [b"255.255.255.255", b"10.0.0.255", b"<broadcast>"]
        self.assertEqual(self.receiving.payloads, expected)
        self.assertEqual(other.heard, [(p, (A, 5000)) for p in expected])
        self.assertEqual((own.heard, wrong_number.heard), ([], []))
        self.assertEqual(self.fates(), [Fate.DELIVERED] * 3)

    def test_subnet(self) -> None:
        """Hosts of another subnet hear nothing, unless they are told to be in this one."""
        far = self.network.host("10.0.1.1")
        far_away, _ = self.open(far, 6000)
        self.send(b"1", to=("255.255.255.255", 6000))
        self.network.advance(1.0)
        self.assertEqual(far_away.heard, [])
        for host in (far, self.a):
            host.broadcast = "10.0.255.255"
        self.send(b"2", to=("10.0.255.255", 6000))
        self.network.advance(1.0)
        self.assertEqual(far_away.payloads, [b"2"])
        self.assertEqual(self.receiving.payloads, [b"1"])

    def test_foreign_subnet(self) -> None:
        """The broadcast address of another subnet is an address like any other."""
        self.sender.setBroadcastAllowed(False)
        self.send(b"", to=("10.0.1.255", 6000))
        self.network.advance(1.0)
        self.assertEqual(self.fates(), [Fate.NO_ROUTE])

    def test_subnet_needs_permission(self) -> None:
        """The subnet's broadcast address needs permission as well."""
        self.sender.setBroadcastAllowed(False)
        self.assertRaises(PermissionError, self.send, b"", to=("10.0.0.255", 6000))

    def test_bound_ports(self) -> None:
        """A port bound to one address hears no broadcasts, as on a real system."""
        bound, _ = self.open(self.b, 7000, interface=B)
        self.send(b"", to=("255.255.255.255", 7000))
        self.send(b"you", to=(B, 7000))
        self.network.advance(1.0)
        self.assertEqual(bound.payloads, [b"you"])
        self.assertEqual(self.fates(), [Fate.NO_ROUTE, Fate.DELIVERED])

    def test_nobody_refuses(self) -> None:
        """Broadcasts are never refused."""
        self.send(b"", to=("255.255.255.255", 9))
        self.network.advance(1.0)
        self.assertEqual((self.fates(), self.sending.refusals), ([Fate.NO_ROUTE], []))

    def test_listener_closed_by_another(self) -> None:
        """A port that another listener closes at the same moment hears nothing."""
        late, port = self.open(self.network.host(C), 7000)

        class Closer(Recorder):
            def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
                port.stopListening()

        self.b.listenUDP(7000, Closer())
        self.send(b"", to=("255.255.255.255", 7000))
        self.network.advance(1.0)
        self.assertEqual(late.heard, [])

    def test_closing_listener(self) -> None:
        """A port that is closing does not count as a listener."""
        self.network.latency = 0.0
        self.send(b"", to=("255.255.255.255", 6000))
        self.receiver.stopListening()
        self.network.advance(0.0)
        self.assertEqual(self.fates(), [Fate.NO_ROUTE])


class LoopbackTests(TwoHosts):
    """Every host has a loopback of its own."""

    def test_own_host_only(self) -> None:
        """The loopback address leads to the own host, not to another one."""
        own, _ = self.open(self.a, 6000)
        self.send(b"me", to=("127.0.0.1", 6000))
        self.network.advance(1.0)
        self.assertEqual(own.heard, [(b"me", ("127.0.0.1", 5000))])
        self.assertEqual(self.receiving.heard, [])

    def test_own_address(self) -> None:
        """The own address works too, and is the source then."""
        own, _ = self.open(self.a, 6000)
        self.send(b"me", to=(A, 6000))
        self.network.advance(1.0)
        self.assertEqual(own.heard, [(b"me", (A, 5000))])

    def test_bound_source(self) -> None:
        """A port bound to the host's address has that source even on the loopback."""
        own, _ = self.open(self.a, 6000)
        _, bound = self.open(self.a, 5001, interface=A)
        bound.write(b"me", ("127.0.0.1", 6000))
        self.network.advance(1.0)
        self.assertEqual(own.heard, [(b"me", (A, 5001))])
