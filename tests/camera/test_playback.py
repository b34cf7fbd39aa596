"""Videos and the live view."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from tests.camera.rig import (
    CameraTestCase,
    FakeConsumer,
    FakeSink,
    LiveTestCase,
    frame_record,
    unit,
    video,
)
from trailcam.artemis.commands import CommandID
from trailcam.artemis.record import Record, RecordKind
from trailcam.camera.sinks import ElementaryWriter, VideoHead
from trailcam.errors import (
    CommandRejected,
    MediaNotFound,
    MediaTruncated,
    SessionLost,
)

START = {"startPbRet": 0, "videoWidth": 1920, "videoHeight": 1080, "totalFrame": 3}
START = {**START, "totalTime": 10333, "result": 0}

FILLER = b"\0\0\0\1\1" + bytes(20)


class PlaybackTestCase(CameraTestCase):
    """Channel 2, with a camera that says yes."""

    def setUp(self) -> None:
        """Log in."""
        super().setUp()
        self.log_in()
        self.fake.replies[CommandID.START_PLAYBACK] = START
        self.fake.replies[CommandID.STOP_PLAYBACK] = {"result": 0}
        self.sink = FakeSink()
        self.channel = self.session.channels[2]

    def stops(self) -> int:
        """How often the camera was told to stop."""
        return self.fake.numbers().count(CommandID.STOP_PLAYBACK)

    def session_number(self) -> int:
        """The number of the last playback."""
        number = self.fake.asked(CommandID.START_PLAYBACK)[-1]["sessionNo"]
        assert isinstance(number, int)
        return number

    def assert_usable(self) -> None:
        """The next one works, whatever comes of the one before."""
        before = self.session_number() if self.fake.asked(CommandID.START_PLAYBACK) else 1
        consumer = FakeConsumer()
        fetched = self.camera.download(video(7), consumer)
        number = self.session_number()
        self.assertGreater(number, before)
        self.fake.send(
            2,
            frame_record(unit(b"o"), session=before, frame_type=4),
            frame_record(unit(b"n"), session=number, frame_type=4),
        )
        self.assertEqual(self.successResultOf(fetched), 5000)
        self.assertEqual(consumer.written, unit(b"n"))
        self.assertFalse(self.channel.paused)


class PlaybackTests(PlaybackTestCase):
    """What works."""

    def test_play(self) -> None:
        """The sink gets the head, then video and sound in clear, with seconds."""
        played = self.camera.play(video(), self.sink)
        self.assertEqual(
            self.fake.asked(CommandID.START_PLAYBACK),
            [{"fileType": 1, "dirNum": 100, "mediaNum": 319, "sessionNo": 1}],
        )
        sound = b"\xff\xf1".ljust(300, b"s")
        self.fake.send(
            2,
            frame_record(unit(b"1"), key=1, timestamp=0, frame_type=2),
            frame_record(audio=sound, timestamp=20),
            frame_record(unit(b"2", 90_000), timestamp=33),
            frame_record(unit(b"3", 60), timestamp=67, frame_type=4),
        )
        self.assertEqual(self.successResultOf(played), 95_060)
        self.assertEqual(
            self.sink.got,
            [
                ("head", VideoHead(1920, 1080, 3, 10.333)),
                ("video", unit(b"1"), 0.0, True),
                ("audio", sound, 0.02),
                ("video", unit(b"2", 90_000), 0.033, False),
                ("video", unit(b"3", 60), 0.067, False),
            ],
        )
        self.assertEqual(self.stops(), 1)
        self.assert_usable()

    def test_early(self) -> None:
        """Frames that come before the answer wait for it."""
        self.fake.replies[CommandID.START_PLAYBACK] = None
        played = self.camera.play(video(), self.sink)
        self.fake.send(2, frame_record(unit(b"1"), frame_type=4))
        self.assertEqual(self.sink.got, [])
        self.fake.answer(self.last(), cmdId=769, **START)
        self.successResultOf(played)
        self.assertEqual(self.sink.kinds, ["head", "video"])

    def test_download(self) -> None:
        """A consumer gets the access units without fillers and sound, and is told of progress."""
        told: list[tuple[int, int | None]] = []
        consumer = FakeConsumer()
        fetched = self.camera.download(video(), consumer, lambda *args: told.append(args))
        self.fake.send(
            2,
            frame_record(unit(b"1")),
            frame_record(FILLER),
            frame_record(audio=b"sound"),
            frame_record(unit(b"2")),
            frame_record(frame_type=4),
        )
        self.assertEqual(self.successResultOf(fetched), 10_000)
        self.assertEqual(consumer.written, unit(b"1") + unit(b"2"))
        self.assertEqual(told, [(5000, None), (5000, None), (10_000, None)])
        self.assertIsNone(consumer.producer)

    def test_slow_consumer(self) -> None:
        """While a consumer has enough the camera waits, and that is no silence."""
        consumer = FakeConsumer(limit=5000)
        fetched = self.camera.download(video(), consumer)
        self.fake.send(2, frame_record(unit(b"1")))
        self.fake.send(2, frame_record(unit(b"2"), frame_type=4))
        self.assertEqual(consumer.written, unit(b"1"))
        self.assertTrue(self.channel.paused)
        self.clock.advance(60)
        consumer.producer.resumeProducing()
        self.assertEqual(self.successResultOf(fetched), 10_000)
        self.assert_usable()

    def test_impatient_consumer(self) -> None:
        """A consumer may pause and go on within its own write: the order stays."""

        class Impatient(FakeConsumer):
            def write(self, data: bytes) -> None:
                super().write(data)
                self.producer.pauseProducing()
                self.producer.resumeProducing()

        consumer = Impatient()
        fetched = self.camera.download(video(), consumer)
        consumer.producer.pauseProducing()
        fills = [bytes([n]) for n in range(65, 75)]
        for first, second in zip(fills[::2], fills[1::2], strict=True):
            self.fake.send(2, frame_record(unit(first)), frame_record(unit(second)))
        consumer.producer.resumeProducing()
        self.fake.send(2, frame_record(frame_type=4))
        self.successResultOf(fetched)
        self.assertEqual(consumer.written, b"".join(unit(fill) for fill in fills))

    def test_one_at_a_time(self) -> None:
        """A record behind the last one is not the next playback's."""
        first, second = (self.camera.play(video(n), self.sink) for n in (1, 2))
        self.fake.send(
            2,
            frame_record(unit(b"1"), frame_type=4),
            frame_record(unit(b"x"), session=2, frame_type=4),
        )
        self.successResultOf(first)
        self.assertNoResult(second)
        self.fake.send(2, frame_record(unit(b"2"), session=2, frame_type=4))
        self.successResultOf(second)
        self.assertEqual(self.sink.kinds, ["head", "video", "head", "video"])

    def test_late_pause(self) -> None:
        """A producer that has ended pauses nothing any more."""
        consumer = FakeConsumer()
        fetched = self.camera.download(video(), consumer)
        producer = consumer.producer
        self.fake.send(2, frame_record(frame_type=4))
        self.successResultOf(fetched)
        for method in (producer.pauseProducing, producer.resumeProducing, producer.stopProducing):
            method()
        self.assertFalse(self.channel.paused)
        self.assert_usable()

    def test_no_end(self) -> None:
        """When all frames have come, an end without its mark is one, too."""
        played = self.camera.play(video(), self.sink)
        self.fake.send(2, *(frame_record(data) for data in (unit(b"1"), FILLER, unit(b"3"))))
        self.clock.advance(10)
        self.assertEqual(self.successResultOf(played), 10_000)

    def test_strange_answer(self) -> None:
        """Numbers that make no sense are 0."""
        for strange in (-1, 2**32, True, None, "7", 1.5, []):
            members = ("videoWidth", "videoHeight", "totalFrame", "totalTime")
            self.fake.replies[769] = {"startPbRet": 0, **dict.fromkeys(members, strange)}
            sink = FakeSink()
            played = self.camera.play(video(), sink)
            self.fake.send(2, frame_record(frame_type=4, session=99))
            self.successResultOf(played)
            self.assertEqual(sink.got, [("head", VideoHead(0, 0, 0, 0.0))])

    def test_damaged(self) -> None:
        """A frame that cannot be read, or octets that are none, are told when all has come."""
        damages: tuple[Callable[[Record], bytes], ...] = (
            lambda whole: Record(RecordKind.PLAYBACK, 1, b"short").to_bytes(),
            lambda whole: Record(RecordKind.PLAYBACK, 1, whole.payload[:-1]).to_bytes(),
            lambda whole: whole.to_bytes() + whole.to_bytes()[:-1000],  # swallows from the next
            lambda whole: whole.to_bytes() + b"junk",
        )
        for damage in damages:
            played = self.camera.play(video(), self.sink)
            session = self.session_number()
            self.channel.feed(damage(frame_record(unit(b"1"), session=session)))
            last = frame_record(unit(b"3"), frame_type=4, session=session)
            self.fake.send(2, frame_record(unit(b"2"), session=session), last)
            self.assertIn("damaged", str(self.failureResultOf(played, MediaTruncated).value))
        self.assert_usable()

    def test_strange_records(self) -> None:
        """Records of other kinds are ignored, and so is what was there before the first frame."""
        played = self.camera.play(video(), self.sink)
        whole = frame_record(unit(b"1"))
        self.channel.feed(b"junk")
        self.fake.send(
            2,
            Record(RecordKind.LIVE, 1, whole.payload),
            Record(99, 1, whole.payload),
            frame_record(unit(b"2"), frame_type=4, timestamp=2**64 - 1),
        )
        self.assertEqual(self.successResultOf(played), 5000)

    def test_elementary(self) -> None:
        """Without any library, the streams can be kept as they come."""
        for sound in (io.BytesIO(), None):
            picture = io.BytesIO()
            played = self.camera.play(video(), ElementaryWriter(picture, sound))
            number = self.session_number()
            self.fake.send(
                2,
                frame_record(unit(b"1"), session=number),
                frame_record(audio=b"sound", frame_type=4, session=number),
            )
            self.successResultOf(played)
            self.assertEqual(picture.getvalue(), unit(b"1"))
            if sound is not None:
                self.assertEqual(sound.getvalue(), b"sound")


class FailureTests(PlaybackTestCase):
    """What does not work."""

    def test_refused(self) -> None:
        """What is not there is told apart from a plain no; there is nothing to stop."""
        for reply, error in (
            ({"startPbRet": -1, "result": 0}, MediaNotFound),
            ({"result": -1}, CommandRejected),
        ):
            self.fake.replies[CommandID.START_PLAYBACK] = reply
            self.failureResultOf(self.camera.play(video(), self.sink), error)
        self.assertEqual((self.stops(), self.sink.got), (0, []))
        self.fake.replies[CommandID.START_PLAYBACK] = START
        self.assert_usable()

    def test_silence(self) -> None:
        """Nothing for 10 s before all frames have come is the end."""
        played = self.camera.play(video(), self.sink)
        self.fake.send(2, frame_record(unit(b"1")))
        self.clock.advance(10)
        self.failureResultOf(played, MediaTruncated)
        self.assertEqual(self.stops(), 1)
        self.assert_usable()

    def test_cancelled(self) -> None:
        """Giving up tells the camera; what still comes of it is not taken for the next one."""
        played = self.camera.play(video(), self.sink)
        octets = frame_record(unit(b"1", 50_000)).to_bytes()
        self.channel.feed(octets[:9000])
        played.cancel()
        self.failureResultOf(played, CancelledError)
        self.assertEqual(self.stops(), 1)
        self.channel.feed(octets[9000:])
        self.assert_usable()

    def test_broken_sink(self) -> None:
        """What a sink raises is told to the caller, as it is."""
        for method in ("head", "video", "audio"):
            sink = FakeSink()
            setattr(sink, method, lambda *args: {}["missing"])
            played = self.camera.play(video(), sink)
            number = self.session_number()
            self.fake.send(2, frame_record(unit(b"1"), b"sound", session=number))
            self.failureResultOf(played, KeyError)
        self.assertEqual(self.stops(), 3)
        self.assert_usable()

    def test_lost(self) -> None:
        """The session's end is told."""
        played = self.camera.play(video(), self.sink)
        self.session.end(SessionLost(7))
        self.failureResultOf(played, SessionLost)


class LiveTests(LiveTestCase):
    """Channel 1."""

    def setUp(self) -> None:
        """A sink, for what comes."""
        super().setUp()
        self.sink = FakeSink()

    def send(self, data: bytes, timestamp: int = 0) -> None:
        """A frame comes."""
        self.fake.send(1, frame_record(data, kind=RecordKind.LIVE, timestamp=timestamp))

    def start(self, sink: Any) -> Deferred[dict[str, Any]]:
        """Start."""
        return self.camera.start_live(sink)

    def test_live(self) -> None:
        """A sink gets head and frames until the end; silence is no failure."""
        self.successResultOf(self.start(self.sink))
        self.clock.advance(60)
        self.send(unit(b"1"), 25_645_156)
        self.send(unit(b"2"), 25_712_000)
        self.successResultOf(self.camera.stop_live())
        self.send(unit(b"3"))
        self.assertEqual(
            self.sink.got,
            [
                ("head", VideoHead(1920, 1080, 0, 0.0)),
                ("video", unit(b"1"), 25.645156, False),
                ("video", unit(b"2"), 25.712, False),
            ],
        )
        again = FakeSink()
        self.successResultOf(self.start(again))
        self.send(unit(b"4"))
        self.assertEqual(again.kinds, ["head", "video"])

    def test_waits(self) -> None:
        """A second view waits for the end of the first, which the camera hears of first."""
        self.successResultOf(self.start(self.sink))
        second = self.start(FakeSink())
        self.assertNoResult(second)
        self.successResultOf(self.camera.stop_live())
        self.successResultOf(second)
        self.assertEqual(self.fake.numbers(), [258, 259, 258])

    def test_refused(self) -> None:
        """A no leaves the channel to the next."""
        self.fake.replies[CommandID.START_LIVE] = {"result": -1}
        self.failureResultOf(self.start(self.sink), CommandRejected)
        self.fake.replies[CommandID.START_LIVE] = {"result": 0}
        self.successResultOf(self.start(self.sink))

    def test_cancelled(self) -> None:
        """Giving up before the answer tells the camera."""
        self.fake.replies[CommandID.START_LIVE] = None
        started = self.start(self.sink)
        started.cancel()
        self.failureResultOf(started, CancelledError)
        self.assertEqual(self.fake.numbers(), [258, 259])
        self.fake.replies[CommandID.START_LIVE] = {"result": 0}
        self.successResultOf(self.start(self.sink))

    def test_lost(self) -> None:
        """The session's end ends it; a new one cannot be started then."""
        self.successResultOf(self.start(self.sink))
        waiting = self.start(FakeSink())
        self.session.end(SessionLost(7))
        self.failureResultOf(waiting, SessionLost)
        self.failureResultOf(self.start(self.sink), SessionLost)

    def test_broken_sink(self) -> None:
        """A sink that raises gets nothing more, and the rest works on."""
        self.successResultOf(self.start(object()))
        self.send(unit(b"1"))
        self.successResultOf(self.start(self.sink))
        self.fake.send(1, Record(RecordKind.LIVE, 1, b"short"))
        self.send(unit(b"2"))
        self.assertEqual(self.sink.kinds, ["head", "video"])
