"""
Counts what hostile or broken peers send, and logs it once per peer and kind.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from trailcam.interfaces import Address

if TYPE_CHECKING:
    from twisted.logger import Logger

_MOST_LINES = 64


class Noise:
    """
    A bounded memory of what was ignored.

    :ivar counts: how many datagrams of each kind were ignored.
    """

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._told: dict[str, set[str]] = {}
        self.counts: Counter[str] = Counter()

    def note(self, peer: Address, kind: str) -> None:
        """Count one ignored datagram; ``kind`` is a word of ours, never the peer's octets."""
        self.counts[kind] += 1
        # Each kind has lines of its own: nobody shall hide a wrong secret behind other noise.
        told = self._told.setdefault(kind, set())
        if peer[0] in told or len(told) >= _MOST_LINES:
            return
        told.add(peer[0])
        self._log.warn("ignoring what {peer} sends: {kind}", peer=peer[0], kind=kind)
