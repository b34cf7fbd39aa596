"""What generated photos and videos show: a colour of their own, and photos their number."""

from __future__ import annotations

import random
from typing import Final

from trailcam.simulator.h264 import Colour
from trailcam.simulator.jpeg import SQUARE, make_jpeg, padded

#: Pixels.
PHOTO_SIZE: Final = (640, 480)
THUMBNAIL_SIZE: Final = (320, 240)

#: Digits, three squares wide and five high; each number is a row, the left square its highest bit.
_DIGITS = (
    (7, 5, 5, 5, 7),
    (2, 6, 2, 2, 7),
    (7, 1, 7, 4, 7),
    (7, 1, 7, 1, 7),
    (5, 5, 7, 1, 1),
    (7, 4, 7, 1, 7),
    (7, 4, 7, 5, 7),
    (7, 1, 1, 2, 2),
    (7, 5, 7, 5, 7),
    (7, 5, 7, 1, 7),
)
_DIGIT_WIDTH = 4
_DIGIT_HEIGHT = 5
_MARGIN = 2

_WHITE: Colour = (235, 128, 128)

#: Steps through the colours that come back to the first after 241 numbers only.
_BLUE_STEP = 67
_RED_STEP = 151


def colour_of(number: int) -> Colour:
    """The colour of what has this number; neighbours differ."""
    return 110, 40 + number * _BLUE_STEP % 176, 40 + number * _RED_STEP % 176


def stripes_of(number: int) -> list[Colour]:
    """The stripes of a video: one of its own colour, and darker ones."""
    _, blue, red = colour_of(number)
    return [(luma, blue, red) for luma in (170, 130, 90, 50)]


def photo_of(number: int, size: int, rng: random.Random) -> bytes:
    """A photo of ``size`` octets or, if those are too few, of about 11 KB."""
    return padded(_numbered(number, PHOTO_SIZE), size, rng)


def thumbnail_of(number: int, size: int, rng: random.Random) -> bytes:
    """A thumbnail of ``size`` octets or, if those are too few, of about 3 KB."""
    return padded(_numbered(number, THUMBNAIL_SIZE), size, rng)


def _numbered(number: int, pixels: tuple[int, int]) -> bytes:
    columns, rows = (side // SQUARE for side in pixels)
    text = [_DIGITS[int(digit)] for digit in str(number)]
    scale = max(1, (columns - 2 * _MARGIN) // (_DIGIT_WIDTH * max(4, len(text))))
    luma, blue, red = colour_of(number)

    def paint(column: int, row: int) -> Colour:
        x, y = (column - _MARGIN) // scale, (row - _MARGIN) // scale
        place, part = divmod(x, _DIGIT_WIDTH)
        within = 0 <= place < len(text) and 0 <= y < _DIGIT_HEIGHT
        if within and text[place][y] << part & 0b100:
            return _WHITE
        return luma - 60 * row // rows, blue, red

    return make_jpeg(columns, rows, paint)
