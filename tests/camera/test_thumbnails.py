"""Thumbnails."""

from __future__ import annotations

from twisted.internet.defer import CancelledError

from tests.camera.rig import CameraTestCase, file_record, jpeg, photo, photos, video
from trailcam.artemis.commands import CommandID
from trailcam.artemis.record import Record, RecordKind
from trailcam.errors import CommandRejected, SessionLost
from trailcam.model import MediaItem


def thumbnail(item: MediaItem, data: bytes | None = None) -> Record:
    """A thumbnail; its data tells whose it is."""
    return file_record(RecordKind.THUMBNAIL, item, whose(item) if data is None else data)


def whose(item: MediaItem) -> bytes:
    """A thumbnail's data."""
    return jpeg(40, bytes([item.number % 251]))


class ThumbnailTests(CameraTestCase):
    """Channel 4."""

    def setUp(self) -> None:
        """Log in."""
        super().setUp()
        self.log_in()
        self.fake.replies[CommandID.THUMBNAILS] = {"cmdRet": 0, "result": 0}

    def test_batch(self) -> None:
        """Each record is one item's; the last one ends it."""
        items = photos(3)
        asked = self.camera.thumbnails(items)
        self.assertEqual(
            self.fake.asked(CommandID.THUMBNAILS),
            [
                {
                    "thumbnailReqs": [
                        {"fileType": 0, "dirNum": 100, "mediaNum": number} for number in (3, 2, 1)
                    ]
                }
            ],
        )
        self.fake.send(4, *(thumbnail(item) for item in reversed(items)))
        found = self.successResultOf(asked)
        self.assertEqual(found, {item: whose(item) for item in items})
        self.assertEqual(list(found), items)

    def test_early(self) -> None:
        """Thumbnails that come before the answer wait for it."""
        self.fake.replies[CommandID.THUMBNAILS] = None
        asked = self.camera.thumbnails([photo()])
        self.fake.send(4, thumbnail(photo()))
        self.assertNoResult(asked)
        self.fake.answer(self.last(), cmdId=772, cmdRet=0, result=0)
        self.assertEqual(list(self.successResultOf(asked)), [photo()])

    def test_batches(self) -> None:
        """45 are asked for at once, each once."""
        items = photos(100)
        asked = self.camera.thumbnails(items + items)
        sizes = []
        while not asked.called:
            wanted = self.fake.asked(CommandID.THUMBNAILS)[-1]["thumbnailReqs"]
            sizes.append(len(wanted))
            self.fake.send(4, *(thumbnail(photo(each["mediaNum"])) for each in wanted))
        self.assertEqual(sizes, [45, 45, 10])
        self.assertEqual(list(self.successResultOf(asked)), items)

    def test_none(self) -> None:
        """Of nothing there is nothing."""
        self.assertEqual(self.successResultOf(self.camera.thumbnails([])), {})
        self.assertEqual(self.fake.commands, [])

    def test_missing(self) -> None:
        """Those that have not come 10 s after the last octet are left out."""
        asked = self.camera.thumbnails(photos(3))
        self.clock.advance(9)
        octets = thumbnail(photo(2)).to_bytes()
        self.session.channels[4].feed(octets[:50])
        self.clock.advance(9)
        self.session.channels[4].feed(octets[50:])
        self.clock.advance(9.9)
        self.assertNoResult(asked)
        self.clock.advance(0.1)
        self.assertEqual(self.successResultOf(asked), {photo(2): whose(photo(2))})

    def test_same_number(self) -> None:
        """A photo and a video with the same number are both served."""
        items = [photo(5), video(5)]
        asked = self.camera.thumbnails(items)
        self.fake.send(4, thumbnail(photo(5), jpeg(40, b"p")), thumbnail(video(5), jpeg(40, b"v")))
        found = self.successResultOf(asked)
        self.assertEqual(found, {photo(5): jpeg(40, b"p"), video(5): jpeg(40, b"v")})

    def test_strange_records(self) -> None:
        """Records of others, of other kinds and without sense are ignored."""
        asked = self.camera.thumbnails([photo(5), photo(6)])
        self.session.channels[4].feed(b"junk")
        self.fake.send(
            4,
            thumbnail(photo(7)),
            thumbnail(photo(5, directory=101)),
            Record(RecordKind.THUMBNAIL, 1, b"short"),
            file_record(RecordKind.THUMBNAIL, photo(5), jpeg(), length=2**32 - 1),
            file_record(RecordKind.FILE, photo(5), jpeg()),
            thumbnail(photo(5)),
            thumbnail(photo(5)),
        )
        self.assertNoResult(asked)
        self.fake.send(4, thumbnail(photo(6)))
        self.assertEqual(len(self.successResultOf(asked)), 2)

    def test_no_picture(self) -> None:
        """A record without a JPEG is an answer, but nothing to look at."""
        asked = self.camera.thumbnails([photo(5), photo(6)])
        self.fake.send(4, thumbnail(photo(5), jpeg(2**20 + 1)), thumbnail(photo(6)))
        self.assertEqual(list(self.successResultOf(asked)), [photo(6)])

    def test_refused(self) -> None:
        """A no is a failure, and harms nothing that follows."""
        self.fake.replies[CommandID.THUMBNAILS] = {"cmdRet": -1}
        self.failureResultOf(self.camera.thumbnails([photo()]), CommandRejected)
        self.fake.replies[CommandID.THUMBNAILS] = {"cmdRet": 0}
        asked = self.camera.thumbnails([photo()])
        self.fake.send(4, thumbnail(photo()))
        self.assertEqual(len(self.successResultOf(asked)), 1)

    def test_one_at_a_time(self) -> None:
        """Two callers wait for each other."""
        first, second = self.camera.thumbnails([photo(1)]), self.camera.thumbnails([photo(2)])
        self.assertEqual(len(self.fake.commands), 1)
        self.fake.send(4, thumbnail(photo(1)))
        self.assertEqual(len(self.fake.commands), 2)
        self.fake.send(4, thumbnail(photo(2)))
        self.assertEqual(list(self.successResultOf(first)), [photo(1)])
        self.assertEqual(list(self.successResultOf(second)), [photo(2)])

    def test_cancelled(self) -> None:
        """Giving up leaves the channel to the next; what still comes is thrown away."""
        asked = self.camera.thumbnails([photo(1)])
        self.session.channels[4].feed(thumbnail(photo(1)).to_bytes()[:50])
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.fake.send(4, thumbnail(photo(9)))
        asked = self.camera.thumbnails([photo(2)])
        self.fake.send(4, thumbnail(photo(2)))
        self.assertEqual(list(self.successResultOf(asked)), [photo(2)])

    def test_lost(self) -> None:
        """The session's end is told, before and after the answer."""
        asked = [self.camera.thumbnails([photo(n)]) for n in range(2)]
        self.session.end(SessionLost(7))
        for each in [*asked, self.camera.thumbnails([photo()])]:
            self.failureResultOf(each, SessionLost)
