"""
What happens in a race, told as values to whoever listens: the log, a terminal, a test.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from trailcam.errors import AttemptFailed
from trailcam.model import ConnectionMode, Report


@attrs.frozen
class RaceEvent:
    """Anything that happens in a race."""


@attrs.frozen
class RaceStarted(RaceEvent):
    """The race begins; ``modes`` in the order of their start."""

    modes: tuple[ConnectionMode, ...]


@attrs.frozen
class HeatStarted(RaceEvent):
    """One mode begins to try."""

    mode: ConnectionMode


@attrs.frozen
class ProbeSent(RaceEvent):
    """The first probe to one destination port; ``number`` counts from 1."""

    mode: ConnectionMode
    number: int
    local_port: int
    destination_port: int


@attrs.frozen
class HeatWon(RaceEvent):
    """One mode has proved its connection before all others."""

    mode: ConnectionMode
    local_port: int
    destination_port: int
    elapsed: float


@attrs.frozen
class HeatFailed(RaceEvent):
    """One mode has given up."""

    mode: ConnectionMode
    error: AttemptFailed


@attrs.frozen
class HeatAborted(RaceEvent):
    """One mode was stopped: ``winner`` was faster, or (``None``) the whole race was cancelled."""

    mode: ConnectionMode
    winner: ConnectionMode | None


@attrs.frozen
class RaceFinished(RaceEvent):
    """The race is over, and nothing of the losers is left."""

    report: Report


Observer = Callable[[RaceEvent], None]


def ignore(_: RaceEvent) -> None:
    """The observer that does not care."""
