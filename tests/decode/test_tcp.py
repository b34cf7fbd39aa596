"""Frames in TCP connections, and what goes wrong with those."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.decode.builders import Address, pcap, pcap_items, tcp
from trailcam.decode.packets import Endpoint, Ignored, Item, Packet, Unreadable
from trailcam.decode.tcp import MOST_OCTETS_WAITING, MOST_STREAMS, MOST_WAITING
from trailcam.wire.codec import encode
from trailcam.wire.messages import Alive, Drw, Message, RlyHello, RlyPort
from trailcam.wire.stream import ClearFraming, encode_frame

CLIENT, RELAY = ("10.0.0.2", 40000), ("203.0.113.5", 65527)
NOT_OURS = Ignored("not PPPP")
BEHIND = Ignored("behind the readable part of a TCP stream")


def frame(message: Message) -> bytes:
    """The clear frame of a message."""
    return encode_frame(message, ClearFraming())


HELLO, PORT = frame(RlyHello()), frame(RlyPort())


class Sender:
    """Cuts what one end says into segments."""

    def __init__(self, source: Address, destination: Address, first: int = 1) -> None:
        self.ends = (source, destination)
        self.first = self.next = first

    def opening(self) -> bytes:
        """The segment before the first octet."""
        return tcp(*self.ends, (self.first - 1) % 2**32, opens=True)

    def segment(self, data: bytes) -> bytes:
        """The next octets."""
        sequence, self.next = self.next, (self.next + len(data)) % 2**32
        return tcp(*self.ends, sequence, data)


class TcpTestCase(SynchronousTestCase):
    """Reads pcap files of one client, which counts its octets from 1."""

    def setUp(self) -> None:
        """A client that has said nothing yet."""
        self.client = Sender(CLIENT, RELAY)

    def items(self, *frames: bytes) -> list[Item]:
        """What is found in these frames."""
        return pcap_items(pcap(frames, times=range(len(frames))))

    def said(self, *frames: bytes) -> list[bytes]:
        """The packets found in these frames, where nothing else is found."""
        items = self.items(*frames)
        packets = [item for item in items if isinstance(item, Packet)]
        self.assertEqual(packets, items)
        return [packet.data for packet in packets]

    def fault(self, item: Item) -> str:
        """What is said of a stream that was given up."""
        assert isinstance(item, Unreadable), item
        return item.why


class OrderTests(TcpTestCase):
    """Streams that can be read to their ends."""

    def test_frame(self) -> None:
        """A frame gives a packet with the time and number of the segment that completes it."""
        segments = self.client.opening(), self.client.segment(HELLO[:5])
        items = self.items(*segments, self.client.segment(HELLO[5:]), self.client.segment(b""))
        ends = Endpoint(*CLIENT), Endpoint(*RELAY)
        self.assertEqual(items, [Packet(3, 2.0, *ends, encode(RlyHello()))])

    def test_both_directions(self) -> None:
        """What the two ends say is kept apart."""
        relay = Sender(RELAY, CLIENT)
        segments = [self.client.segment(HELLO[:9]), relay.segment(PORT)]
        said = self.said(*segments, self.client.segment(HELLO[9:]))
        self.assertEqual(said, [encode(RlyPort()), encode(RlyHello())])

    def test_several_in_one_segment(self) -> None:
        """Frames may share a segment, and be cut anywhere."""
        stream = HELLO + PORT + frame(Drw(0, 0, bytes(500))) + HELLO
        expected = [RlyHello(), RlyPort(), Drw(0, 0, bytes(500)), RlyHello()]
        for cut in range(len(stream)):
            client = Sender(CLIENT, RELAY)
            said = self.said(client.segment(stream[:cut]), client.segment(stream[cut:]))
            self.assertEqual(said, [encode(message) for message in expected])

    def test_out_of_order(self) -> None:
        """Segments in any order behind the opening are put in order."""
        stream = HELLO + PORT
        pieces = [self.client.segment(stream[start : start + 6]) for start in range(0, 24, 6)]
        for order in permutations(pieces):
            said = self.said(self.client.opening(), *order)
            self.assertEqual(said, [encode(RlyHello()), encode(RlyPort())])

    def test_repeated(self) -> None:
        """What comes again, alone or with something new, is read once."""
        opening, first = self.client.opening(), self.client.segment(HELLO)
        again = tcp(CLIENT, RELAY, 5, HELLO[4:] + PORT)
        said = self.said(opening, opening, first, first, again, first, opening)
        self.assertEqual(said, [encode(RlyHello()), encode(RlyPort())])

    def test_repeated_while_waiting(self) -> None:
        """Of two segments that wait at one place the longer counts; overlaps are read once."""
        stream = HELLO + PORT
        late = [tcp(CLIENT, RELAY, 1 + start, stream[start:end]) for start, end in self.OVERLAPS]
        said = self.said(self.client.opening(), *late, tcp(CLIENT, RELAY, 1, stream[:5]))
        self.assertEqual(said, [encode(RlyHello()), encode(RlyPort())])

    #: Parts of a stream of 24 octets, beginning with the fifth.
    OVERLAPS = [(4, 9), (4, 6), (4, 12), (8, 16), (11, 13), (16, 24), (20, 24)]

    def test_numbers_start_anew(self) -> None:
        """Sequence numbers go on from 0 behind the highest."""
        client = Sender(CLIENT, RELAY, 2**32 - 3)
        first, second = client.segment(HELLO), client.segment(PORT)
        said = self.said(client.opening(), second, first)
        self.assertEqual(said, [encode(RlyHello()), encode(RlyPort())])

    def test_begins_inside_a_connection(self) -> None:
        """Without an opening the first octets are where a stream begins, not a sign of life."""
        keep_alive = tcp(CLIENT, RELAY, 99)
        client = Sender(CLIENT, RELAY, 100)
        self.assertEqual(self.said(keep_alive, client.segment(HELLO)), [encode(RlyHello())])

    def test_ports_used_again(self) -> None:
        """A new connection between the same ports is a new stream."""
        first, second = Sender(CLIENT, RELAY, 1), Sender(CLIENT, RELAY, 70000)
        segments = [first.opening(), first.segment(HELLO + PORT[:3])]
        segments += [second.opening(), second.segment(PORT)]
        self.assertEqual(self.said(*segments), [encode(RlyHello()), encode(RlyPort())])

    def test_unknown_message(self) -> None:
        """What a frame holds is handed on, whatever it is, and the stream goes on."""
        odd = b"\x00\x04\x68" + bytes(5) + b"\xf1\x7f\x00\x00"
        self.assertEqual(
            self.said(self.client.segment(odd + HELLO)),
            [b"\xf1\x7f\x00\x00", encode(RlyHello())],
        )

    @settings(max_examples=100, deadline=None)
    @given(st.data())
    def test_any_network(self, data: st.DataObject) -> None:
        """Whatever is cut, doubled and swapped: when all is there, all is read once, in order."""
        messages = [Drw(0, index, bytes([index]) * 20) for index in range(10)]
        stream = b"".join(map(frame, messages))
        cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=12)))
        edges = list(zip([0, *cuts], [*cuts, len(stream)], strict=True))
        sent = data.draw(st.permutations(edges + data.draw(st.lists(st.sampled_from(edges)))))
        segments = [tcp(CLIENT, RELAY, 1 + start, stream[start:end]) for start, end in sent]
        said = self.said(self.client.opening(), *segments)
        self.assertEqual(said, [encode(message) for message in messages])


class OtherStreamTests(TcpTestCase):
    """Streams of something else."""

    def test_no_frame(self) -> None:
        """Every segment of a stream that does not begin with a clear frame is passed over."""
        enciphered = b"\x00\x04\x68\x00\x12\x34\x56\x78" + bytes(4)
        for data in (b"GET / HTTP/1.1\r\n", enciphered, HELLO[1:], b"\x16\x03\x01", bytes(100)):
            client = Sender(CLIENT, RELAY)
            items = self.items(client.opening(), client.segment(data), client.segment(HELLO))
            self.assertEqual(items, [NOT_OURS, NOT_OURS])

    def test_piece_of_a_head(self) -> None:
        """As long as a stream may become ours it is neither taken nor passed over."""
        for size in range(8):
            client = Sender(CLIENT, RELAY)
            self.assertEqual(self.items(client.segment(HELLO[:size])), [])

    def test_cut_by_the_recorder(self) -> None:
        """Streams that are none of ours are not named when octets of them are missing."""
        segments = [self.client.segment(b"GET / " + bytes(500)), self.client.segment(bytes(500))]
        self.assertEqual(pcap_items(pcap(segments, kept=96)), [NOT_OURS, NOT_OURS])

    def test_gap_at_the_beginning(self) -> None:
        """Nor are those whose first octets are missing."""
        late = tcp(CLIENT, RELAY, 101, b"data")
        self.assertEqual(self.items(self.client.opening(), late), [NOT_OURS])

    def test_nothing_said(self) -> None:
        """Connections without octets are neither."""
        self.assertEqual(self.items(self.client.opening(), self.client.segment(b"")), [])


class GapTests(TcpTestCase):
    """Streams that are given up."""

    def test_end_of_file(self) -> None:
        """A gap that nothing fills is named when the file ends."""
        start, late = self.client.segment(HELLO), tcp(CLIENT, RELAY, 100, PORT)
        first, fault = self.items(start, late, late)
        self.assertIsInstance(first, Packet)
        self.assertEqual(
            fault,
            Unreadable(
                3,
                "TCP 10.0.0.2:40000 > 203.0.113.5:65527: octets are missing; "
                "the rest of it is not read",
            ),
        )

    def test_new_connection(self) -> None:
        """A gap is named when the next connection between the same ports begins."""
        late, second = tcp(CLIENT, RELAY, 100, PORT), Sender(CLIENT, RELAY, 9000)
        segments = [self.client.segment(HELLO), late, second.opening(), second.segment(PORT)]
        first, fault, last = self.items(*segments)
        self.assertIn("octets are missing", self.fault(fault))
        assert isinstance(first, Packet)
        assert isinstance(last, Packet)
        self.assertEqual([first.data, last.data], [encode(RlyHello()), encode(RlyPort())])

    def test_too_many_segments(self) -> None:
        """Only so many segments wait; then the stream is given up, once."""
        late = [tcp(CLIENT, RELAY, 100 + 2 * n, b"x") for n in range(MOST_WAITING + 3)]
        first, fault, *rest = self.items(self.client.segment(HELLO), *late)
        self.assertIsInstance(first, Packet)
        assert isinstance(fault, Unreadable)
        self.assertEqual(fault.number, MOST_WAITING + 2)
        self.assertEqual(rest, [BEHIND, BEHIND])

    def test_too_many_octets(self) -> None:
        """Only so many octets wait."""
        size = 60000
        count = MOST_OCTETS_WAITING // size + 1
        late = [tcp(CLIENT, RELAY, 100 + size * n, bytes(size)) for n in range(count + 1)]
        _, fault, *rest = self.items(self.client.segment(HELLO), *late)
        assert isinstance(fault, Unreadable)
        self.assertEqual((fault.number, rest), (count + 1, [BEHIND]))

    def test_other_streams_go_on(self) -> None:
        """A gap in one stream does not touch another one."""
        relay = Sender(RELAY, CLIENT)
        segments = [self.client.segment(HELLO), tcp(CLIENT, RELAY, 100, PORT)]
        items = self.items(*segments, relay.segment(HELLO), relay.segment(PORT))
        self.assertEqual([type(item) for item in items], [Packet] * 3 + [Unreadable])

    def test_damaged_frame(self) -> None:
        """Behind something that is no frame nothing is read, but all before it is."""
        segment = self.client.segment(HELLO + b"\x00\x04\x69" + bytes(9))
        first, fault, rest = self.items(segment, self.client.segment(PORT))
        assert isinstance(first, Packet)
        self.assertEqual(first.data, encode(RlyHello()))
        self.assertIn("6900 where 6800 belongs", self.fault(fault))
        self.assertEqual(rest, BEHIND)

    def test_damaged_first_frame(self) -> None:
        """A stream that begins like one of ours, with an impossible length, is named."""
        (fault,) = self.items(self.client.segment(b"\xff\xff\x68" + bytes(5)))
        self.assertIn("65535 octets", self.fault(fault))

    def test_cut_by_the_recorder(self) -> None:
        """What was recorded is read; where octets were not, a stream of ours is given up."""
        segments = [self.client.segment(HELLO + frame(Drw(0, 0, bytes(500))))]
        segments += [self.client.segment(frame(Alive()))]
        first, fault, rest = pcap_items(pcap(segments, kept=96))
        assert isinstance(first, Packet)
        self.assertEqual(first.data, encode(RlyHello()))
        self.assertIn("octets were not recorded", self.fault(fault))
        self.assertEqual(rest, BEHIND)

    def test_too_many_streams(self) -> None:
        """The stream that was silent longest is forgotten, and named if it had a gap."""
        start, filling = self.client.segment(HELLO), self.client.segment(PORT)
        late = self.client.segment(PORT)
        others = [Sender(("10.0.0.3", 1024 + n), RELAY).opening() for n in range(MOST_STREAMS)]
        forgotten = self.items(start, late, *others, filling)
        self.assertEqual([type(item) for item in forgotten], [Packet, Unreadable, Packet])
        followed = self.items(start, late, *others[1:], filling)
        self.assertEqual([type(item) for item in followed], [Packet, Packet, Packet])
