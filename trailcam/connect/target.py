"""
What a user may ask for, checked.

Every ``ValueError`` starts with the name of the argument it is about, and says what is wrong and
what a right value looks like.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs

from trailcam.errors import DeviceIDError, WireError, shown
from trailcam.model import ConnectionMode
from trailcam.wire.constants import LAN_SEARCH_PORT, RENDEZVOUS_PORT, SESSION_PORT
from trailcam.wire.did import TRAILCAM_DID, DeviceID
from trailcam.wire.dsk import dsk_from_text

if TYPE_CHECKING:
    from trailcam.connect.relay_address import RelayAddress
    from trailcam.interfaces import Address

#: Tried in this order of preference: the camera's session port first.
DEFAULT_PORTS = (SESSION_PORT, RENDEZVOUS_PORT, LAN_SEARCH_PORT, 10000, 80, 57743)

#: Seconds that a race may take when nobody says otherwise.
DEFAULT_MAX_TIME = 30.0

_LONGEST_URL = 2000
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_MOST_PORTS = 1024


@attrs.frozen
class Target:
    """
    One camera, and where to look for it.

    :ivar host: its IPv4 literal or host name; ``None`` finds it by broadcast.
    :ivar ports: UDP ports to try at that address, the preferred one first.
    :ivar did: the device id that it must answer with.
    :ivar broadcast: search by broadcast although ``host`` is known.
    :ivar rendezvous: addresses of rendezvous servers.
    :ivar relay: the relay server to use.
    :ivar relay_directory: http or https URL of a list of relays, see
        :mod:`trailcam.connect.directory`.
    :ivar secret: the 24 octets (DSK) that servers may want to see of who asks for this device.
    """

    host: str | None = attrs.field(default=None)
    ports: tuple[int, ...] = attrs.field(default=DEFAULT_PORTS)
    did: DeviceID = TRAILCAM_DID
    broadcast: bool = False
    rendezvous: tuple[Address, ...] = ()
    relay: RelayAddress | None = None
    relay_directory: str | None = None
    secret: bytes | None = attrs.field(default=None, repr=False)

    def named(self) -> str:
        """The camera in a sentence: its address, or its id when it has none."""
        return self.host if self.host is not None else f"camera {self.did}"


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int that no float can hold
        return False


def check_host(name: str, value: object) -> str:
    """
    An IPv4 literal of one machine, or a host name.

    :param name: the argument's name, for the error.
    :raises ValueError: for anything else.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name}: expected an IPv4 address or a host name, got {shown(value)}")
    text = value.strip()
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return _host_name(name, text)
    if address.is_multicast or address.is_unspecified or address == IPv4Address("255.255.255.255"):
        raise ValueError(f"{name}: {text} is not the address of one camera")
    return text


def _host_name(name: str, text: str) -> str:
    labels = text.removesuffix(".").split(".")
    given = shown(text)
    if ":" in text:
        raise ValueError(f"{name}: {given} is not an IPv4 address or a host name (without a port)")
    if labels[-1].isdigit():
        raise ValueError(f"{name}: {given} is not an IPv4 address; one looks like 192.168.43.1")
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{name}: {given} is neither an IPv4 address nor a host name")
    return text


def check_port(name: str, value: object) -> int:
    """
    One port number, 1 to 65535.

    :raises ValueError: for anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name}: {shown(value)} is not a port number")
    if not 1 <= value <= 65535:
        raise ValueError(f"{name}: port {shown(value)} is outside 1..65535")
    return value


def check_ports(name: str, value: object) -> tuple[int, ...]:
    """At least one port, in order of preference; of duplicates the first stays."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise ValueError(f"{name}: expected a list of port numbers, got {shown(value)}")
    ports = tuple(dict.fromkeys(check_port(name, port) for port in value))
    if not ports:
        raise ValueError(f"{name}: at least one port is needed")
    if len(ports) > _MOST_PORTS:
        raise ValueError(f"{name}: {len(ports)} ports are too many; at most {_MOST_PORTS}")
    return ports


def check_seconds(name: str, value: object) -> float:
    """A finite number of seconds above zero."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name}: {shown(value)} is not a number of seconds")
    if not _is_finite(value) or value <= 0:
        raise ValueError(f"{name}: must be a finite number of seconds above 0, got {shown(value)}")
    return float(value)


def check_did(name: str, value: object) -> DeviceID:
    """A device id, as text or as value; ``None`` is the one that every TrailCam has."""
    if value is None:
        return TRAILCAM_DID
    if isinstance(value, DeviceID):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{name}: {shown(value)} is not a device id such as {TRAILCAM_DID}")
    try:
        return DeviceID.parse(value)
    except DeviceIDError as problem:
        raise ValueError(f"{name}: {problem}") from problem


def check_mode(name: str, value: object) -> ConnectionMode:
    """A :class:`~trailcam.model.ConnectionMode` or its value."""
    try:
        return value if isinstance(value, ConnectionMode) else ConnectionMode(value)
    except ValueError:
        known = ", ".join(mode.value for mode in ConnectionMode)
        raise ValueError(f"{name}: unknown mode {shown(value)}; known are {known}") from None


def check_weights(name: str, value: object) -> dict[ConnectionMode, float]:
    """Weights per mode, each zero or more; ``None`` gives none."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{name}: expected a mapping such as {{'p2p': 1.0}}, got {shown(value)}")
    return {check_mode(name, mode): _weight(name, mode, w) for mode, w in value.items()}


def _weight(name: str, mode: object, value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not _is_finite(value) or value < 0:
        raise ValueError(
            f"{name}: the weight of {shown(mode)} must be a number from 0 up, got {shown(value)}"
        )
    return float(value)


def check_address(name: str, value: object) -> Address:
    """``"host:port"`` (or a pair) as an :data:`~trailcam.interfaces.Address`."""
    if isinstance(value, tuple) and len(value) == 2:
        return check_host(name, value[0]), check_port(name, value[1])
    host, colon, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not colon or not port.isascii() or not port.isdigit() or len(port) > 5:
        raise ValueError(f"{name}: expected HOST:PORT, got {shown(value)}")
    return check_host(name, host), check_port(name, int(port))


def check_url(name: str, value: object) -> str:
    """An http or https URL with a host, and without a password, which would end up in logs."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise ValueError(f"{name}: expected an http or https URL, got {shown(value)}")
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError as problem:
        raise ValueError(f"{name}: {shown(value)} is not a URL: {problem}") from problem
    if parts.scheme not in ("http", "https") or not host or " " in value:
        raise ValueError(f"{name}: expected an http or https URL, got {shown(value)}")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{name}: a URL with a user's name or password would end up in logs")
    if len(value) > _LONGEST_URL:
        raise ValueError(f"{name}: a URL of {len(value)} characters; at most {_LONGEST_URL}")
    check_host(name, host)
    if port is not None:
        check_port(name, port)
    return value


def check_secret(name: str, value: object) -> bytes:
    """
    A device's secret as text, as the wire carries it.

    :raises ValueError: for anything else; the message does not show the text.
    """
    if not isinstance(value, str):
        raise ValueError(f"{name}: expected a text, got something of type {type(value).__name__}")
    try:
        return dsk_from_text(value)
    except WireError as problem:
        raise ValueError(f"{name}: {problem}") from problem
