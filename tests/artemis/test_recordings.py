"""All complete records of the recordings: read, and written again."""

from __future__ import annotations

import base64
from collections import defaultdict

from twisted.trial.unittest import SynchronousTestCase

from tests.captures import CAPTURES, MISSING, datagrams
from trailcam.artemis.commands import decode_body, encode_body
from trailcam.artemis.crypto import BLOCK, decipher, encipher
from trailcam.artemis.media import decode_frame
from trailcam.artemis.record import Record, RecordDecoder, RecordKind

_DRW = b"\xf1\xd0"


def records(name: str, direction: str) -> list[Record]:
    """The records of a recording; this reads DRW without the help of the product."""
    channels: defaultdict[int, dict[int, bytes]] = defaultdict(dict)
    for data in datagrams(name, direction):
        if data[:2] == _DRW:
            channels[data[5]].setdefault(int.from_bytes(data[6:8], "big"), data[8:])
    found = []
    for pieces in channels.values():
        decoder = RecordDecoder()
        for index in sorted(pieces):
            if index - 1 not in pieces:
                decoder.restart()
            found += decoder.feed(pieces[index])
    return found


def names() -> list[str]:
    """The recordings, as paths below their folder."""
    return sorted(str(path.relative_to(CAPTURES)) for path in CAPTURES.rglob("*.jsonl"))


class RecordingTests(SynchronousTestCase):
    """What cameras and clients wrote."""

    skip = MISSING

    def test_records(self) -> None:
        """Every record's octets are those that were sent."""
        total = 0
        for name in names():
            sent = b"".join(datagrams(name))
            for direction in ("camera", "client"):
                for record in records(name, direction):
                    octets = record.to_bytes()
                    total += 1
                    self.assertIn(octets[: 1024 - 8], sent)
        self.assertGreater(total, 80)

    def test_answers(self) -> None:
        """A camera's answer, read and written again, is the same octet for octet."""
        total = 0
        for name in names():
            for record in records(name, "camera"):
                if record.kind == RecordKind.ANSWER:
                    again = encode_body(RecordKind.ANSWER, record.sequence, decode_body(record))
                    self.assertEqual(again, record, name)
                    total += 1
        self.assertGreater(total, 10)

    def test_commands(self) -> None:
        """A client's command too, but for the left-over octets behind its text."""
        total = 0
        for name in names():
            # The one that was not recorded has a whole block of NULs that real clients do not add.
            for record in records(name, "client") if "constructed" not in name else []:
                self.assert_same_command(record, name)
                total += 1
        self.assertGreater(total, 60)

    def assert_same_command(self, record: Record, name: str) -> None:
        """Fail unless only octets behind the text's NUL change when a command is written again."""
        body = decode_body(record)
        again = encode_body(RecordKind.COMMAND, record.sequence, body)
        self.assertEqual((again.kind, again.sequence), (record.kind, record.sequence))
        self.assertEqual(len(again.payload), len(record.payload), name)
        sent, written = (
            decipher(base64.b64decode(payload[:-1])) for payload in (record.payload, again.payload)
        )
        text = written.rstrip(b"\0")
        self.assertEqual(sent[: len(text) + 1], text + b"\0"[: len(sent) - len(text)])
        self.assertLess(len(sent) - len(text), BLOCK)
        self.assertEqual(base64.b64encode(encipher(sent)) + b"\0", record.payload)

    def test_live_frame(self) -> None:
        """The one complete live record opens to a slice of H.264."""
        (record,) = (r for r in records("session_live_record.jsonl", "camera") if r.kind == 0)
        frame = decode_frame(record.payload)
        self.assertEqual((frame.head.width, frame.head.height), (1280, 720))
        self.assertEqual(frame.head.number, 7)
        self.assertEqual(frame.head.timestamp, 25_645_156)
        self.assertEqual(len(frame.video), 190)
        self.assertTrue(frame.video.startswith(b"\0\0\0\1\x41"))
        # Reserved octets of the head repeat the end of the video.
        self.assertEqual(frame.video[-4:], record.payload[66:70])
