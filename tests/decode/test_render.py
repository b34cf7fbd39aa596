"""The text form of a decoded recording."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.decode.builders import (
    CAMERA,
    CLIENT,
    ack,
    answer,
    command,
    decoded,
    drws,
    escaped,
    from_camera,
    from_client,
    ipv4,
    line,
    pcap,
    pieces,
)
from trailcam.decode import render_text
from trailcam.decode.faults import MOST_FAULTS
from trailcam.decode.render import MOST_LINES, MOST_PLACE
from trailcam.wire.messages import Alive, Drw

LOGIN = {"cmdId": 0, "usrName": "admin", "password": "secret"}


class RenderTests(SynchronousTestCase):
    """What people read."""

    def text(self, content: bytes, name: str = "made.jsonl", colour: bool = False) -> str:
        """The text of a recording."""
        return render_text(decoded(self.mktemp(), content, name), colour=colour)

    def test_whole(self) -> None:
        """All sections of a short session, in full."""
        content = line("camera", Drw(0, 0, b"ACK"), 1.0)
        content += line("client", Drw(0, 0, command(1, LOGIN)), 1.25)
        content += line("camera", ack(0), 1.3)
        content += line("camera", Drw(0, 1, answer(1, {"cmdId": 0, "token": 77})), 1.5)
        content += b"{}\n"
        self.assertEqual(
            self.text(content).splitlines(),
            [
                "made.jsonl: 5 packets, 2 records, 0.500 s, 1 bad",
                "",
                "messages",
                "           camera  client",
                "  DRW           2       1",
                "  DRW_ACK       1       -",
                "",
                "channels",
                "              DRW  repeated  missing  acks sent",
                "  camera ch0    2         -        -          1",
                "  client ch0    1         -        -          -",
                "",
                "commands and answers",
                "      +0.250 s  client -> camera  ch0  #1      login  "
                '{"cmdId":0,"usrName":"admin","password":"secret"}',
                '      +0.500 s  camera -> client  ch0  #1      login  {"cmdId":0,"token":77}',
                "",
                "notes",
                "  camera ch0 seq0 is the 3-byte banner",
                "",
                "could not be read",
                '  line 5: its "dir" is neither "camera" nor "client"',
            ],
        )

    def test_nothing(self) -> None:
        """Sections without anything are left out."""
        self.assertEqual(self.text(b"\n"), "made.jsonl: 0 packets, 0 records\n")
        text = self.text(from_client(Alive()))
        self.assertTrue(text.startswith("made.jsonl: 1 packet, 0 records\n\nmessages\n"))
        self.assertNotIn("channels", text)
        self.assertNotIn("notes", text)

    def test_order_of_arrival(self) -> None:
        """Commands and answers are in the order in which they became complete."""
        content = b"".join(
            from_client(Drw(0, n, command(n, {"cmdId": 525})))
            + from_camera(Drw(0, n, answer(n, {"result": n})))
            for n in (1, 2, 3)
        )
        text = self.text(content)
        order = [row.split()[0] for row in text.splitlines() if "->" in row]
        self.assertEqual(order, ["client", "camera"] * 3)
        self.assertIn("client -> camera  ch0  #2      heartbeat  {", text)

    def test_long_json(self) -> None:
        """JSON is shown whole, on one line."""
        body = {"cmdId": 768, "mediaFiles": list(range(150))}
        text = self.text(from_camera(*drws([answer(1, body)])))
        self.assertIn(f'"mediaFiles":[{",".join(map(str, range(150)))}]}}\n', text)

    def test_conversations(self) -> None:
        """A pcap file's ends are shown with their addresses, and what else it holds."""
        frames = [ipv4(CLIENT, CAMERA, Alive()), ipv4(CLIENT, CAMERA, b"", protocol=1), b""]
        text = self.text(pcap(frames, times=[1, 1, 1]), "a.pcap")
        self.assertIn(
            "a.pcap: 1 packet, 0 records, 0.000 s, "
            "1 passed over (neither UDP nor TCP), 1 passed over (not IPv4)\n",
            text,
        )
        self.assertIn("camera 192.168.43.1:40611, client 192.168.43.20:15054: 1 packet\n", text)

    def test_many_bad_packets(self) -> None:
        """Of very many bad packets some are shown, and the others counted."""
        text = self.text(b"bad\n" * (MOST_LINES + 7))
        self.assertEqual(text.count("not JSON"), MOST_LINES)
        self.assertIn("... and 7 more\n", text)
        self.assertNotIn("more", self.text(b"bad\n" * MOST_LINES))

    def test_more_bad_packets_than_are_kept(self) -> None:
        """Those of which only the number is known are counted as well."""
        text = self.text(b"bad\n" * (MOST_FAULTS + 7))
        self.assertIn(f", {MOST_FAULTS + 7} bad\n", text)
        self.assertIn(f"... and {MOST_FAULTS + 7 - MOST_LINES} more\n", text)

    def test_one_long_name(self) -> None:
        """One command with a long name makes its own line long, and no other."""
        bodies = [{"cmdId": 10**2000}, {"cmdId": 525}]
        stream = b"".join(command(number, body) for number, body in enumerate(bodies))
        text = self.text(from_client(*drws(pieces(stream))))
        long, short = [row for row in text.splitlines() if "->" in row]
        self.assertGreater(len(long), 4000)  # the name, and the object
        self.assertEqual(short.index('  {"cmdId":525}'), len("  ") + MOST_PLACE)

    def test_name_is_safe(self) -> None:
        """Nor can the name of the file."""
        text = self.text(b"\n", "a\x1b[31m\nb.jsonl")
        self.assertEqual(text, "a\\u001b[31m\\u000ab.jsonl: 0 packets, 0 records\n")

    def test_terminal_is_safe(self) -> None:
        """Nothing in a recording can give orders to a terminal; letters stay letters."""
        body = {"name": "é\x1b[2J\x9b2J\u202e\ud800\n"}
        text = self.text(from_camera(*drws([escaped(body)])))
        self.assertIn('{"name":"é\\u001b[2J\\u009b2J\\u202e\\ud800\\n"}', text)
        self.assertTrue(all(c.isprintable() or c == "\n" for c in text))

    def test_colour(self) -> None:
        """Colours come only when they are asked for, and change nothing else."""
        content = from_camera(*drws([answer(1, LOGIN)])) + from_client(*drws([command(1, LOGIN)]))
        content += b"bad\n"
        plain, coloured = self.text(content), self.text(content, colour=True)
        self.assertNotIn("\x1b", plain)
        for code in (1, 31, 32, 36):
            self.assertIn(f"\x1b[{code}m", coloured)
            coloured = coloured.replace(f"\x1b[{code}m", "")
        self.assertEqual(coloured.replace("\x1b[0m", ""), plain)
