"""
What all connections of one relay share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from trailcam.link.noise import Noise
from trailcam.server.relay_devices import Devices
from trailcam.server.relay_ports import DataPorts
from trailcam.server.relay_rules import RelayRules

if TYPE_CHECKING:
    from trailcam.server.relay_roles import DeviceRole

#: Seconds in which a peer has to take what is left for it when we close a connection.
DRAIN: Final = 5.0


class Open(Protocol):
    """What is open: a control connection, or a pair."""

    def check(self, now: float) -> None:
        """To be called about once a second, with the time in seconds: end it, if it is due."""

    def leave(self) -> None:
        """The relay stops: close it when what is left for the peer has been written."""

    def abort(self) -> None:
        """Close it at once."""


@attrs.define(eq=False)
class Exchange:
    """
    The rules, the devices, and whatever is open.

    :ivar clock: where time comes from.
    :ivar ports: opens data ports.
    :ivar login_key: key text of the device login.
    :ivar devices: who is logged in.
    :ivar noise: counts what does not belong here.
    """

    _log = Logger()

    clock: IReactorTime
    rules: RelayRules
    ports: DataPorts
    login_key: str = attrs.field(repr=False)
    devices: Devices[DeviceRole] = attrs.field(factory=Devices)
    noise: Noise = attrs.field(init=False)
    _open: dict[Open, None] = attrs.field(factory=dict)
    _waiting: list[Deferred[None]] = attrs.field(factory=list)

    @noise.default
    def _new_noise(self) -> Noise:
        return Noise(self._log)

    def add(self, thing: Open) -> None:
        """Something is open now."""
        self._open[thing] = None

    def remove(self, thing: Open) -> None:
        """It is closed, with everything that belongs to it."""
        self._open.pop(thing, None)
        if not self._open:
            waiting, self._waiting = self._waiting, []
            for waiter in waiting:
                waiter.callback(None)

    def sweep(self) -> None:
        """Look at everything that is open; to be called about once a second."""
        now = self.clock.seconds()
        for thing in tuple(self._open):
            thing.check(now)

    def leave(self) -> Deferred[None]:
        """Close everything, and abort after 1 s what is not closed; fires when nothing is left."""
        for thing in reversed(tuple(self._open)):  # pairs before those who asked for them
            thing.leave()
        if not self._open:
            return succeed(None)
        impatience = self.clock.callLater(1.0, self._abort)
        empty: Deferred[None] = Deferred()
        self._waiting.append(empty)
        return empty.addCallback(lambda _: impatience.cancel() if impatience.active() else None)

    def _abort(self) -> None:
        for thing in tuple(self._open):
            thing.abort()
