"""
The devices that are logged in at a relay, and what happens when two have the same id.

Sans-IO: a device is whatever the caller keeps for it.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import attrs

from trailcam.wire.did import DeviceID

D = TypeVar("D")


@attrs.frozen
class Login(Generic[D]):
    """
    What a login leads to.

    :ivar holder: who has the id and is to be asked whether it is alive; ``None``: the newer one
        has it already.
    :ivar outbid: who waited for the id and has lost it to the newer one.
    """

    holder: D | None = None
    outbid: D | None = None


class Devices(Generic[D]):
    """
    Who has which id.  One device at most waits for the id of another one.

    As many entries as there are control connections of devices, so their limit is the bound here.
    """

    def __init__(self) -> None:
        self._holders: dict[DeviceID, D] = {}
        self._rivals: dict[DeviceID, D] = {}

    def __len__(self) -> int:
        """Devices logged in."""
        return len(self._holders)

    def get(self, did: DeviceID) -> D | None:
        """Who has this id."""
        return self._holders.get(did)

    def login(self, did: DeviceID, device: D) -> Login[D]:
        """``device`` may have this id, if nobody else has it."""
        holder = self._holders.setdefault(did, device)
        if holder is device:
            return Login()
        outbid = self._rivals.get(did)
        self._rivals[did] = device
        return Login(holder, None if outbid is device else outbid)

    def settle(self, did: DeviceID, holder: D) -> D | None:
        """
        ``holder`` was asked, or is gone: who waits for its id gets it.

        :return: who has the id now; ``None`` when nobody waits, or somebody else had it.
        """
        if self._holders.get(did) is not holder or did not in self._rivals:
            return None
        newer = self._holders[did] = self._rivals.pop(did)
        return newer

    def leave(self, did: DeviceID, device: D) -> D | None:
        """``device`` is gone; who has the id now, if that is somebody new."""
        newer = self.settle(did, device)
        if newer is None:
            for table in (self._holders, self._rivals):
                if table.get(did) is device:
                    del table[did]
        return newer
