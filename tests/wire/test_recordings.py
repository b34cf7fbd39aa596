"""Recorded packets: every one decodes, is counted right, and encodes to the same octets."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.captures import CAPTURES, MISSING, datagrams, recording
from trailcam.wire.codec import decode, encode
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import Drw, DrwAck, LanTcpOffer, P2PRdy, PunchPkt
from trailcam.wire.sockaddr import SocketAddress


class RecordingTests(SynchronousTestCase):
    """All recordings, against what an independent decoder found in them."""

    skip = MISSING

    def expectations(self) -> list[tuple[str, dict[str, Any]]]:
        """The path of each recording, and what is in it."""
        found = json.loads((CAPTURES / "expected.json").read_text(encoding="utf-8"))
        by_name = {path.name: str(path.relative_to(CAPTURES)) for path in CAPTURES.rglob("*.jsonl")}
        self.assertTrue(found)
        return [(by_name[entry["file"]], entry) for entry in found]

    def test_counts(self) -> None:
        """As many packets of each message and direction."""
        for path, expected in self.expectations():
            counts = Counter(
                f"{packet['dir']} {decode(bytes.fromhex(packet['hex'])).type.name}"
                for packet in recording(path)
            )
            self.assertEqual(dict(counts), expected["ops"], path)

    def test_same_octets(self) -> None:
        """Nothing of a packet is lost between decoding and encoding."""
        for path, _ in self.expectations():
            for datagram in datagrams(path):
                self.assertEqual(encode(decode(datagram)), datagram, path)

    def test_acknowledged(self) -> None:
        """As many acknowledged entries in each direction and channel."""
        for path, expected in self.expectations():
            entries: Counter[str] = Counter()
            for packet in recording(path):
                message = decode(bytes.fromhex(packet["hex"]))
                if isinstance(message, DrwAck):
                    entries[f"{packet['dir']} ch{message.channel}"] += len(message.indexes)
            self.assertEqual(dict(entries), expected["ack_entries"], path)

    def test_pieces(self) -> None:
        """As many different DRW in each direction and channel; copies are equal."""
        for path, expected in self.expectations():
            distinct = {
                (packet["dir"], message)
                for packet in recording(path)
                if isinstance(message := decode(bytes.fromhex(packet["hex"])), Drw)
            }
            counts = Counter(f"{sender} ch{drw.channel}" for sender, drw in distinct)
            self.assertEqual(dict(counts), expected["drw_distinct"], path)

    def test_handshake(self) -> None:
        """The first packets of a session say what they should."""
        messages = [decode(datagram) for datagram in datagrams("lan_handshake_login.jsonl")]
        offer = LanTcpOffer(TRAILCAM_DID, SocketAddress("192.168.43.1", 40611))
        self.assertEqual(messages[0], PunchPkt(TRAILCAM_DID))
        self.assertIn(offer, messages)
        self.assertIn(P2PRdy(TRAILCAM_DID), messages)
        self.assertIn(Drw(0, 0, b"ACK"), messages)
