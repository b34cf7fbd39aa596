"""The recordings, against what an independent decoder found in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.captures import CAPTURES, MISSING, recording
from tests.decode.builders import CAMERA, CLIENT, Address, decoded, ipv4, pcap
from trailcam.decode import decode_file, render_text

SERVER_PORT, SEARCH_PORT = 32100, 32108
_TO_SERVERS = (0x00, 0xF9)

#: Octets of each link type before the IPv4 packet.
LINKS = {
    0: b"\x02\0\0\0",
    1: bytes(12) + b"\x08\0",
    101: b"",
    108: b"\0\0\0\x02",
    113: bytes(14) + b"\x08\0",
    276: b"\x08\0" + bytes(18),
}


def expectations() -> list[tuple[Path, dict[str, Any]]]:
    """Every recording with what is to be found in it."""
    paths = {path.name: path for path in CAPTURES.rglob("*.jsonl")}
    entries = json.loads((CAPTURES / "expected.json").read_text("utf-8"))
    return [(paths[entry["file"]], entry) for entry in entries]


def far_end(packet: dict[str, Any]) -> Address:
    """Whom a client sent a packet to, where the recording does not say."""
    opcode, port = int(packet["hex"][2:4], 16), packet["peer_port"]
    if opcode in _TO_SERVERS:
        return "203.0.113.5", SERVER_PORT
    if port == SEARCH_PORT:
        return "255.255.255.255", SEARCH_PORT
    return CAMERA[0], port or CAMERA[1]


def as_frame(packet: dict[str, Any]) -> bytes:
    """The IPv4 packet that a line of a recording may have been."""
    data = bytes.fromhex(packet["hex"])
    if packet["dir"] == "camera":
        return ipv4(CAMERA, CLIENT, data)
    return ipv4(CLIENT, far_end(packet), data)


class RecordingTests(SynchronousTestCase):
    """Every member of every entry."""

    skip = MISSING

    def test_all(self) -> None:
        """All members that the independent decoder gives are equal to ours."""
        found = expectations()
        self.assertGreaterEqual(len(found), 10)
        for path, expected in found:
            ours = decode_file(path).as_json()
            for member, value in expected.items():
                self.assertEqual(ours[member], value, f"{path.name}: {member}")

    def test_nothing_else_is_there(self) -> None:
        """No recording holds a packet that is passed over, or an address."""
        for path, _ in expectations():
            ours = decode_file(path).as_json()
            self.assertEqual(
                (ours["ignored"], ours["conversations"], ours["source"]), ({}, [], "jsonl")
            )

    def test_as_pcap(self) -> None:
        """The same packets in a pcap file, on every link type, say the same."""
        files = expectations()
        for number, (path, expected) in enumerate(files):
            packets = recording(str(path.relative_to(CAPTURES)))
            link_type, head = list(LINKS.items())[number % len(LINKS)]
            content = pcap(
                [head + as_frame(packet) for packet in packets],
                link_type=link_type,
                order="<>"[number % 2],
                nanoseconds=number % 3 == 0,
                times=[1_766_505_566 + (packet["t"] or 0) for packet in packets],
            )
            ours = decoded(self.mktemp(), content, "same.pcap").as_json()
            same = {**expected, "file": "same.pcap", "span_s": expected["span_s"] or 0}
            for member, value in same.items():
                self.assertEqual(ours[member], value, f"{path.name}: {member}")

    def test_text(self) -> None:
        """The text of every recording shows each command, with its JSON on one line."""
        for path, expected in expectations():
            text = render_text(decode_file(path))
            self.assertTrue(text.startswith(f"{path.name}: {expected['packets']} packets, "))
            self.assertEqual(text.count(" -> "), len(expected["json"]))
            for entry in expected["json"]:
                body = json.dumps(entry["json"], separators=(",", ":"), ensure_ascii=False)
                self.assertIn(f"  {body}\n", text)
