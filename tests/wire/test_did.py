"""Device ids, as text and as octets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.wire.strategies import QUICK, dids
from trailcam.errors import DeviceIDError
from trailcam.wire.did import TRAILCAM_DID, DeviceID

TRAILCAM_OCTETS = bytes.fromhex("4c42435300000000000000004343434a4a000000")

typed_words = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=7)


class TextTests(SynchronousTestCase):
    """Ids that people type and read."""

    def test_parse(self) -> None:
        """The three parts are found."""
        self.assertEqual(DeviceID.parse("VSTB-123456-ABCDE"), DeviceID("VSTB", 123456, "ABCDE"))

    def test_trailcam(self) -> None:
        """The cameras' default id reads and writes as printed on them."""
        self.assertEqual(DeviceID.parse("LBCS-000000-CCCJJ"), TRAILCAM_DID)
        self.assertEqual(str(TRAILCAM_DID), "LBCS-000000-CCCJJ")

    def test_normalised(self) -> None:
        """Lower case and spaces around are forgiven."""
        self.assertEqual(DeviceID.parse("  lbcs-000000-cccjj\n"), TRAILCAM_DID)

    def test_serial_is_padded_to_six_digits(self) -> None:
        """Small numbers get zeros, large ones keep their digits."""
        self.assertEqual(str(DeviceID("A", 42, "B")), "A-000042-B")
        self.assertEqual(str(DeviceID("A", 4294967295, "B")), "A-4294967295-B")

    @QUICK
    @given(typed_words, st.integers(0, 0xFFFFFFFF), typed_words)
    def test_round_trip(self, prefix: str, serial: int, check: str) -> None:
        """What is written can be read."""
        did = DeviceID(prefix, serial, check)
        self.assertEqual(DeviceID.parse(str(did)), did)

    def refused(self, text: str, *said: str) -> None:
        """``text`` is refused with a message that holds each of ``said`` and a good example."""
        with self.assertRaises(DeviceIDError) as caught:
            DeviceID.parse(text)
        for words in (*said, "LBCS-000000-CCCJJ"):
            self.assertIn(words, str(caught.exception))

    def test_parts(self) -> None:
        """Too few or too many parts are counted."""
        self.refused("", "found 1")
        self.refused("LBCS000000CCCJJ", "'LBCS000000CCCJJ'", "3 parts")
        self.refused("LBCS-000000-CCC-JJ", "found 4")

    def test_serial(self) -> None:
        """A number that is none, too short or too long is named."""
        for serial in ("00000A", "00000", "00000000000", "", "००००००"):
            self.refused(f"LBCS-{serial}-CCCJJ", f"serial number {serial!r}")

    def test_serial_out_of_range(self) -> None:
        """A number beyond 32 bits is named."""
        self.refused("LBCS-4294967296-CCCJJ", "4294967296", "32 bits")

    def test_words(self) -> None:
        """Prefix and check code are short, and plain letters or digits."""
        for text in (
            "LBCSLBCS-000000-CCCJJ",
            "-000000-CCCJJ",
            "LBCS-000000-",
            "LBCS-000000-CCCJJCCC",
            "LB S-000000-CCCJJ",
            "LB\0S-000000-CCCJJ",
            "LBCS-000000-CCCß",
            "LBCS-000000-CCCı",
        ):
            self.refused(text, "1 to 7 letters or digits")

    def test_long(self) -> None:
        """Of what is very long only the beginning is shown."""
        for text in ("x" * 100_000, f"A-{'5' * 100_000}-B", f"{'A' * 100_000}-000000-B"):
            with self.assertRaises(DeviceIDError) as caught:
                DeviceID.parse(text)
            self.assertLess(len(str(caught.exception)), 350)
            self.assertIn(text[:99], str(caught.exception))

    def test_is_a_value_error(self) -> None:
        """Who only knows Python's own exceptions can catch it."""
        self.assertRaises(ValueError, DeviceID.parse, "nonsense")


class ValueTests(SynchronousTestCase):
    """Ids built from their parts."""

    def test_frozen(self) -> None:
        """An id does not change."""
        with self.assertRaises(AttributeError):
            TRAILCAM_DID.serial = 1  # type: ignore[misc]

    def test_words(self) -> None:
        """A text that the wire cannot hold is refused at once."""
        for word in ("", "ABCDEFGH", "Ä", "A\0", "A\n"):
            with self.assertRaises(DeviceIDError):
                DeviceID(word, 0, "B")
            with self.assertRaises(DeviceIDError):
                DeviceID("A", 0, word)

    def test_serial(self) -> None:
        """A number that the wire cannot hold is refused at once."""
        for serial in (-1, 1 << 32):
            with self.assertRaises(DeviceIDError):
                DeviceID("A", serial, "B")


class OctetsTests(SynchronousTestCase):
    """Ids on the wire."""

    def test_trailcam(self) -> None:
        """The recorded octets are the cameras' default id."""
        self.assertEqual(DeviceID.from_bytes(TRAILCAM_OCTETS), TRAILCAM_DID)
        self.assertEqual(TRAILCAM_DID.to_bytes(), TRAILCAM_OCTETS)

    def test_serial_is_big_endian(self) -> None:
        """The number stands between the texts, most significant octet first."""
        octets = DeviceID("ABCDEFG", 0x01020304, "TUVWXYZ").to_bytes()
        self.assertEqual(octets, b"ABCDEFG\0\x01\x02\x03\x04TUVWXYZ\0")

    def test_case_is_kept(self) -> None:
        """What a device says of itself comes back octet for octet."""
        octets = b"lbcs\0\0\0\0\0\0\0\x01c c+j\0\0\0"
        self.assertEqual(DeviceID.from_bytes(octets).to_bytes(), octets)

    @QUICK
    @given(dids)
    def test_round_trip(self, did: DeviceID) -> None:
        """What is written can be read."""
        self.assertEqual(DeviceID.from_bytes(did.to_bytes()), did)

    @QUICK
    @given(st.binary(min_size=20, max_size=20) | st.binary(max_size=40))
    def test_any_octets(self, octets: bytes) -> None:
        """Octets are refused, or come back octet for octet."""
        try:
            did = DeviceID.from_bytes(octets)
        except DeviceIDError:
            return
        self.assertEqual(did.to_bytes(), octets)

    def refused(self, octets: bytes) -> None:
        """``octets`` are no id."""
        with self.assertRaises(DeviceIDError):
            DeviceID.from_bytes(octets)

    def test_size(self) -> None:
        """Other sizes are refused."""
        self.refused(TRAILCAM_OCTETS[:-1])
        self.refused(TRAILCAM_OCTETS + b"\0")
        self.refused(b"")

    def test_text_after_padding(self) -> None:
        """Nothing may follow the first NUL."""
        self.refused(b"LBCS\0\0\0X" + TRAILCAM_OCTETS[8:])
        self.refused(TRAILCAM_OCTETS[:12] + b"CC\0JJ\0\0\0")

    def test_not_ascii(self) -> None:
        """Octets above 127 are refused."""
        self.refused(b"LBC\xd6\0\0\0\0" + TRAILCAM_OCTETS[8:])

    def test_control_characters(self) -> None:
        """Octets that would break a line of a log are refused."""
        self.refused(b"LB\nS\0\0\0\0" + TRAILCAM_OCTETS[8:])

    def test_empty_text(self) -> None:
        """Twenty zeros are nobody's id."""
        self.refused(bytes(20))

    def test_no_room_for_the_last_nul(self) -> None:
        """Eight characters leave no NUL at the end, which is always there."""
        self.refused(b"LBCSLBCS" + TRAILCAM_OCTETS[8:])
