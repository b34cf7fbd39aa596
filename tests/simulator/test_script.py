"""Recordings made into scripts, and what is wrong with some."""

from __future__ import annotations

import json
import math
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.rig import OFFER, PUNCH, READY, from_camera, from_client
from trailcam.errors import CaptureError
from trailcam.simulator import script
from trailcam.simulator.script import (
    MAX_LINE,
    MAX_PAUSE,
    OFFER_PACE,
    PACE,
    Barrier,
    Line,
    read_script,
)
from trailcam.wire.codec import encode
from trailcam.wire.constants import MessageType
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import Alive, Hello, ReportSessionReady

ALIVE = {"t": None, "dir": "camera", "hex": "f1e00000"}
LINE = json.dumps(ALIVE).encode() + b"\n"


class ScriptTests(SynchronousTestCase):
    """What a recording turns into."""

    def test_usual_pace(self) -> None:
        """Without times, packets are 4 ms apart, and 51 offers take 325 ms."""
        script = read_script(
            [from_camera(PUNCH), from_camera(OFFER), from_camera(OFFER), from_camera(READY)]
        )
        pauses = [step.pause for step in script if isinstance(step, Line)]
        self.assertEqual(pauses, [PACE, OFFER_PACE, OFFER_PACE, PACE])
        self.assertAlmostEqual(50 * OFFER_PACE, 0.325)

    def test_recorded_times(self) -> None:
        """With times, the pause is that from the packet before, whoever sent it."""
        script = read_script(
            [
                from_camera(PUNCH, 1.0),
                from_client(PUNCH, 1.5),
                from_camera(READY, 1.75),
                from_camera(READY, 1.7),
            ]
        )
        pauses = [step.pause for step in script if isinstance(step, Line)]
        self.assertEqual(pauses, [PACE, 0.25, 0.0])

    def test_barriers(self) -> None:
        """A packet of the client becomes a barrier of its kind."""
        script = read_script(
            [from_client(PUNCH), from_camera(READY), from_client(Alive(), port=40611)]
        )
        self.assertEqual(
            script,
            (
                Barrier(MessageType.PUNCH_PKT),
                Line(encode(READY), PACE),
                Barrier(MessageType.ALIVE),
            ),
        )

    def test_not_for_the_camera(self) -> None:
        """What the client told servers or other ports, or what is no message, is left out."""
        report = ReportSessionReady(TRAILCAM_DID, 1)
        packets = [
            from_client(Hello()),
            from_client(report, port=32100),
            from_client(report),
            from_client(PUNCH, port=3333),
            from_client(b"\xf1\xd1\0\6\xd1\0\0\0\0\0"),
        ]
        self.assertEqual(read_script(packets), ())

    def test_camera_octets_as_they_are(self) -> None:
        """The camera's packets are not judged."""
        self.assertEqual(read_script([from_camera(b"?")]), (Line(b"?", PACE),))

    def test_path(self) -> None:
        """A recording may be the path of a file."""
        path = self.mktemp()
        with open(path, "w", encoding="utf-8") as lines:
            lines.write(
                json.dumps(from_camera(PUNCH)) + "\n" + json.dumps(from_camera(READY)) + "\n"
            )
        self.assertEqual(len(read_script(path)), 2)

    def test_unreadable(self) -> None:
        """A missing or broken file, or packets that are none, are a CaptureError."""
        path = self.mktemp()
        self.assertRaises(CaptureError, read_script, path)
        with open(path, "wb") as lines:
            lines.write(b'{"dir"')
        self.assertRaises(CaptureError, read_script, path)
        for wrong in ({"dir": "camera"}, {"dir": "camera", "hex": "xy"}, {"hex": ""}, 7, None):
            self.assertRaises(CaptureError, read_script, [wrong])


class HostileFileTests(SynchronousTestCase):
    """Whatever a file holds, it is played or refused in one line."""

    def file(self, content: bytes) -> str:
        """The path of a new file."""
        path = Path(self.mktemp())
        path.write_bytes(content)
        return str(path)

    def refused(self, path: str) -> str:
        """Why a file is refused."""
        reason = str(self.assertRaises(CaptureError, read_script, path))
        head = f"cannot read the recording {path!r}: "
        self.assertTrue(reason.startswith(head), reason)
        self.assertTrue(reason.isprintable(), reason)
        return reason.removeprefix(head)

    def test_blank_lines(self) -> None:
        """A blank line is nothing."""
        self.assertEqual(len(read_script(self.file(b"\n" + LINE + b" \r\n" + LINE))), 2)

    def test_longest_file(self) -> None:
        """A file may be so long and no longer."""
        self.patch(script, "MAX_FILE", 2 * len(LINE))
        self.assertEqual(len(read_script(self.file(2 * LINE))), 2)
        reason = self.refused(self.file(2 * LINE + b"\n"))
        self.assertEqual(reason, f"it is longer than {2 * len(LINE)} octets")

    def test_endless_file(self) -> None:
        """No more is read of a file than it may have."""
        self.patch(script, "MAX_FILE", 1000)
        self.assertEqual(self.refused("/dev/zero"), "it is longer than 1000 octets")

    def test_longest_line(self) -> None:
        """A line may be so long and no longer."""
        longest = LINE.strip().ljust(MAX_LINE - 1) + b"\n"
        self.assertEqual(len(read_script(self.file(LINE + longest))), 2)
        reason = self.refused(self.file(LINE + b" " + longest))
        self.assertEqual(reason, f"line 2 is longer than {MAX_LINE} octets")

    def test_not_json(self) -> None:
        """What cannot be parsed is named by its line, however deep it is."""
        for wrong in (b'{"dir"', b"\xff", b"[" * 60_000, b'{"a":' * 10_000, b"1" * 5000 + b"x"):
            self.assertEqual(self.refused(self.file(LINE + wrong)), "line 2 is not JSON")

    def test_memory(self) -> None:
        """Too little memory for a line is told as well."""

        def refuse(line: bytes) -> None:
            raise MemoryError

        self.patch(json, "loads", refuse)
        self.assertEqual(self.refused(self.file(LINE)), "line 1 is not JSON")

    def test_empty(self) -> None:
        """A file, or a list, without any packet is not played."""
        expected = "not a recording: there is no packet in it"
        for content in (b"", b"\n \n"):
            self.assertEqual(self.refused(self.file(content)), expected)
        self.assertEqual(str(self.assertRaises(CaptureError, read_script, [])), expected)

    def test_missing(self) -> None:
        """The system's words are told without its numbers, the name without its orders."""
        self.assertEqual(self.refused("none\x1b[2J\n.jsonl"), "No such file or directory")
        self.assertIn("null byte", self.refused("a\0b"))


class PauseTests(SynchronousTestCase):
    """Times that are none."""

    def test_too_long(self) -> None:
        """What no reactor can wait for is refused."""
        for time in (MAX_PAUSE + 1, 1e300, math.inf, math.nan, 10**400, "soon", []):
            packets = [{**ALIVE, "t": 0}, {**ALIVE, "t": time}]
            self.assertRaises(CaptureError, read_script, packets)

    def test_longest(self) -> None:
        """A day is kept, and a step back is no pause."""
        packets = [{**ALIVE, "t": time} for time in (0, MAX_PAUSE, -1e300)]
        pauses = [step.pause for step in read_script(packets)[1:] if isinstance(step, Line)]
        self.assertEqual(pauses, [MAX_PAUSE, 0.0])
