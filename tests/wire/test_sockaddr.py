"""Socket addresses in their four forms."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.wire.strategies import QUICK, ipv4_addresses, ipv6_addresses
from trailcam.errors import LengthMismatch, WireError
from trailcam.wire.sockaddr import UNSPECIFIED, SocketAddress

CAMERA = SocketAddress("192.168.43.1", 40611)
NATIVE = bytes.fromhex("0002a39e012ba8c0 0000000000000000")
CS2 = bytes.fromhex("0002a39e012ba8c0 00000000000000000000000000000000")
NETWORK = bytes.fromhex("02009ea3c0a82b01 0000000000000000")
IPV6 = bytes.fromhex("0002a39e00000000 20010db8000000000000000000000001")


def forms(address: SocketAddress) -> list[Callable[[], bytes]]:
    """All ways to write an address."""
    return [
        address.to_bytes,
        address.to_head_bytes,
        address.to_cs2_bytes,
        address.to_network_bytes,
    ]


class NativeTests(SynchronousTestCase):
    """The 16 octets with backwards port and host."""

    def test_recorded(self) -> None:
        """The camera's own address as it was recorded."""
        self.assertEqual(SocketAddress.from_bytes(NATIVE), CAMERA)
        self.assertEqual(CAMERA.to_bytes(), NATIVE)

    def test_padding_is_not_looked_at(self) -> None:
        """Garbage in the last eight octets does no harm."""
        self.assertEqual(SocketAddress.from_bytes(NATIVE[:8] + b"\xff" * 8), CAMERA)

    def test_unspecified(self) -> None:
        """An address that is not known is all zero, family included."""
        self.assertEqual(UNSPECIFIED.to_bytes(), bytes(16))
        self.assertEqual(SocketAddress.from_bytes(bytes(16)), UNSPECIFIED)

    def test_unspecified_with_family(self) -> None:
        """The same with a family is read too."""
        self.assertEqual(SocketAddress.from_bytes(b"\0\2" + bytes(14)), UNSPECIFIED)

    def test_port_without_host(self) -> None:
        """A known port keeps its family beside an unknown host."""
        octets = bytes.fromhex("0002d0d6000000000000000000000000")
        address = SocketAddress("0.0.0.0", 0xD6D0)
        self.assertEqual(SocketAddress.from_bytes(octets), address)
        self.assertEqual(address.to_bytes(), octets)

    def test_other_family(self) -> None:
        """Another family is refused."""
        with self.assertRaises(WireError):
            SocketAddress.from_bytes(b"\0\x0a" + NATIVE[2:])

    def test_size(self) -> None:
        """Other sizes are refused."""
        for octets in (NATIVE[:-1], NATIVE + b"\0", b""):
            with self.assertRaises(LengthMismatch):
                SocketAddress.from_bytes(octets)

    def test_ipv6(self) -> None:
        """There is no room for IPv6."""
        with self.assertRaises(WireError):
            SocketAddress("2001:db8::1", 40611).to_bytes()

    @QUICK
    @given(ipv4_addresses)
    def test_round_trip(self, address: SocketAddress) -> None:
        """What is written can be read."""
        self.assertEqual(SocketAddress.from_bytes(address.to_bytes()), address)


class HeadTests(SynchronousTestCase):
    """The first half of the 16 octets, where the second half is something else."""

    def test_recorded(self) -> None:
        """It is the beginning of the native form."""
        self.assertEqual(SocketAddress.from_head_bytes(NATIVE[:8]), CAMERA)
        self.assertEqual(CAMERA.to_head_bytes(), NATIVE[:8])

    def test_unspecified(self) -> None:
        """An address that is not known is all zero."""
        self.assertEqual(UNSPECIFIED.to_head_bytes(), bytes(8))
        self.assertEqual(SocketAddress.from_head_bytes(bytes(8)), UNSPECIFIED)

    def test_other_family(self) -> None:
        """Another family is refused."""
        with self.assertRaises(WireError):
            SocketAddress.from_head_bytes(b"\0\x0a" + NATIVE[2:8])

    def test_size(self) -> None:
        """Other sizes are refused."""
        for octets in (NATIVE[:7], NATIVE[:9], NATIVE, b""):
            with self.assertRaises(LengthMismatch):
                SocketAddress.from_head_bytes(octets)

    @QUICK
    @given(ipv4_addresses)
    def test_round_trip(self, address: SocketAddress) -> None:
        """What is written can be read."""
        self.assertEqual(SocketAddress.from_head_bytes(address.to_head_bytes()), address)


class CS2Tests(SynchronousTestCase):
    """The 24 octets with room for IPv6."""

    def test_recorded(self) -> None:
        """The camera's own address as it was recorded."""
        self.assertEqual(SocketAddress.from_cs2_bytes(CS2), CAMERA)
        self.assertEqual(CAMERA.to_cs2_bytes(), CS2)

    def test_ipv6(self) -> None:
        """Without IPv4 the IPv6 address counts."""
        address = SocketAddress("2001:db8::1", 40611)
        self.assertEqual(SocketAddress.from_cs2_bytes(IPV6), address)
        self.assertEqual(address.to_cs2_bytes(), IPV6)

    def test_both(self) -> None:
        """With both, IPv4 counts."""
        self.assertEqual(SocketAddress.from_cs2_bytes(CS2[:8] + IPV6[8:]), CAMERA)

    def test_unspecified(self) -> None:
        """An address that is not known is all zero."""
        self.assertEqual(UNSPECIFIED.to_cs2_bytes(), bytes(24))
        self.assertEqual(SocketAddress.from_cs2_bytes(bytes(24)), UNSPECIFIED)

    def test_other_family(self) -> None:
        """Another family is refused."""
        with self.assertRaises(WireError):
            SocketAddress.from_cs2_bytes(b"\1\2" + CS2[2:])

    def test_size(self) -> None:
        """Other sizes are refused."""
        for octets in (CS2[:-1], CS2 + b"\0", NATIVE):
            with self.assertRaises(LengthMismatch):
                SocketAddress.from_cs2_bytes(octets)

    @QUICK
    @given(ipv4_addresses | ipv6_addresses)
    def test_round_trip(self, address: SocketAddress) -> None:
        """What is written can be read."""
        self.assertEqual(SocketAddress.from_cs2_bytes(address.to_cs2_bytes()), address)


class NetworkTests(SynchronousTestCase):
    """The 16 octets in network order."""

    def test_vector(self) -> None:
        """Family little-endian, port and host as they are read aloud."""
        self.assertEqual(SocketAddress.from_network_bytes(NETWORK), CAMERA)
        self.assertEqual(CAMERA.to_network_bytes(), NETWORK)

    def test_unspecified(self) -> None:
        """An address that is not known is all zero."""
        self.assertEqual(UNSPECIFIED.to_network_bytes(), bytes(16))
        self.assertEqual(SocketAddress.from_network_bytes(bytes(16)), UNSPECIFIED)

    def test_other_family(self) -> None:
        """The family of the native form is another one here."""
        with self.assertRaises(WireError):
            SocketAddress.from_network_bytes(NATIVE)

    def test_size(self) -> None:
        """Other sizes are refused."""
        for octets in (NETWORK[:-1], NETWORK + b"\0"):
            with self.assertRaises(LengthMismatch):
                SocketAddress.from_network_bytes(octets)

    @QUICK
    @given(ipv4_addresses)
    def test_round_trip(self, address: SocketAddress) -> None:
        """What is written can be read."""
        self.assertEqual(SocketAddress.from_network_bytes(address.to_network_bytes()), address)


class ValueTests(SynchronousTestCase):
    """What no form can hold, and how addresses look."""

    def test_host(self) -> None:
        """Names, shorthand and nonsense are refused by every form."""
        for host in ("camera.local", "10.1", "0x7f000001", "1.2.3.256", "", "1.2.3.4\0", "::g"):
            address = SocketAddress(host, 1)
            for form in forms(address):
                with self.assertRaises(WireError):
                    form()

    def test_port(self) -> None:
        """Ports beyond 16 bits are refused by every form."""
        for port in (-1, 0x10000):
            address = SocketAddress("192.0.2.1", port)
            for form in forms(address):
                with self.assertRaises(WireError):
                    form()

    def test_text(self) -> None:
        """Host and port as people write them."""
        self.assertEqual(str(CAMERA), "192.168.43.1:40611")
        self.assertEqual(str(SocketAddress("2001:db8::1", 80)), "[2001:db8::1]:80")

    @QUICK
    @given(st.binary(min_size=14, max_size=14))
    def test_any_octets(self, octets: bytes) -> None:
        """Whatever follows the family is a port and a host, both backwards."""
        address = SocketAddress.from_bytes(b"\0\2" + octets)
        self.assertEqual(address.port, octets[0] | octets[1] << 8)
        self.assertEqual(address.host, ".".join(str(octet) for octet in octets[5:1:-1]))
