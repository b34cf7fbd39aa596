"""
What a camera remembers: its settings, its password, the time, who is logged in.

All sessions of a camera share one :class:`Settings`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from twisted.internet.interfaces import IReactorTime

from trailcam.simulator.card import Card
from trailcam.simulator.deviceinfo import DEVICE_INFO
from trailcam.simulator.manners import Manners

#: Characters of a text that can be set, at most.
MAX_TEXT: Final = 128

#: The time of a camera whose clock nobody has set yet, in seconds since 1970.
_FIRST_TIME: Final = DEVICE_INFO["timeUTC"]

_MEGABYTE = 1024 * 1024

#: What the camera finds out by itself.
_FIXED: Final = frozenset(
    name
    for name in DEVICE_INFO
    if name.startswith(("dev", "fw", "ble", "bat", "sd", "modelName", "subModel", "product"))
) | {"capability", "curBatType", "isCharging", "isSolarCharging", "temperature", "timeUTC"}


class Settings:
    """
    The state of a camera, but for its card.

    :param clock: where time comes from.
    :param manners: who may log in at first.
    :ivar logged_in: clients that are logged in.
    """

    def __init__(self, clock: IReactorTime, manners: Manners) -> None:
        self._clock = clock
        self._manners = manners
        self._ahead = _FIRST_TIME - clock.seconds()
        self._info = copy.deepcopy(DEVICE_INFO)
        self.password = manners.password
        self.logged_in = 0

    @property
    def device(self) -> str:
        """The camera's MAC address, as text."""
        return str(self._info["devId"])

    @property
    def now(self) -> int:
        """The camera's own time, in seconds since 1970; it runs on from the last login's."""
        return int(self._clock.seconds() + self._ahead)

    def set_time(self, utc: int) -> None:
        """A client says that it is ``utc`` seconds since 1970; what fits no 32 bits is ignored."""
        if 0 <= utc < 1 << 32:
            self._ahead = utc - self._clock.seconds()

    def info(self, card: Card) -> dict[str, Any]:
        """The members of "get device info", as they are now."""
        return {
            **self._info,
            "timeUTC": self.now,
            "batPercent": self._manners.battery,
            "sdTotalMB": (card.used + card.free) // _MEGABYTE,
            "sdFreeMB": card.free // _MEGABYTE,
        }

    def change(self, members: Mapping[str, Any]) -> bool:
        """
        Change what can be changed; what is not known is ignored.

        :return: false, and nothing has changed, if a value is not of its member's type, too long or
            no printable text.
        """
        changes = {name: value for name, value in members.items() if self._can_change(name)}
        if not all(_alike(value, self._info[name]) for name, value in changes.items()):
            return False
        self._info.update(changes)
        return True

    def reset(self) -> None:
        """Be as the factory made it; the time goes on."""
        self._info = copy.deepcopy(DEVICE_INFO)
        self.password = self._manners.password

    def _can_change(self, name: str) -> bool:
        return name in self._info and name not in _FIXED


def _alike(value: Any, before: Any) -> bool:
    """Whether a member may have ``value`` after ``before``; JSON knows true from 1."""
    if type(value) is not type(before):
        return False
    if isinstance(value, int):
        return -(1 << 31) <= value < 1 << 32
    return isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable()
