"""Pictures of H.264 made by hand; that decoders accept them was tried with ffmpeg."""

from __future__ import annotations

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trailcam.simulator import aac
from trailcam.simulator.bits import BitWriter
from trailcam.simulator.h264 import Format, filled, key_unit, repeated_unit

TINY = Format(64, 48, 15)
COLOURS = [(170, 90, 90), (0, 0, 0)]


def units(octets: bytes) -> list[bytes]:
    """The NAL units of an access unit."""
    first, *others = octets.split(b"\0\0\0\1")
    assert first == b""
    return others


def types(octets: bytes) -> list[int]:
    """The types of its NAL units."""
    return [unit[0] & 0x1F for unit in units(octets)]


class BitTests(SynchronousTestCase):
    """Bits."""

    def test_order(self) -> None:
        """The most significant bit of an octet is written first."""
        bits = BitWriter()
        bits.write(0b1, 1)
        bits.write(0b0110, 4)
        bits.align(1)
        bits.write_octets(b"x")
        self.assertEqual(bytes(bits.octets), bytes([0b10110111]) + b"x")
        bits.align(0)
        self.assertEqual(len(bits.octets), 2)

    def test_golomb(self) -> None:
        """The first Exp-Golomb numbers of the standard's table, unsigned and signed."""
        for values, write in (((0, 1, 2, 3), "write_ue"), ((0, 1, -1, 2), "write_se")):
            bits = BitWriter()
            for value in values:
                getattr(bits, write)(value)
            bits.align(0)
            self.assertEqual(bytes(bits.octets), bytes([0b10100110, 0b01000000]))

    @settings(max_examples=30, deadline=None)
    @given(
        st.lists(
            st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, 2**n - 1), st.just(n)))
        )
    )
    def test_any(self, pieces: list[tuple[int, int]]) -> None:
        """Whatever is written is there in its order."""
        bits = BitWriter()
        for value, count in pieces:
            bits.write(value, count)
        bits.align(0)
        text = "".join(f"{value:0{count}b}" for value, count in pieces)
        text += "0" * (-len(text) % 8)
        self.assertEqual("".join(f"{octet:08b}" for octet in bits.octets), text)


class PictureTests(SynchronousTestCase):
    """Access units."""

    def test_units(self) -> None:
        """A key picture brings its parameter sets; the others are a slice, as it was recorded."""
        self.assertEqual(types(key_unit(TINY, COLOURS, 0)), [7, 8, 5])
        self.assertTrue(repeated_unit(TINY, 0, 1).startswith(b"\0\0\0\1\x41"))
        self.assertEqual(types(repeated_unit(TINY, 0, 1)), [1])

    def test_octets(self) -> None:
        """These octets were decoded by ffmpeg, at this size and with cropping."""
        for form, digest in ((TINY, "ba4c955c8ca40dbf"), (Format(34, 18, 15), "aadde74c9b9d12f3")):
            octets = key_unit(form, COLOURS, 3) + repeated_unit(form, 3, 1)
            self.assertEqual(hashlib.sha256(octets).hexdigest()[:16], digest)

    def test_no_start_code_within(self) -> None:
        """What looks like a start code in the samples is escaped."""
        for unit in units(key_unit(TINY, [(0, 0, 0), (0, 1, 2)], 0)):
            for wrong in (b"\0\0\0", b"\0\0\1", b"\0\0\2"):
                self.assertNotIn(wrong, unit)

    def test_all_different(self) -> None:
        """A lost, doubled or moved picture can be seen."""
        made = [repeated_unit(TINY, group, n) for group in range(5) for n in range(1, 30)]
        made += [key_unit(TINY, COLOURS, group) for group in range(5)]
        self.assertEqual(len(set(made)), len(made))

    def test_numbers_wrap(self) -> None:
        """Groups and pictures beyond what fits are written modulo that."""
        self.assertEqual(repeated_unit(TINY, 52, 1), repeated_unit(TINY, 0, 1))
        self.assertEqual(key_unit(TINY, COLOURS, 65536), key_unit(TINY, COLOURS, 0))

    def test_filled(self) -> None:
        """Filler data brings a unit to any size for which there is room."""
        unit = repeated_unit(TINY, 0, 1)
        for more in range(6):
            self.assertEqual(filled(unit, len(unit) + more), unit)
        for more in (6, 7, 1000):
            longer = filled(unit, len(unit) + more)
            self.assertEqual(len(longer), len(unit) + more)
            self.assertEqual(types(longer), [1, 12])
            self.assertTrue(longer.startswith(unit))
        self.assertEqual(filled(unit, 0), unit)


class AudioTests(SynchronousTestCase):
    """ADTS."""

    def test_head(self) -> None:
        """16 kHz, mono, and the length of the whole frame."""
        frame = aac.silence()
        self.assertEqual(frame.hex(), "fff16040017ffc00000007")
        self.assertEqual((frame[3] & 3) << 11 | frame[4] << 3 | frame[5] >> 5, len(frame))

    def test_other_rates(self) -> None:
        """Only rates that have a number can be carried."""
        self.assertEqual(aac.adts(b"", 44100, 2)[2] >> 2 & 15, 4)
        self.assertTrue(aac.can_carry(16000))
        self.assertFalse(aac.can_carry(16001))
        self.assertRaises(ValueError, aac.adts, b"", 16001)
