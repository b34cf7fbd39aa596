"""The card: generated, and what becomes of it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trailcam.model import MediaKind
from trailcam.simulator.card import CAPACITY, MAX_NUMBER, Card, CardFile, Contents, new_item
from trailcam.simulator.h264 import Format
from trailcam.simulator.movie import make_movie

TINY = Format(64, 48, 10)
SMALL = Contents(
    photos=3, videos=2, photo_size=20_000, thumbnail_size=5_000, form=TINY, frames=25, frame_size=0
)


def photo(card: Card, number: int) -> bytes:
    """The octets of a photo."""
    file = card.find(MediaKind.PHOTO, 100, number)
    assert file is not None
    assert file.photo is not None
    return file.photo()


class GeneratedTests(SynchronousTestCase):
    """A card without files."""

    def test_order(self) -> None:
        """The newest comes first; videos have the lowest numbers."""
        items = [file.item for file in Card.generated(SMALL).files()]
        self.assertEqual([item.number for item in items], [5, 4, 3, 2, 1])
        self.assertEqual([item.kind for item in items], [0, 0, 0, 1, 1])
        self.assertEqual(items[0].time, SMALL.newest)
        self.assertEqual(items[0].time - items[4].time, 4 * SMALL.interval)
        self.assertEqual([item.duration for item in items], [0, 0, 0, 2.5, 2.5])
        self.assertEqual(len({item.media_id for item in items}), 5)

    def test_sizes(self) -> None:
        """Photos and thumbnails are as large as asked for, and JPEGs."""
        for file in Card.generated(SMALL).files():
            octets = [file.thumbnail()]
            if file.photo is not None:
                octets.append(file.photo())
            self.assertEqual([len(each) for each in octets], [5_000, 20_000][: len(octets)])
            self.assertTrue(all(each.startswith(b"\xff\xd8\xff") for each in octets))

    def test_same_again(self) -> None:
        """The same contents make the same octets; another seed makes others."""
        self.assertEqual(photo(Card.generated(SMALL), 4), photo(Card.generated(SMALL), 4))
        other = Contents(photos=3, photo_size=20_000, seed=1)
        self.assertNotEqual(photo(Card.generated(SMALL), 4), photo(Card.generated(other), 4))

    def test_default(self) -> None:
        """Without a word there are ten photos and two videos of the sizes that were recorded."""
        card = Card.generated()
        self.assertEqual(len(card.files()), 12)
        self.assertEqual(len(photo(card, 12)), 1_048_449)
        self.assertEqual((card.live.width, card.live.height), (1280, 720))

    def test_empty(self) -> None:
        """A card may have nothing on it."""
        card = Card.generated(Contents(photos=0, videos=0))
        self.assertEqual((card.files(), card.used, card.free), ([], 0, CAPACITY))


class MovieTests(SynchronousTestCase):
    """Generated videos."""

    def test_packets(self) -> None:
        """Pictures and sound come in the order of their times, key pictures every 2 s."""
        packets = list(make_movie(1, TINY, 25).packets())
        times = [packet.time for packet in packets]
        self.assertEqual(times, sorted(times))
        pictures = [packet for packet in packets if not packet.audio]
        self.assertEqual([n for n, packet in enumerate(pictures) if packet.key], [0, 20])
        self.assertEqual(len(pictures), 25)
        self.assertEqual(len(packets) - len(pictures), 40)  # 64 ms each, begun before 2.5 s
        self.assertFalse(packets[0].audio)

    def test_silent(self) -> None:
        """Without sound there are pictures only."""
        movie = make_movie(1, TINY, 25, sound=False)
        self.assertFalse(any(packet.audio for packet in movie.packets()))
        self.assertEqual(movie.units(), make_movie(1, TINY, 25).units())

    def test_size(self) -> None:
        """Pictures are as large as asked for."""
        self.assertEqual({len(unit) for unit in make_movie(1, TINY, 25, 5000).units()}, {5000})

    def test_different(self) -> None:
        """No two pictures are the same, in one video or in two."""
        units = make_movie(1, TINY, 60).units()
        self.assertEqual(len(set(units)), 60)
        self.assertNotEqual(units[0], make_movie(2, TINY, 60).units()[0])

    def test_duration(self) -> None:
        """In seconds."""
        self.assertEqual(make_movie(1, TINY, 25).duration, 2.5)


class ChangeTests(SynchronousTestCase):
    """What sessions do to a card."""

    def setUp(self) -> None:
        """A small card."""
        self.card = Card.generated(SMALL)

    def test_find(self) -> None:
        """Kind, directory and number must all be right."""
        found = self.card.find(MediaKind.VIDEO, 100, 2)
        assert found is not None
        self.assertEqual(found.item.name, "DSCF0002.MP4")
        for wrong in ((MediaKind.PHOTO, 100, 2), (MediaKind.VIDEO, 101, 2), (7, 100, 99)):
            self.assertIsNone(self.card.find(*wrong))

    def test_remove(self) -> None:
        """What is removed is gone, and may be removed again."""
        file = self.card.files()[0]
        used = self.card.used
        self.card.remove(file)
        self.card.remove(file)
        self.assertEqual([f.item.number for f in self.card.files()], [4, 3, 2, 1])
        self.assertEqual(used - self.card.used, 20_000)
        self.assertEqual(self.card.free, CAPACITY - self.card.used)

    def test_clear(self) -> None:
        """Nothing is left."""
        self.card.clear()
        self.assertEqual(self.card.files(), [])

    def test_snap(self) -> None:
        """A new photo gets the next number and is the newest."""
        file = self.card.snap(SMALL.newest + 5)
        assert file is not None
        self.assertEqual((file.item.number, file.item.kind), (6, MediaKind.PHOTO))
        self.assertEqual(self.card.files()[0], file)
        self.assertEqual(len(photo(self.card, 6)), 20_000)

    def test_snap_on_empty(self) -> None:
        """On an empty card the numbers begin with 1."""
        file = Card().snap(0)
        assert file is not None
        self.assertEqual(file.item.number, 1)

    def test_no_numbers_left(self) -> None:
        """After number 9999 there is no photo."""
        last = CardFile(new_item(MediaKind.PHOTO, MAX_NUMBER, 0), 0, thumbnail=bytes)
        self.assertIsNone(Card([last]).snap(0))
