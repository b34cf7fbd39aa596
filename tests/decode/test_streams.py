"""Streams from DRW that come in any order, more than once, or never."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.decode.builders import pieces
from trailcam.artemis.record import Record
from trailcam.decode.packets import Endpoint, Packet
from trailcam.decode.streams import Copy, Found, Hole, Stream


def packet(number: int) -> Packet:
    """A packet of which only the number matters."""
    return Packet(number, None, Endpoint("camera"), Endpoint("client"), b"")


def records(count: int, size: int = 30) -> bytes:
    """A stream of numbered records."""
    return b"".join(Record(5, n, bytes([n % 256]) * size).to_bytes() for n in range(count))


def read(drws: list[tuple[int, bytes]]) -> tuple[list[Found | Hole], Stream]:
    """All that a stream says of DRW that come in this order."""
    stream = Stream()
    items: list[Found | Hole] = []
    for number, (index, payload) in enumerate(drws, 1):
        stream.add(index, packet(number), payload)
        items += stream.settled()
    return [*items, *stream.rest()], stream


def sequences(items: list[Found | Hole]) -> list[int]:
    """The numbers of the records that were found."""
    return [item.record.sequence for item in items if isinstance(item, Found)]


def indexed(stream: bytes, first: int = 0, size: int = 40) -> list[tuple[int, bytes]]:
    """Indexes and payloads of the DRW of a stream."""
    return [((first + n) % 65536, part) for n, part in enumerate(pieces(stream, size))]


class OrderTests(SynchronousTestCase):
    """DRW in disorder."""

    def test_in_order(self) -> None:
        """Records that span packets come out, each with the index that completed it."""
        items, stream = read(indexed(records(3)))
        self.assertEqual([(i.index, i.record.sequence) for i in items if isinstance(i, Found)],
                         [(1, 0), (2, 1), (3, 2)])  # fmt: skip
        self.assertEqual((stream.distinct, stream.repeats, stream.missing), (4, 0, 0))
        self.assertEqual(stream.skipped, 0)

    def test_backwards(self) -> None:
        """The order of arrival does not matter, but for when a record was complete."""
        items, _ = read(indexed(records(3))[::-1])
        self.assertEqual(sequences(items), [0, 1, 2])
        found = [item for item in items if isinstance(item, Found)]
        self.assertEqual([item.packet.number for item in found], [4, 4, 4])

    def test_past_the_wrap(self) -> None:
        """Indexes go on from 65535 to 0, in disorder too."""
        drws = indexed(records(12), first=65530)
        drws[3:9] = drws[3:9][::-1]
        items, stream = read(drws)
        self.assertEqual(sequences(items), list(range(12)))
        self.assertEqual((stream.missing, items[-1].index), (0, len(drws) + 65530 - 1 - 65536))  # type: ignore[union-attr]

    def test_wrap_before_the_first(self) -> None:
        """The first DRW recorded may belong behind the second."""
        drws = indexed(records(3), first=65534)
        items, _ = read([drws[2], drws[0], drws[1], *drws[3:]])
        self.assertEqual(sequences(items), [0, 1, 2])

    def test_twice_around(self) -> None:
        """An index that comes again after a whole cycle is another piece of the stream."""
        step = 16_384
        items, stream = read([(n * step % 65536, records(1)) for n in range(9)])
        self.assertEqual(sequences(items), [0] * 9)
        self.assertEqual((stream.distinct, stream.repeats), (9, 0))
        self.assertEqual(stream.missing, 8 * (step - 1))

    @settings(max_examples=50, deadline=None)
    @given(st.integers(0, 65535), st.randoms(use_true_random=False), st.integers(1, 100))
    def test_any_order(self, first: int, rng: random.Random, size: int) -> None:
        """Copies in any order, some of them twice, give the same records."""
        drws = indexed(records(8), first, size)
        shuffled = [*drws, *rng.sample(drws, len(drws) // 2)]
        rng.shuffle(shuffled)
        items, stream = read(shuffled)
        self.assertEqual(sequences(items), list(range(8)))
        self.assertEqual((stream.distinct, stream.repeats), (len(drws), len(drws) // 2))


class CopyTests(SynchronousTestCase):
    """DRW that come more than once."""

    def test_copies(self) -> None:
        """The first copy counts; the others are compared with it."""
        stream = Stream()
        copies = [stream.add(0, packet(n), data) for n, data in enumerate((b"a", b"a", b"b", b"a"))]
        self.assertEqual(copies, [Copy.FIRST, Copy.SAME, Copy.DIFFERENT, Copy.SAME])
        self.assertEqual((stream.distinct, stream.repeats), (1, 3))

    def test_first_copy_is_read(self) -> None:
        """What a different copy says is not read."""
        items, _ = read([(0, records(1)), (0, Record(5, 9, b"").to_bytes())])
        self.assertEqual(sequences(items), [0])


class HoleTests(SynchronousTestCase):
    """DRW that never come."""

    def test_hole_between_records(self) -> None:
        """Where whole records are missing the others are read."""
        drws = indexed(records(4), size=50)
        del drws[1:3]
        items, stream = read(drws)
        self.assertEqual((sequences(items), stream.missing), ([0, 3], 2))
        self.assertFalse(any(isinstance(item, Hole) for item in items))

    def test_hole_in_a_record(self) -> None:
        """The record that lost its middle is named; its end is skipped, the next one read."""
        drws = indexed(records(3, size=100))
        del drws[1]
        items, stream = read(drws)
        self.assertEqual(sequences(items), [1, 2])
        (hole,) = (item.record for item in items if isinstance(item, Hole))
        self.assertEqual((hole.sequence, hole.length, len(hole.payload)), (0, 100, 20))
        self.assertEqual((stream.missing, stream.skipped), (1, 40))

    def test_only_the_end_of_a_record(self) -> None:
        """A stream that begins in the middle of a record begins with the next one."""
        items, stream = read(indexed(records(3, size=100), first=70)[1:])
        self.assertEqual(sequences(items), [1, 2])
        self.assertEqual((stream.missing, stream.skipped), (0, 80))

    def test_end_in_a_record(self) -> None:
        """A stream that ends in a record says so."""
        items, _ = read(indexed(records(2, size=100))[:-1])
        self.assertEqual([type(item) for item in items], [Found, Hole])

    def test_completed_after_the_hole(self) -> None:
        """A record behind a hole does not wait for what arrived late before it."""
        one = records(1)
        items, _ = read([(5, one), (9, one), (4, one)])
        found = [item for item in items if isinstance(item, Found)]
        self.assertEqual([(i.index, i.packet.number) for i in found], [(4, 3), (5, 3), (9, 2)])


class BannerTests(SynchronousTestCase):
    """The three octets before a camera's first record."""

    def test_banner(self) -> None:
        """The banner is known by index and octets, and belongs to no record."""
        items, stream = read([(0, b"ACK"), (1, records(1))])
        self.assertEqual((sequences(items), stream.banner, stream.skipped), ([0], True, 0))

    def test_not_a_banner(self) -> None:
        """The same octets elsewhere are skipped like others."""
        for first in (1, 65535):
            _, stream = read([(first, b"ACK"), ((first + 1) % 65536, records(1))])
            self.assertEqual((stream.banner, stream.skipped), (False, 3))
        _, stream = read([(0, b"ACK!")])
        self.assertEqual((stream.banner, stream.skipped), (False, 4))


class WindowTests(SynchronousTestCase):
    """Streams too long to be held wholly."""

    def test_long_stream(self) -> None:
        """Of a long stream the beginning is read before the end comes, and little is held."""
        one = records(1)
        stream = Stream()
        found = 0
        most_held = 0
        for index in range(20_000):
            stream.add(index, packet(index), one)
            most_held = max(most_held, index + 1 - found)
            found += len(list(stream.settled()))
        self.assertLessEqual(most_held, 8192)
        self.assertEqual(found + len(list(stream.rest())), 20_000)

    def test_too_late(self) -> None:
        """What comes long after its place was read is counted, and cannot be read any more."""
        stream = Stream()
        for index in range(1, 8193):
            stream.add(index, packet(index), b"")
            list(stream.settled())
        self.assertEqual(stream.add(0, packet(9000), b""), Copy.TOO_LATE)
        self.assertEqual(stream.add(8000, packet(9001), b""), Copy.SAME)
        list(stream.rest())
        self.assertEqual((stream.distinct, stream.missing), (8193, 0))
