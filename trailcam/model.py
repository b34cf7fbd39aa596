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


@attrs.frozen
class Credentials:
    """
    Who logs in to a camera.

    :ivar token: the session token to use when the login's answer brings none.
    """

    username: str = "admin"
    password: str = attrs.field(default="admin", repr=False)
    token: int | None = attrs.field(default=None, repr=False)


class MediaKind(enum.IntEnum):
    """The ``fileType`` of an item on the camera's card."""

    PHOTO = 0
    VIDEO = 1
    AVI = 2


@attrs.frozen
class MediaItem:
    """
    One photo or video on the camera's card.

    :ivar kind: a :class:`MediaKind`, or the number of one that nobody has documented.
    :ivar directory: ``mediaDirNum``, for example 100.
    :ivar number: ``mediaNum``, for example 318.
    :ivar media_id: ``mediaId``; 0 when the camera did not say.
    :ivar time: ``mediaTime``: seconds since 1970 by the camera's own clock.
    :ivar duration: seconds of a video.
    """

    kind: int
    directory: int
    number: int
    media_id: int = 0
    time: int = 0
    duration: float = 0.0

    @property
    def name(self) -> str:
        """The file's name on the card, without its directory: ``DSCF0318.JPG``."""
        return f"DSCF{self.number:04d}.{_SUFFIXES.get(self.kind, 'BIN')}"


_SUFFIXES: dict[int, str] = {MediaKind.PHOTO: "JPG", MediaKind.VIDEO: "MP4", MediaKind.AVI: "AVI"}
