"""Recordings as lines of JSON."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.decode.builders import jsonl_items, line
from trailcam.decode.jsonl import MAX_LINE
from trailcam.decode.packets import Endpoint, Item, Packet, Unreadable
from trailcam.wire.messages import Alive

ALIVE = bytes.fromhex("f1e00000")


def entry(**members: object) -> bytes:
    """A line with some members changed."""
    return json.dumps({"t": 1.5, "dir": "camera", "hex": "f1e00000", **members}).encode() + b"\n"


class GoodLineTests(SynchronousTestCase):
    """Lines that are packets."""

    def test_packet(self) -> None:
        """A line gives the sender, the time and the octets."""
        expected = Packet(1, 1.5, Endpoint("camera"), Endpoint("client"), ALIVE)
        self.assertEqual(jsonl_items(line("camera", Alive(), 1.5)), [expected])

    def test_ends(self) -> None:
        """What a client sent goes to the camera."""
        (item,) = jsonl_items(line("client", Alive()))
        assert isinstance(item, Packet)
        self.assertEqual((str(item.sender), str(item.receiver)), ("client", "camera"))

    def test_times(self) -> None:
        """The time may be whole, null or absent."""
        for members, time in (({"t": 2}, 2), ({"t": None}, None), ({"t": -0.5}, -0.5)):
            (item,) = jsonl_items(entry(**members))
            assert isinstance(item, Packet)
            self.assertEqual(item.time, time)
        (item,) = jsonl_items(b'{"dir": "camera", "hex": ""}')
        self.assertEqual(item, Packet(1, None, Endpoint("camera"), Endpoint("client"), b""))

    def test_blank_lines(self) -> None:
        """A blank line is nothing, but it counts as a line."""
        items = jsonl_items(b"\n" + entry() + b"  \r\n\n" + entry())
        self.assertEqual([item.number for item in items if isinstance(item, Packet)], [2, 5])

    def test_byte_order_mark(self) -> None:
        """A mark that some editors put first does not spoil the line."""
        (item,) = jsonl_items(b"\xef\xbb\xbf" + entry())
        self.assertIsInstance(item, Packet)

    def test_ends_of_lines(self) -> None:
        """The last line needs no end, and lines may end as Windows ends them."""
        items = jsonl_items(entry()[:-1] + b"\r\n" + entry()[:-1])
        self.assertEqual([type(item) for item in items], [Packet, Packet])


class BadLineTests(SynchronousTestCase):
    """Lines that are not."""

    def refused(self, content: bytes) -> str:
        """The reason for refusing a line that stands between two good ones."""
        first, bad, last = jsonl_items(entry() + content + b"\n" + entry())
        self.assertEqual([type(item) for item in (first, last)], [Packet, Packet])
        assert isinstance(bad, Unreadable), bad
        self.assertEqual(bad.number, 2)
        return bad.why

    def test_not_json(self) -> None:
        """What does not parse, however it does not."""
        for content in (b"{", b"\xff\xfe\x00", b"\x00", b"[" * 60_000, b'{"t":' + b"1" * 5000):
            self.assertEqual(self.refused(content), "not JSON")

    def test_not_an_object(self) -> None:
        """JSON of another type."""
        for content in (b"[]", b"1", b"null", b'"x"'):
            self.assertEqual(self.refused(content), "not a JSON object")

    def test_direction(self) -> None:
        """A sender that is none."""
        for sender in ("server", "", None, 1, [], {}):
            self.assertIn('"dir"', self.refused(entry(dir=sender)[:-1]))

    def test_time(self) -> None:
        """A time that is none."""
        for time in ("1", True, [], float("nan"), float("inf"), 10**400, 1e300, -(2.0**53)):
            self.assertIn('"t"', self.refused(entry(t=time)[:-1]))

    def test_hex(self) -> None:
        """Octets that are none."""
        for text in ("f", "xx", "é1", None, 5, ["f1"]):
            self.assertIn('"hex"', self.refused(entry(hex=text)[:-1]))

    def test_long_line(self) -> None:
        """A line that is too long is not parsed; the next one is where it should be."""
        for size in (MAX_LINE, MAX_LINE + 1, 3 * MAX_LINE):
            why = self.refused(b'{"a":"'.ljust(size, b"x"))
            self.assertIn("longer than", why)

    def test_longest_line(self) -> None:
        """A line just short of that is parsed."""
        self.assertEqual(self.refused(b"x" * (MAX_LINE - 2)), "not JSON")

    def test_long_last_line(self) -> None:
        """A long line at the end of the file is one line."""
        items: list[Item] = jsonl_items(entry() + b"x" * (2 * MAX_LINE))
        self.assertEqual([type(item) for item in items], [Packet, Unreadable])
