"""Messages over TCP."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.wire.strategies import QUICK, any_message
from tests.wire.vectors import DID, HOST
from trailcam.errors import BadMagic, CipherError, LengthMismatch, UnknownMessage, WireError
from trailcam.wire.cipher import ProprietaryCipher
from trailcam.wire.codec import encode
from trailcam.wire.messages import (
    Alive,
    Close,
    Drw,
    DrwAck,
    Hello,
    HelloAck,
    Message,
    Psr,
    TcpRlyReq,
)
from trailcam.wire.stream import (
    MAX_FRAME,
    ClearFraming,
    FrameDecoder,
    Framing,
    RelayFraming,
    checksum,
    encode_frame,
)

CLEAR_ALIVE = bytes.fromhex("0004 6800 0000 0000 f1e00000")
STORY: list[Message] = [
    Hello(),
    HelloAck(HOST),
    TcpRlyReq(DID, HOST),
    Alive(),
    Drw(1, 7, bytes(range(256)) * 4),
    Psr(2, 3, bytes(1240)),
    Close(),
]


def relay(key: str = "session key", seed: int = 1) -> RelayFraming:
    """A relay's framing with reproducible seeds."""
    return RelayFraming(key, random.Random(seed))


def fed(framing: Framing, chunks: Iterable[bytes]) -> list[Message]:
    """What a new decoder makes of ``chunks``."""
    decoder = FrameDecoder(framing)
    return [message for chunk in chunks for message in decoder.feed(chunk)]


class ChecksumTests(SynchronousTestCase):
    """The check octets of a relay's frame."""

    def test_empty(self) -> None:
        """Over nothing, the start values."""
        self.assertEqual(checksum(b""), bytes.fromhex("4353"))

    def test_typed(self) -> None:
        """A few octets worked out by hand."""
        # one octet, its own mirror: mixed = 43^01 = 42; a = 42^53; b = 01^42
        self.assertEqual(checksum(b"\x01"), bytes.fromhex("1143"))
        # then the odd one: mixed = 43^01 = 42; a = 42^53 = 11; b = 02^42 = 40; a = 11^02^40
        self.assertEqual(checksum(b"\x01\x02"), bytes.fromhex("5340"))

    @QUICK
    @given(st.binary(max_size=MAX_FRAME))
    def test_step_by_step(self, content: bytes) -> None:
        """Two steps at once come to the same as the rule's single steps."""
        a, b = 0x43, 0x53
        for i, octet in enumerate(content):
            mixed = a ^ octet
            a = mixed ^ b
            if i % 2 == 0:
                b = content[len(content) - 1 - i] ^ mixed
        self.assertEqual(checksum(content), bytes([a, b]))


class ClearTests(SynchronousTestCase):
    """Frames of a camera on the LAN."""

    def test_encode(self) -> None:
        """Length, 68 00, zeros, and the datagram as it is."""
        self.assertEqual(encode_frame(Alive(), ClearFraming()), CLEAR_ALIVE)

    def test_decode(self) -> None:
        """The same, the other way."""
        self.assertEqual(FrameDecoder(ClearFraming()).feed(CLEAR_ALIVE), [Alive()])

    def test_enciphered(self) -> None:
        """A relay's frame is not taken for a clear one."""
        for position in (4, 5, 6, 7):
            frame = bytearray(CLEAR_ALIVE)
            frame[position] = 1
            with self.assertRaises(CipherError):
                FrameDecoder(ClearFraming()).feed(bytes(frame))


class RelayTests(SynchronousTestCase):
    """Frames of a relay."""

    def test_layers(self) -> None:
        """The session's key inside, the seed's hexadecimal text outside, checked outside."""
        frame = encode_frame(Alive(), RelayFraming("session key", FixedBits(0xAB0C)))
        inner = ProprietaryCipher("session key").encrypt(encode(Alive()))
        outer = ProprietaryCipher("AB0C").encrypt(inner)
        self.assertEqual(frame, bytes.fromhex("0004 6800 ab0c") + checksum(outer) + outer)

    def test_story(self) -> None:
        """What one end sends the other end reads, though it has other seeds of its own."""
        stream = b"".join(encode_frame(message, relay(seed=1)) for message in STORY)
        self.assertEqual(fed(relay(seed=2), [stream]), STORY)

    def test_new_seed_each_time(self) -> None:
        """The same message twice is not the same frame twice."""
        framing = relay()
        self.assertNotEqual(encode_frame(Alive(), framing), encode_frame(Alive(), framing))

    def test_check(self) -> None:
        """A wrong check octet, either of them."""
        frame = encode_frame(STORY[1], relay())
        for position in (6, 7):
            damaged = bytearray(frame)
            damaged[position] ^= 1
            with self.assertRaises(CipherError):
                FrameDecoder(relay()).feed(bytes(damaged))

    def test_damaged_content(self) -> None:
        """A changed octet of the content is noticed by the check octets."""
        frame = bytearray(encode_frame(STORY[1], relay()))
        frame[-1] ^= 1
        with self.assertRaises(CipherError):
            FrameDecoder(relay()).feed(bytes(frame))

    def test_other_key(self) -> None:
        """With another key the frame is in order and the message is not."""
        left_out: list[WireError] = []
        decoder = FrameDecoder(relay("another key"), left_out.append)
        self.assertEqual(decoder.feed(encode_frame(Alive(), relay())), [])
        self.assertEqual(len(left_out), 1)

    def test_clear(self) -> None:
        """A clear frame is not taken for a relay's."""
        with self.assertRaises(CipherError):
            FrameDecoder(relay()).feed(CLEAR_ALIVE)


class FixedBits:
    """A generator that always says the same."""

    def __init__(self, bits: int) -> None:
        self.bits = bits

    def getrandbits(self, k: int, /) -> int:
        """The number given, which must fit in ``k`` bits."""
        assert self.bits < 1 << k
        return self.bits


class CutTests(SynchronousTestCase):
    """TCP keeps the octets and forgets the borders."""

    FRAMINGS: tuple[Callable[[], Framing], ...] = (ClearFraming, relay)

    def test_whole(self) -> None:
        """All frames at once."""
        for framing in self.FRAMINGS:
            stream = b"".join(encode_frame(message, framing()) for message in STORY)
            self.assertEqual(fed(framing(), [stream]), STORY)

    def test_octet_by_octet(self) -> None:
        """One octet at a time."""
        for framing in self.FRAMINGS:
            stream = b"".join(encode_frame(message, framing()) for message in STORY)
            octets = (stream[i : i + 1] for i in range(len(stream)))
            self.assertEqual(fed(framing(), octets), STORY)

    @QUICK
    @given(
        st.sampled_from(FRAMINGS),
        st.lists(any_message, max_size=4),
        st.lists(st.integers(0, 6000), max_size=6).map(sorted),
    )
    def test_random_cuts(
        self, framing: Callable[[], Framing], messages: list[Message], cuts: list[int]
    ) -> None:
        """Any messages, cut anywhere."""
        stream = b"".join(encode_frame(message, framing()) for message in messages)
        borders = [0, *cuts, max(len(stream), *cuts, 0)]
        chunks = (stream[a:b] for a, b in pairwise(borders))
        self.assertEqual(fed(framing(), chunks), messages)

    def test_nothing(self) -> None:
        """No octets, no messages."""
        self.assertEqual(FrameDecoder(ClearFraming()).feed(b""), [])

    def test_in_time(self) -> None:
        """A message comes out with its last octet, not later."""
        decoder = FrameDecoder(ClearFraming())
        self.assertEqual(decoder.feed(CLEAR_ALIVE[:-1]), [])
        self.assertEqual(decoder.feed(CLEAR_ALIVE[-1:] + CLEAR_ALIVE[:9]), [Alive()])
        self.assertEqual(decoder.feed(CLEAR_ALIVE[9:]), [Alive()])


class FaultTests(SynchronousTestCase):
    """Streams that cannot be trusted any more."""

    def test_magic(self) -> None:
        """A head without 68 00."""
        for head in ("0004 6900 00000000", "0004 6801 00000000"):
            with self.assertRaises(BadMagic):
                FrameDecoder(ClearFraming()).feed(bytes.fromhex(head))

    def test_bound(self) -> None:
        """A frame too long is refused by its head, before it is waited for."""
        self.assertEqual(FrameDecoder(ClearFraming()).feed(bytes.fromhex("0500680000000000")), [])
        with self.assertRaises(LengthMismatch):
            FrameDecoder(ClearFraming()).feed(bytes.fromhex("0501680000000000"))

    def test_too_long_to_send(self) -> None:
        """A message that fits in a datagram and not in a frame."""
        most = (MAX_FRAME - 8) // 2
        encode_frame(DrwAck(0, (0,) * most), ClearFraming())
        with self.assertRaises(LengthMismatch):
            encode_frame(DrwAck(0, (0,) * (most + 1)), ClearFraming())

    def test_over(self) -> None:
        """After a fault nothing is read any more, and the same fault is told again."""
        decoder = FrameDecoder(ClearFraming())
        with self.assertRaises(BadMagic) as first:
            decoder.feed(CLEAR_ALIVE + bytes(8))
        for data in (CLEAR_ALIVE, b""):
            with self.assertRaises(BadMagic) as again:
                decoder.feed(data)
            self.assertIs(again.exception, first.exception)

    def test_before_the_fault(self) -> None:
        """Messages of earlier calls have been delivered."""
        decoder = FrameDecoder(ClearFraming())
        self.assertEqual(decoder.feed(CLEAR_ALIVE + bytes(7)), [Alive()])
        self.assertRaises(BadMagic, decoder.feed, b"\0")

    @QUICK
    @given(st.sampled_from(CutTests.FRAMINGS), st.lists(st.binary(max_size=60), max_size=10))
    def test_random(self, framing: Callable[[], Framing], chunks: list[bytes]) -> None:
        """Random octets are messages or a WireError, nothing else."""
        try:
            messages = fed(framing(), chunks)
        except WireError:
            return
        self.assertTrue(all(isinstance(message, Message) for message in messages))

    @QUICK
    @given(st.sampled_from(CutTests.FRAMINGS), any_message, st.data())
    def test_mutated(
        self, framing: Callable[[], Framing], message: Message, data: st.DataObject
    ) -> None:
        """A frame with one octet changed is a message, an error or waited for."""
        frame = bytearray(encode_frame(message, framing()))
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
        try:
            messages = fed(framing(), [bytes(frame)])
        except WireError:
            return
        self.assertLessEqual(len(messages), 1)


class UndecodableTests(SynchronousTestCase):
    """Frames in order around messages that are not."""

    UNKNOWN = bytes.fromhex("0004 6800 0000 0000 f1db0000")
    EMPTY = bytes.fromhex("0000 6800 0000 0000")

    def test_left_out(self) -> None:
        """The messages around it are delivered."""
        stream = CLEAR_ALIVE + self.UNKNOWN + self.EMPTY + CLEAR_ALIVE
        self.assertEqual(FrameDecoder(ClearFraming()).feed(stream), [Alive(), Alive()])

    def test_told(self) -> None:
        """Who wants to know is told why."""
        told: list[WireError] = []
        FrameDecoder(ClearFraming(), told.append).feed(self.UNKNOWN + self.EMPTY)
        self.assertEqual([error.code for error in told], ["unknown_message", "truncated"])
        self.assertIsInstance(told[0], UnknownMessage)
