"""
Tests for the host as a reactor: time, ports and their numbers.
"""

from __future__ import annotations

import os
import subprocess
import sys

from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IReactorPluggableNameResolver,
    IReactorTime,
    IReactorUDP,
)
from zope.interface.verify import verifyObject

from tests.testing.case import A, B, NetworkTestCase
from tests.testing.recorder import Recorder
from trailcam.testing import MemoryNetwork, MemoryPort, Nat, NatKind
from trailcam.testing.ports import EPHEMERAL, PortTable


class HostTests(NetworkTestCase):
    """Making hosts, and their time."""

    def test_interfaces(self) -> None:
        """A host provides the reactor interfaces it claims."""
        host = self.network.host(A)
        for interface in (IReactorTime, IReactorUDP, IReactorPluggableNameResolver):
            verifyObject(interface, host)

    def test_attributes(self) -> None:
        """A host knows where it is."""
        host = self.network.host("192.168.43.20", name="phone")
        self.assertEqual(
            (host.address, host.name, host.nat, host.broadcast),
            ("192.168.43.20", "phone", None, "192.168.43.255"),
        )
        self.assertEqual(repr(host), "<MemoryHost phone (192.168.43.20)>")
        self.assertEqual(repr(self.network.host(A)), "<MemoryHost 10.0.0.1>")

    def test_taken_address(self) -> None:
        """No two hosts have one address, nor a host and a NAT; behind different NATs they may."""
        nat, other = Nat(NatKind.FULL_CONE, "1.1.1.1"), Nat(NatKind.FULL_CONE, "2.2.2.2")
        for router in (None, nat, other):
            self.network.host(A, nat=router)
            self.assertRaises(ValueError, self.network.host, A, nat=router)
        self.assertRaises(ValueError, self.network.host, "1.1.1.1")
        usurper = Nat(NatKind.FULL_CONE, "1.1.1.1")
        self.assertRaises(ValueError, self.network.host, B, nat=usurper)
        usurper = Nat(NatKind.FULL_CONE, A)
        self.assertRaises(ValueError, self.network.host, B, nat=usurper)

    def test_malformed_address(self) -> None:
        """An address is an IPv4 address."""
        for address in ("camera", "::1", "10.0.0", ""):
            self.assertRaises(ValueError, self.network.host, address)

    def test_time(self) -> None:
        """All hosts have the time of the network."""
        one, other = self.network.host(A), self.network.host(B)
        called: list[tuple[object, ...]] = []
        call = one.callLater(2.0, lambda *a, **kw: called.append((a, kw)), 1, two=2)
        self.assertEqual(other.getDelayedCalls(), [call])
        self.network.advance(1.5)
        self.assertEqual((one.seconds(), other.seconds(), called), (1.5, 1.5, []))
        self.network.advance(0.5)
        self.assertEqual(called, [((1,), {"two": 2})])

    def test_past(self) -> None:
        """Like a reactor, and unlike a Clock, it refuses to call in the past."""
        self.assertRaises(AssertionError, self.network.host(A).callLater, -1.0, print)

    def test_call_when_running(self) -> None:
        """A host is always running."""
        called: list[int] = []
        self.network.host(A).callWhenRunning(called.append, 1)
        self.assertEqual(called, [1])

    def test_no_reactor(self) -> None:
        """Importing the network installs no reactor."""
        code = "import sys, trailcam.testing; sys.exit('twisted.internet.reactor' in sys.modules)"
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        result = subprocess.run([sys.executable, "-c", code], env=env, timeout=60, check=False)
        self.assertEqual(result.returncode, 0)


class PortNumberTests(NetworkTestCase):
    """Which number belongs to whom."""

    def test_same_number_on_other_addresses(self) -> None:
        """Different addresses of a host, and different hosts, do not collide."""
        one = self.network.host(A)
        self.open(one, 5000, interface=A)
        self.open(one, 5000, interface="127.0.0.1")
        self.open(one, 5000, interface="127.0.0.2")
        self.open(self.network.host(B), 5000)
        self.assertEqual(len(list(one.ports())), 3)

    def test_bound_ports_hear_their_own(self) -> None:
        """Ports of one number on several addresses hear each its own datagrams."""
        host = self.network.host(A)
        outside, _ = self.open(host, 5000, interface=A)
        inside, _ = self.open(host, 5000, interface="127.0.0.1")
        _, sender = self.open(host)
        sender.write(b"out", (A, 5000))
        sender.write(b"in", ("127.0.0.1", 5000))
        self.network.advance(1.0)
        self.assertEqual((outside.payloads, inside.payloads), ([b"out"], [b"in"]))

    def test_interface_of_somebody_else(self) -> None:
        """A host cannot bind another host's address, nor an IPv6 one."""
        host = self.network.host(A)
        self.network.host(B)
        for interface in (B, "::1"):
            self.assertRaises(CannotListenError, self.open, host, interface=interface)
        self.assertEqual(list(host.ports()), [])

    def test_any_address(self) -> None:
        """0.0.0.0 means what no interface means."""
        _, port = self.open(self.network.host(A), interface="0.0.0.0")
        self.assertEqual(port.getHost().host, "0.0.0.0")

    def test_ephemeral(self) -> None:
        """Numbers follow each other, are not used again soon, and depend on the seed."""
        host = self.network.host(A)
        numbers: list[int] = []
        for _ in range(100):
            _, port = self.open(host)
            numbers.append(port.getHost().port)
            port.stopListening()
            self.network.advance(0)
        self.assertEqual(len(set(numbers)), 100)
        self.assertTrue(all(number in EPHEMERAL for number in numbers))
        again = MemoryNetwork().host(A).listenUDP(0, Recorder()).getHost().port
        other = MemoryNetwork(seed=1).host(A).listenUDP(0, Recorder()).getHost().port
        self.assertEqual(again, numbers[0])
        self.assertNotEqual(other, numbers[0])

    def test_ephemeral_goes_round(self) -> None:
        """After the last number comes the first, and those in use are left out."""
        _, taken = self.open(self.network.host(A), EPHEMERAL.start)
        table: PortTable[MemoryPort] = PortTable(EPHEMERAL.stop - 1)
        table.bind(taken, A, EPHEMERAL.start)
        self.assertEqual(table.bind(taken, A, 0), EPHEMERAL.stop - 1)
        self.assertEqual(table.bind(taken, A, 0), EPHEMERAL.start + 1)

    def test_ephemeral_exhausted(self) -> None:
        """With all numbers taken there is none to give, until one is free."""
        _, port = self.open(self.network.host(A))
        table: PortTable[MemoryPort] = PortTable(EPHEMERAL.start + 5)
        for _ in EPHEMERAL:
            table.bind(port, A, 0)
        self.assertRaises(OSError, table.bind, port, A, 0)
        table.release(A, EPHEMERAL.start + 77)
        self.assertEqual(table.bind(port, A, 0), EPHEMERAL.start + 77)

    def test_shared_number_is_released_one_by_one(self) -> None:
        """Closing one of two ports of a number leaves the other."""
        host = self.network.host(A)
        _, one = self.open(host, 5000, interface=A)
        hearing, _ = self.open(host, 5000, interface="127.0.0.1")
        one.stopListening()
        self.network.advance(0)
        _, sender = self.open(host)
        sender.write(b"in", ("127.0.0.1", 5000))
        self.network.advance(1.0)
        self.assertEqual(hearing.payloads, [b"in"])


class PortTests(NetworkTestCase):
    """What ports in memory do otherwise than real ones, on purpose."""

    def test_connect(self) -> None:
        """Connecting is not possible."""
        _, port = self.open(self.network.host(A))
        self.assertRaises(RuntimeError, port.connect, B, 9)

    def test_start_twice(self) -> None:
        """Starting twice is refused, while open and when closed."""
        _, port = self.open(self.network.host(A))
        self.assertRaises(RuntimeError, port.startListening)
        port.stopListening()
        self.network.advance(0)
        self.assertRaises(RuntimeError, port.startListening)
        self.network.assert_quiet()

    def test_stop_twice_in_one_turn(self) -> None:
        """As on a real port the first Deferred never fires, and there is an AssertionError."""
        protocol, port = self.open(self.network.host(A))
        first, second = port.stopListening(), port.stopListening()
        assert first is not None
        assert second is not None
        self.assertRaises(AssertionError, self.network.advance, 0)
        self.assertNoResult(first)
        self.assertIsNone(self.successResultOf(second))
        self.assertEqual(protocol.stops, 1)

    def test_stop_while_starting(self) -> None:
        """A protocol may stop its port as soon as it has one, and hears nothing then."""

        class Shy(Recorder):
            def startProtocol(self) -> None:
                assert self.transport is not None
                self.transport.stopListening()

        protocol = Shy()
        port = self.network.host(A).listenUDP(0, protocol)
        self.assertFalse(port.hearing)
        self.network.advance(0)
        self.assertEqual(protocol.stops, 1)
        self.network.assert_quiet()

    def test_repr(self) -> None:
        """A port tells where it is."""
        protocol, port = self.open(self.network.host(A, name="a"), 5000)
        self.assertEqual(
            repr(port), f"<MemoryPort of a (10.0.0.1) for {protocol!r}, on 0.0.0.0:5000>"
        )
        port.stopListening()
        self.network.advance(0)
        self.assertEqual(repr(port), f"<MemoryPort of a (10.0.0.1) for {protocol!r}, closed>")
