"""
The values that travel between the rooms of the package: frozen, comparable, without behaviour.

Seconds are floats, sizes are octets.
"""

from __future__ import annotations

import enum

import attrs


class ConnectionMode(enum.Enum):
    """One way to a camera."""

    P2P = "p2p"
    LAN = "lan"
    RELAY = "relay"

    @property
    def label(self) -> str:
        """The mode's name for people: ``P2P``, ``LAN`` or ``RELAY``."""
        return self.name

    @property
    def thread_name(self) -> str:
        """The key of this mode in ``threads_info``, e.g. ``p2pConnectThread``."""
        return f"{self.value}ConnectThread"


class AttemptState(enum.Enum):
    """Where one mode stands in a race."""

    NOT_STARTED = "not_started"
    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


@attrs.frozen
class Heat:
    """
    One mode's place in a race.

    :ivar delay: seconds after the start of the race at which the mode begins.
    :ivar budget: seconds the mode may run once begun.
    """

    mode: ConnectionMode
    delay: float
    budget: float


@attrs.frozen
class Outcome:
    """
    What one mode did in one past race; the unit of the history.

    :ivar succeeded: true only for a winner.
    :ivar elapsed: seconds the mode ran.
    :ivar round_trip: seconds between a probe and its first answer, when one was measured.
    """

    mode: ConnectionMode
    succeeded: bool
    elapsed: float
    round_trip: float | None = None


@attrs.frozen
class AttemptReport:
    """
    What became of one mode.

    :ivar port: local UDP or TCP port, once one was open.
    :ivar retries: destination ports tried without success when the mode settled.
    :ivar elapsed: seconds from the mode's own start, ``None`` when it had none.
    :ivar error: why it failed, in words a user can act on.
    :ivar code: the stable code of that error.
    :ivar phase: the phase it ended in.
    """

    mode: ConnectionMode
    state: AttemptState = AttemptState.NOT_STARTED
    port: int | None = None
    retries: int = 0
    elapsed: float | None = None
    error: str | None = None
    code: str | None = None
    phase: str | None = None
    round_trip: float | None = None


@attrs.frozen
class Report:
    """
    A whole race.

    :ivar winner: the mode that won, ``None`` when nobody did.
    :ivar elapsed: seconds from the call to the proof of the winner, or to the last failure.
    :ivar attempts: one entry for every :class:`ConnectionMode`, in the order of the enum.
    """

    winner: ConnectionMode | None
    elapsed: float
    attempts: tuple[AttemptReport, ...]

    def attempt(self, mode: ConnectionMode) -> AttemptReport:
        """What became of ``mode``."""
        return next(a for a in self.attempts if a.mode is mode)
