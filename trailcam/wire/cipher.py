"""
The protocol's obfuscations.  None of them hides anything from anybody.

Protocol: obfuscation.
"""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Final

from trailcam.errors import CipherError

# A permutation of 0..255, the same in every implementation of the protocol.
_TABLE: Final = bytes.fromhex(
    "7c9ce84a13dedcb22f2123e4307b3d8cbc0b270c3cf79ae7087196009785efc1"
    "1fc4dba1c2ebd901faba3b05b81587832872d18b5ad6da9358feaacc6e1bf0a3"
    "88ab43c00db545384f502266207f075b14981d9ba72ab9a8cbf1fc4947063eb1"
    "0e043a945eee541134dd4df9ecc7c9e3781a6f706ba4bda95dd5f8e5bb26af42"
    "37d8e1020aae5f1cc573094e6924906d12b319ad748a2940f52dbea559e0f479"
    "d24bce8982488425c6912ba2fb8fe9a6b09e3f65f603312eac0f952c5ced39b7"
    "336c567eb4a0fd7a815351868d9f77ff6a80dfe2bf10d775645776f355cdd0c8"
    "18e6364162cf99f2324c67606192cad3ea637d16b68ed46835c3529d46441e17"
)

_SHUFFLE: Final = bytes.fromhex(
    "95e56197830da7f1d305958bdf136def07610d6d7f67172bc1b5130bdf8b493b"
    "7f07d3026d2f13c56d3dfb0d0b29e94f892fe3e90d836de507538b2595471f29"
)
_CRC_START = (1, 3, 5, 7)
_CRC_PAD = b"\x43" * 4


class NullCipher:
    """No encryption: what TrailCam Go cameras use for whole messages."""

    def encrypt(self, clear: bytes) -> bytes:
        """``clear`` itself."""
        return clear

    def decrypt(self, wire: bytes) -> bytes:
        """``wire`` itself."""
        return wire


class ProprietaryCipher:
    """
    The table cipher: each octet is masked by the octet of the wire before it and a key of four.

    It keeps the length and checks nothing, so any octets can be decrypted.

    :param key: the key text, ASCII; different texts may be the same key.
    """

    def __init__(self, key: str) -> None:
        # The whole key schedule: the mask of an octet, indexed by the wire octet before it.
        masks = bytearray(256)
        for i, shift in enumerate(_fold(key.encode("ascii"))):
            masks[i::4] = (_TABLE[shift:] + _TABLE[:shift])[i::4]
        self._masks = bytes(masks)

    def encrypt(self, clear: bytes) -> bytes:
        """As many octets as ``clear``, masked."""
        masks = self._masks
        prev = 0
        return bytes([prev := octet ^ masks[prev] for octet in clear])

    def decrypt(self, wire: bytes) -> bytes:
        """As many octets as ``wire``, unmasked."""
        # The mask depends on the wire alone, so here one table look-up does it all.
        before = (b"\0" + wire)[: len(wire)].translate(self._masks)
        return _xor(wire, before)


def _fold(key: bytes) -> bytes:
    """Reduce a key text to the four octets that the cipher uses."""
    total = sum(key)
    thirds = sum(c // 3 for c in key)
    return bytes(n & 0xFF for n in (total, -total, thirds, reduce(xor, key, 0)))


def _xor(left: bytes, right: bytes) -> bytes:
    mixed = int.from_bytes(left, "big") ^ int.from_bytes(right, "big")
    return mixed.to_bytes(len(left), "big")


def crc_encrypt(key: str, clear: bytes) -> bytes:
    """
    The cipher of a device's login (CRCEnc): four check octets longer than ``clear``.

    :param key: the key text, ASCII.
    """
    state = _crc_state(key)
    wire = bytearray()
    for octet in clear + _CRC_PAD:
        a, b, c, d = state
        wire.append(octet ^ a ^ b ^ c ^ d)
        state = _crc_step(state, wire[-1])
    return bytes(wire)


def crc_decrypt(key: str, wire: bytes) -> bytes:
    """
    Undo :func:`crc_encrypt`.

    :raises CipherError: when the check octets are missing or wrong, as with a wrong key.
    """
    state = _crc_state(key)
    clear = bytearray()
    for octet in wire:
        a, b, c, d = state
        clear.append(octet ^ a ^ b ^ c ^ d)
        state = _crc_step(state, octet)
    if not clear.endswith(_CRC_PAD):
        raise CipherError("the check octets of the login are wrong: another key, or damaged")
    return bytes(clear[: -len(_CRC_PAD)])


_CrcState = tuple[int, int, int, int]


def _crc_state(key: str) -> _CrcState:
    return reduce(_crc_step, key.encode("ascii"), _CRC_START)


def _crc_step(state: _CrcState, q: int) -> _CrcState:
    a, b, c, d = state
    return (
        _shuffle(b + q % a, q + c % d),
        _shuffle(c + q % b, q + d % a),
        _shuffle(d + q % c, q + a % b),
        _shuffle(a + q % d, q + b % c),
    )


def _shuffle(row: int, column: int) -> int:
    return _SHUFFLE[(row & 7) << 3 | column & 7]
