"""
JPEG made by hand: pictures of 8x8-pixel squares of one colour each, that decoders accept.

Comments bring a picture to any size.  Baseline, three components, not subsampled.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from typing import Final, TypeAlias

from trailcam.simulator.bits import BitWriter

#: Pixels of a square's side.
SQUARE: Final = 8

#: The colour (Y, Cb, Cr) of the square in a column and a row.
Painter: TypeAlias = Callable[[int, int], tuple[int, int, int]]

_START = b"\xff\xd8"
_END = b"\xff\xd9"
_COMMENT = 0xFE

#: JFIF 1.1 without a density or a thumbnail.
_JFIF = b"JFIF\0\1\1\0\0\1\0\1\0\0"

#: With 8 as the quantizer of the DC coefficient, a step of it is a step of the colour.
_QUANTIZERS = b"\0" + bytes([8]) * 64

#: Of differences, by their size in bits: how many codes of each length, and the standard codes.
_DC_TABLE = b"\0" + bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]) + bytes(range(12))
_DC_CODES = (
    (0b00, 2),
    (0b010, 3),
    (0b011, 3),
    (0b100, 3),
    (0b101, 3),
    (0b110, 3),
    (0b1110, 4),
    (0b11110, 5),
    (0b111110, 6),
)
#: Of all other coefficients there is but one code: no more of them.
_AC_TABLE = b"\x10" + bytes([1]) + bytes(15) + b"\0"
_NO_MORE = (0b0, 1)

#: The largest comment and what it costs: marker and length.
_MAX_COMMENT = 65533
_COMMENT_COST = 4


def make_jpeg(columns: int, rows: int, paint: Painter) -> bytes:
    """
    Make a picture.

    :param columns: squares in a row.
    :param rows: rows of squares.
    """
    components = b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    frame = struct.pack(">BHHB", 8, rows * SQUARE, columns * SQUARE, 3) + components
    scan = b"\3" + b"".join(bytes([number, 0]) for number in (1, 2, 3)) + b"\0\x3f\0"
    return b"".join(
        (
            _START,
            _segment(0xE0, _JFIF),
            _segment(0xDB, _QUANTIZERS),
            _segment(0xC0, frame),
            _segment(0xC4, _DC_TABLE),
            _segment(0xC4, _AC_TABLE),
            _segment(0xDA, scan),
            _squares(columns, rows, paint),
            _END,
        )
    )


def padded(jpeg: bytes, size: int, rng: random.Random) -> bytes:
    """
    ``jpeg`` with comments up to ``size`` octets, if it is shorter and there is room.

    :param rng: decides what the comments say.
    """
    comments = []
    missing = size - len(jpeg)
    while missing >= _COMMENT_COST:
        text = min(missing - _COMMENT_COST, _MAX_COMMENT)
        if 0 < missing - _COMMENT_COST - text < _COMMENT_COST:
            text -= _COMMENT_COST  # leave room for a last one
        # Some readers look for markers in comments, too.
        comments.append(_segment(_COMMENT, rng.randbytes(text).replace(b"\xff", b"\0")))
        missing -= _COMMENT_COST + text
    return _START + b"".join(comments) + jpeg[len(_START) :]


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _squares(columns: int, rows: int, paint: Painter) -> bytes:
    bits = BitWriter()
    before = [128, 128, 128]
    for row in range(rows):
        for column in range(columns):
            colour = paint(column, row)
            for component, value in enumerate(colour):
                _difference(bits, value - before[component])
            before = list(colour)
    bits.align(1)
    return bytes(bits.octets).replace(b"\xff", b"\xff\0")


def _difference(bits: BitWriter, difference: int) -> None:
    size = abs(difference).bit_length()
    bits.write(*_DC_CODES[size])
    if size:
        bits.write(difference if difference > 0 else difference + (1 << size) - 1, size)
    bits.write(*_NO_MORE)
