"""Records: writing them, cutting them from streams, and streams that are not as they should be."""

from __future__ import annotations

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trailcam.artemis.record import (
    HEAD_SIZE,
    MAGIC,
    MAX_PAYLOAD,
    MAX_TEXT,
    Record,
    RecordDecoder,
    RecordKind,
    Unfinished,
    payload_limit,
)
from trailcam.errors import LengthMismatch

#: The heartbeat as a client wrote it.
HEARTBEAT = bytes.fromhex(
    "415254454d4953000200000002000000190000004d7a6c423336582f49566f385a7a49357247396a31773d3d00"
)

RECORDS = st.lists(
    st.builds(
        Record,
        kind=st.sampled_from(RecordKind).map(int),
        sequence=st.integers(0, 2**32 - 1),
        payload=st.binary(max_size=60),
    ),
    max_size=6,
)


def fed(*pieces: bytes) -> tuple[list[Record], RecordDecoder]:
    """The records found in the pieces, and the decoder they went through."""
    decoder = RecordDecoder()
    return [record for piece in pieces for record in decoder.feed(piece)], decoder


class EncodingTests(SynchronousTestCase):
    """One record to octets."""

    def test_recorded_heartbeat(self) -> None:
        """The octets are those that a client sent."""
        record = Record(RecordKind.COMMAND, 2, b"MzlB36X/IVo8ZzI5rG9j1w==\0")
        self.assertEqual(record.to_bytes(), HEARTBEAT)

    def test_limits(self) -> None:
        """What no decoder would accept is not written; the limit depends on the kind."""
        self.assertEqual(payload_limit(RecordKind.ANSWER), MAX_TEXT)
        self.assertEqual(payload_limit(RecordKind.FILE), MAX_PAYLOAD)
        payload = bytes(MAX_TEXT + 1)
        self.assertRaises(LengthMismatch, Record(RecordKind.COMMAND, 1, payload).to_bytes)
        written = Record(RecordKind.LIVE, 1, payload).to_bytes()
        self.assertEqual(len(written), HEAD_SIZE + MAX_TEXT + 1)

    def test_frozen(self) -> None:
        """A record does not change."""
        record = Record(2, 1, b"")
        self.assertRaises(attrs.exceptions.FrozenInstanceError, setattr, record, "kind", 3)


class DecodingTests(SynchronousTestCase):
    """Octets to records."""

    def test_one_piece(self) -> None:
        """A whole record in one piece."""
        records, decoder = fed(HEARTBEAT)
        self.assertEqual(records, [Record(2, 2, b"MzlB36X/IVo8ZzI5rG9j1w==\0")])
        self.assertEqual((decoder.skipped, decoder.refused), (0, 0))

    def test_byte_by_byte(self) -> None:
        """The borders of the pieces mean nothing."""
        records, _ = fed(*(bytes([octet]) for octet in HEARTBEAT * 2))
        self.assertEqual([r.sequence for r in records], [2, 2])

    def test_completed_by_the_last_octet(self) -> None:
        """A record comes out with its last octet, not earlier and not later."""
        decoder = RecordDecoder()
        self.assertEqual(decoder.feed(HEARTBEAT[:-1]), [])
        self.assertEqual(len(decoder.feed(HEARTBEAT[-1:])), 1)

    def test_several_in_one_piece(self) -> None:
        """All records of a piece come out, in order."""
        records, _ = fed(b"".join(Record(2, n, b"x" * n).to_bytes() for n in range(4)))
        self.assertEqual(
            [(r.sequence, r.payload) for r in records], [(n, b"x" * n) for n in range(4)]
        )

    def test_undocumented_kind(self) -> None:
        """A kind that nobody has documented is a number."""
        records, _ = fed(Record(77, 1, b"?").to_bytes())
        self.assertEqual(records, [Record(77, 1, b"?")])

    def test_banner_is_skipped(self) -> None:
        """What comes before the first magic belongs to no record."""
        records, decoder = fed(b"ACK", HEARTBEAT)
        self.assertEqual((len(records), decoder.skipped), (1, 3))

    def test_garbage_between(self) -> None:
        """The decoder finds the next magic, and counts what it skipped."""
        records, decoder = fed(HEARTBEAT + bytes(21) + HEARTBEAT, b"\xff" * 500, HEARTBEAT)
        self.assertEqual((len(records), decoder.skipped), (3, 521))

    def test_magic_across_pieces(self) -> None:
        """A magic whose beginning ends a piece of garbage is not skipped with it."""
        for cut in range(1, len(MAGIC)):
            records, decoder = fed(bytes(30) + HEARTBEAT[:cut], HEARTBEAT[cut:])
            self.assertEqual((len(records), decoder.skipped), (1, 30), cut)

    def test_lying_length(self) -> None:
        """A head that promises too much is skipped, and the record behind it found."""
        for kind, limit in ((2, MAX_TEXT), (0, MAX_PAYLOAD)):
            liar = MAGIC + b"".join(n.to_bytes(4, "little") for n in (kind, 1, limit + 1))
            records, decoder = fed(liar + HEARTBEAT)
            self.assertEqual((len(records), decoder.refused), (1, 1))
            self.assertEqual(decoder.skipped, HEAD_SIZE)

    def test_greatest_length(self) -> None:
        """The limit itself is accepted."""
        record = Record(2, 1, bytes(MAX_TEXT))
        self.assertEqual(fed(record.to_bytes())[0], [record])

    def test_garbage_is_not_kept(self) -> None:
        """However much garbage comes, no more is held than might begin a magic."""
        decoder = RecordDecoder()
        for _ in range(100):
            decoder.feed(b"ARTEMIS" * 100)
        self.assertLessEqual(100 * 700 - decoder.skipped, HEAD_SIZE)

    @settings(max_examples=100, deadline=None)
    @given(RECORDS, st.lists(st.integers(1, 50), max_size=40))
    def test_any_cut(self, records: list[Record], cuts: list[int]) -> None:
        """However a stream is cut, the same records come out and nothing is skipped."""
        stream = b"".join(record.to_bytes() for record in records)
        pieces = []
        for cut in cuts:
            pieces.append(stream[:cut])
            stream = stream[cut:]
        found, decoder = fed(*pieces, stream)
        self.assertEqual((found, decoder.skipped), (records, 0))

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.one_of(st.binary(max_size=40), st.just(MAGIC), st.just(HEARTBEAT))))
    def test_anything(self, pieces: list[bytes]) -> None:
        """Nothing is raised, and no octet is counted twice."""
        records, decoder = fed(*pieces)
        taken = decoder.skipped + sum(HEAD_SIZE + len(r.payload) for r in records)
        self.assertLessEqual(taken, sum(map(len, pieces)))


class RestartTests(SynchronousTestCase):
    """A stream that goes on somewhere else."""

    def test_unfinished_record(self) -> None:
        """The record that had begun is handed out, and does not swallow what follows."""
        _, decoder = fed(HEARTBEAT[:30])
        self.assertEqual(decoder.restart(), Unfinished(2, 2, 25, b"MzlB36X/IV"))
        self.assertEqual(len(decoder.feed(HEARTBEAT)), 1)
        self.assertEqual(decoder.skipped, 0)

    def test_head_only(self) -> None:
        """A head without any payload is a record that had begun."""
        _, decoder = fed(HEARTBEAT[:HEAD_SIZE])
        self.assertEqual(decoder.restart(), Unfinished(2, 2, 25, b""))

    def test_too_little_for_a_head(self) -> None:
        """Less than a head is skipped like garbage."""
        _, decoder = fed(HEARTBEAT[: HEAD_SIZE - 1])
        self.assertIsNone(decoder.restart())
        self.assertEqual(decoder.skipped, HEAD_SIZE - 1)

    def test_nothing_buffered(self) -> None:
        """Between two records there is nothing to forget."""
        _, decoder = fed(HEARTBEAT)
        self.assertIsNone(decoder.restart())
        self.assertEqual(decoder.skipped, 0)
