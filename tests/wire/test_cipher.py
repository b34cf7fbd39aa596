"""The obfuscations, against published vectors."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.wire.strategies import QUICK
from trailcam.errors import CipherError
from trailcam.wire.cipher import NullCipher, ProprietaryCipher, crc_decrypt, crc_encrypt

KEYS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)

#: Key, clear, wire.
TABLE_VECTORS = [
    ("camera", "f1000000", "2c8ab914"),
    ("camera", "f1300000", "2cba5f5d"),
    ("SHIX", "f1300000", "9fa1eeb9"),
    ("SSD@cs2-network.", "f1300000", "b1a6bb9a"),
    (
        "SSD@cs2-network.",
        "f14100144c42435300000000000000004343434a4a000000",
        "b1d7d1be38bd9a2b5f951eb669dfaa375a6bbe3e76202e13",
    ),
    (
        "camera",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
        "dd6ad8a80fff0e712781027cc35862887378f415ef3aca3e3bbe13a3408c90dc"
        "95990af422ef09f5414d48b50c8931aec8437503a3694aad35b4bf5f6108241b",
    ),
]

CRC_VECTORS = [
    ("EUPRAKM", "00000000", "cc3f42fe73495775"),
    (
        "EUPRAKM",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627",
        "cc3ea8f764b72ef7380d349758979c5ff29510016ebba2f5ba91e40bb677fa0fe471004df969ae6b5f23db4b",
    ),
    ("TRAIL", "00000000", "a0e2f68201d5cdd1"),
    ("A", "00000000", "4e6cd09645cf17ef"),
]


class NullCipherTests(SynchronousTestCase):
    """No encryption."""

    def test_identity(self) -> None:
        """Octets stay what they are, both ways."""
        cipher = NullCipher()
        self.assertEqual(cipher.encrypt(b"\xf1\x30"), b"\xf1\x30")
        self.assertEqual(cipher.decrypt(b"\xf1\x30"), b"\xf1\x30")


class ProprietaryCipherTests(SynchronousTestCase):
    """The table cipher."""

    def test_encrypt(self) -> None:
        """Clear octets become the published ones."""
        for key, clear, wire in TABLE_VECTORS:
            self.assertEqual(ProprietaryCipher(key).encrypt(bytes.fromhex(clear)).hex(), wire)

    def test_decrypt(self) -> None:
        """The published octets become the clear ones."""
        for key, clear, wire in TABLE_VECTORS:
            self.assertEqual(ProprietaryCipher(key).decrypt(bytes.fromhex(wire)).hex(), clear)

    def test_empty(self) -> None:
        """Nothing enciphers to nothing."""
        self.assertEqual(ProprietaryCipher("camera").encrypt(b""), b"")
        self.assertEqual(ProprietaryCipher("camera").decrypt(b""), b"")

    def test_first_octet_tells_the_key(self) -> None:
        """Enciphered whole messages start with an octet that depends on the key alone."""
        firsts = {key: ProprietaryCipher(key).encrypt(b"\xf1")[0] for key, _, _ in TABLE_VECTORS}
        self.assertEqual(firsts, {"camera": 0x2C, "SHIX": 0x9F, "SSD@cs2-network.": 0xB1})

    @QUICK
    @given(KEYS, st.binary(max_size=1300))
    def test_round_trip(self, key: str, clear: bytes) -> None:
        """Whatever the key, decrypting undoes encrypting and keeps the size."""
        cipher = ProprietaryCipher(key)
        wire = cipher.encrypt(clear)
        self.assertEqual(len(wire), len(clear))
        self.assertEqual(cipher.decrypt(wire), clear)


class CRCTests(SynchronousTestCase):
    """The cipher of device logins."""

    def test_encrypt(self) -> None:
        """Clear octets become the published ones, check octets included."""
        for key, clear, wire in CRC_VECTORS:
            self.assertEqual(crc_encrypt(key, bytes.fromhex(clear)).hex(), wire)

    def test_decrypt(self) -> None:
        """The published octets become the clear ones, without the check octets."""
        for key, clear, wire in CRC_VECTORS:
            self.assertEqual(crc_decrypt(key, bytes.fromhex(wire)).hex(), clear)

    def test_wrong_key(self) -> None:
        """Another key leaves other check octets."""
        with self.assertRaises(CipherError):
            crc_decrypt("TRAIL", bytes.fromhex("cc3f42fe73495775"))

    def test_damaged_check(self) -> None:
        """One changed bit in the check octets is noticed."""
        with self.assertRaises(CipherError):
            crc_decrypt("EUPRAKM", bytes.fromhex("cc3f42fe73495774"))

    def test_too_short(self) -> None:
        """Fewer octets than the check takes cannot hold it."""
        for size in range(4):
            with self.assertRaises(CipherError):
                crc_decrypt("EUPRAKM", bytes(size))

    @QUICK
    @given(KEYS, st.binary(max_size=100))
    def test_round_trip(self, key: str, clear: bytes) -> None:
        """Whatever the key, four octets more carry the same clear ones."""
        wire = crc_encrypt(key, clear)
        self.assertEqual(len(wire), len(clear) + 4)
        self.assertEqual(crc_decrypt(key, wire), clear)
