"""How a camera spreads its copies of LAN_TCP_OFFER.  Protocol: LAN and session messages."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

import attrs

#: Copies in one burst, at least and at most.
BURST: Final = (1, 5)

#: Milliseconds from one burst to the next, at least and at most.
PAUSE_MS: Final = (15, 35)

_COPIES_PER_BURST = 3
#: The 17 bursts that 51 copies make lie 325 ms apart, first to last.
_MEAN_PAUSE_MS = 325 / 16


@attrs.frozen
class Burst:
    """
    Some copies sent in one turn.

    :ivar copies: how many.
    :ivar pause: seconds to the next burst; 0 after the last.
    """

    copies: int
    pause: float


def bursts(total: int, rng: random.Random) -> list[Burst]:
    """
    Lay out ``total`` copies, at least one, as the recordings do: 51 of them take 325 ms.

    :param total: copies in all.
    :param rng: decides the size of each burst and the pauses between.
    """
    number = -(-total // _COPIES_PER_BURST)
    copies = _share(total, number, BURST, rng)
    pauses = _share(round((number - 1) * _MEAN_PAUSE_MS), number - 1, PAUSE_MS, rng)
    return [Burst(c, p / 1000) for c, p in zip(copies, [*pauses, 0], strict=True)]


def _share(total: int, parts: int, bounds: tuple[int, int], rng: random.Random) -> Sequence[int]:
    """Cut ``total`` into ``parts`` random pieces within ``bounds``."""
    least, most = bounds
    pieces = [least] * parts
    for _ in range(total - least * parts):
        pieces[rng.choice([i for i, piece in enumerate(pieces) if piece < most])] += 1
    return pieces
