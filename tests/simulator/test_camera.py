"""A simulated camera under fire: octets that are nothing, and crowds."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.rig import PUNCH, READY
from trailcam.simulator.behaviour import Behaviour, Door
from trailcam.simulator.camera import MAX_SEARCHERS, Camera
from trailcam.simulator.counters import Counters
from trailcam.wire.codec import encode
from trailcam.wire.messages import Close, Drw, LanSearch

CLIENT = ("192.0.2.1", 50000)


class Bench:
    """A camera without ports; what it sends is kept."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self.clock = Clock()
        self.counters = Counters()
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.camera = Camera(
            self.clock,
            behaviour or Behaviour.recorded(),
            lambda datagram, client: self.sent.append((datagram, client)),
            random.Random(0),
            self.counters,
        )


_octets = st.one_of(
    st.binary(max_size=64),
    st.binary(min_size=2000, max_size=2100),
    st.builds(
        lambda opcode, length, body: bytes([0xF1, opcode]) + length.to_bytes(2, "big") + body,
        st.integers(0, 255),
        st.integers(0, 65535),
        st.binary(max_size=40),
    ),
    st.builds(
        lambda opcode, body: bytes([0xF1, opcode]) + len(body).to_bytes(2, "big") + body,
        st.sampled_from([0x30, 0x41, 0x42, 0x43, 0xD0, 0xD1, 0xD8, 0xE0, 0xE1, 0xF0, 0xF9]),
        st.binary(max_size=48),
    ),
)


class GarbageTests(SynchronousTestCase):
    """Octets from outside are hostile."""

    @settings(max_examples=200, deadline=None)
    @given(st.lists(_octets, max_size=8), st.sampled_from(Door), st.booleans())
    def test_never_raises(self, datagrams: list[bytes], door: Door, in_session: bool) -> None:
        """Whatever comes, in or out of a session, is counted and nothing raises."""
        bench = Bench()
        if in_session:
            bench.camera.received(encode(PUNCH), CLIENT, Door.SESSION)
        for datagram in datagrams:
            bench.camera.received(datagram, CLIENT, door)
        bench.clock.pump([0.05] * 200)
        counted = bench.counters.malformed + sum(bench.counters.received.values())
        self.assertEqual(counted, len(datagrams) + in_session)
        self.assertEqual(bench.clock.getDelayedCalls(), [])

    def test_malformed(self) -> None:
        """What is no message is counted, and is not answered."""
        bench = Bench()
        for datagram in (b"", b"\xf1", b"GET / HTTP/1.1\r\n", b"\xf1\x41\0\1x", bytes(3000)):
            bench.camera.received(datagram, CLIENT, Door.SESSION)
        self.assertEqual((bench.counters.malformed, bench.sent), (5, []))

    def test_malformed_does_not_keep_alive(self) -> None:
        """Garbage from a client's address does not put off the timeout."""
        bench = Bench()
        bench.camera.received(encode(PUNCH), CLIENT, Door.SESSION)
        for _ in range(73):
            bench.clock.advance(0.1)
            bench.camera.received(b"\xf1\xff\0\0", CLIENT, Door.SESSION)
        bench.clock.advance(0.01)
        self.assertEqual(bench.camera.open_sessions, 0)


class CrowdTests(SynchronousTestCase):
    """What many addresses can make a camera remember."""

    def flood(self, bench: Bench, *datagrams: bytes) -> None:
        """10 000 addresses send the same."""
        for number in range(10_000):
            client = (f"10.0.{number >> 8}.{number & 255}", 1024 + number)
            for datagram in datagrams:
                bench.camera.received(datagram, client, Door.SESSION)

    def test_searches(self) -> None:
        """Only the last 64 searchers are remembered; each got its answer."""
        bench = Bench()
        self.flood(bench, encode(LanSearch()))
        self.assertEqual(bench.camera.searchers, MAX_SEARCHERS)
        self.assertEqual(len(bench.sent), 10_000)
        self.assertEqual(bench.clock.getDelayedCalls(), [])

    def test_punches(self) -> None:
        """Nobody but the first four gets a slot, and only they have timers."""
        bench = Bench()
        self.flood(bench, encode(LanSearch()), encode(PUNCH), encode(READY))
        self.assertEqual(bench.camera.open_sessions, 4)
        self.assertEqual(bench.counters.sessions_refused_full, 2 * 9_996)
        self.assertLessEqual(bench.camera.searchers, MAX_SEARCHERS)
        self.assertLess(len(bench.clock.getDelayedCalls()), 30)

    def test_coming_and_going(self) -> None:
        """Clients that leave leave nothing."""
        bench = Bench(Behaviour.prompt())
        self.flood(bench, encode(LanSearch()), encode(PUNCH), encode(Close()))
        self.assertEqual(bench.counters.sessions_closed_by_client, 10_000)
        self.assertEqual((bench.camera.open_sessions, bench.camera.searchers), (0, 0))
        self.assertEqual(bench.clock.getDelayedCalls(), [])

    def test_forgotten_searcher(self) -> None:
        """A searcher that the crowd pushed out is served as one that did not search."""
        bench = Bench()
        bench.camera.received(encode(LanSearch()), CLIENT, Door.SESSION)
        self.flood(bench, encode(LanSearch()))
        bench.sent.clear()
        bench.camera.received(encode(PUNCH), CLIENT, Door.SESSION)
        self.assertEqual(bench.sent, [(encode(READY), CLIENT)])

    def test_drw_of_one_client(self) -> None:
        """A client that sends DRW as fast as it can is acknowledged as fast."""
        bench = Bench()
        bench.camera.received(encode(PUNCH), CLIENT, Door.SESSION)
        bench.sent.clear()
        for index in range(17_000):
            bench.camera.received(encode(Drw(0, index, b"")), CLIENT, Door.SESSION)
        self.assertEqual(len(bench.sent), 1000)
