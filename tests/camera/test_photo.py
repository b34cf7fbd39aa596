"""Photos."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from tests.camera.rig import CameraTestCase, FakeConsumer, file_record, jpeg, photo
from tests.connect.logs import LogCapture
from trailcam.artemis.commands import CommandID
from trailcam.artemis.record import Record, RecordKind
from trailcam.errors import (
    CommandRejected,
    CommandTimeout,
    MediaNotFound,
    MediaTruncated,
    SessionLost,
)
from trailcam.model import MediaItem

PICTURE = jpeg(300_000)


def picture(item: MediaItem, data: bytes = PICTURE, **arguments: Any) -> Record:
    """A photo's record."""
    return file_record(RecordKind.FILE, item, data, **arguments)


class PhotoTestCase(CameraTestCase):
    """Channel 3, with a camera that says yes."""

    def setUp(self) -> None:
        """Log in."""
        super().setUp()
        self.log_in()
        self.fake.replies[CommandID.START_DOWNLOAD] = {"cmdRet": 0, "result": 0}
        self.consumer = FakeConsumer()
        self.channel = self.session.channels[3]

    def fetch(self, item: MediaItem | None = None, **arguments: Any) -> Deferred[int]:
        """Begin."""
        return self.camera.download(item or photo(), self.consumer, **arguments)

    def assert_usable(self) -> None:
        """The next download works, with the next consumer."""
        self.assertIsNone(self.consumer.producer)
        self.consumer = FakeConsumer()
        fetched = self.fetch(photo(7))
        self.fake.send(3, picture(photo(7), jpeg(5000, b"n")))
        self.assertEqual(self.successResultOf(fetched), 5000)
        self.assertEqual(self.consumer.written, jpeg(5000, b"n"))
        self.assertFalse(self.channel.paused)

    def stops(self) -> int:
        """How often the camera was told to stop."""
        return self.fake.numbers().count(CommandID.STOP_DOWNLOAD)


class PhotoTests(PhotoTestCase):
    """What works."""

    def test_fetch(self) -> None:
        """The JPEG is written whole, and the consumer is free again."""
        fetched = self.fetch()
        self.assertEqual(
            self.fake.asked(CommandID.START_DOWNLOAD),
            [{"downloadReqs": [{"fileType": 0, "dirNum": 100, "mediaNum": 318}]}],
        )
        octets = picture(photo()).to_bytes() + b"next"
        for start in range(0, len(octets), 1024):
            self.assertNoResult(fetched)
            self.channel.feed(octets[start : start + 1024])
        self.assertEqual(self.successResultOf(fetched), len(PICTURE))
        self.assertEqual(self.consumer.written, PICTURE)
        self.assertEqual((self.consumer.producer, self.consumer.unregistered), (None, 1))
        self.assertEqual(self.stops(), 0)
        self.assert_usable()

    def test_progress(self) -> None:
        """It is told while it comes; of how many at its end."""
        told: list[tuple[int, int | None]] = []
        fetched = self.fetch(progress=lambda octets, total: told.append((octets, total)))
        octets = picture(photo(), jpeg(1000)).to_bytes()
        for start in range(0, len(octets), 500):
            self.channel.feed(octets[start : start + 500])
        self.successResultOf(fetched)
        self.assertEqual(told, [(408, None), (908, None), (1000, 1000)])

    def test_early(self) -> None:
        """A photo that comes before the answer waits for it."""
        self.fake.replies[CommandID.START_DOWNLOAD] = None
        fetched = self.fetch()
        self.fake.send(3, picture(photo()))
        self.assertEqual(self.consumer.written, b"")
        self.fake.answer(self.last(), cmdId=1285, cmdRet=0)
        self.successResultOf(fetched)

    def test_slow_consumer(self) -> None:
        """A consumer that pauses is not silence; it gets the rest when it wants it."""
        self.consumer.limit = 100_000
        fetched = self.fetch()
        self.fake.send(3, picture(photo()))
        self.assertEqual(len(self.consumer.written), 131072)
        self.assertTrue(self.channel.paused)
        self.clock.advance(60)
        self.consumer.limit = 200_000
        self.consumer.producer.resumeProducing()
        self.assertEqual(len(self.consumer.written), 262144)
        self.assertNoResult(fetched)
        self.consumer.producer.resumeProducing()
        self.assertEqual(self.successResultOf(fetched), len(PICTURE))
        self.assertEqual(self.consumer.written, PICTURE)
        self.assert_usable()

    def test_paused_before(self) -> None:
        """A consumer may pause before anything has come: then the camera waits."""
        fetched = self.fetch()
        self.consumer.producer.pauseProducing()
        self.fake.send(3, picture(photo()))
        self.assertEqual((self.consumer.written, bool(self.channel.kept)), (b"", True))
        self.clock.advance(60)
        self.consumer.producer.resumeProducing()
        self.successResultOf(fetched)

    def test_impatient_consumer(self) -> None:
        """A consumer may pause and go on within its own write."""

        class Impatient(FakeConsumer):
            def write(self, data: bytes) -> None:
                super().write(data)
                self.producer.pauseProducing()
                self.producer.resumeProducing()

        self.consumer = Impatient()
        fetched = self.fetch()
        self.fake.send(3, picture(photo()))
        self.assertEqual(self.successResultOf(fetched), len(PICTURE))
        self.assertEqual(self.consumer.written, PICTURE)

    def test_strange_records(self) -> None:
        """Records of other items, of other kinds and without sense are ignored."""
        fetched = self.fetch()
        self.channel.feed(b"junk ARTEMI")
        self.fake.send(
            3,
            picture(photo(7)),
            picture(photo(318, directory=101)),
            picture(photo(7), jpeg(1000), length=1001),
            Record(RecordKind.FILE, 2, b"short"),
            file_record(RecordKind.THUMBNAIL, photo(), jpeg()),
            picture(photo()),
            picture(photo(), jpeg(fill=b"2")),
        )
        self.successResultOf(fetched)
        self.assertEqual(self.consumer.written, PICTURE)

    def test_one_at_a_time(self) -> None:
        """Two downloads wait for each other."""
        first, second = self.fetch(photo(1)), self.camera.download(photo(2), FakeConsumer())
        third = self.camera.download(photo(3), FakeConsumer())
        third.cancel()
        self.failureResultOf(third, CancelledError)
        self.assertEqual(len(self.fake.commands), 1)
        self.fake.send(3, picture(photo(1)))
        self.successResultOf(first)
        self.assertEqual(len(self.fake.commands), 2)
        self.fake.send(3, picture(photo(2)))
        self.successResultOf(second)

    def test_other_kind(self) -> None:
        """Of a kind that nobody has documented, the file may begin as it likes."""
        item = MediaItem(9, 100, 1)
        fetched = self.fetch(item)
        self.fake.send(3, picture(item, b"GIF89a"))
        self.assertEqual(self.successResultOf(fetched), 6)


class FailureTests(PhotoTestCase):
    """What does not."""

    def test_refused(self) -> None:
        """What is not there is told apart from a plain no; there is nothing to stop."""
        for reply, error in (
            ({"cmdRet": -1, "result": 0}, MediaNotFound),
            ({"result": -1, "errorMsg": "no such file"}, MediaNotFound),
            ({"result": -1}, CommandRejected),
        ):
            self.fake.replies[CommandID.START_DOWNLOAD] = reply
            failed = self.failureResultOf(self.fetch(), error)
            if error is MediaNotFound:
                self.assertIn("DSCF0318.JPG in directory 100", str(failed.value))
        self.assertEqual(self.stops(), 0)
        self.fake.replies[CommandID.START_DOWNLOAD] = {"cmdRet": 0}
        self.assert_usable()

    def test_no_answer(self) -> None:
        """A camera that does not answer is told to stop."""
        self.fake.replies[CommandID.START_DOWNLOAD] = None
        fetched = self.fetch()
        self.clock.advance(10)
        self.failureResultOf(fetched, CommandTimeout)
        self.assertEqual(self.stops(), 1)
        self.fake.replies[CommandID.START_DOWNLOAD] = {"cmdRet": 0}
        self.assert_usable()

    def test_silence(self) -> None:
        """Nothing for 10 s is the end, whatever came before."""
        fetched = self.fetch()
        octets = picture(photo()).to_bytes()
        for start in (0, 1000, 2000):
            self.channel.feed(octets[start : start + 1000])
            self.clock.advance(9)
            self.assertNoResult(fetched)
        self.clock.advance(1)
        self.assertIn("10 s", str(self.failureResultOf(fetched, MediaTruncated).value))
        self.assertEqual((self.consumer.written, self.stops()), (b"", 1))
        self.assert_usable()

    def test_damaged(self) -> None:
        """A file that is cut short, or is no JPEG, is not written."""
        for record in (
            picture(photo(), jpeg(1000), length=1001),
            picture(photo(), jpeg(1000), length=2**32 - 1),
            picture(photo(), b"\x89PNG" + bytes(90)),
            picture(photo(), b""),
            picture(photo(), jpeg(1000), length=2),
        ):
            fetched = self.fetch()
            self.fake.send(3, record)
            self.failureResultOf(fetched, MediaTruncated)
            self.assertEqual(self.consumer.written, b"")
        self.assert_usable()

    def test_other_end(self) -> None:
        """What does not end as its head says is fetched again, and written when it comes whole."""
        fetched = self.fetch()
        self.fake.send(3, picture(photo(), jpeg(5000, b"d"), end=b"whole!!!"))
        self.assertNoResult(fetched)
        self.assertEqual(len(self.fake.asked(CommandID.START_DOWNLOAD)), 2)
        self.fake.send(3, picture(photo(), jpeg(5000, b"w")))
        self.assertEqual(self.successResultOf(fetched), 5000)
        self.assertEqual(self.consumer.written, jpeg(5000, b"w"))
        self.assert_usable()

    def test_other_end_again(self) -> None:
        """When it comes damaged in another way, that is told."""
        fetched = self.fetch()
        for fill in (b"1", b"2"):
            self.fake.send(3, picture(photo(), jpeg(5000, fill), end=b"whole!!!"))
        self.failureResultOf(fetched, MediaTruncated)
        self.assertEqual(self.consumer.written, b"")
        self.assert_usable()

    def test_meaningless_end(self) -> None:
        """What comes twice alike is how the camera has it; then its heads are not asked again."""
        log = LogCapture(self)
        fetched = self.fetch()
        for _ in range(2):
            self.fake.send(3, picture(photo(), jpeg(5000), end=b"whatever"))
        self.assertEqual(self.successResultOf(fetched), 5000)
        self.assertEqual(self.consumer.written, jpeg(5000))
        self.assertEqual(log.lines(), ["DSCF0318.JPG does not end as its head says, twice"])
        self.consumer = FakeConsumer()
        fetched = self.fetch(photo(7))
        self.fake.send(3, picture(photo(7), jpeg(6000), end=b"whatever"))
        self.assertEqual(self.successResultOf(fetched), 6000)

    def test_cancelled(self) -> None:
        """Giving up tells the camera; the rest of the photo does not spoil the next one."""
        octets = picture(photo()).to_bytes()
        for come, later in ((0, len(octets)), (50_000, len(octets)), (50_000, 50_000)):
            fetched = self.fetch()
            self.channel.feed(octets[:come])
            fetched.cancel()
            self.failureResultOf(fetched, CancelledError)
            self.assertEqual(self.fake.numbers()[-1], CommandID.STOP_DOWNLOAD)
            self.channel.feed(octets[come : come + 10])
            next_one = self.camera.download(photo(7), FakeConsumer())
            self.channel.feed(octets[come + 10 : later])
            self.fake.send(3, picture(photo(7)))
            self.successResultOf(next_one)
            self.assert_usable()

    def test_cancelled_early(self) -> None:
        """Also before the camera has answered."""
        self.fake.replies[CommandID.START_DOWNLOAD] = None
        fetched = self.fetch()
        fetched.cancel()
        self.failureResultOf(fetched, CancelledError)
        self.assertEqual(self.stops(), 1)
        self.fake.replies[CommandID.START_DOWNLOAD] = {"cmdRet": 0}
        self.assert_usable()

    def test_cancelled_paused(self) -> None:
        """Also while the consumer has enough."""
        self.consumer.limit = 1
        fetched = self.fetch()
        self.fake.send(3, picture(photo()))
        fetched.cancel()
        self.failureResultOf(fetched, CancelledError)
        self.assert_usable()

    def test_consumer_stops(self) -> None:
        """A consumer may want no more at all."""
        fetched = self.fetch()
        self.consumer.producer.stopProducing()
        self.failureResultOf(fetched, MediaTruncated)
        self.assertEqual(self.stops(), 1)
        self.assert_usable()

    def test_broken_consumer(self) -> None:
        """What the consumer raises is told to the caller, as it is."""

        class Full(FakeConsumer):
            def write(self, data: bytes) -> None:
                raise OSError("the disk is full")

        self.consumer = Full()
        fetched = self.fetch()
        self.fake.send(3, picture(photo()))
        self.failureResultOf(fetched, OSError)
        self.assert_usable()

    def test_broken_progress(self) -> None:
        """The same goes for the progress."""

        def broken(octets: int, total: int | None) -> None:
            raise LookupError

        fetched = self.fetch(progress=broken)
        self.fake.send(3, picture(photo()))
        self.failureResultOf(fetched, LookupError)
        self.assert_usable()

    def test_consumer_taken(self) -> None:
        """A consumer that has a producer already keeps it."""
        producer = self.consumer.producer = object()
        self.failureResultOf(self.fetch(), RuntimeError)
        self.assertIs(self.consumer.producer, producer)
        self.consumer.producer = None
        self.assert_usable()

    def test_lost(self) -> None:
        """The session's end is told, before, between and after."""
        fetched = [self.fetch(), self.fetch()]
        self.session.end(SessionLost(7))
        for each in [*fetched, self.fetch()]:
            self.failureResultOf(each, SessionLost)

    def test_lost_early(self) -> None:
        """Also when the camera has not answered."""
        self.fake.replies[CommandID.START_DOWNLOAD] = None
        fetched = self.fetch()
        self.session.end(SessionLost(7))
        self.failureResultOf(fetched, SessionLost)

    def test_unasked(self) -> None:
        """What nobody asked for is thrown away, on every channel."""
        for number in (1, 2, 3, 4):
            self.fake.send(number, picture(photo()))
            self.session.channels[number].feed(b"junk")
        self.assert_usable()
