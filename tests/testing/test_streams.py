"""
Tests for TCP in memory: handshakes, latency and windows.
"""

from __future__ import annotations

from functools import partial
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.testing.case import A, B
from tests.testing.stream_case import StreamTestCase
from tests.testing.streams import Clumsy, Event, HalfTalker, Maker, Spring, Talker
from trailcam.testing import MemoryNetwork


class HandshakeTests(StreamTestCase):
    """How long it takes to connect, or not to."""

    def outcome(self, factory: Maker) -> list[Event]:
        """What a client's factory heard after it began."""
        self.assertEqual(factory.events[:2], ["start", "connecting"])
        return factory.events[2:]

    def test_three_latencies(self) -> None:
        """The client is connected after two latencies, the server after three."""
        server = Talker()
        self.serve(server)
        factory = self.dial()
        self.network.advance(0.999)
        self.assertEqual(self.outcome(factory), [])
        self.network.advance(0.001)
        self.assertEqual((self.outcome(factory), server.events), (["build"], []))
        self.network.advance(0.499)
        self.assertEqual(server.events, [])
        self.network.advance(0.001)
        self.assertEqual(server.events, ["made"])

    def test_refused(self) -> None:
        """A refusal takes a round trip."""
        factory = self.dial()
        self.network.advance(0.999)
        self.assertEqual(self.outcome(factory), [])
        self.network.advance(0.001)
        self.assertEqual(self.outcome(factory), ["failed: ConnectionRefusedError", "stop"])

    def test_silent(self) -> None:
        """A silent host answers nothing, so the client gives up by itself."""
        self.server.silent = True
        factory = self.dial(timeout=7)
        self.network.advance(6.999)
        self.assertEqual(self.outcome(factory), [])
        self.network.advance(0.001)
        self.assertEqual(self.outcome(factory), ["failed: TimeoutError", "stop"])

    def test_silent_with_port(self) -> None:
        """A silent host does answer for the ports it has."""
        self.server.silent = True
        self.serve()
        factory = self.dial()
        self.network.advance(1.0)
        self.assertEqual(self.outcome(factory), ["build"])

    def test_nobody(self) -> None:
        """To an address of nobody it is the same."""
        factory = self.dial(to="10.9.9.9", timeout=7)
        self.network.advance(6.999)
        self.assertEqual(self.outcome(factory), [])
        self.network.advance(0.001)
        self.assertEqual(self.outcome(factory), ["failed: TimeoutError", "stop"])

    def test_unreachable(self) -> None:
        """A router reports what it cannot reach, hosts or not."""
        self.network.unreachable = {B, "10.9.9.9"}
        factories = [self.dial(), self.dial(to="10.9.9.9")]
        self.network.advance(1.0)
        for factory in factories:
            self.assertEqual(self.outcome(factory), ["failed: NoRouteError", "stop"])

    def test_slow_answer(self) -> None:
        """An answer that comes after the timeout is ignored, and the server never hears of it."""
        server = Maker()
        listener = self.server.listenTCP(80, server)
        factory = self.dial(timeout=0.9)
        self.network.advance(5.0)
        self.assertEqual(self.outcome(factory), ["failed: TimeoutError", "stop"])
        self.assertEqual(server.events, ["start"])
        listener.stopListening()

    def test_stop_connecting(self) -> None:
        """Whenever a client gives up, nothing is left, not even a late connection."""
        self.serve()
        for wait in (lambda: None, *(partial(self.network.advance, s) for s in (0, 0.25, 0.75))):
            factory = Maker()
            connector = self.client.connectTCP("server", 80, factory, bindAddress=(A, 4000))
            wait()
            connector.stopConnecting()
            self.assertEqual(self.outcome(factory), ["failed: UserError", "stop"])
            self.network.advance(5.0)
            self.assertEqual(self.outcome(factory), ["failed: UserError", "stop"])
        self.assertEqual(list(self.client.tcp.streams), [])

    def test_late_refusal(self) -> None:
        """A refusal that comes after the client gave up is ignored."""
        factory = self.dial(timeout=0.9)
        self.network.advance(5.0)
        self.assertEqual(self.outcome(factory), ["failed: TimeoutError", "stop"])

    def test_closing_port(self) -> None:
        """A port that is about to close refuses."""
        factory = self.dial()
        listener = self.server.listenTCP(80, Maker())
        self.network.clock.callLater(0.5, listener.stopListening)
        self.network.advance(1.0)
        self.assertEqual(self.outcome(factory), ["failed: ConnectionRefusedError", "stop"])

    def test_port_closed_in_the_middle(self) -> None:
        """A port that closes between the two last packets resets the connection."""
        listener = self.server.listenTCP(80, Maker())
        factory = self.dial()
        self.network.advance(1.25)
        listener.stopListening()
        self.network.advance(1.0)
        self.assertEqual(self.outcome(factory), ["build", "lost: ConnectionLost", "stop"])

    def test_failing_server_factory(self) -> None:
        """A server's factory that fails loses that connection only."""
        server = Clumsy()
        listener = self.server.listenTCP(80, server)
        for _ in range(2):
            factory = self.dial()
            self.network.advance(5.0)
            self.assertEqual(self.outcome(factory), ["build", "lost: ConnectionDone", "stop"])
        self.assertEqual(server.events, ["start", "build", "build"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)
        listener.stopListening()


class NameTests(StreamTestCase):
    """Connecting to names."""

    def test_name(self) -> None:
        """A name is looked up, which takes a latency."""
        server = Talker()
        self.serve(server)
        factory = self.dial(to="Server")
        self.network.advance(1.499)
        self.assertEqual(factory.made, [])
        self.network.advance(0.001)
        self.assertEqual(len(factory.made), 1)
        talker = factory.made[0]
        assert isinstance(talker, Talker)
        self.assertEqual(talker.transport.getPeer().host, B)

    def test_first_address(self) -> None:
        """Of several addresses the first is used."""
        self.network.name("many", "10.9.9.8", B)
        self.serve()
        factory = self.dial(to="many", timeout=3)
        self.network.advance(3.0)
        self.assertEqual(factory.events[-2:], ["failed: TimeoutError", "stop"])

    def test_unknown_name(self) -> None:
        """A name that nobody knows fails."""
        factory = self.dial(to="nobody")
        self.network.advance(0.5)
        self.assertEqual(factory.events[-2:], ["failed: DNSLookupError", "stop"])

    def test_stop_while_resolving(self) -> None:
        """Giving up withdraws the question."""
        factory = Maker()
        connector = self.client.connectTCP("server", 80, factory)
        self.network.advance(0.25)
        connector.stopConnecting()
        self.assertEqual(factory.events[-2:], ["failed: UserError", "stop"])
        self.network.assert_quiet()


class DeliveryTests(StreamTestCase):
    """How octets travel."""

    def test_latency(self) -> None:
        """Octets arrive after the latency, not before."""
        client, server = self.connect()
        client.transport.write(b"hello")
        self.network.advance(0.499)
        self.assertEqual(server.events, ["made"])
        self.network.advance(0.001)
        self.assertEqual(server.events, ["made", b"hello"])

    def test_no_latency(self) -> None:
        """Without latency all is there in the next turn, still not inside of write."""
        self.network.latency = 0.0
        client, server = self.connect()
        client.transport.write(b"hello")
        self.assertEqual(server.events, ["made"])
        self.network.advance(0)
        self.assertEqual(server.events, ["made", b"hello"])

    def test_latency_changes(self) -> None:
        """What is written later never overtakes."""
        client, server = self.connect()
        self.network.latency = 1.0
        client.transport.write(b"slow ")
        self.network.advance(0.25)
        self.network.latency = 0.125
        client.transport.write(b"fast")
        self.network.advance(0.5)
        self.assertEqual(server.events, ["made"])
        self.network.advance(0.25)
        self.assertEqual(server.events, ["made", b"slow fast"])

    def test_one_call(self) -> None:
        """However much is under way, it holds one call on the clock, and none of the host's."""
        client, server = self.connect()
        for _ in range(1000):
            client.transport.write(b"x")
            self.network.clock.advance(0.0001)
        self.assertEqual(len(self.network.clock.getDelayedCalls()), 1)
        self.assertEqual(self.client.getDelayedCalls(), [])
        self.network.advance(1.0)
        self.assertEqual(server.size, 1000)

    def test_not_in_the_log(self) -> None:
        """The log, the drops and the filter are for datagrams."""
        self.network.loss = 1.0
        self.network.drop(lambda datagram: True)
        client, server = self.connect()
        client.transport.write(b"safe")
        self.network.advance(0.5)
        self.assertEqual((server.events, self.network.log), (["made", b"safe"], []))

    def test_abort_beside_an_arrival(self) -> None:
        """Octets that arrive in the turn of an abort are not handed over."""
        listener = self.serve(Talker(), Talker())
        factories = [self.dial(), self.dial()]
        self.network.advance(2.0)
        first, second = cast(Maker, listener.factory).made
        assert isinstance(first, Talker)
        assert isinstance(second, Talker)
        first.on[b"1"] = lambda talker: second.transport.abortConnection()
        for factory, octet in zip(factories, (b"1", b"2"), strict=True):
            for talker in factory.made:
                cast(Talker, talker).transport.write(octet)
        self.network.advance(0.5)
        self.assertEqual(first.events, ["made", b"1"])
        self.assertEqual(second.events, ["made", "lost: ConnectionAborted"])

    def test_half_close_after_the_end(self) -> None:
        """A connection that is over has no half to close."""
        talker = HalfTalker()
        self.serve()
        factory = self.dial(talker=talker)
        self.network.advance(2.0)
        self.network.reset(self.client)
        self.network.advance(2.0)
        talker.transport.loseWriteConnection()
        self.network.advance(2.0)
        self.assertEqual(talker.events, ["made", "lost: ConnectionLost"])
        self.assertEqual(factory.events[-1], "stop")

    def test_late_octets_are_reset(self) -> None:
        """Who writes to an end that is closed loses the connection."""
        client, server = self.connect()
        server.transport.pauseProducing()
        client.transport.loseConnection()
        self.network.advance(1.0)
        server.transport.write(b"are you there?")
        self.network.advance(1.0)
        self.assertEqual(
            (client.events, server.events), (["made", "lost: ConnectionDone"], ["made"])
        )
        server.transport.write(b"hello?")
        self.network.advance(0)
        self.assertEqual(server.events, ["made", "lost: ConnectionLost"])

    def test_unread_octets_before_a_reset(self) -> None:
        """What came before a reset can still be read."""
        client, server = self.connect()
        server.transport.pauseProducing()
        client.transport.write(b"last words")
        self.network.advance(0.1)
        client.transport.abortConnection()
        self.network.advance(1.0)
        self.assertEqual(server.events, ["made"])
        server.transport.resumeProducing()
        self.network.advance(0)
        self.assertEqual(server.events, ["made", b"last words", "lost: ConnectionLost"])


class WindowTests(StreamTestCase):
    """How much may be under way or unread."""

    def test_paused_reader(self) -> None:
        """A reader that pauses gets a window full, and the writer keeps the rest."""
        client, server = self.connect()
        server.transport.pauseProducing()
        spring = Spring(client, 10_000, 1_000_000)
        client.transport.registerProducer(spring, True)
        spring.flow()
        self.assertEqual(spring.left, 1_000_000 - 70_000)
        self.network.advance(60.0)
        self.assertEqual((spring.left, spring.commands), (1_000_000 - 70_000, ["pause"]))
        server.transport.resumeProducing()
        self.network.advance(60.0)
        self.assertEqual((spring.left, server.size), (0, 1_000_000))

    def test_window_per_round_trip(self) -> None:
        """What is read makes room one latency later: at most a window each round trip."""
        self.network.window = 1000
        client, server = self.connect()
        client.transport.write(bytes(2500))
        sizes = []
        for _ in range(6):
            self.network.advance(0.5)
            sizes.append(server.size)
        self.assertEqual(sizes, [1000, 1000, 2000, 2000, 2500, 2500])

    def test_smaller_window(self) -> None:
        """A window made smaller stops the writer until there is room in it."""
        client, server = self.connect()
        client.transport.write(bytes(1000))
        self.network.advance(0)
        self.network.window = 500
        client.transport.write(bytes(1000))
        self.network.advance(0.5)
        self.assertEqual(server.size, 1000)
        self.network.advance(1.0)
        self.assertEqual(server.size, 1500)
        self.network.advance(1.0)
        self.assertEqual(server.size, 2000)

    def test_range(self) -> None:
        """There is no window without room."""
        self.assertRaises(ValueError, MemoryNetwork, window=0)
        self.assertRaises(ValueError, setattr, self.network, "window", 0)


class AnyJourneyTests(SynchronousTestCase):
    """Octets keep their order, whatever the network and the reader do."""

    @settings(max_examples=60, deadline=None)
    @given(
        st.integers(0, 99),
        st.integers(1, 300),
        st.floats(0, 2),
        st.lists(st.tuples(st.binary(max_size=200), st.floats(0, 1), st.booleans()), max_size=20),
    )
    def test_order(
        self, seed: int, window: int, jitter: float, steps: list[tuple[bytes, float, bool]]
    ) -> None:
        """All that was written before the close arrives, in order, and then the end."""
        network = MemoryNetwork(seed=seed, window=window, jitter=jitter)
        here, there = network.host(A), network.host(B)
        server, factory = Talker(), Maker()
        listener = there.listenTCP(80, Maker(server))
        here.connectTCP(B, 80, factory)
        network.run_until(lambda: server.events)
        client = factory.made[0]
        assert isinstance(client, Talker)
        for data, pause, reads in steps:
            client.transport.write(data)
            (server.transport.resumeProducing if reads else server.transport.pauseProducing)()
            network.advance(pause)
        client.transport.loseConnection()
        server.transport.resumeProducing()
        listener.stopListening()
        network.run_until(lambda: server.lost, limit=1e6)
        expected = b"".join(data for data, _, _ in steps)
        self.assertEqual(
            server.events, ["made", *([expected] if expected else []), "lost: ConnectionDone"]
        )
        network.run_until(lambda: client.lost)
        network.assert_quiet()
