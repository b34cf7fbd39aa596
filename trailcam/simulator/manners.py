"""How the firmware of a simulated camera behaves, as one frozen value.  Seconds are floats."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from typing import Any, Final

import attrs
from attrs.validators import deep_iterable, deep_mapping, ge, in_, instance_of, optional

#: Items on a page of the list, at most.
PAGE: Final = 45


class Quirk(enum.Enum):
    """
    What is wrong with the record of one item; of a video, with the one in its middle.

    ``GONE``: the item is listed, but not there when it is asked for.
    ``TRUNCATED``: the last third of the data is missing; the head promises it.
    ``CORRUPT``: octets in the second half, and the last ones, are others.
    ``LYING``: the record's head promises :data:`LIE` octets more than come.
    ``STALLED``: after half of the record nothing comes for a while.
    """

    GONE = "gone"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    LYING = "lying"
    STALLED = "stalled"


#: Octets that a lying record promises too many.
LIE: Final = 1000

_number = instance_of(int)
_quirks = deep_mapping(_number, instance_of(Quirk))


def _seconds(_manners: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if type(value) not in (int, float) or not value >= 0:
        raise ValueError(f"{attribute.name} must be a time of 0 s or more, not {value!r}")


def _speed(_manners: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if type(value) not in (int, float) or not value > 0:
        raise ValueError(f"{attribute.name} must be more than 0, not {value!r}")


def _event_list(_manners: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    for delay, number in value:
        _seconds(None, attribute, delay)
        _number(None, attribute, number)


@attrs.frozen(kw_only=True)
class Manners:
    """
    The options of a camera's firmware; all of them combine.

    A wrong value raises :class:`ValueError` or :class:`TypeError` naming the option.

    :ivar username: who may log in.
    :ivar password: until it is changed.
    :ivar logins: clients logged in at a time, at most; the next one gets -2.
    :ivar checks_token: whether commands need the token of the login.  What a real camera says to a
        wrong token is not known; here it is result -1.
    :ivar delay: seconds from a command to its answer; commands wait for those before them.
    :ivar delays: the same, by ``cmdId``.
    :ivar results: ``cmdId`` -> the ``result`` with which it is refused, unperformed.
    :ivar answers: ``cmdId`` -> what is said instead of the answer: a JSON object, or the octets of
        the payload.  The command is performed.
    :ivar unanswered: every ``cmdId`` that is performed, but not answered.
    :ivar events: seconds after the login's answer, and ``evtId``.
    :ivar quirks: number of a photo or video -> what is wrong with it.
    :ivar thumbnail_quirks: number of an item -> what is wrong with its thumbnail.
    :ivar stall: seconds for which a stalled record stalls; for ever, when infinite.
    :ivar speed: how fast a video is played back; ``None`` is as fast as the network takes it.
    :ivar battery: percent.
    """

    username: str = attrs.field(default="admin", validator=instance_of(str))
    password: str = attrs.field(default="admin", validator=instance_of(str), repr=False)
    logins: int = attrs.field(default=4, validator=[_number, ge(0)])
    checks_token: bool = attrs.field(default=True, validator=instance_of(bool))
    delay: float = attrs.field(default=0.0, validator=_seconds)
    delays: Mapping[int, float] = attrs.field(
        factory=dict, validator=deep_mapping(_number, _seconds)
    )
    results: Mapping[int, int] = attrs.field(factory=dict, validator=deep_mapping(_number, _number))
    answers: Mapping[int, Mapping[str, Any] | bytes] = attrs.field(
        factory=dict, validator=deep_mapping(_number, instance_of((Mapping, bytes)))
    )
    unanswered: frozenset[int] = attrs.field(
        default=frozenset(), converter=frozenset, validator=deep_iterable(_number)
    )
    events: tuple[tuple[float, int], ...] = attrs.field(
        default=((0.040, 4),), converter=tuple, validator=_event_list
    )
    quirks: Mapping[int, Quirk] = attrs.field(factory=dict, validator=_quirks)
    thumbnail_quirks: Mapping[int, Quirk] = attrs.field(factory=dict, validator=_quirks)
    stall: float = attrs.field(default=math.inf, validator=_seconds)
    speed: float | None = attrs.field(default=None, validator=optional(_speed))
    battery: int = attrs.field(default=80, validator=in_(range(101)))

    def delay_of(self, command: int) -> float:
        """Seconds to the answer of a ``cmdId``."""
        return self.delays.get(command, self.delay)
