"""Tests for :mod:`trailcam.link.addresses`."""

from __future__ import annotations

import errno
import socket
from ipaddress import IPv4Address
from typing import Any

import attrs
import ifaddr
from twisted.trial.unittest import SynchronousTestCase

from trailcam.link.addresses import address_towards, broadcast_addresses, may_be_punched

EVERYBODY = "255.255.255.255"


@attrs.frozen
class IP:
    """One address of an interface, as :mod:`ifaddr` gives it."""

    ip: Any
    network_prefix: int
    is_IPv4: bool = True


@attrs.frozen
class Adapter:
    """One interface."""

    ips: list[IP]


class BroadcastTests(SynchronousTestCase):
    """Where a broadcast goes, by what interfaces there are."""

    def broadcasts(self, *adapters: list[IP]) -> list[str]:
        """The addresses on a machine with these interfaces."""
        self.patch(ifaddr, "get_adapters", lambda: iter([Adapter(ips) for ips in adapters]))
        return broadcast_addresses()

    def test_none(self) -> None:
        """Without interfaces there is nowhere to go."""
        self.assertEqual(self.broadcasts(), [])

    def test_subnets(self) -> None:
        """Each subnet's own broadcast address follows from its prefix."""
        found = self.broadcasts(
            [IP("192.168.43.20", 24), IP("10.1.2.3", 8)], [IP("172.16.5.9", 20), IP("10.9.9.9", 30)]
        )
        expected = ["192.168.43.255", "10.255.255.255", "172.16.15.255", "10.9.9.11"]
        self.assertEqual(found, [EVERYBODY, *expected])

    def test_no_repeats(self) -> None:
        """Two addresses in one subnet make one broadcast."""
        found = self.broadcasts([IP("192.168.43.20", 24)], [IP("192.168.43.21", 24)])
        self.assertEqual(found, [EVERYBODY, "192.168.43.255"])

    def test_without_broadcast(self) -> None:
        """Loopback, point-to-point and IPv6 have none; nonsense is no reason to fail."""
        found = self.broadcasts(
            [IP("127.0.0.1", 8), IP("10.0.0.1", 31), IP("10.0.0.2", 32)],
            [IP(("fe80::1", 0, 2), 64, is_IPv4=False)],
            [IP("10.0.0.3", 33), IP("nonsense", 24)],
        )
        self.assertEqual(found, [])

    def test_many(self) -> None:
        """A machine with hundreds of networks, say of containers, does not flood them all."""
        found = self.broadcasts([IP(f"10.{number}.0.1", 16) for number in range(200)])
        self.assertEqual(len(found), 32)
        self.assertEqual(found[:2], [EVERYBODY, "10.0.255.255"])

    def test_cannot_list(self) -> None:
        """Where the system does not tell, the limited broadcast address has to do."""

        def refuse() -> None:
            raise OSError(errno.EACCES, "not for you")

        self.patch(ifaddr, "get_adapters", refuse)
        self.assertEqual(broadcast_addresses(), [EVERYBODY])

    def test_this_machine(self) -> None:
        """What comes out for real are IPv4 addresses, everybody's first, if any."""
        found = broadcast_addresses()
        self.assertEqual(found[:1], [EVERYBODY][: len(found)])
        self.assertEqual([str(IPv4Address(address)) for address in found], found)


class PunchTests(SynchronousTestCase):
    """What a rendezvous server may have us punch."""

    server = "203.0.113.5"

    def test_one_machine(self) -> None:
        """An address of one machine, with a port."""
        for host in ("198.51.100.7", "10.0.0.1", "192.168.43.20"):
            self.assertTrue(may_be_punched((host, 1), self.server), host)
            self.assertFalse(may_be_punched((host, 0), self.server), host)

    def test_nobody(self) -> None:
        """Not everybody's, nobody's, or one that means something else on each network."""
        for host in ("0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1", "169.254.1.2"):
            for server in (self.server, "127.0.0.1"):
                self.assertFalse(may_be_punched((host, 1), server), host)

    def test_this_host(self) -> None:
        """A server elsewhere does not send us to services of our own host."""
        self.assertFalse(may_be_punched(("127.0.0.1", 53), self.server))
        self.assertTrue(may_be_punched(("127.0.0.1", 53), "127.0.0.1"))
        self.assertFalse(may_be_punched(("127.0.0.1", 0), "127.0.0.1"))


class OwnAddressTests(SynchronousTestCase):
    """Our own address on the way to somebody."""

    def test_loopback(self) -> None:
        """To ourselves, it is the loopback address."""
        self.assertEqual(address_towards("127.0.0.1"), "127.0.0.1")

    def test_no_socket(self) -> None:
        """When the system has no socket left, no way can be found."""

        def refuse(*_: object) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        self.patch(socket, "socket", refuse)
        self.assertEqual(address_towards("127.0.0.1"), "0.0.0.0")
