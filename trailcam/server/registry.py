"""
The devices that are logged in, in memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import attrs
from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from zope.interface import implementer

from trailcam.errors import OfflineDevice, UnknownDevice
from trailcam.interfaces import Address, IDeviceRegistry
from trailcam.wire.did import DeviceID

#: Seconds that a login lasts.
LIFETIME: Final = 60.0

_LIMIT = 200_000
_MOST_NAMED = 8


@attrs.frozen
class DeviceRecord:
    """
    One device's last login.

    :ivar public: the address that the server sees.
    :ivar local: the device's address in its own network, where others may be able to use it.
    :ivar nat_type: see :class:`~trailcam.wire.constants.NatType`.
    :ivar seen: when it logged in, in seconds.
    """

    did: DeviceID
    public: Address
    local: Address | None
    nat_type: int
    seen: float


@implementer(IDeviceRegistry)
class MemoryRegistry:
    """
    A registry that a restart forgets.

    Logins are kept in the order of their arrival, so the expired ones are always in front.

    :param lifetime: seconds that a login lasts.
    :param limit: devices online at most, and offline ones remembered at most; the one that logged
        in longest ago makes room.
    """

    _log = Logger()

    def __init__(self, lifetime: float = LIFETIME, limit: int = _LIMIT) -> None:
        self._lifetime = lifetime
        self._limit = limit
        self._online: OrderedDict[DeviceID, DeviceRecord] = OrderedDict()
        self._offline: OrderedDict[DeviceID, None] = OrderedDict()

    def __len__(self) -> int:
        """How many are online, or were when :meth:`expire` was called last."""
        return len(self._online)

    def register(self, record: DeviceRecord, now: float) -> None:
        """Note a login."""
        self._offline.pop(record.did, None)
        self._online[record.did] = record
        self._online.move_to_end(record.did)
        if len(self._online) > self._limit:
            self._retire()

    def find(self, did: DeviceID, now: float) -> Deferred[DeviceRecord]:
        """The device's last login; fires or fails at once."""
        record = self._online.get(did)
        if record is not None and now - record.seen <= self._lifetime:
            return succeed(record)
        if record is not None or did in self._offline:
            return fail(OfflineDevice(str(did)))
        return fail(UnknownDevice(str(did)))

    def expire(self, now: float) -> int:
        """Take out who has gone offline; costs only what those are."""
        gone = []
        while self._online and now - next(iter(self._online.values())).seen > self._lifetime:
            gone.append(self._retire())
        if gone:
            self._log.info("offline: {devices}", devices=names(gone))
        return len(gone)

    def _retire(self) -> DeviceID:
        """The oldest login goes."""
        did, _ = self._online.popitem(last=False)
        self._offline[did] = None
        if len(self._offline) > self._limit:
            self._offline.popitem(last=False)
        return did


def names(dids: Sequence[DeviceID]) -> str:
    """The first of these ids, for a log, and how many more there are."""
    shown = ", ".join(map(str, dids[:_MOST_NAMED]))
    more = len(dids) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown
