"""The peers' own protocol: what the plain camera and the plain client say, and in which order."""

from __future__ import annotations

import hashlib
import random

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.peers import pppp
from benchmarks.peers.content import FRAME, PERIOD, Content
from benchmarks.peers.outflow import Outflow
from trailcam.wire.codec import decode, encode
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import Drw, DrwAck, P2PRdy


class PpppTests(SynchronousTestCase):
    """Both sides of the wire agree, although they share no code."""

    def test_messages(self) -> None:
        """Octet by octet the package's own."""
        self.assertEqual(pppp.message(pppp.P2P_RDY, pppp.DID), encode(P2PRdy(TRAILCAM_DID)))
        self.assertEqual(pppp.drw(1, 65537, b"abc"), encode(Drw(1, 1, b"abc")))
        self.assertEqual(pppp.drw_ack(2, [1, 65535]), encode(DrwAck(2, (1, 65535))))

    def test_acknowledged(self) -> None:
        """The numbers that the package writes."""
        self.assertEqual(pppp.acknowledged(encode(DrwAck(0, (5, 6, 65535)))), (5, 6, 65535))

    def test_unwrapped(self) -> None:
        """The nearest number with these bits."""
        for index, near, number in ((5, 3, 5), (0, 65535, 65536), (65535, 65536, 65535)):
            self.assertEqual(pppp.unwrapped(index, near), number)

    def test_command(self) -> None:
        """What is asked for; nothing else is taken for it."""
        self.assertEqual(pppp.poured(pppp.pour(3, 1024, 10**10)), (3, 1024, 10**10))
        for other in (b"", b"FCBL", pppp.pour(0, 0, 0)[:-1], b"FCBX" + bytes(12)):
            self.assertIsNone(pppp.poured(other))


class ContentTests(SynchronousTestCase):
    """What is poured out."""

    def test_seed(self) -> None:
        """The same seed, the same octets."""
        self.assertEqual(Content(64).digest(9999), Content(64).digest(9999))
        self.assertNotEqual(Content(64, seed=2).digest(9999), Content(64).digest(9999))

    def test_digest(self) -> None:
        """Of the payloads in order, the last of which is short."""
        content = Content(100)
        whole = b"".join(content.payload(number, 1042) for number in range(11))
        self.assertEqual((len(whole), content.packets(1042)), (1042, 11))
        self.assertEqual(content.digest(1042), hashlib.sha256(whole).hexdigest())

    def test_different(self) -> None:
        """No payload is like another of the same period, nor like the one 65 536 later."""
        content = Content(64)
        payloads = [content.payload(number, 10**9) for number in range(PERIOD)]
        self.assertEqual(len(set(payloads)), PERIOD)
        self.assertNotEqual(content.payload(7, 10**9), content.payload(7 + 65536, 10**9))

    def test_pictures(self) -> None:
        """One in so many begins a picture, and no other looks as if it did."""
        content = Content(64)
        begun = [n for n in range(FRAME * 3) if content.payload(n, 10**9)[:2] == b"\x55\xaa"]
        self.assertEqual(begun, [0, FRAME, 2 * FRAME])


class OutflowTests(SynchronousTestCase):
    """What is sent, and what again."""

    def flow(self, packets: int, window: int, first: int = 0) -> Outflow:
        """Packets that are their own numbers, in two octets."""
        return Outflow(lambda number: number.to_bytes(4, "big"), first, packets, window)

    def numbers(self, datagrams: list[bytes]) -> list[int]:
        """What was sent."""
        return [int.from_bytes(datagram, "big") for datagram in datagrams]

    def test_window(self) -> None:
        """As many as may be unacknowledged, then as many as were."""
        flow = self.flow(10, 4)
        self.assertEqual(self.numbers(flow.launch(0.0)), [0, 1, 2, 3])
        self.assertEqual(flow.launch(0.0), [])
        self.assertEqual(self.numbers(flow.acknowledged([1, 0], 0.0)), [4, 5])

    def test_done(self) -> None:
        """When all have been acknowledged, in whatever order."""
        flow = self.flow(3, 4)
        flow.launch(0.0)
        flow.acknowledged([2, 0], 0.0)
        self.assertFalse(flow.done)
        flow.acknowledged([1, 1, 77], 0.0)
        self.assertTrue(flow.done)
        self.assertIsNone(flow.wake_at)

    def test_overtaken(self) -> None:
        """One is sent again when three that left later have come, and not before."""
        flow = self.flow(8, 8)
        flow.launch(0.0)
        self.assertEqual(flow.acknowledged([1, 2], 0.0), [])
        self.assertEqual(self.numbers(flow.acknowledged([3], 0.0)), [0])
        # What left after the second copy of it decides, not what left before.
        self.assertEqual(flow.acknowledged([4, 5, 6, 7], 0.0), [])
        self.assertEqual(flow.again, 1)

    def test_late(self) -> None:
        """When nothing is heard, all are sent again after 30 ms, or two round trips."""
        flow = self.flow(2, 2)
        flow.launch(1.0)
        self.assertEqual(flow.wake_at, 1.03)
        self.assertEqual(flow.due(1.02), [])
        self.assertEqual(self.numbers(flow.due(1.03)), [0, 1])
        self.assertEqual(flow.wake_at, 1.06)

    def test_slow_link(self) -> None:
        """A measured round trip makes it more patient."""
        flow = self.flow(2, 1)
        flow.launch(0.0)
        flow.acknowledged([0], 0.1)
        wake = flow.wake_at
        assert wake is not None
        self.assertAlmostEqual(wake, 0.3)

    def test_far_ahead(self) -> None:
        """No more than 512 go ahead of a missing one: no index is taken for another."""
        flow = self.flow(10_000, 64)
        most = max(self.numbers(flow.launch(0.0)))
        while True:
            sent = self.numbers(flow.acknowledged([n & 0xFFFF for n in range(1, most + 1)], 0.0))
            fresh = [number for number in sent if number > most]
            if not fresh:
                break
            most = max(fresh)
        self.assertEqual(most, 511)

    def test_any_loss(self) -> None:
        """Everything arrives, over the end of the indexes too, and little is sent twice."""
        for loss in (0.0, 0.05, 0.4):
            chance = random.Random(7)
            flow = self.flow(5000, 64, first=65_000)
            arrived: set[int] = set()
            wire, now = flow.launch(0.0), 0.0
            while not flow.done:
                now += 0.001
                come = [n for n in self.numbers(wire) if chance.random() >= loss]
                arrived.update(come)
                heard = [n & 0xFFFF for n in come if chance.random() >= loss]
                wire = [*flow.acknowledged(heard, now), *flow.due(now)]
            self.assertEqual(arrived, set(range(65_000, 70_000)), loss)
            lost = 1 - (1 - loss) ** 2
            self.assertLessEqual(flow.again, 5000 * lost / (1 - lost) * 1.3, loss)


class DecodingTests(SynchronousTestCase):
    """The package understands the plain camera."""

    def test_decoded(self) -> None:
        """What it sends is what it means."""
        self.assertEqual(decode(pppp.message(pppp.PUNCH_PKT, pppp.DID)).did, TRAILCAM_DID)
        self.assertEqual(decode(pppp.drw(0, 3, pppp.POURED)), Drw(0, 3, pppp.POURED))
