"""A card made of the user's own photos and videos."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from typing import Any, Final

from twisted.logger import Logger

from trailcam.model import MediaKind
from trailcam.simulator.card import MAX_NUMBER, THUMBNAIL_SIZE, Card, CardFile, new_item
from trailcam.simulator.exif import embedded_thumbnail
from trailcam.simulator.moviefile import find_reader, open_movie
from trailcam.simulator.pattern import thumbnail_of

_PHOTOS: Final = {".jpg", ".jpeg"}
_VIDEOS: Final = {".mp4"}
_JPEG: Final = b"\xff\xd8\xff"

_log = Logger()


def card_of(folder: Path) -> Card:
    """
    Make a card of the JPEG and MP4 files in a folder, but not in folders within it.

    The oldest becomes number 1.  A file that cannot be used is left out, with a line in the log;
    so are all videos where PyAV is not installed.  Photos and videos are read when they are asked
    for: the folder must stay as it is.  Nothing in it is ever changed.

    :raises OSError: the folder cannot be read.
    """
    paths = [path for path in folder.iterdir() if path.suffix.lower() in _PHOTOS | _VIDEOS]
    if any(_is_video(path) for path in paths) and find_reader() is None:
        paths = [path for path in paths if not _is_video(path)]
        _log.warn("videos in {folder} are left out: PyAV is not installed", folder=str(folder))
    ages = sorted((path.stat().st_mtime, path.name, path) for path in paths if path.is_file())
    files: list[CardFile] = []
    for time, _, path in ages:
        if len(files) < MAX_NUMBER:
            files += _file_of(path, len(files) + 1, int(time))
    live = next((file.movie for file in files if file.movie is not None), None)
    return Card(files, live)


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in _VIDEOS


def _file_of(path: Path, number: int, time: int) -> list[CardFile]:
    """The item of one file; none when it cannot be used."""
    try:
        if _is_video(path):
            return [_video(find_reader(), path, number, time)]
        return [_photo(path, number, time)]
    except (OSError, ValueError) as error:
        _log.warn("{path} is left out: {error}", path=str(path), error=str(error))
        return []


def _photo(path: Path, number: int, time: int) -> CardFile:
    with path.open("rb") as file:
        if file.read(len(_JPEG)) != _JPEG:
            raise ValueError("it is no JPEG")
    return CardFile(
        new_item(MediaKind.PHOTO, number, time),
        path.stat().st_size,
        thumbnail=partial(_thumbnail, path, number),
        photo=path.read_bytes,
    )


def _video(av: Any, path: Path, number: int, time: int) -> CardFile:
    movie = open_movie(av, path)
    return CardFile(
        new_item(MediaKind.VIDEO, number, time, movie.duration),
        path.stat().st_size,
        thumbnail=partial(_made_thumbnail, number),
        movie=movie,
    )


def _thumbnail(path: Path, number: int) -> bytes:
    return embedded_thumbnail(path.read_bytes()) or _made_thumbnail(number)


def _made_thumbnail(number: int) -> bytes:
    return thumbnail_of(number, THUMBNAIL_SIZE, random.Random(number))
