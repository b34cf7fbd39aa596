"""
What a simulated camera does, as one frozen value.

Every number of :meth:`Behaviour.recorded` was measured on real cameras; every other field is a
fault or a shortcut that a test, a benchmark or the demonstration asks for.  Seconds are floats.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs
from attrs.validators import optional

from trailcam.wire.did import TRAILCAM_DID, DeviceID


class Door(enum.Enum):
    """A port on which a camera listens."""

    SEARCH = "search"
    SESSION = "session"


def _device_id(value: DeviceID | str) -> DeviceID:
    return DeviceID.parse(value) if isinstance(value, str) else value


def _door_set(value: Any) -> Any:
    try:
        return frozenset(value)
    except TypeError:
        return value  # for the check to refuse by name


_Check: TypeAlias = Callable[["Behaviour", "attrs.Attribute[Any]", Any], None]


def _must_be(wish: str, holds: Callable[[Any], bool]) -> _Check:
    """A check that names the option and says what would be right."""

    def check(_behaviour: Behaviour, attribute: attrs.Attribute[Any], value: Any) -> None:
        try:
            good = holds(value)
        except TypeError:  # it cannot even be compared
            good = False
        if not good:
            raise ValueError(f"{attribute.name} must be {wish}, not {value!r}")

    return check


_time = _must_be("a time of 0 s or more", lambda seconds: 0 <= seconds < math.inf)
_period = _must_be("longer than 0 s", lambda seconds: 0 < seconds < math.inf)
_period_or_none: Any = optional(_period)
_chance = _must_be("a chance from 0 to 1", lambda chance: 0 <= chance <= 1)
_count = _must_be("a whole number of 0 or more", lambda n: isinstance(n, int) and n >= 0)
_positive = _must_be("a whole number of 1 or more", lambda n: isinstance(n, int) and n >= 1)
_port = _must_be("a port from 0 to 65535", lambda n: isinstance(n, int) and 0 <= n <= 65535)
_switch = _must_be("True or False", lambda value: isinstance(value, bool))
_did = _must_be("a device id", lambda value: isinstance(value, DeviceID))
_doors = _must_be(
    "a set of Door",
    lambda doors: isinstance(doors, frozenset) and all(isinstance(d, Door) for d in doors),
)


@attrs.frozen(kw_only=True)
class Behaviour:
    """
    The options of a simulated camera; all of them combine.

    A wrong value raises :class:`ValueError` naming the option.

    :ivar did: the camera's own id, also as text.  A client that names another is ignored.
    :ivar answers_to: the ports that are served; a datagram to another one is not heard.
    :ivar answer_port: serve sessions from this further port (0: any free one) instead of the one
        that was asked.
    :ivar deaf: never answer anything.
    :ivar never_ready: answer the search and make the offers, but never send P2P_RDY.
    :ivar slots: sessions at a time.  When all are taken a new client gets CLOSE.  The number and
        the CLOSE are assumptions: no recording shows a full camera.
    :ivar offers: copies of LAN_TCP_OFFER between a searched-for client's punch and P2P_RDY; the 51
        of real cameras take 325 ms, other numbers take time in proportion.
    :ivar repeat_interval: seconds between two copies of P2P_RDY, and of the banner.
    :ivar banner_delay: seconds from the first P2P_RDY to the banner; 0 sends both in one turn.
    :ivar ack_delay: seconds that a received DRW may wait for its DRW_ACK; 0 acknowledges at once.
    :ivar window: DRW of one channel that may be unacknowledged.
    :ivar answers_alive: whether ALIVE is answered with ALIVE_ACK.
    :ivar alive_interval: seconds from the camera's last other traffic to its own ALIVE; ``None``
        never sends one.
    :ivar timeout: seconds from a client's last datagram to the camera's CLOSE.
    :ivar silent_after: seconds from the first P2P_RDY after which the session is dead: nothing is
        heard or sent any more, no CLOSE either.
    :ivar close_after: seconds from the first P2P_RDY after which the camera sends CLOSE.
    :ivar loss: chance (0 to 1) that a datagram is lost; this and all below act both ways.
    :ivar delay: seconds that every datagram takes.
    :ivar jitter: a datagram takes up to so many seconds more.
    :ivar reorder: chance that a datagram is held back until later ones have passed it.
    :ivar duplicate: chance that a datagram arrives twice.
    """

    did: DeviceID = attrs.field(default=TRAILCAM_DID, converter=_device_id, validator=_did)
    answers_to: frozenset[Door] = attrs.field(
        default=frozenset(Door), converter=_door_set, validator=_doors
    )
    answer_port: int | None = attrs.field(default=None, validator=optional(_port))
    deaf: bool = attrs.field(default=False, validator=_switch)
    never_ready: bool = attrs.field(default=False, validator=_switch)
    slots: int = attrs.field(default=4, validator=_count)
    offers: int = attrs.field(default=51, validator=_count)
    repeat_interval: float = attrs.field(default=0.041, validator=_period)
    banner_delay: float = attrs.field(default=0.13, validator=_time)
    ack_delay: float = attrs.field(default=0.01, validator=_time)
    window: int = attrs.field(default=64, validator=_positive)
    answers_alive: bool = attrs.field(default=True, validator=_switch)
    alive_interval: float | None = attrs.field(default=1.03, validator=_period_or_none)
    timeout: float = attrs.field(default=7.3, validator=_period)
    silent_after: float | None = attrs.field(default=None, validator=optional(_time))
    close_after: float | None = attrs.field(default=None, validator=optional(_time))
    loss: float = attrs.field(default=0.0, validator=_chance)
    delay: float = attrs.field(default=0.0, validator=_time)
    jitter: float = attrs.field(default=0.0, validator=_time)
    reorder: float = attrs.field(default=0.0, validator=_chance)
    duplicate: float = attrs.field(default=0.0, validator=_chance)

    @classmethod
    def recorded(cls, **changes: Any) -> Behaviour:
        """What the recordings of real cameras show, with ``changes``."""
        return cls(**changes)

    @classmethod
    def prompt(cls, **changes: Any) -> Behaviour:
        """The recorded messages without the waiting: for demonstrations and benchmarks."""
        return cls(**{"offers": 0, "banner_delay": 0.0, "ack_delay": 0.0, **changes})

    @property
    def impaired(self) -> bool:
        """Whether datagrams may be lost, late, out of order or doubled."""
        return any((self.loss, self.delay, self.jitter, self.reorder, self.duplicate))
