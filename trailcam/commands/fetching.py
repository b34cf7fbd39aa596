"""
``trailcam get`` and ``trailcam thumbs``: single items, and small pictures of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from trailcam.commands.options import GetOptions, ThumbsOptions
from trailcam.commands.output import Results, Show
from trailcam.commands.selection import pick
from trailcam.errors import CameraError, LoginRejected, MediaNotFound
from trailcam.interfaces import ICamera
from trailcam.library import disk
from trailcam.library.items import RAW_VIDEO, key_of, names
from trailcam.library.observer import SyncObserver
from trailcam.library.saver import Saver, Settings
from trailcam.library.single import fetch_one
from trailcam.library.summary import one_line, raw_videos, title
from trailcam.model import MediaItem

#: Small pictures that are asked for at once, as the camera's own app does.
_BATCH = 45


async def get(
    camera: ICamera,
    options: GetOptions,
    show: Show,
    observer: SyncObserver | None = None,
    settings: Settings | None = None,
) -> int:
    """
    Fetch the named items; returns the exit status.

    A name that means no item, or several, is told, and the rest is fetched.

    :raises SessionError: the connection is lost.
    :raises LibraryError: the folder cannot be written.
    """
    told = observer or SyncObserver()
    saver = Saver(settings or Settings(), told.advanced)
    results = Results(show, "saved", as_json=bool(options["json"]))
    wanted = _wanted(await camera.media(), options.names, results)
    disk.make_whole_folder(options.directory)
    told.planned(len(wanted))
    raw = 0
    try:
        for item in wanted:
            told.began(item)
            try:
                path = await _get(camera, item, options, saver)
            except LoginRejected:
                raise
            except (CameraError, ValueError, FileExistsError) as problem:
                code = problem.code if isinstance(problem, CameraError) else "refused"
                results.fail(title(item), one_line(problem), code)
            else:
                told.finished(item, path)
                results.succeed(str(path))
                raw += path.suffix == f".{RAW_VIDEO}"
    finally:
        told.close()
    if raw and not options["json"]:
        show(raw_videos(raw))
    return results.end()


def _wanted(items: Sequence[MediaItem], names: Iterable[str], results: Results) -> list[MediaItem]:
    """The items of these names, each once; the names that are of no use are told."""
    wanted: dict[MediaItem, None] = {}
    for name in names:
        try:
            wanted.update(dict.fromkeys(pick(items, [name])))
        except MediaNotFound as problem:
            results.fail(one_line(name), one_line(problem), problem.code)
    return list(wanted)


async def _get(camera: ICamera, item: MediaItem, options: GetOptions, saver: Saver) -> Path:
    key = key_of(item)
    return await fetch_one(
        camera,
        item,
        saver,
        part=options.directory / f".{key.directory}-{key.number}.trailcam.part",
        name=lambda suffix: options.directory / Path(next(names(key, suffix))).name,
        utc=bool(options["utc"]),
    )


async def thumbs(camera: ICamera, options: ThumbsOptions, show: Show) -> int:
    """
    Fetch small pictures of everything, as ``DIR/100/DSCF0318.JPG.jpg``; returns the exit status.

    :raises TrailcamError: as :meth:`ICamera.media` and :meth:`ICamera.thumbnails` do.
    :raises LibraryError: the folder cannot be written.
    """
    results = Results(show, "saved", as_json=bool(options["json"]))
    disk.make_whole_folder(options.directory)
    wanted: dict[Path, MediaItem] = {}
    present = 0
    for item in await camera.media():
        try:
            path = _thumbnail(options.directory, item)
        except ValueError as problem:
            results.fail(title(item), one_line(problem), "refused")
        else:
            if disk.size(path) is None:
                wanted.setdefault(path, item)  # the newest of those with one number
            else:
                present += 1
    for batch in _batches(list(wanted.items())):
        pictures = await camera.thumbnails([item for _, item in batch])
        for path, item in batch:
            picture = pictures.get(item)
            if not picture:
                results.fail(title(item), "the camera did not send it", "media_not_found")
            else:
                _write(path, picture)
                results.succeed(str(path))
    if not options["json"]:
        new, failed = len(results.done), len(results.failed)
        show(f"{new} new, {present} already here, {failed} failed")
    return results.end()


def _thumbnail(directory: Path, item: MediaItem) -> Path:
    """:raises ValueError: it cannot be named."""
    key = key_of(item)
    return directory / str(key.directory) / f"{MediaItem(key.kind, 0, key.number).name}.jpg"


def _write(path: Path, picture: bytes) -> None:
    disk.make_folder(path.parent)
    disk.refuse_link(path)
    with disk.trouble(path):
        disk.write(path, picture)


def _batches(items: list[tuple[Path, MediaItem]]) -> Iterator[list[tuple[Path, MediaItem]]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]
