"""The recordings: what cameras answered is read, and what we ask is what their app asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.artemis.test_recordings import names, records
from tests.camera.rig import CameraTestCase, FakeChannel, FakeSink
from tests.captures import MISSING
from trailcam.artemis.commands import CommandID, decode_body
from trailcam.artemis.record import BANNER, Record, RecordDecoder, RecordKind
from trailcam.camera.control import ControlChannel
from trailcam.camera.listing import read_item
from trailcam.model import Credentials, MediaItem, MediaKind

LONG_ANSWERS = "constructed/devinfo_medialist_thumbnails.jsonl"


class ControlTests(SynchronousTestCase):
    """Every complete answer comes out of the channel, to the command that it answers."""

    skip = MISSING

    def test_answers(self) -> None:
        """The commands of each recording, asked again, get the answers that were recorded."""
        total = 0
        for name in names():
            commands = {
                record.sequence: decode_body(record)
                for record in records(name, "client")
                if record.kind == RecordKind.COMMAND
            }
            for answer in records(name, "camera"):
                if answer.kind == RecordKind.ANSWER and answer.sequence in commands:
                    self.check(commands[answer.sequence], answer)
                    total += 1
        self.assertGreater(total, 10)

    def check(self, command: dict[str, Any], answer: Record) -> None:
        """Ask, and give the recorded answer in pieces."""
        channel = FakeChannel(0)
        clock = Clock()
        control = ControlChannel(clock, channel, answer.sequence)
        asked = control.ask(command["cmdId"], {k: v for k, v in command.items() if k != "cmdId"})
        octets = BANNER + answer.to_bytes()
        for start in range(0, len(octets), 1024):
            channel.feed(octets[start : start + 1024])
        self.assertEqual(self.successResultOf(asked), decode_body(answer))
        self.assertEqual((control.malformed, control.unmatched), (0, 0))
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_unmatched(self) -> None:
        """Answers whose commands were not recorded are read, too, and are nobody's."""
        for name in names():
            channel = FakeChannel(0)
            control = ControlChannel(Clock(), channel)
            answers = [r for r in records(name, "camera") if r.kind == RecordKind.ANSWER]
            channel.feed(BANNER + b"".join(answer.to_bytes() for answer in answers))
            self.assertEqual((control.malformed, control.unmatched), (0, len(answers)), name)

    def test_media_list(self) -> None:
        """Every entry of the recorded list is an item."""
        (answer,) = (
            decode_body(record)
            for record in records(LONG_ANSWERS, "camera")
            if "mediaFiles" in decode_body(record)
        )
        items = [read_item(each) for each in answer["mediaFiles"]]
        self.assertEqual(len(items), 45)
        self.assertNotIn(None, items)
        self.assertEqual(
            items[0], MediaItem(MediaKind.PHOTO, 100, 318, 3361310203, 1766527938, 0.0)
        )


@attrs.frozen
class Request:
    """
    What is asked.

    :ivar ask: asks it of the fixture's camera.
    """

    number: CommandID
    ask: Callable[[CameraTestCase, dict[str, Any]], Deferred[Any]]


def _items(named: Sequence[dict[str, int]]) -> list[MediaItem]:
    """The items that a recorded request names."""
    return [MediaItem(each["fileType"], each["dirNum"], each["mediaNum"]) for each in named]


REQUESTS = [
    Request(CommandID.GET_DEVICE_INFO, lambda test, _: test.camera.info()),
    Request(CommandID.START_LIVE, lambda test, _: test.camera.start_live()),
    Request(CommandID.STOP_LIVE, lambda test, _: test.camera.stop_live()),
    Request(CommandID.MEDIA_LIST, lambda test, _: test.camera.media()),
    Request(
        CommandID.THUMBNAILS,
        lambda test, body: test.camera.thumbnails(_items(body["thumbnailReqs"])),
    ),
    Request(
        CommandID.START_DOWNLOAD,
        lambda test, body: test.camera.download(_items(body["downloadReqs"])[0], None),
    ),
]


class RequestTests(CameraTestCase):
    """Our requests have the members and the framing of the recorded ones."""

    skip = MISSING

    def recorded(self) -> dict[int, list[Record]]:
        """All recorded commands, by ``cmdId``."""
        found: defaultdict[int, list[Record]] = defaultdict(list)
        for name in names():
            # The one that was not recorded has a whole block of NULs that real clients do not add.
            for record in records(name, "client") if "constructed" not in name else []:
                found[decode_body(record)["cmdId"]].append(record)
        return found

    def ours(self) -> Record:
        """The last record that we wrote."""
        return RecordDecoder().feed(self.session.channels[0].written)[-1]

    def assert_same(self, ours: Record, recorded: Record, changed: dict[str, Any]) -> None:
        """The same record, but for these members and the left-over octets behind the text."""
        expected = {**decode_body(recorded), **changed}
        self.assertEqual(list(decode_body(ours).items()), list(expected.items()))
        self.assertEqual((ours.kind, ours.sequence), (recorded.kind, recorded.sequence))
        if not changed:
            self.assertEqual(len(ours.payload), len(recorded.payload))
        self.assertTrue(ours.payload.endswith(b"\0"))
        self.assertNotIn(b"\0", ours.payload[:-1])

    def start(self, record: Record, token: int) -> None:
        """Log in to a camera that gives ``token``, so that the next command has that number."""
        self.session.end(None)
        self.begin(seq_num=record.sequence - 1)
        self.fake.replies[CommandID.LOGIN] = {"result": 0, "token": token}
        self.log_in()

    def test_commands(self) -> None:
        """What a user asks for."""
        recorded = self.recorded()
        for request in REQUESTS:
            self.assertIn(request.number, recorded)
            for record in recorded[request.number]:
                body = decode_body(record)
                self.start(record, body["token"])
                request.ask(self, body).addErrback(lambda _: None)
                changed = {}
                if len(body.get("downloadReqs", ())) > 1:  # we ask for one after the other
                    changed["downloadReqs"] = body["downloadReqs"][:1]
                self.assert_same(self.ours(), record, changed)

    def test_login(self) -> None:
        """The login."""
        logins = self.recorded()[CommandID.LOGIN]
        self.assertGreater(len(logins), 2)
        for record in logins:
            body = decode_body(record)
            self.session.end(None)
            self.begin(seq_num=record.sequence, wall_clock=lambda now=body["utcTime"]: now)
            self.fake.greet()
            self.successResultOf(self.camera.login(Credentials()))
            self.assert_same(self.ours(), record, {})

    def test_heartbeat(self) -> None:
        """Heartbeats, but for the three left-over octets that real clients add."""
        recorded = self.recorded()[CommandID.HEARTBEAT]
        self.log_in()
        self.clock.pump([3.0] * 20)
        written = {r.sequence: r for r in RecordDecoder().feed(self.session.channels[0].written)}
        numbers = set()
        for record in recorded:
            if record.sequence in written and record.sequence > 0xFFFF:
                self.assert_same(written[record.sequence], record, {})
                numbers.add(record.sequence)
        self.assertGreater(len(numbers), 10)

    def test_live_frame(self) -> None:
        """The one complete live record reaches a sink in clear."""
        (record,) = (r for r in records("session_live_record.jsonl", "camera") if r.kind == 0)
        sink = FakeSink()
        self.log_in()
        self.fake.replies[CommandID.START_LIVE] = {"result": 0, "errorMsg": "Success"}
        self.successResultOf(self.camera.start_live(sink))
        self.fake.send(1, record)
        ((_, head), (_, video, timestamp, key)) = sink.got
        self.assertEqual((head.width, head.height), (1280, 720))
        self.assertEqual((len(video), timestamp, key), (190, 25.645156, False))
        self.assertTrue(video.startswith(b"\0\0\0\1\x41"))
