"""Tests for :mod:`trailcam.session.drw` and what it is made of."""

from __future__ import annotations

import random
from collections.abc import Iterable
from heapq import heappop, heappush

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trailcam.session.drw import DrwCore
from trailcam.session.incoming import MOST_AHEAD, MOST_WAITING
from trailcam.session.outgoing import WINDOW
from trailcam.session.roundtrip import RoundTrip
from trailcam.wire.codec import decode, encode
from trailcam.wire.constants import MAX_ACK_ENTRIES
from trailcam.wire.messages import Drw, DrwAck, Message

SIZE = 1024


def octets(count: int, seed: int = 0) -> bytes:
    """Octets that do not repeat."""
    return random.Random(seed).randbytes(count)


class SendingTests(SynchronousTestCase):
    """From octets to pieces."""

    def setUp(self) -> None:
        """A fresh core, at a time that is not 0."""
        self.core = DrwCore(SIZE)

    def test_pieces(self) -> None:
        """What is written is cut into pieces, numbered from 0, and sent at once."""
        data = octets(2500)
        sent = self.core.write(3, data, 5.0)
        self.assertEqual(
            sent, [Drw(3, 0, data[:1024]), Drw(3, 1, data[1024:2048]), Drw(3, 2, data[2048:])]
        )

    def test_nothing(self) -> None:
        """Nothing written, nothing sent."""
        self.assertEqual(self.core.write(0, b"", 5.0), [])
        self.assertIsNone(self.core.wake_at)

    def test_channels_count_for_themselves(self) -> None:
        """Each channel has its own numbers."""
        self.core.write(0, b"a", 5.0)
        self.assertEqual(self.core.write(1, b"b", 5.0), [Drw(1, 0, b"b")])
        self.assertEqual(self.core.write(0, b"c", 5.0), [Drw(0, 1, b"c")])

    def test_window(self) -> None:
        """No more fly than the window has room for; each acknowledgment lets another one go."""
        sent = self.core.write(0, octets(100 * SIZE), 5.0)
        self.assertEqual(len(sent), WINDOW)
        self.assertEqual(self.core.outgoing[0].waiting, (100 - WINDOW) * SIZE)
        more = self.core.receive_ack(DrwAck(0, (0, 5)), 5.01)
        self.assertEqual([m.index for m in more if isinstance(m, Drw)], [WINDOW, WINDOW + 1])

    def test_far_ahead(self) -> None:
        """The newest is never further than two windows from a missing one."""
        self.core.write(0, octets(1000 * SIZE), 5.0)
        for index in range(1, 2 * WINDOW):
            last = self.core.receive_ack(DrwAck(0, (index,)), 5.01)
        self.assertEqual(last, [])
        more = self.core.receive_ack(DrwAck(0, (0,)), 5.02)
        self.assertEqual(len(more), WINDOW)

    def test_sent_again(self) -> None:
        """Without an acknowledgment it is sent again, the same octets, later and later."""
        [drw] = self.core.write(0, b"a", 5.0)
        times = []
        for _ in range(6):
            wake_at = self.core.wake_at
            assert wake_at is not None
            times.append(round(wake_at - 5, 4))
            self.assertEqual(self.core.wake(wake_at), [drw])
        self.assertEqual(times, [0.1, 0.2, 0.3, 0.4, 0.55, 0.775])
        self.assertEqual(self.core.outgoing[0].resent, 6)

    def test_overtaken(self) -> None:
        """What eight later pieces have overtaken is sent again after a little more than a trip."""
        self.core.write(0, octets(20 * SIZE), 5.0)
        again = [self.core.receive_ack(DrwAck(0, tuple(range(1, 8))), 5.02)]
        self.assertEqual(self.core.wake_at, 5.0 + self.core.trip.timeout)
        again.append(self.core.receive_ack(DrwAck(0, (8,)), 5.02))
        self.assertEqual(list(map(list, again)), [[], []])
        wake_at = self.core.wake_at
        assert wake_at is not None
        self.assertEqual(round(wake_at, 6), 5.025)
        self.assertEqual([m.index for m in self.core.wake(5.026) if isinstance(m, Drw)], [0])
        self.assertEqual(self.core.outgoing[0].resent, 1)

    def test_overtaken_and_due(self) -> None:
        """An acknowledgment that says so after that time brings the piece at once."""
        self.core.write(0, octets(20 * SIZE), 5.0)
        self.core.receive_ack(DrwAck(0, tuple(range(1, 8))), 5.02)
        again = self.core.receive_ack(DrwAck(0, (8,)), 5.03)
        self.assertEqual([m.index for m in again if isinstance(m, Drw)], [0])

    def test_overtaken_again(self) -> None:
        """The second copy is overtaken by what was sent after it, not by what was before."""
        self.core.write(0, octets(20 * SIZE), 5.0)
        self.core.receive_ack(DrwAck(0, (*range(1, 10),)), 5.02)
        self.core.wake(5.03)
        self.core.receive_ack(DrwAck(0, (*range(10, 20),)), 5.03)
        self.assertEqual(self.core.wake(5.031), [])

    def test_loss_is_no_slowness(self) -> None:
        """Overtaken pieces do not make the wait longer, however many."""
        self.core.write(0, octets(60 * SIZE), 5.0)
        for start in range(0, 50, 10):
            self.core.receive_ack(DrwAck(0, (*range(start + 1, start + 10),)), 5.02)
            timeout = self.core.trip.timeout
            self.core.wake(5.025)
            self.assertEqual(self.core.trip.timeout, timeout)

    def test_the_last_ones_acknowledged_later(self) -> None:
        """Who acknowledges what is left over a tick later is not sent it twice."""
        self.core.write(0, octets(100 * WINDOW * SIZE), 5.0)
        left = WINDOW % MAX_ACK_ENTRIES
        for start in range(0, 90 * WINDOW, WINDOW):
            now = 5.0 + start / WINDOW * 0.11
            early = range(start, start + WINDOW - left)
            for first in early[::MAX_ACK_ENTRIES]:
                numbers = tuple(range(first, first + MAX_ACK_ENTRIES))
                self.core.receive_ack(DrwAck(0, numbers), now + 0.1)
            self.core.wake(now + 0.105)
            self.core.wake(now + 0.109)
            late = tuple(range(start + WINDOW - left, start + WINDOW))
            self.core.receive_ack(DrwAck(0, late), now + 0.11)
        self.assertLess(self.core.outgoing[0].resent, 2 * WINDOW)

    def test_slow_path(self) -> None:
        """A round trip of more than a second is learnt, and then nothing is sent twice."""
        now, resent = 5.0, []
        for index in range(30):
            self.core.write(0, b"a", now)
            answer = now + 1.5
            while (wake_at := self.core.wake_at) is not None and wake_at < answer:
                self.core.wake(wake_at)
            now = answer
            self.core.receive_ack(DrwAck(0, (index,)), now)
            resent.append(self.core.outgoing[0].resent)
        self.assertEqual(resent[-1], resent[5])

    def test_not_too_early(self) -> None:
        """Waking before the time does nothing."""
        self.core.write(0, b"a", 5.0)
        self.assertEqual(self.core.wake(5.09), [])

    def test_acknowledged(self) -> None:
        """Then there is nothing to do; another copy of the acknowledgment changes nothing."""
        self.core.write(0, b"a", 5.0)
        for _ in range(2):
            self.assertEqual(list(self.core.receive_ack(DrwAck(0, (0, 0)), 5.02)), [])
            self.assertIsNone(self.core.wake_at)

    def test_measured(self) -> None:
        """The round trip is measured, but not with what was sent twice: which copy was it?"""
        self.core.write(0, b"a", 5.0)
        self.core.wake(5.1)
        self.core.receive_ack(DrwAck(0, (0,)), 5.11)
        self.assertIsNone(self.core.trip.smoothed)
        self.core.write(0, b"b", 6.0)
        self.core.receive_ack(DrwAck(0, (1,)), 6.25)
        self.assertEqual(self.core.trip.smoothed, 0.25)

    def test_acknowledgment_of_nothing(self) -> None:
        """Indexes that nobody sent are ignored, however many."""
        self.core.write(0, b"a", 5.0)
        self.core.receive_ack(DrwAck(0, tuple(range(1, 1000))), 5.0)
        self.core.receive_ack(DrwAck(7, (0,)), 5.0)
        self.assertIsNotNone(self.core.wake_at)

    def test_past_the_wrap(self) -> None:
        """The 65537th piece has the index 0 again, and is another one."""
        now = 0.0
        for number in range(70_000):
            [drw] = self.core.write(0, b"x", now)
            assert isinstance(drw, Drw)
            self.assertEqual(drw.index, number % 65536)
            self.core.receive_ack(DrwAck(0, (drw.index,)), now)
        self.assertIsNone(self.core.wake_at)


class ReceivingTests(SynchronousTestCase):
    """From pieces to octets."""

    def setUp(self) -> None:
        """A fresh core."""
        self.core = DrwCore(SIZE)

    def receive(self, *indexes: int, now: float = 5.0) -> bytes:
        """Let pieces come whose payload is their index; the result is what is in order then."""
        for index in indexes:
            self.core.receive_drw(Drw(0, index, b"%d " % index), now)
        incoming = self.core.incoming[0]
        return incoming.take() if incoming.ready else b""

    def acks(self, now: float) -> list[Message]:
        """What is acknowledged by then."""
        return self.core.wake(now)

    def test_in_order(self) -> None:
        """What comes in order is ready at once."""
        self.assertEqual(self.receive(0), b"0 ")
        self.assertEqual(self.receive(1, 2), b"1 2 ")

    def test_out_of_order(self) -> None:
        """What comes early waits for what is missing."""
        self.assertEqual(self.receive(2, 1), b"")
        self.assertEqual(self.receive(0), b"0 1 2 ")

    def test_doubled(self) -> None:
        """A copy is dropped and acknowledged: the first acknowledgment may have been lost."""
        self.assertEqual(self.receive(0, 0, 1, 2, 1), b"0 1 2 ")
        self.assertEqual(self.acks(5.01), [DrwAck(0, (0, 0, 1, 2, 1))])
        self.assertEqual(self.core.incoming[0].doubled, 2)

    def test_acknowledged_together(self) -> None:
        """Up to 17 go into one DRW_ACK, the rest 10 ms after the first of them came."""
        acks = [self.core.receive_drw(Drw(0, n, b"x"), 5.0) for n in range(20)]
        self.assertEqual(
            [a for a in acks if a is not None], [DrwAck(0, tuple(range(MAX_ACK_ENTRIES)))]
        )
        self.assertEqual(self.core.wake_at, 5.01)
        self.assertEqual(self.acks(5.01), [DrwAck(0, (17, 18, 19))])
        self.assertIsNone(self.core.wake_at)

    def test_gap_filled(self) -> None:
        """The piece that was missing is acknowledged at once: the sender may wait for just that."""
        for index in (0, 2):
            self.assertIsNone(self.core.receive_drw(Drw(0, index, b"x"), 5.0))
        self.assertEqual(self.core.receive_drw(Drw(0, 1, b"x"), 5.001), DrwAck(0, (0, 2, 1)))
        self.assertIsNone(self.core.wake_at)

    def test_acknowledged_at_once(self) -> None:
        """Without a delay nothing waits."""
        core = DrwCore(SIZE, ack_delay=0)
        self.assertEqual(core.receive_drw(Drw(0, 0, b"x"), 5.0), DrwAck(0, (0,)))
        self.assertIsNone(core.wake_at)

    def test_channels_are_acknowledged_apart(self) -> None:
        """A DRW_ACK is about one channel."""
        self.core.receive_drw(Drw(0, 0, b"x"), 5.0)
        self.core.receive_drw(Drw(6, 0, b"y"), 5.005)
        self.assertEqual(self.acks(5.01), [DrwAck(0, (0,)), DrwAck(6, (0,))])

    def test_no_room(self) -> None:
        """While nobody reads, what comes is not acknowledged any more, and not kept."""
        incoming = self.core.incoming[0]
        index = 0
        while incoming.waiting < MOST_WAITING:
            self.core.receive_drw(Drw(0, index, bytes(SIZE)), 5.0)
            index += 1
        self.acks(5.01)
        for late in (index, index + 1):
            self.assertIsNone(self.core.receive_drw(Drw(0, late, bytes(SIZE)), 5.02))
        self.assertEqual((self.acks(6.0), incoming.refused), ([], 2))
        incoming.take()
        self.core.receive_drw(Drw(0, index, bytes(SIZE)), 6.0)
        self.assertEqual(self.acks(6.01), [DrwAck(0, (index,))])

    def test_too_early(self) -> None:
        """What is too far ahead is not kept."""
        self.receive(MOST_AHEAD, MOST_AHEAD + 1, 30_000)
        self.assertEqual(self.acks(6.0), [])
        self.receive(MOST_AHEAD - 1)
        self.assertEqual(self.acks(7.0), [DrwAck(0, (MOST_AHEAD - 1,))])

    def test_finish(self) -> None:
        """At the end what waits is acknowledged, and nothing else is said."""
        self.receive(0)
        self.core.write(1, b"z", 5.0)
        self.assertEqual(list(self.core.finish()), [DrwAck(0, (0,))])
        self.assertIsNone(self.core.wake_at)


class Path:
    """
    Two cores, and a path between them that loses, doubles and delays what they say.

    :ivar got: what each received on channel 4.
    """

    def __init__(self, rng: random.Random, loss: float, late: float) -> None:
        """
        :param loss: chance that a datagram is lost.
        :param late: chance that one takes up to 50 ms instead of 1 ms.
        """
        self.cores = (DrwCore(SIZE), DrwCore(SIZE, trip=RoundTrip(0.04, patient=False)))
        self.got = [b"", b""]
        self._rng = rng
        self._loss = loss
        self._late = late
        self._now = 0.0
        self._sent = 0
        # Time of arrival, a number of its own, who receives it, datagram
        self._way: list[tuple[float, int, int, bytes]] = []

    def write(self, side: int, data: bytes) -> None:
        """Write on channel 4 of one side."""
        self._send(1 - side, self.cores[side].write(4, data, self._now))

    def run(self) -> None:
        """Until there is nothing more to do."""
        while self._step():
            pass

    def _send(self, to: int, messages: Iterable[Message]) -> None:
        for message in messages:
            for _ in range(1 + (self._rng.random() < 0.02)):
                if self._rng.random() >= self._loss:
                    late = self._rng.random() < self._late
                    arrival = self._now + (self._rng.random() * 0.05 if late else 0.001)
                    self._sent += 1
                    heappush(self._way, (arrival, self._sent, to, encode(message)))

    def _step(self) -> bool:
        wakes = [(core.wake_at, n) for n, core in enumerate(self.cores) if core.wake_at is not None]
        if not self._way and not wakes:
            return False
        if not wakes or (self._way and self._way[0][0] <= min(wakes)[0]):
            self._now, _, side, datagram = heappop(self._way)
            self._send(1 - side, self._hear(side, decode(datagram)))
        else:
            wake_at, side = min(wakes)
            self._now = max(self._now, wake_at)
            self._send(1 - side, self.cores[side].wake(self._now))
        return True

    def _hear(self, side: int, message: Message) -> Iterable[Message]:
        core = self.cores[side]
        if isinstance(message, DrwAck):
            return core.receive_ack(message, self._now)
        assert isinstance(message, Drw)
        ack = core.receive_drw(message, self._now)
        if core.incoming[4].ready:
            self.got[side] += core.incoming[4].take()
        return () if ack is None else (ack,)


class DeliveryTests(SynchronousTestCase):
    """Two cores and what is between them."""

    @settings(max_examples=30, deadline=None)
    @given(
        st.integers(0, 2**32),
        st.sampled_from((0.0, 0.05, 0.4)),
        st.sampled_from((0.0, 0.3)),
        st.sampled_from((0, 1, 70_000, 300_000)),
    )
    def test_every_octet(self, seed: int, loss: float, late: float, size: int) -> None:
        """Each octet arrives once and in order, whatever is lost, late or doubled on the way."""
        path = Path(random.Random(seed), loss, late)
        there, back = octets(size, seed), octets(size // 3, seed + 1)
        path.write(0, there)
        path.write(1, back)
        path.run()
        self.assertEqual(path.got, [back, there])
