"""
The card in a simulated camera: its photos and videos.

All sessions of a camera share one card, and all of them may take items off it.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

import attrs

from trailcam.model import MediaItem, MediaKind
from trailcam.simulator.h264 import Format
from trailcam.simulator.movie import Movie, make_movie
from trailcam.simulator.pattern import photo_of, thumbnail_of

#: Where a camera puts what it takes.
DIRECTORY: Final = 100

#: File names have four digits.
MAX_NUMBER: Final = 9999

#: The card of the camera that was recorded, in octets.
CAPACITY: Final = 30196 * 1024 * 1024

#: Octets of a photo and of a thumbnail.
PHOTO_SIZE: Final = 1_048_449
THUMBNAIL_SIZE: Final = 25_000

VIDEO_FORMAT: Final = Format(1920, 1080, 15)

#: What live view shows where nothing else is given: the size that was recorded.
LIVE_FORMAT: Final = Format(1280, 720, 15)
_LIVE_FRAMES: Final = 60
_LIVE_FRAME_SIZE: Final = 6000


@attrs.frozen
class CardFile:
    """
    One photo or video.

    :ivar size: octets it takes, about.
    :ivar thumbnail: reads the small JPEG; may raise :class:`OSError`.
    :ivar photo: reads the JPEG, unless this is a video; may raise :class:`OSError`.
    :ivar movie: the video, unless this is a photo.
    """

    item: MediaItem
    size: int
    thumbnail: Callable[[], bytes] = attrs.field(eq=False, repr=False)
    photo: Callable[[], bytes] | None = attrs.field(default=None, eq=False, repr=False)
    movie: Movie | None = None


@attrs.frozen(kw_only=True)
class Contents:
    """
    What a generated card holds; the same values make the same octets.

    :ivar photos: how many; their numbers go on after those of the videos.
    :ivar videos: how many, from number 1.
    :ivar photo_size: octets of a photo; less than about 6000 cannot be had.
    :ivar thumbnail_size: octets of a thumbnail; less than about 2000 cannot be had.
    :ivar form: size and rate of the videos.
    :ivar frames: pictures of each video.
    :ivar frame_size: octets of each picture; a key picture of 1920x1080 needs 54 000.
    :ivar sound: whether videos have (silent) audio.
    :ivar newest: ``mediaTime`` of the last item, in seconds.
    :ivar interval: seconds between two items.
    :ivar seed: decides the octets that bring photos to their size.
    """

    photos: int = 10
    videos: int = 2
    photo_size: int = PHOTO_SIZE
    thumbnail_size: int = THUMBNAIL_SIZE
    form: Format = VIDEO_FORMAT
    frames: int = 150
    frame_size: int = 20_000
    sound: bool = True
    newest: int = 1766527938
    interval: int = 600
    seed: int = 0


class Card:
    """
    The items of a card, newest first.

    :param files: what it holds; of two with the same kind and number the last one counts.
    :param live: what live view shows, again and again.
    :param contents: how photos are made that are taken later, see :meth:`snap`.
    """

    def __init__(
        self,
        files: Iterable[CardFile] = (),
        live: Movie | None = None,
        contents: Contents | None = None,
    ) -> None:
        self._contents = Contents() if contents is None else contents
        self._files = {_key(file.item): file for file in files}
        if live is None:
            live = make_movie(0, LIVE_FORMAT, _LIVE_FRAMES, _LIVE_FRAME_SIZE, sound=False)
        self.live = live

    @classmethod
    def generated(cls, contents: Contents | None = None) -> Card:
        """A card with the photos and videos of ``contents``."""
        wanted = Contents() if contents is None else contents
        total = wanted.photos + wanted.videos
        files = []
        for number in range(1, total + 1):
            make = _make_video if number <= wanted.videos else _make_photo
            files.append(make(wanted, number, wanted.newest - (total - number) * wanted.interval))
        return cls(files, contents=wanted)

    @property
    def used(self) -> int:
        """Octets that the items take, about."""
        return sum(file.size for file in self._files.values())

    @property
    def free(self) -> int:
        """Octets left, about."""
        return max(0, CAPACITY - self.used)

    def files(self) -> list[CardFile]:
        """All items, newest first."""
        by_age = sorted(self._files.values(), key=lambda f: (f.item.time, f.item.number))
        return by_age[::-1]

    def find(self, kind: int, directory: int, number: int) -> CardFile | None:
        """One item, or ``None`` if it is not there, or not any more."""
        return self._files.get((kind, directory, number))

    def remove(self, file: CardFile) -> None:
        """Take an item off the card; does nothing when it is gone already."""
        self._files.pop(_key(file.item), None)

    def clear(self) -> None:
        """Take everything off the card."""
        self._files.clear()

    def snap(self, time: int) -> CardFile | None:
        """
        Take a photo.

        :param time: its ``mediaTime``, in seconds.
        :return: the new item, or ``None`` when there are no numbers left.
        """
        numbers = (item.number for item in self._items() if item.directory == DIRECTORY)
        number = max(numbers, default=0) + 1
        if number > MAX_NUMBER:
            return None
        file = _make_photo(self._contents, number, time)
        self._files[_key(file.item)] = file
        return file

    def _items(self) -> Iterable[MediaItem]:
        return (file.item for file in self._files.values())


def new_item(kind: MediaKind, number: int, time: int, duration: float = 0.0) -> MediaItem:
    """
    An item in the camera's own directory, with an id made of the rest.

    :param time: seconds since 1970.
    :param duration: seconds.
    """
    media_id = zlib.crc32(f"{DIRECTORY}/{kind}/{number}/{time}".encode())
    return MediaItem(kind, DIRECTORY, number, media_id, time, duration)


def _key(item: MediaItem) -> tuple[int, int, int]:
    return item.kind, item.directory, item.number


def _make_photo(contents: Contents, number: int, time: int) -> CardFile:
    return CardFile(
        new_item(MediaKind.PHOTO, number, time),
        contents.photo_size,
        thumbnail=partial(_thumbnail, contents, number),
        photo=partial(_photo, contents, number),
    )


def _make_video(contents: Contents, number: int, time: int) -> CardFile:
    movie = make_movie(
        number, contents.form, contents.frames, contents.frame_size, sound=contents.sound
    )
    return CardFile(
        new_item(MediaKind.VIDEO, number, time, movie.duration),
        contents.frames * contents.frame_size,
        thumbnail=partial(_thumbnail, contents, number),
        movie=movie,
    )


def _photo(contents: Contents, number: int) -> bytes:
    rng = random.Random(f"photo {contents.seed} {number}")
    return photo_of(number, contents.photo_size, rng)


def _thumbnail(contents: Contents, number: int) -> bytes:
    rng = random.Random(f"thumbnail {contents.seed} {number}")
    return thumbnail_of(number, contents.thumbnail_size, rng)
