"""Photos and thumbnails, whole and spoiled."""

from __future__ import annotations

from typing import Any

import attrs

from tests.simulator.application import SMALL, FirmwareTestCase, keys
from trailcam.artemis.files import File, decode_file, decode_file_head
from trailcam.artemis.record import HEAD_SIZE, Record, RecordKind
from trailcam.errors import LengthMismatch
from trailcam.model import MediaKind
from trailcam.simulator import Card, Manners, Quirk
from trailcam.simulator.card import CardFile, new_item
from trailcam.simulator.orders import MAX_ITEMS
from trailcam.simulator.outlet import MAX_WAITING

OK_772 = {"cmdRet": 0, "result": 0, "cmdId": 772}


def unreadable() -> bytes:
    """A file that has been taken away."""
    raise OSError("gone")


class FilesTestCase(FirmwareTestCase):
    """What comes on channels 3 and 4."""

    def photo(self, number: int) -> bytes:
        """The photo that is on the card."""
        file = self.card.find(MediaKind.PHOTO, 100, number)
        assert file is not None
        assert file.photo is not None
        return file.photo()

    def files(self, channel: int) -> list[File]:
        """All files that came on a channel."""
        return [decode_file(record.payload) for record in self.client.records(channel)]

    def thumbnails(self, *requests: dict[str, int]) -> list[Record]:
        """Ask for thumbnails, and let them come."""
        self.assertEqual(self.client.ask(772, thumbnailReqs=list(requests)), OK_772)
        self.clock.advance(0)
        return self.client.records(4)

    def download(self, *numbers: int) -> list[Record]:
        """Ask for photos, and let them come."""
        answer = self.client.ask(1285, downloadReqs=keys(*numbers))
        self.assertEqual(answer, {"cmdRet": 0, "result": 0, "cmdId": 1285})
        self.clock.advance(0)
        return self.client.records(3)


class ThumbnailTests(FilesTestCase):
    """Command 772."""

    def test_in_request_order(self) -> None:
        """Numbered from 1 in the order of the request, of photos and videos."""
        records = self.thumbnails(*keys(3), *keys(1, kind=1), *keys(5))
        self.assertEqual({record.kind for record in records}, {RecordKind.THUMBNAIL})
        self.assertEqual([record.sequence for record in records], [1, 2, 3])
        files = self.files(4)
        self.assertEqual([file.head.number for file in files], [3, 1, 5])
        self.assertTrue(all(file.intact and len(file.data) == 5000 for file in files))
        self.assertEqual({file.head.media_id for file in files}, {0})
        self.assertEqual({file.head.device for file in files}, {"00:11:22:33:44:55"})

    def test_after_the_answer(self) -> None:
        """The answer comes first."""
        self.client.written.clear()
        self.thumbnails(*keys(3))
        self.assertEqual([channel for channel, _ in self.client.written], [0, 4])

    def test_gone(self) -> None:
        """An item that is gone is left out; the others' numbers have no gap."""
        records = self.thumbnails(*keys(3, 77, 4))
        self.assertEqual([record.sequence for record in records], [1, 2])
        self.assertEqual([file.head.number for file in self.files(4)], [3, 4])

    def test_deleted_between(self) -> None:
        """It may be gone between the request and its turn."""
        self.client.ask(772, thumbnailReqs=keys(3, 4, 5))
        self.client.ask(773, **keys(4)[0])
        self.clock.advance(0)
        self.assertEqual([file.head.number for file in self.files(4)], [3, 5])

    def test_batches(self) -> None:
        """Batches come one after the other, each numbered from 1."""
        self.thumbnails(*keys(3, 4))
        records = self.thumbnails(*keys(5))
        self.assertEqual([record.sequence for record in records], [1, 2, 1])

    def test_none(self) -> None:
        """A request for nothing is answered, and nothing comes."""
        self.assertEqual(self.thumbnails(), [])

    def test_wrong(self) -> None:
        """Requests that make no sense are refused."""
        wrong: list[Any] = [None, 7, "x", {}, [7], [{}], [*keys(3), {"fileType": 0}], [None]]
        for requests in (*wrong, keys(3) * (MAX_ITEMS + 1)):
            for command, name in ((772, "thumbnailReqs"), (1285, "downloadReqs")):
                answer = self.client.ask(command, **{name: requests})
                self.assertEqual((answer["cmdRet"], answer["result"]), (-1, -1))

    def test_busy(self) -> None:
        """Of requests that nobody takes there are not any number."""
        self.client.firmware.pauseProducing()
        results = [
            self.client.ask(772, thumbnailReqs=keys(3))["result"] for _ in range(MAX_WAITING + 2)
        ]
        self.assertEqual(results, [0] * MAX_WAITING + [-1, -1])


class PhotoTests(FilesTestCase):
    """Commands 1285 and 1286."""

    def test_photo(self) -> None:
        """The record has the number of the command, the head the id of the item."""
        (record,) = self.download(4)
        self.assertEqual((record.kind, record.sequence), (RecordKind.FILE, self.client.sequence))
        file = decode_file(record.payload)
        self.assertEqual(file.data, self.photo(4))
        self.assertTrue(file.intact)
        item = self.card.files()[1].item
        self.assertEqual(
            (file.head.directory, file.head.number, file.head.media_id), (100, 4, item.media_id)
        )

    def test_several(self) -> None:
        """In the order of the request, all with the number of the command."""
        records = self.download(5, 3)
        self.assertEqual({record.sequence for record in records}, {self.client.sequence})
        self.assertEqual([file.head.number for file in self.files(3)], [5, 3])

    def test_video(self) -> None:
        """Videos are refused, and the photos asked for with them, too."""
        for requests in (keys(1, kind=1), [*keys(3), *keys(1, kind=1)]):
            answer = self.client.ask(1285, downloadReqs=requests)
            self.assertEqual((answer["cmdRet"], answer["result"]), (-1, -1))
        self.clock.advance(0)
        self.assertEqual(self.client.records(3), [])

    def test_not_there(self) -> None:
        """What is not on the card, or is no photo, is left out."""
        self.assertEqual(len(self.download(77, 1, 3)), 1)

    def test_unreadable(self) -> None:
        """So is a file that cannot be read, or is too large for a record."""
        item = new_item(MediaKind.PHOTO, 9, 0)
        for read in (unreadable, lambda: bytes(16 * 1024 * 1024)):
            self.card = Card([CardFile(item, 0, thumbnail=read, photo=read)])
            self.client = self.join(log_in=True)
            self.assertEqual(self.download(9), [])
            self.assertEqual(self.thumbnails(*keys(9)), [])

    def test_stopped(self) -> None:
        """After 1286 no photo comes that had not begun."""
        self.client.firmware.producer(3).pauseProducing()
        self.client.ask(1285, downloadReqs=keys(3, 4, 5))
        self.assertEqual(self.client.ask(1286)["result"], 0)
        self.client.firmware.producer(3).resumeProducing()
        self.clock.advance(0)
        self.assertEqual(self.client.records(3), [])

    def test_paused(self) -> None:
        """Paused after the first photo, the others are not even read; thumbnails go on."""
        client = self.client
        take = client.firmware._producers[3]._write  # type: ignore[union-attr]

        def take_one(octets: bytes) -> None:
            take(octets)
            client.firmware.producer(3).pauseProducing()

        client.firmware._producers[3]._write = take_one  # type: ignore[union-attr]
        self.assertEqual(len(self.download(3, 4, 5)), 1)
        self.assertEqual(len(self.thumbnails(*keys(3, 4))), 2)
        client.firmware.resumeProducing()
        self.clock.advance(0)
        self.assertEqual(len(client.records(3)), 2)


class QuirkTests(FilesTestCase):
    """Photos and thumbnails that are not as they should be; the next one is."""

    def spoiled(self, quirk: Quirk, **changes: Any) -> bytes:
        """All octets that come when photo 3 is spoiled and photo 4 is not."""
        self.use(attrs.evolve(Manners(events=(), quirks={3: quirk}), **changes))
        self.client.ask(1285, downloadReqs=keys(3, 4))
        self.clock.advance(0)
        return self.client.octets(3)

    def test_gone(self) -> None:
        """Listed, and not sent; its thumbnail is."""
        self.spoiled(Quirk.GONE)
        self.assertEqual([file.head.number for file in self.files(3)], [4])
        self.assertEqual(len(self.thumbnails(*keys(3))), 1)

    def test_truncated(self) -> None:
        """The record is whole, the file in it is not."""
        self.spoiled(Quirk.TRUNCATED)
        first, second = self.client.records(3)
        self.assertRaises(LengthMismatch, decode_file, first.payload)
        self.assertEqual(decode_file_head(first.payload).length, SMALL.photo_size)
        self.assertEqual(len(first.payload), 72 + SMALL.photo_size * 2 // 3)
        self.assertTrue(decode_file(second.payload).intact)

    def test_corrupt(self) -> None:
        """The first half is right, and the check data tells that the rest is not."""
        self.spoiled(Quirk.CORRUPT)
        first, second = self.files(3)
        self.assertEqual((first.intact, second.intact), (False, True))
        half = SMALL.photo_size // 2
        self.assertEqual(first.data[:half], self.photo(3)[:half])
        wrong = sum(a != b for a, b in zip(first.data, self.photo(3), strict=True))
        self.assertGreater(wrong, 100)

    def test_lying(self) -> None:
        """The record swallows the beginning of the next one."""
        octets = self.spoiled(Quirk.LYING)
        (record,) = self.client.records(3)
        self.assertEqual(len(record.payload), 72 + SMALL.photo_size + 1000)
        self.assertEqual(len(octets), 2 * (HEAD_SIZE + 72 + SMALL.photo_size))

    def test_stalled(self) -> None:
        """Half of the record, and the rest when the stall is over."""
        whole = HEAD_SIZE + 72 + SMALL.photo_size
        self.assertEqual(len(self.spoiled(Quirk.STALLED, stall=5.0)), whole // 2)
        self.clock.advance(4.9)
        self.assertEqual(len(self.client.octets(3)), whole // 2)
        self.clock.advance(0.1)
        self.assertTrue(all(file.intact for file in self.files(3)))
        self.assertEqual(len(self.files(3)), 2)

    def test_stalled_for_ever(self) -> None:
        """By default a stall does not end; the session lives on."""
        octets = self.spoiled(Quirk.STALLED)
        self.clock.advance(1e6)
        self.assertEqual(self.client.octets(3), octets)
        self.assertEqual(self.client.ask(512)["result"], 0)

    def test_thumbnails(self) -> None:
        """Thumbnails have quirks of their own."""
        self.use(Manners(events=(), thumbnail_quirks={3: Quirk.CORRUPT, 4: Quirk.GONE}))
        self.thumbnails(*keys(3, 4, 5))
        self.assertEqual(
            [(f.head.number, f.intact) for f in self.files(4)], [(3, False), (5, True)]
        )
        self.download(3)
        self.assertTrue(self.files(3)[0].intact)
