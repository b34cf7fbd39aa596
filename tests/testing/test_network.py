"""
Tests for the journey of a datagram: delay, chance, hooks and the log.
"""

from __future__ import annotations

from typing import cast

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.testing.case import A, B, C, TwoHosts
from tests.testing.recorder import Echo, Recorder
from trailcam.testing import Datagram, Fate, MemoryNetwork
from trailcam.testing.network import LOG_LIMIT, Plan


class DeliveryTests(TwoHosts):
    """How long a datagram travels."""

    def test_latency(self) -> None:
        """It arrives after the latency, not before."""
        self.network.latency = 0.25
        self.send(b"hello")
        self.network.advance(0.249)
        self.assertEqual(self.receiving.heard, [])
        self.network.advance(0.001)
        self.assertEqual(self.receiving.heard, [(b"hello", (A, 5000))])

    def test_latency_changes(self) -> None:
        """A new latency holds for what is written from then on, even if that overtakes."""
        self.network.latency = 1.0
        self.send(b"slow")
        self.network.latency = 0.1
        self.send(b"fast")
        self.assertEqual(len(self.network.clock.getDelayedCalls()), 1)
        self.network.advance(2.0)
        self.assertEqual(self.receiving.payloads, [b"fast", b"slow"])

    def test_no_latency(self) -> None:
        """Without latency it arrives in the next turn, still not inside of write."""
        self.network.latency = 0.0
        self.send(b"hello")
        self.assertEqual(self.receiving.heard, [])
        self.network.advance(0)
        self.assertEqual(self.receiving.payloads, [b"hello"])

    def test_answer(self) -> None:
        """An answer to the source comes back after a round trip."""
        self.b.listenUDP(7000, Echo())
        self.network.latency = 0.5
        self.send(b"ping", to=(B, 7000))
        self.network.advance(0.999)
        self.assertEqual(self.sending.heard, [])
        self.network.advance(0.001)
        self.assertEqual(self.sending.heard, [(b"ping", (B, 7000))])

    def test_order(self) -> None:
        """Without jitter datagrams keep their order."""
        payloads = [bytes([n]) for n in range(100)]
        self.send(*payloads)
        self.network.advance(1.0)
        self.assertEqual(self.receiving.payloads, payloads)

    def test_jitter(self) -> None:
        """Jitter spreads the arrivals between latency and latency plus jitter."""
        self.network.latency, self.network.jitter = 1.0, 0.5
        payloads = [bytes([n]) for n in range(100)]
        self.send(*payloads)
        self.network.advance(0.999)
        self.assertEqual(self.receiving.heard, [])
        self.network.advance(0.25)
        self.assertIn(len(self.receiving.heard), range(30, 70))
        self.network.advance(0.251)
        self.assertNotEqual(self.receiving.payloads, payloads)
        self.assertEqual(sorted(self.receiving.payloads), payloads)

    def test_payload_is_a_copy(self) -> None:
        """A buffer may be used again as soon as it is written."""
        buffer = bytearray(b"before")
        self.sender.write(cast(bytes, buffer), (B, 6000))
        buffer[:] = b"after!"
        self.network.advance(1.0)
        self.assertEqual(self.receiving.payloads, [b"before"])

    def test_many_in_flight(self) -> None:
        """Thousands of datagrams in flight hold no more than one call on the clock."""
        self.send(*[b""] * 2000)
        self.assertEqual(len(self.network.clock.getDelayedCalls()), 1)
        self.assertEqual(self.a.getDelayedCalls(), [])
        self.network.advance(1.0)
        self.assertEqual(len(self.receiving.heard), 2000)

    def test_failing_call(self) -> None:
        """An error in a delayed call comes out of advance, and leaves the network working."""
        boom = self.network.clock.callLater(0.0005, lambda: 1 / 0)
        self.send(b"survivor")
        self.assertRaises(ZeroDivisionError, self.network.advance, 1.0)
        self.assertEqual((boom.active(), self.receiving.heard), (False, []))
        self.network.advance(1.0)
        self.assertEqual(self.receiving.payloads, [b"survivor"])


class ChanceTests(TwoHosts):
    """Loss and duplication."""

    def test_total_loss(self) -> None:
        """With a loss of 1 nothing arrives."""
        self.network.loss = 1.0
        self.send(b"1", b"2")
        self.network.advance(1.0)
        self.assertEqual(self.receiving.heard, [])
        self.assertEqual(self.fates(), [Fate.LOST] * 2)

    def test_some_loss(self) -> None:
        """The loss is about what was asked for."""
        self.network.loss = 0.25
        self.send(*[b""] * 2000)
        self.network.advance(1.0)
        self.assertIn(len(self.receiving.heard), range(1400, 1600))

    def test_duplicates(self) -> None:
        """With a duplication of 1 everything arrives twice, and the log tells the copies."""
        self.network.duplicate = 1.0
        self.send(b"x")
        self.network.advance(1.0)
        self.assertEqual(self.receiving.payloads, [b"x", b"x"])
        self.assertEqual(self.fates(), [Fate.DELIVERED, Fate.DUPLICATED])

    def test_range(self) -> None:
        """What is no probability and no duration is refused, at any time."""
        for name, value in [
            ("loss", 1.1),
            ("loss", -0.1),
            ("duplicate", 2.0),
            ("latency", -1.0),
            ("jitter", float("nan")),
        ]:
            self.assertRaises(ValueError, setattr, self.network, name, value)
            self.assertRaises(ValueError, MemoryNetwork, **{name: value})

    def test_seed_and_clock_are_fixed(self) -> None:
        """The seed and the clock cannot be changed while things depend on them."""
        for name in ("seed", "clock"):
            with self.assertRaises(attrs.exceptions.FrozenAttributeError):
                setattr(self.network, name, None)

    def test_own_clock(self) -> None:
        """A clock can be shared with others."""
        clock = Clock()
        self.assertIs(MemoryNetwork(clock=clock).clock, clock)


def _chance(
    seed: int, loss: float, duplicate: float, jitter: float
) -> tuple[MemoryNetwork, Recorder]:
    """Send fifty datagrams over a bad network."""
    network = MemoryNetwork(seed=seed, loss=loss, duplicate=duplicate, jitter=jitter)
    receiver = Recorder()
    network.host(B).listenUDP(6000, receiver)
    sender = network.host(A).listenUDP(0, Recorder())
    for n in range(50):
        sender.write(bytes([n]), (B, 6000))
        network.advance(0.01)
    network.advance(jitter + 1.0)
    return network, receiver


class ReproducibilityTests(SynchronousTestCase):
    """Everything random follows from the seed."""

    @settings(max_examples=50, deadline=None)
    @given(
        seed=st.integers(0, 2**32),
        loss=st.floats(0, 1),
        duplicate=st.floats(0, 1),
        jitter=st.floats(0, 2),
    )
    def test_same_again(self, seed: int, loss: float, duplicate: float, jitter: float) -> None:
        """The same seed gives the same story, and the log agrees with what was heard."""
        network, receiver = _chance(seed, loss, duplicate, jitter)
        again, receiver_again = _chance(seed, loss, duplicate, jitter)
        self.assertEqual(network.log, again.log)
        self.assertEqual(receiver.heard, receiver_again.heard)
        fates = [d.fate for d in network.log]
        arrived = fates.count(Fate.DELIVERED) + fates.count(Fate.DUPLICATED)
        self.assertEqual(arrived, len(receiver.heard))
        self.assertEqual(fates.count(Fate.DELIVERED) + fates.count(Fate.LOST), 50)

    def test_other_seed(self) -> None:
        """Another seed gives another story."""
        one, other = (_chance(seed, 0.5, 0.0, 0.0)[1].heard for seed in (1, 2))
        self.assertNotEqual(one, other)


class HookTests(TwoHosts):
    """Tests that decide for themselves what becomes of a datagram."""

    def test_drop(self) -> None:
        """What the predicate says is lost."""
        self.network.drop(lambda d: d.payload == b"bad")
        self.send(b"good", b"bad", b"fine")
        self.network.advance(1.0)
        self.assertEqual(self.receiving.payloads, [b"good", b"fine"])
        self.assertEqual(self.fates(), [Fate.DELIVERED, Fate.LOST, Fate.DELIVERED])

    def test_drop_no_more(self) -> None:
        """Dropping can be stopped, each predicate for itself."""
        stop = self.network.drop(lambda d: d.payload == b"1")
        self.network.drop(lambda d: d.payload == b"2")
        stop()
        self.send(b"1", b"2")
        self.network.advance(1.0)
        self.assertEqual(self.receiving.payloads, [b"1"])

    def test_drop_once(self) -> None:
        """A predicate may stop itself, and the next one is asked all the same."""

        def never(datagram: Datagram) -> bool:
            stop()
            return False

        stop = self.network.drop(never)
        self.network.drop(lambda d: d.payload == b"bad")
        self.send(b"bad")
        self.network.advance(1.0)
        self.assertEqual(self.fates(), [Fate.LOST])

    def test_drop_sees_the_datagram(self) -> None:
        """A predicate gets all there is to know."""
        seen: list[Datagram] = []
        self.network.advance(3.0)

        def look(datagram: Datagram) -> bool:
            seen.append(datagram)
            return False

        self.network.drop(look)
        self.send(b"hello")
        expected = Datagram(3.0, (A, 5000), (B, 6000), b"hello", Fate.IN_FLIGHT)
        self.assertEqual(seen, [expected])

    def test_filter_passes(self) -> None:
        """A filter that says None changes nothing, not even the chance of loss."""
        self.network.filter = lambda d: None
        self.send(b"1")
        self.network.loss = 1.0
        self.send(b"2")
        self.network.advance(1.0)
        self.assertEqual(self.receiving.payloads, [b"1"])

    def test_filter_decides_alone(self) -> None:
        """What a filter lets travel is not subject to chance."""
        self.network.loss, self.network.duplicate, self.network.jitter = 1.0, 1.0, 9.0
        self.network.filter = lambda d: [(0.5, d)]
        self.send(b"sure")
        self.network.advance(0.49)
        self.assertEqual(self.receiving.heard, [])
        self.network.advance(0.01)
        self.assertEqual(self.receiving.payloads, [b"sure"])

    def test_filter_loses(self) -> None:
        """An empty list loses the datagram."""
        self.network.filter = lambda d: []
        self.send(b"gone")
        self.network.advance(1.0)
        self.assertEqual((self.receiving.heard, self.fates()), ([], [Fate.LOST]))

    def test_filter_changes(self) -> None:
        """A filter can multiply, corrupt, redirect and forge."""
        self.open(self.network.host(C), 6000)

        def forge(datagram: Datagram) -> Plan:
            return [
                (0.1, datagram),
                (0.2, datagram),
                (0.3, attrs.evolve(datagram, payload=b"corrupt")),
                (0.4, attrs.evolve(datagram, destination=(C, 6000))),
                (0.5, attrs.evolve(datagram, source=("6.6.6.6", 666))),
            ]

        self.network.filter = forge
        self.send(b"x")
        self.network.advance(1.0)
        me = (A, 5000)
        self.assertEqual(
            self.receiving.heard,
            [(b"x", me), (b"x", me), (b"corrupt", me), (b"x", ("6.6.6.6", 666))],
        )
        delivered = Fate.DELIVERED
        self.assertEqual(
            self.fates(), [delivered, Fate.DUPLICATED, delivered, delivered, delivered]
        )

    def test_filter_removed(self) -> None:
        """Without a filter all is as before."""
        self.network.filter = lambda d: []
        self.network.filter = None
        self.send(b"back")
        self.network.advance(1.0)
        self.assertEqual(self.receiving.payloads, [b"back"])

    def test_drop_comes_first(self) -> None:
        """A filter never sees what is dropped."""
        seen: list[bytes] = []

        def watch(datagram: Datagram) -> None:
            seen.append(datagram.payload)

        self.network.filter = watch
        self.network.drop(lambda d: d.payload == b"1")
        self.send(b"1", b"2")
        self.assertEqual(seen, [b"2"])


class LogTests(TwoHosts):
    """What the network remembers."""

    def test_entry(self) -> None:
        """A datagram is in the log from its writing on, and its fate follows."""
        self.network.advance(2.0)
        self.send(b"hello")
        flying = Datagram(2.0, (A, 5000), (B, 6000), b"hello", Fate.IN_FLIGHT)
        self.assertEqual(self.network.log, [flying])
        self.network.advance(1.0)
        self.assertEqual(self.network.log, [attrs.evolve(flying, fate=Fate.DELIVERED)])

    def test_order_of_writing(self) -> None:
        """The log is in the order of writing, whatever the order of arrival."""
        self.network.filter = lambda d: [(1.0 if d.payload == b"slow" else 0.1, d)]
        self.send(b"slow", b"fast")
        self.network.advance(0.5)
        self.assertEqual(
            [(d.payload, d.fate) for d in self.network.log],
            [(b"slow", Fate.IN_FLIGHT), (b"fast", Fate.DELIVERED)],
        )

    def test_settled_before_heard(self) -> None:
        """Inside of datagramReceived the log tells of the delivery already."""
        fates: list[Fate] = []

        class Look(Recorder):
            def datagramReceived(_, datagram: bytes, addr: tuple[str, int]) -> None:
                fates.extend(self.fates())

        self.b.listenUDP(7000, Look())
        self.send(b"", to=(B, 7000))
        self.network.advance(1.0)
        self.assertEqual(fates, [Fate.DELIVERED])

    def test_bounded(self) -> None:
        """Only so many are kept, and a forgotten one may still arrive."""
        self.send(*[b""] * (LOG_LIMIT + 5))
        self.assertEqual(len(self.network.log), LOG_LIMIT)
        self.network.advance(1.0)
        self.assertEqual(len(self.receiving.heard), LOG_LIMIT + 5)
        self.assertEqual(self.fates(), [Fate.DELIVERED] * LOG_LIMIT)

    def test_copy(self) -> None:
        """The list is the caller's."""
        self.send(b"")
        self.network.log.clear()
        self.assertEqual(len(self.network.log), 1)

    def test_frozen(self) -> None:
        """A datagram cannot be changed."""
        self.send(b"")
        with self.assertRaises(attrs.exceptions.FrozenInstanceError):
            self.network.log[0].payload = b"x"  # type: ignore[misc]

    def test_closing_port(self) -> None:
        """What arrives at a port that is closing is lost, not refused."""
        self.network.latency = 0.0
        self.send(b"")
        self.receiver.stopListening()
        self.network.advance(1.0)
        self.assertEqual((self.fates(), self.sending.refusals), ([Fate.LOST], []))
