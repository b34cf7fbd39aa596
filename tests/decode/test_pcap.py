"""Recordings as pcap files."""

from __future__ import annotations

import struct

from twisted.trial.unittest import SynchronousTestCase

from tests.decode.builders import CAMERA, CLIENT, ETHERNET, ipv4, pcap, pcap_items
from trailcam.decode.packets import Endpoint, Ignored, Packet, Unreadable
from trailcam.decode.pcap import MAX_FRAME
from trailcam.errors import CaptureError
from trailcam.wire.codec import encode
from trailcam.wire.messages import Alive, Drw

ALIVE = ipv4(CLIENT, CAMERA, Alive())
#: Ends on ports that mean nothing.
THIS, THAT = ("10.0.0.1", 5000), ("10.0.0.2", 6000)


class FileTests(SynchronousTestCase):
    """The file itself."""

    def test_packet(self) -> None:
        """A frame gives both ends, the time and the octets."""
        items = pcap_items(pcap([ALIVE], times=[3.25]))
        expected = Packet(1, 3.25, Endpoint(*CLIENT), Endpoint(*CAMERA), encode(Alive()))
        self.assertEqual(items, [expected])
        self.assertEqual(str(Endpoint(*CAMERA)), "192.168.43.1:40611")

    def test_variants(self) -> None:
        """Both byte orders, and both units of time, say the same."""
        for order in "<>":
            for nanoseconds in (False, True):
                content = pcap([ALIVE, ALIVE], order=order, nanoseconds=nanoseconds, times=[1, 2.5])
                times = [item.time for item in pcap_items(content) if isinstance(item, Packet)]
                self.assertEqual(times, [1, 2.5])

    def test_no_frames(self) -> None:
        """A file may hold nothing."""
        self.assertEqual(pcap_items(pcap([])), [])

    def test_header_cut_short(self) -> None:
        """Without a whole header nothing can be read."""
        content = pcap([])
        for size in range(4, 24):
            error = self.assertRaises(CaptureError, pcap_items, content[:size])
            self.assertIn("inside the header", str(error))

    def test_other_link_type(self) -> None:
        """A link type that is not read is named."""
        error = self.assertRaises(CaptureError, pcap_items, pcap([ALIVE], link_type=127))
        self.assertIn("link type 127", str(error))

    def test_checksums_behind_frames(self) -> None:
        """The upper half of the link type does not matter."""
        frame = bytes(12) + b"\x08\x00" + ALIVE + bytes(4)
        (item,) = pcap_items(pcap([frame], link_type=ETHERNET | 0x5400_0000))
        self.assertIsInstance(item, Packet)

    def test_cut_anywhere(self) -> None:
        """A file that ends inside a frame gives the frames before, and says so."""
        content = pcap([ALIVE, ALIVE])
        for size in range(24 + 16 + len(ALIVE) + 1, len(content)):
            first, last = pcap_items(content[:size])
            self.assertIsInstance(first, Packet)
            assert isinstance(last, Unreadable)
            self.assertEqual(last.number, 2)
            self.assertIn("ends inside", last.why)

    def test_impossible_length(self) -> None:
        """Behind a length that cannot be, nothing can be found."""
        content = pcap([ALIVE]) + struct.pack("<4I", 0, 0, MAX_FRAME + 1, 60) + bytes(100)
        _, last = pcap_items(content)
        assert isinstance(last, Unreadable)
        self.assertEqual((last.number, "impossible" in last.why), (2, True))


class FilterTests(SynchronousTestCase):
    """What is PPPP, and what is not."""

    def only(self, *frames: bytes) -> Packet | Unreadable | Ignored:
        """The last item of a file with these frames."""
        return pcap_items(pcap(frames))[-1]

    def test_ports_do_not_matter(self) -> None:
        """A datagram with an exact envelope is ours on any port."""
        self.assertIsInstance(self.only(ipv4(THIS, THAT, Alive())), Packet)

    def test_other_protocols(self) -> None:
        """Another first octet, or an envelope that does not fit, is not ours."""
        for data in (b"", b"\xf1", b"\xf2\xe0\x00\x00", b"\xf1\xd0\x00\x07\xd1\x00"):
            self.assertEqual(self.only(ipv4(THIS, THAT, data)), Ignored("not PPPP"))

    def test_dns(self) -> None:
        """A DNS query whose number begins like our messages is a DNS query, as is the answer."""
        for ends in ((THIS, ("10.0.0.9", 53)), (("10.0.0.9", 53), THIS)):
            self.assertEqual(self.only(ipv4(*ends, b"\xf1\xfe\x00\x00")), Ignored("not PPPP"))

    def test_wrong_length_where_we_talk(self) -> None:
        """On our ports and in a known conversation, a wrong length is a bad packet of ours."""
        wrong = b"\xf1\xd0\x00\x07\xd1\x00"
        self.assertIsInstance(self.only(ipv4(CLIENT, CAMERA, wrong)), Packet)
        known = ipv4(THAT, THIS, Alive())
        self.assertIsInstance(self.only(known, ipv4(THIS, THAT, wrong)), Packet)
        self.assertEqual(self.only(known, ipv4(THIS, CLIENT, wrong)), Ignored("not PPPP"))

    def test_frames_cut_by_the_recorder(self) -> None:
        """A datagram of ours that was not recorded wholly is named with what was kept."""
        frame = ipv4(THIS, THAT, Drw(0, 0, bytes(1000)))
        (item,) = pcap_items(pcap([frame], kept=96))
        assert isinstance(item, Unreadable)
        self.assertIn("940 of its octets are missing", item.why)
        self.assertIn("kept 96", item.why)
        (item,) = pcap_items(pcap([ipv4(THIS, THAT, bytes(1000))], kept=96))
        self.assertEqual(item, Ignored("not PPPP"))

    def test_lying_udp_length(self) -> None:
        """Octets that are missing though all were kept are no fault of the recorder."""
        frame = bytearray(ipv4(CLIENT, CAMERA, Alive()))
        frame[24:26] = b"\x00\x20"
        item = self.only(bytes(frame))
        assert isinstance(item, Unreadable)
        self.assertEqual(item.why, "20 of its octets are missing")

    def test_fragments(self) -> None:
        """A fragment of a UDP packet is named, because it may be one of ours."""
        item = self.only(ipv4(CLIENT, CAMERA, Alive(), fragment=0x2000))
        assert isinstance(item, Unreadable)
        self.assertIn("fragment", item.why)

    def test_numbers(self) -> None:
        """Packets have the numbers of their frames, whatever else is in the file."""
        items = pcap_items(pcap([b"\x60" + bytes(40), ALIVE, b"", ALIVE]))
        self.assertEqual([i.number for i in items if isinstance(i, Packet)], [2, 4])
        self.assertEqual([i.why for i in items if isinstance(i, Ignored)], ["not IPv4"] * 2)
