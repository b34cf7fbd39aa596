"""
Our own addresses, and those that a broadcast has to go to.
"""

from __future__ import annotations

import socket
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

import ifaddr

from trailcam.interfaces import Address

#: Reaches the segment of the default interface.
LIMITED_BROADCAST = "255.255.255.255"
_MOST_INTERFACES = 32
_ANY_PORT = 9  # which one makes no difference


def broadcast_addresses() -> list[str]:
    """
    The limited broadcast address and that of every IPv4 interface, without repeats.

    Loopback, point-to-point (/31, /32) and unnumbered interfaces have none.  Nothing at all when
    no interface can broadcast.
    """
    try:
        adapters = list(ifaddr.get_adapters())
    except OSError:  # some systems let no ordinary user list them
        return [LIMITED_BROADCAST]
    addresses = [ip for adapter in adapters for ip in adapter.ips if ip.is_IPv4]
    found = [b for ip in addresses for b in _broadcast(str(ip.ip), ip.network_prefix)]
    return list(dict.fromkeys([LIMITED_BROADCAST, *found]))[:_MOST_INTERFACES] if found else []


def _broadcast(host: str, prefix: int) -> list[str]:
    try:
        network = IPv4Network(f"{host}/{prefix}", strict=False)
    except (AddressValueError, NetmaskValueError):
        return []
    if network.is_loopback or network.prefixlen > 30:
        return []
    return [str(network.broadcast_address)]


def address_towards(host: str) -> str:
    """
    Our own IPv4 address on the way to ``host``, or ``"0.0.0.0"`` when there is no way.

    :param host: an IPv4 literal.  Nothing is sent there.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((host, _ANY_PORT))
            return str(probe.getsockname()[0])
    except OSError:
        return "0.0.0.0"


def may_be_punched(address: Address, server: str) -> bool:
    """
    Whether this may be the address of one machine elsewhere; what a server says may be anything.

    This host itself counts only for a server that is on it, too.

    :param server: IPv4 literal of who named the address.
    """
    host = IPv4Address(address[0])
    if host.is_loopback:
        return address[1] != 0 and IPv4Address(server).is_loopback
    nobody = host.is_multicast or host.is_unspecified or host.is_reserved or host.is_link_local
    return address[1] != 0 and not nobody
