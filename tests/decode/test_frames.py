"""Network frames of all link types."""

from __future__ import annotations

import struct

from twisted.trial.unittest import SynchronousTestCase

from tests.decode.builders import CAMERA, CLIENT, ETHERNET, RAW, ip, ipv4, tcp, udp
from trailcam.decode.frames import LINK_TYPES, Damaged, Tcp, Udp, dissect
from trailcam.decode.packets import Ignored

PACKET = ipv4(CLIENT, CAMERA, b"data")
WHOLE = Udp(CLIENT, CAMERA, b"data", 4)
IPV4 = b"\x08\x00"
MACS = bytes(12)


class LinkTypeTests(SynchronousTestCase):
    """What comes before the IPv4 packet."""

    def assert_found(self, link_type: int, frame: bytes) -> None:
        """Fail unless the datagram is found."""
        self.assertEqual(dissect(link_type, frame), WHOLE)

    def assert_no_ipv4(self, link_type: int, frame: bytes) -> None:
        """Fail unless the frame is passed over."""
        self.assertEqual(dissect(link_type, frame), Ignored("not IPv4"))

    def test_ethernet(self) -> None:
        """Ethernet, with the octets that fill a short frame."""
        self.assert_found(ETHERNET, MACS + IPV4 + PACKET)
        self.assert_found(ETHERNET, MACS + IPV4 + PACKET + bytes(20))
        self.assert_no_ipv4(ETHERNET, MACS + b"\x08\x06" + PACKET)

    def test_vlan(self) -> None:
        """Ethernet with one or two VLAN tags."""
        tag, outer = b"\x81\x00\x00\x05", b"\x88\xa8\x00\x07"
        self.assert_found(ETHERNET, MACS + tag + IPV4 + PACKET)
        self.assert_found(ETHERNET, MACS + outer + tag + IPV4 + PACKET)
        self.assert_no_ipv4(ETHERNET, MACS + tag + b"\x86\xdd" + PACKET)

    def test_raw(self) -> None:
        """IP without anything before it, under all its numbers."""
        for link_type in (12, 14, RAW, 228):
            self.assert_found(link_type, PACKET)
            self.assert_no_ipv4(link_type, b"\x60" + PACKET[1:])

    def test_cooked(self) -> None:
        """What Linux records on all interfaces, in both versions."""
        self.assert_found(113, bytes(14) + IPV4 + PACKET)
        self.assert_no_ipv4(113, bytes(14) + b"\x86\xdd" + PACKET)
        self.assert_found(276, IPV4 + bytes(18) + PACKET)
        self.assert_no_ipv4(276, b"\x86\xdd" + bytes(18) + PACKET)

    def test_loopback(self) -> None:
        """BSD loopback: the family in either byte order."""
        for link_type in (0, 108):
            for order in "<>":
                self.assert_found(link_type, struct.pack(f"{order}I", 2) + PACKET)
                self.assert_no_ipv4(link_type, struct.pack(f"{order}I", 30) + PACKET)

    def test_cut_short(self) -> None:
        """A frame cut anywhere before the IPv4 header, or empty, is no IPv4."""
        for link_type in LINK_TYPES:
            self.assert_no_ipv4(link_type, b"")
        for size in range(15):
            self.assert_no_ipv4(ETHERNET, (MACS + IPV4 + PACKET)[:size])
        for size in range(30):
            self.assert_no_ipv4(ETHERNET, (MACS + b"\x81\x00" * 10)[:size])


class DatagramTests(SynchronousTestCase):
    """From the IPv4 packet to the datagram."""

    def damage(self, packet: bytes) -> str:
        """What is said of a packet that cannot be read."""
        found = dissect(RAW, packet)
        assert isinstance(found, Damaged), found
        return found.why

    def test_options(self) -> None:
        """A longer IPv4 header is read over."""
        self.assertEqual(dissect(RAW, ipv4(CLIENT, CAMERA, b"data", options=bytes(8))), WHOLE)

    def test_empty_datagram(self) -> None:
        """A datagram may be empty."""
        self.assertEqual(dissect(RAW, ipv4(CLIENT, CAMERA, b"")), Udp(CLIENT, CAMERA, b"", 0))

    def test_other_protocol(self) -> None:
        """Another protocol is passed over, fragments of it too."""
        for fragment in (0x4000, 0x2000):
            packet = ipv4(CLIENT, CAMERA, b"data", protocol=1, fragment=fragment)
            self.assertEqual(dissect(RAW, packet), Ignored("neither UDP nor TCP"))

    def test_fragments(self) -> None:
        """The first, a middle and the last fragment are named as such."""
        for fragment in (0x2000, 0x2010, 0x0010):
            packet = ipv4(CLIENT, CAMERA, b"data", fragment=fragment)
            self.assertIn("a fragment", self.damage(packet))

    def test_missing_octets(self) -> None:
        """What was not recorded of a datagram is counted."""
        found = dissect(RAW, PACKET[:-3])
        assert isinstance(found, Udp)
        self.assertEqual((found.data, found.missing), (b"d", 3))

    def test_headers_cut_short(self) -> None:
        """A header that is not wholly there is damage."""
        for size in range(1, 20):
            self.assertIn("IPv4 header", self.damage(PACKET[:size]))
        for size in range(20, 28):
            self.assertIn("UDP header", self.damage(PACKET[:size]))

    def test_impossible_lengths(self) -> None:
        """A header that says it is shorter than a header is damage."""
        self.assertIn("says it has 16", self.damage(b"\x44" + PACKET[1:]))
        short = udp(CLIENT, CAMERA, b"data")[:4] + b"\x00\x07\x00\x00data"
        self.assertIn("says 7", self.damage(PACKET[:20] + short))
        self.assertIn("UDP header", self.damage(PACKET[:2] + b"\x00\x00" + PACKET[4:]))


class SegmentTests(SynchronousTestCase):
    """From the IPv4 packet to the TCP segment."""

    def damage(self, packet: bytes) -> str:
        """What is said of a packet that cannot be read."""
        found = dissect(RAW, packet)
        assert isinstance(found, Damaged), found
        return found.why

    def test_segment(self) -> None:
        """Numbers, flags and octets; options are read over."""
        for options in (b"", bytes(12), bytes(40)):
            packet = tcp(CLIENT, CAMERA, 7, b"data", options=options)
            self.assertEqual(dissect(RAW, packet), Tcp(CLIENT, CAMERA, 7, False, b"data", 0))
        opening = tcp(CLIENT, CAMERA, 2**32 - 1, opens=True)
        self.assertEqual(dissect(RAW, opening), Tcp(CLIENT, CAMERA, 2**32 - 1, True, b"", 0))

    def test_padding(self) -> None:
        """What fills a short Ethernet frame is no part of the segment."""
        frame = MACS + IPV4 + tcp(CLIENT, CAMERA, 7) + bytes(6)
        self.assertEqual(dissect(ETHERNET, frame), Tcp(CLIENT, CAMERA, 7, False, b"", 0))

    def test_missing_octets(self) -> None:
        """What was not recorded of a segment is counted."""
        packet = tcp(CLIENT, CAMERA, 7, b"data")
        self.assertEqual(dissect(RAW, packet[:-3]), Tcp(CLIENT, CAMERA, 7, False, b"d", 3))

    def test_length_left_to_the_network_card(self) -> None:
        """A packet whose length is filled in later goes on to the end of the frame."""
        packet = tcp(CLIENT, CAMERA, 7, b"data")
        unfilled = packet[:2] + b"\x00\x00" + packet[4:]
        self.assertEqual(dissect(RAW, unfilled), Tcp(CLIENT, CAMERA, 7, False, b"data", 0))

    def test_headers_cut_short(self) -> None:
        """A header that is not wholly there is damage."""
        packet = tcp(CLIENT, CAMERA, 7)
        for size in range(20, 40):
            self.assertIn("TCP header", self.damage(packet[:size]))

    def test_impossible_lengths(self) -> None:
        """A header shorter than a header, or longer than the packet, is damage."""
        for offset, octets in ((4, 16), (6, 24)):
            head = bytes(12) + bytes([offset << 4]) + bytes(7)
            said = self.damage(ip(CLIENT[0], CAMERA[0], head, protocol=6))
            self.assertIn(f"says it has {octets}", said)
