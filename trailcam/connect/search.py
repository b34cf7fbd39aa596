"""
Where an attempt looks for the camera: at an address, or by broadcast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import TimeoutError

from trailcam.connect.resolve import resolve
from trailcam.connect.target import Target
from trailcam.errors import AttemptFailed, Cause, Hopeless, NameNotResolved, NoInterface
from trailcam.interfaces import Address
from trailcam.wire.constants import LAN_SEARCH_PORT
from trailcam.wire.messages import Message


class Seeker(Protocol):
    """The attempt, as its search sees it."""

    def tell(self, message: Message, peer: Address) -> None:
        """Send."""

    def found(self, candidate: Address) -> None:
        """Knock there as well."""

    def give_up(self, kind: type[AttemptFailed], message: str) -> None:
        """There is no hope left."""


class Search(Protocol):
    """Finds the addresses to knock at."""

    #: Whether anybody on the network may answer.
    broadcast: bool

    #: Whether a refusal is the last word of an address.
    refusals_count: bool

    async def prepare(self, budget: float) -> None:
        """Resolve names, for at most ``budget`` seconds; raises :class:`Hopeless`."""

    def destinations(self) -> list[Address]:
        """Where to knock from the start; raises :class:`Hopeless`."""

    def begin(self, seeker: Seeker, port: int) -> None:
        """The socket is open, on ``port``."""

    def again(self) -> None:
        """Nothing came for one interval."""

    def takes(self, message: Message, peer: Address) -> bool:
        """Whether this message was for the search."""

    def expects(self, host: str) -> bool:
        """Whether the camera may answer from ``host``."""

    def refused(self, peer: Address, error: int) -> None:
        """A datagram to ``peer`` was refused, with this errno."""

    def end(self) -> None:
        """The attempt is over, one way or the other."""

    def failure(self, elapsed: float) -> Cause | None:
        """What the search knows of why nothing was found; ``None`` leaves it to the attempt."""


class DirectSearch:
    """The ports of one address, or a broadcast, or both."""

    refusals_count = True

    def __init__(
        self, reactor: Any, target: Target, broadcasts: Callable[[], list[str]] | None
    ) -> None:
        """
        :param reactor: provides IReactorTime and, for host names, IReactorPluggableNameResolver.
        :param broadcasts: lists the addresses that a broadcast search goes to; ``None`` for a mode
            that does not broadcast.
        """
        self._reactor = reactor
        self._target = target
        self._broadcasts = broadcasts
        self._host: str | None = None
        self.broadcast = False

    async def prepare(self, budget: float) -> None:
        """Resolve the camera's name."""
        name = self._target.host
        if name is None:
            return
        try:
            self._host = await resolve(self._reactor, name, budget)
        except TimeoutError:
            message = f"the name {name} was not resolved within {budget:.1f} s; is there a network?"
            raise Hopeless(NameNotResolved, message) from None
        if self._host is None:
            message = f"the name {name} has no IPv4 address here; is it spelt right?"
            raise Hopeless(NameNotResolved, message)

    def destinations(self) -> list[Address]:
        """The preferred port first, broadcasts last."""
        asked = [(self._host, port) for port in self._target.ports] if self._host else []
        found = self._broadcast_destinations()
        self.broadcast = bool(found)
        return [*asked, *found]

    def _broadcast_destinations(self) -> list[Address]:
        if self._broadcasts is None or not (self._target.broadcast or self._host is None):
            return []
        found: list[Address] = [(host, LAN_SEARCH_PORT) for host in self._broadcasts()]
        if not found:
            raise Hopeless(NoInterface, "no network interface here can broadcast")
        return found

    def expects(self, host: str) -> bool:
        """From the address that was asked; with a broadcast alone, from anywhere."""
        return self._host is None or host == self._host

    def begin(self, seeker: Seeker, port: int) -> None:
        """All destinations are known already."""

    def again(self) -> None:
        """Nobody else to ask."""

    def takes(self, message: Message, peer: Address) -> bool:
        """No message is for the search."""
        return False

    def refused(self, peer: Address, error: int) -> None:
        """That is the attempt's business."""

    def end(self) -> None:
        """Nothing goes on."""

    def failure(self, elapsed: float) -> Cause | None:
        """Nothing beyond what the attempt has seen."""
        return None
