"""
The addresses of clients that rendezvous servers have introduced, and the punching of them.

Protocol: sequence "Punch", steps 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from trailcam.connect.pacing import Pace
from trailcam.interfaces import Address

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: Seconds that a candidate is punched.
PUNCHED_FOR = 5.0
#: Seconds after its introduction that a client may come from the host of a candidate.
EXPECTED_FOR = 30.0
#: Candidates at a time, and how many of them may be on one host.
MOST_CANDIDATES = 64
MOST_PER_HOST = 16

_PACE = Pace(first=0.1, factor=1.2, ceiling=0.5)


@attrs.define(eq=False)
class _Candidate:
    """
    One address.

    :ivar introduced: when a server named it last.
    :ivar punches: how many were sent since the punching began.
    :ivar next_punch: the next one, while it is being punched.
    """

    introduced: float
    punches: int = 0
    next_punch: IDelayedCall | None = None


class Candidates:
    """A bounded table; what is older than :data:`EXPECTED_FOR` is forgotten."""

    def __init__(self, reactor: IReactorTime, punch: Callable[[Address], None]) -> None:
        """:param punch: sends one PUNCH_PKT."""
        self._reactor = reactor
        self._punch = punch
        self._known: dict[Address, _Candidate] = {}

    def introduce(self, address: Address) -> bool:
        """
        Begin to punch ``address``, or go on with it.

        :return: whether there was room for it.
        """
        now = self._reactor.seconds()
        candidate = self._known.get(address)
        if candidate is None:
            self._forget_old(now)
            self._make_room(address[0])
            if not self._has_room(address[0]):
                return False
            candidate = self._known[address] = _Candidate(now)
        candidate.introduced = now
        if candidate.next_punch is None:
            candidate.punches = 0
            self._next(address, candidate)
        return True

    def expects(self, host: str) -> bool:
        """Whether a client may come from ``host`` now."""
        now = self._reactor.seconds()
        return any(
            known == host and now < candidate.introduced + EXPECTED_FOR
            for (known, _), candidate in self._known.items()
        )

    def arrived(self, address: Address) -> None:
        """A client came from ``address``, so there is no need to punch it any more."""
        candidate = self._known.get(address)
        if candidate is not None:
            _stop(candidate)

    def clear(self) -> None:
        """Forget all."""
        for candidate in self._known.values():
            _stop(candidate)
        self._known.clear()

    def _has_room(self, host: str) -> bool:
        beside = sum(known == host for known, _ in self._known)
        return beside < MOST_PER_HOST and len(self._known) < MOST_CANDIDATES

    def _make_room(self, host: str) -> None:
        """
        One that is not punched any more goes, the oldest first.

        Else whoever has himself introduced often enough would keep all others away for long.
        """
        if self._has_room(host):
            return
        beside = sum(known == host for known, _ in self._known) >= MOST_PER_HOST
        for address, candidate in self._known.items():
            if candidate.next_punch is None and (not beside or address[0] == host):
                del self._known[address]
                return

    def _forget_old(self, now: float) -> None:
        """None of them is being punched any more: that ends long before."""
        for address, candidate in list(self._known.items()):
            if now >= candidate.introduced + EXPECTED_FOR:
                del self._known[address]

    def _next(self, address: Address, candidate: _Candidate) -> None:
        candidate.next_punch = None
        if self._reactor.seconds() >= candidate.introduced + PUNCHED_FOR:
            return
        delay = _PACE.interval(candidate.punches)
        candidate.punches += 1
        candidate.next_punch = self._reactor.callLater(delay, self._next, address, candidate)
        self._punch(address)


def _stop(candidate: _Candidate) -> None:
    if candidate.next_punch is not None:
        candidate.next_punch.cancel()
        candidate.next_punch = None
