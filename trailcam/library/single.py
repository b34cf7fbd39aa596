"""
A single item as a file of its own, outside any folder of pictures.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from trailcam.errors import FolderInUse
from trailcam.interfaces import ICamera
from trailcam.library import disk
from trailcam.library.items import Key, file_time, key_of, suffixes
from trailcam.library.lock import Lock
from trailcam.library.saver import Saver
from trailcam.model import MediaItem


async def fetch_one(
    camera: ICamera,
    item: MediaItem,
    saver: Saver,
    *,
    part: Path,
    name: Callable[[str], Path],
    utc: bool | None = None,
) -> Path:
    """
    Fetch ``item`` into a file that is there only when all of it has come.

    :param part: where it is meanwhile, in the same folder; what a killed run left there is removed.
    :param name: makes the file's path from the suffix that it has to have.
    :param utc: whether the camera's clock shows UTC instead of local time; ``None`` leaves the
        file's time as it is.
    :return: the file's path.
    :raises FileExistsError: something has that name already, or is just being fetched to it;
        nothing is written over.
    :raises LibraryError: it cannot be written.
    :raises CameraError: it cannot be had.
    :raises ValueError: the item is an impossible one.
    """
    key = key_of(item)
    if all(os.path.lexists(name(suffix)) for suffix in suffixes(key)):
        raise _taken(name(suffixes(key)[0]))
    lock = _lock(part, name(suffixes(key)[0]))
    try:
        return await _fetch(camera, key, item, saver, part=part, name=name, utc=utc)
    finally:
        lock.release()


async def _fetch(
    camera: ICamera,
    key: Key,
    item: MediaItem,
    saver: Saver,
    *,
    part: Path,
    name: Callable[[str], Path],
    utc: bool | None,
) -> Path:
    with disk.trouble(part):
        disk.remove(part)
    try:
        final = name(await saver.save(camera, key, item, part))
        with disk.trouble(final):
            if utc is not None:
                disk.set_time(part, file_time(key, utc=utc))
            disk.flush_path(part)
            placed = disk.place(part, final)
    finally:
        with disk.trouble(part):
            disk.remove(part)
    if not placed:
        raise _taken(final)
    disk.flush_folder(final.parent)
    return final


def _lock(part: Path, path: Path) -> Lock:
    """Two at once would take each other's half for their whole."""
    lock = part.with_name(f"{part.name}.lock")
    try:
        return Lock(lock, passing=True)
    except FolderInUse:
        raise FileExistsError(f"{path} is being fetched already: {lock.name} is locked") from None


def _taken(path: Path) -> FileExistsError:
    return FileExistsError(f"{path} is there already, and is not written over")
