"""
The relay server: carries connections between clients and devices that cannot reach each other.

Protocol: TCP relay and LAN TCP.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger

from trailcam.server.admission import Admission
from trailcam.server.relay_control import ControlFactory
from trailcam.server.relay_exchange import Exchange
from trailcam.server.relay_ports import DataPorts, Place, place_name, port_number
from trailcam.server.relay_rules import Limits, RelayRules
from trailcam.server.ticking import Ticking
from trailcam.wire.constants import LOGIN_KEY

_SWEEP_INTERVAL = 1.0


class Relay:
    """
    A control port, and the data ports that come and go.  Can be started once.

    :param reactor: provides IReactorTime and what the endpoints need, usually IReactorTCP.
    :param admission: who may log in, and who may ask for a device.
    :param randbits: makes unguessable numbers, as :func:`secrets.randbits` does.
    :param place: where it listens.
    :param limits: what it gives at most.
    :param login_key: key text of the device login.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        admission: Admission,
        randbits: Callable[[int], int],
        place: Place | None = None,
        limits: Limits | None = None,
        login_key: str = LOGIN_KEY,
    ) -> None:
        self._reactor = reactor
        self._place = Place() if place is None else place
        self._rules = RelayRules(admission, limits or Limits(), randbits)
        self._exchange = Exchange(reactor, self._rules, DataPorts(reactor, self._place), login_key)
        self._control: IListeningPort | None = None
        self._sweeping = Ticking(reactor, self._exchange.sweep)

    @property
    def port(self) -> int:
        """The number of the control port; 0 when it is not open."""
        return 0 if self._control is None else port_number(self._control)

    async def start(self) -> None:
        """
        Open the control port.

        :raises CannotListenError: when it cannot be had.
        :raises Exception: what a Twisted endpoint says of a wrong description, certificates
            included.
        """
        endpoint = self._place.endpoint(self._reactor, self._place.port)
        self._control = await endpoint.listen(ControlFactory(self._exchange))
        self._sweeping.start(_SWEEP_INTERVAL)
        self._log.info("relay at {address}", address=place_name(self._control))

    async def stop(self) -> None:
        """Close everything; fires when that is done, after little more than 1 s at most."""
        if self._control is None:
            return
        control, self._control = self._control, None
        self._sweeping.stop()
        await maybeDeferred(control.stopListening)
        await self._exchange.leave()

    def counts(self) -> dict[str, int]:
        """What it did, one flat table."""
        rules = self._rules
        return {
            **{f"pairs_{outcome.value}": number for outcome, number in rules.pairings.items()},
            **{f"sent_away_{outcome.value}": n for outcome, n in rules.turned_away.items()},
            "octets": rules.carried,
            **self._exchange.noise.counts,
        }
