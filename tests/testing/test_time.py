"""
Tests for how time passes, and for the check that nothing is left behind.
"""

from __future__ import annotations

from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock, LoopingCall, deferLater
from twisted.trial.unittest import SynchronousTestCase

from tests.testing.case import A, B, NetworkTestCase
from tests.testing.recorder import Echo, Recorder
from trailcam.testing import Datagram, MemoryNetwork
from trailcam.testing.flights import Flights


class AdvanceTests(NetworkTestCase):
    """Tests for advance()."""

    def setUp(self) -> None:
        """Have one host."""
        super().setUp()
        self.host = self.network.host(A)

    def test_ends_exactly(self) -> None:
        """Time moves by what was asked for, with and without events."""
        self.network.advance(1.5)
        self.host.callLater(0.7, lambda: None)
        self.network.advance(1.5)
        self.assertEqual(self.network.clock.seconds(), 3.0)

    def test_each_at_its_own_time(self) -> None:
        """A call that schedules another one on its way finds the clock at its own time."""
        times: list[float] = []

        def again() -> None:
            times.append(self.host.seconds())
            if len(times) < 4:
                self.host.callLater(0.25, again)

        self.host.callLater(0.25, again)
        self.network.advance(10.0)
        self.assertEqual(times, [0.25, 0.5, 0.75, 1.0])

    def test_calls_and_datagrams_in_order(self) -> None:
        """Delayed calls and arrivals are sorted among each other."""
        self.network.latency = 0.5
        events: list[str] = []

        class Note(Recorder):
            def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
                events.append("datagram")

        port = self.host.listenUDP(0, Note())
        port.write(b"", (A, port.getHost().port))
        for delay in (0.6, 0.4):
            self.host.callLater(delay, events.append, f"call at {delay}")
        self.network.advance(1.0)
        self.assertEqual(events, ["call at 0.4", "datagram", "call at 0.6"])

    def test_float_sums(self) -> None:
        """Small steps add up, although their floats do not."""
        called: list[float] = []
        self.host.callLater(1.0, lambda: called.append(self.host.seconds()))
        for _ in range(10):
            self.network.advance(0.1)
        self.assertEqual(called, [1.0])

    def test_backwards(self) -> None:
        """Time does not go back."""
        self.assertRaises(ValueError, self.network.advance, -0.1)

    def test_error(self) -> None:
        """What a call raises comes out, and the rest happens when time goes on."""
        called: list[str] = []
        self.host.callLater(1.0, lambda: 1 / 0)
        self.host.callLater(2.0, called.append, "rest")
        self.assertRaises(ZeroDivisionError, self.network.advance, 5.0)
        self.assertEqual((self.host.seconds(), called), (1.0, []))
        self.network.advance(1.0)
        self.assertEqual(called, ["rest"])

    def test_late_clock(self) -> None:
        """Moving the clock by hand delivers too, only late."""
        protocol, port = self.open(self.host)
        port.write(b"", (A, port.getHost().port))
        self.network.clock.advance(5.0)
        self.assertEqual(len(protocol.heard), 1)


class RunUntilTests(NetworkTestCase):
    """Tests for run_until()."""

    def setUp(self) -> None:
        """Have an echo one second away."""
        super().setUp()
        self.network.latency = 0.5
        self.network.host(B).listenUDP(7, Echo())
        self.protocol, self.port = self.open(self.network.host(A))

    def test_stops_at_once(self) -> None:
        """Time stops with the event that makes the predicate true."""
        self.port.write(b"", (B, 7))
        self.network.advance(0.25)
        elapsed = self.network.run_until(lambda: self.protocol.heard)
        self.assertEqual(elapsed, 0.75)
        self.assertEqual(self.network.clock.seconds(), 1.0)

    def test_true_already(self) -> None:
        """Nothing happens when there is nothing to wait for."""
        self.network.clock.callLater(0, lambda: 1 / 0)
        self.assertEqual(self.network.run_until(lambda: True), 0.0)

    def test_limit(self) -> None:
        """At the limit it fails, and tells what was open."""
        with self.assertRaises(AssertionError) as caught:
            self.network.run_until(lambda: False, limit=2.0)
        self.assertEqual(self.network.clock.seconds(), 2.0)
        message = str(caught.exception)
        self.assertIn("not within 2.0 s: <function RunUntilTests.test_limit", message)
        self.assertIn("open port <MemoryPort of 10.0.0.2", message)

    def test_true_at_the_limit(self) -> None:
        """Time itself may make the predicate true, without any event."""
        elapsed = self.network.run_until(lambda: self.network.clock.seconds() >= 2.0, limit=2.0)
        self.assertEqual(elapsed, 2.0)

    def test_nothing_after_the_limit(self) -> None:
        """What comes after the limit does not happen."""
        called: list[int] = []
        self.network.clock.callLater(2.5, called.append, 1)
        self.assertRaises(AssertionError, self.network.run_until, lambda: called, 2.0)
        self.assertEqual(called, [])


class QuietTests(NetworkTestCase):
    """Tests for assert_quiet()."""

    def complaint(self, **allowed: bool) -> str:
        """What assert_quiet has to say, which must be something."""
        failure = self.assertRaises(AssertionError, self.network.assert_quiet, **allowed)
        return str(failure)

    def test_quiet(self) -> None:
        """A network that was used and left in order is quiet."""
        self.network.assert_quiet()
        _, port = self.open(self.network.host(A))
        port.stopListening()
        self.network.advance(0)
        self.network.assert_quiet()

    def test_port(self) -> None:
        """An open port is named, with the line that opened it."""
        host = self.network.host(A, name="client")
        _, port = self.open(host, 5000)
        complaint = self.complaint()
        self.assertIn("open port <MemoryPort of client (10.0.0.1) for <", complaint)
        self.assertIn("on 0.0.0.0:5000>", complaint)
        self.assertIn("case.py:", complaint)
        self.assertIn(" in open", complaint)
        port.stopListening()
        self.network.advance(0)
        self.network.assert_quiet()

    def test_closing_port(self) -> None:
        """A port that is about to close is not closed."""
        _, port = self.open(self.network.host(A))
        port.stopListening()
        self.assertIn("delayed call in 0.000 s of MemoryPort._close", self.complaint())

    def test_call(self) -> None:
        """A delayed call is named, with its time and the line that asked for it."""
        self.network.host(A).callLater(2.5, self.complaint)
        complaint = self.complaint()
        self.assertIn("delayed call in 2.500 s of QuietTests.complaint, asked for at", complaint)
        self.assertIn("test_time.py", complaint)
        self.assertIn("in test_call", complaint)

    def test_call_through_twisted(self) -> None:
        """The line is that of the user of Twisted's helpers, not one in Twisted."""
        deferLater(self.network.host(A), 1.0)
        self.assertIn("in test_call_through_twisted", self.complaint())

    def test_looping_call(self) -> None:
        """What has no name is shown as it is."""
        loop = LoopingCall(lambda: None)
        loop.clock = self.network.host(A)
        loop.start(3.0, now=False)
        self.network.advance(3.0)
        self.assertIn("of LoopingCall<3.0>", self.complaint())
        loop.stop()
        self.network.assert_quiet()

    def test_call_on_the_clock(self) -> None:
        """A call that did not go through a host is named without its origin."""
        self.network.clock.callLater(1.0, partial(print))
        complaint = self.complaint()
        self.assertIn("of functools.partial(", complaint)
        self.assertIn("asked for at the clock directly", complaint)

    def test_in_flight(self) -> None:
        """A datagram in flight is named, without its payload, unless it is allowed."""
        _, port = self.open(self.network.host(A), 5000)
        port.write(b"secret", (B, 6000))
        port.stopListening()
        self.network.advance(0)
        complaint = self.complaint()
        self.assertIn(
            "datagram of 6 octets from 10.0.0.1:5000 to 10.0.0.2:6000, due in 0.001 s", complaint
        )
        self.assertNotIn("secret", complaint)
        self.network.assert_quiet(in_flight=True)
        self.network.advance(1.0)
        self.network.assert_quiet()

    def test_all_at_once(self) -> None:
        """Everything is listed, a line each."""
        for address in (A, B):
            host = self.network.host(address)
            self.open(host)
            host.callLater(1.0, lambda: None)
        self.assertEqual(len(self.complaint().splitlines()), 5)


class FlightsTests(SynchronousTestCase):
    """Tests for the queue itself."""

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 10)), max_size=30))
    def test_order(self, plan: list[tuple[float, float]]) -> None:
        """Arrivals come in the order of their times, equal ones in the order of launching."""
        network = MemoryNetwork()
        flights = Flights(network.clock)
        expected: list[tuple[float, int]] = []
        arrived: list[int] = []
        nothing = Datagram(0.0, (A, 1), (B, 2), b"")
        for number, (pause, delay) in enumerate(plan):
            network.advance(pause)
            expected.append((network.clock.seconds() + delay, number))
            flights.launch(delay, nothing, partial(arrived.append, number))
        self.assertEqual(
            len(flights.pending()) + len(arrived), len(plan), "each is either under way or there"
        )
        network.advance(11.0)
        self.assertEqual(arrived, [number for _, number in sorted(expected)])
        self.assertEqual(flights.pending(), [])

    def test_launch_while_landing(self) -> None:
        """An arrival may launch the next one, also one that is due at once."""
        clock = Clock()
        flights = Flights(clock)
        arrived: list[float] = []
        nothing = Datagram(0.0, (A, 1), (B, 2), b"")

        def arrive() -> None:
            arrived.append(clock.seconds())
            if len(arrived) < 4:
                flights.launch(len(arrived) % 2, nothing, arrive)

        flights.launch(1.0, nothing, arrive)
        for _ in range(5):
            clock.advance(1.0)
        self.assertEqual(arrived, [1.0, 2.0, 2.0, 3.0])
        self.assertEqual(clock.getDelayedCalls(), [])
