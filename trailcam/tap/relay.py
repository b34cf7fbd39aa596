"""
``twist trailcam-relay``: carries connections between clients and devices behind NATs.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from trailcam.server.relay import Relay
from trailcam.server.relay_ports import DATA_PORTS, ENDPOINT, Place
from trailcam.server.relay_rules import Limits
from trailcam.tap.options import number, usage_errors
from trailcam.tap.serving import EVERYWHERE, ServerOptions, port_number
from trailcam.wire.constants import RELAY_PORT


def _count(text: str) -> int:
    value = number(text)
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{text!r} is not a whole number from 1 on")
    return value


def _seconds(text: str) -> float:
    value = number(text)
    if isinstance(value, str) or not 0 < value < math.inf:
        raise ValueError(f"{text!r} is not a number of seconds above 0")
    return float(value)


def _data_ports(text: str) -> Sequence[int]:
    """``FIRST-LAST``, or ``0`` for the system's choice."""
    if text == "0":
        return (0,)
    first, _, last = text.partition("-")
    try:
        numbers = range(port_number(first), port_number(last) + 1)
    except ValueError:
        numbers = range(0)
    if not numbers or not numbers[0]:
        raise ValueError(f"{text!r} is neither a range of ports such as 61000-61999 nor 0")
    return numbers


_TLS_EXAMPLE = "ssl:{port}:interface={interface}:privateKey=key.pem:certKey=cert.pem"


def _template(text: str) -> str:
    if "{port}" not in text:
        raise ValueError(f"{text!r} has no {{port}} in it, as {_TLS_EXAMPLE} has")
    return text


#: The field of Limits that each option sets, its spelling, its help.
_LIMITS: Mapping[str, tuple[str, Callable[[str], object], str]] = {
    "max-pairs": ("pairs", _count, "Pairs at a time."),
    "max-pairs-per-address": ("pairs_per_address", _count, "Those for clients of one address."),
    "max-controls": ("controls", _count, "Clients and devices that ask, at a time."),
    "max-controls-per-address": ("controls_per_address", _count, "Those from one address."),
    "max-bytes": ("octets", _count, "Octets that one pair may carry; without it, any number."),
    "idle": ("idle", _seconds, "Seconds that a pair may be silent."),
    "wait": ("wait", _seconds, "Seconds that one party waits for the other."),
}


def _usual(field: str) -> str | None:
    """The limit that holds when none is given, if there is one."""
    value = getattr(Limits(), field)
    if math.isinf(value):
        return None
    return f"{value:g}" if isinstance(value, float) else str(value)


class Options(ServerOptions):
    """
    Where the relay listens, for whom, and how much it gives.

    :ivar place: the checked place.
    :ivar limits: the checked limits.
    """

    longdesc = (
        "Carries connections between clients and devices that cannot reach each other.  "
        f"For TLS: --endpoint {_TLS_EXAMPLE}"
    )

    optParameters = [
        ["port", "p", str(RELAY_PORT), "TCP port where it is asked; 0 is any."],
        [
            "data-ports",
            None,
            f"{DATA_PORTS[0]}-{DATA_PORTS[-1]}",
            "TCP ports for the pairs, FIRST-LAST; 0 is any.",
        ],
        ["endpoint", "e", ENDPOINT, "Twisted endpoint of all these ports."],
        *([name, None, _usual(field), text] for name, (field, _, text) in _LIMITS.items()),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.place = Place()
        self.limits = Limits()

    def postOptions(self) -> None:
        """Check everything; :raises UsageError: for the first mistake."""
        super().postOptions()
        with usage_errors():
            self.place = self._checked_place()
            self.limits = self._checked_limits()

    def relay(self, reactor: Any) -> Relay:
        """The relay that was asked for."""
        return Relay(
            reactor, self.admission, secrets.randbits, self.place, self.limits, self.login_key
        )

    def _checked_place(self) -> Place:
        place = Place(
            self.port,
            self.spelt("data-ports", _data_ports),
            self.interface,
            self.spelt("endpoint", _template),
        )
        if place.interface != EVERYWHERE and "{interface}" not in place.template:
            raise ValueError(
                f"--interface: the --endpoint has no {{interface}} for it, as {_TLS_EXAMPLE} has"
            )
        try:
            place.endpoint(object(), place.port)
        except Exception as problem:  # each kind of endpoint has its own complaints
            wrong = f"{place.template!r} is not a Twisted endpoint such as {ENDPOINT}"
            raise ValueError(f"--endpoint: {wrong} ({problem})") from problem
        return place

    def _checked_limits(self) -> Limits:
        limits: dict[str, Any] = {
            field: self.spelt(option, spell)
            for option, (field, spell, _) in _LIMITS.items()
            if self[option] is not None
        }
        return Limits(**limits)


class RelayService(Service):
    """Starts a relay, and tells in the end what it counted."""

    _log = Logger()

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._starting: Deferred[None] = succeed(None)
        self._problem: str | None = None

    def startService(self) -> None:
        """Open the control port; :raises SystemExit: with the reason when it cannot be had."""
        super().startService()  # type: ignore[no-untyped-call]
        self._starting = Deferred.fromCoroutine(self._relay.start())
        self._starting.addErrback(self._failed)
        if self._problem is not None:
            raise SystemExit(f"trailcam-relay: {self._problem}")

    def stopService(self) -> Deferred[None]:
        """Close everything; fires when that is done."""
        super().stopService()  # type: ignore[no-untyped-call]
        return Deferred.fromCoroutine(self._stop())

    def _failed(self, failure: Failure) -> None:
        """The port cannot be had; some endpoints say so only later."""
        self._problem = failure.getErrorMessage()
        self._log.error("no relay: {reason}", reason=self._problem)

    async def _stop(self) -> None:
        await self._starting
        await self._relay.stop()
        counts = {name: count for name, count in self._relay.counts().items() if count}
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        self._log.info("counted: {told}", told=told or "nothing", counts=counts)


def makeService(options: Options) -> IService:
    """The relay that :class:`Options` describe."""
    from twisted.internet import reactor

    return RelayService(options.relay(reactor))
