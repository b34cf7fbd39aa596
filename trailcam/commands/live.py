"""
``trailcam live``: the live view as a file.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from twisted.internet.defer import Deferred, TimeoutError

from trailcam.commands.options import LiveOptions
from trailcam.commands.output import COULD_NOT, DONE, Show, show_json
from trailcam.errors import FolderUnusable, SessionError
from trailcam.library import disk
from trailcam.library.summary import amount

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime


class LiveCamera(Protocol):
    """A camera with a live view, which is more than an :class:`~trailcam.interfaces.ICamera`."""

    def live(self) -> AsyncIterator[Any]:
        """Its frames, each with its octets as ``unit``; leaving the loop ends it."""


async def live(clock: IReactorTime, camera: LiveCamera, options: LiveOptions, show: Show) -> int:
    """
    Record until the time is up, the session is over, or it is cancelled; returns the exit status.

    What has come until then is kept in any case, and told.  Where nothing came there is no file,
    and that counts as a failure.

    :param clock: provides IReactorTime.
    :raises LibraryError: the file cannot be written, or is there already.
    :raises TrailcamError: the camera refuses.
    """
    with disk.trouble(options.path):
        recording = _Recording(_new_file(options.path))
        try:
            with recording:
                lost = await recording.last(clock, camera, options.limit)
        except Exception:
            if recording.frames:
                _tell(recording, options, show)
            raise
        finally:
            if not recording.frames:
                disk.remove(options.path)
    _tell(recording, options, show, lost=lost)
    return COULD_NOT if lost or not recording.frames else DONE


def _tell(recording: _Recording, options: LiveOptions, show: Show, *, lost: bool = False) -> None:
    if options["json"]:
        summary = {"frames": recording.frames, "octets": recording.octets, "lost": lost}
        show_json(show, summary)
    else:
        end = "; the connection was lost" if lost else ""
        show(f"{recording} in {options.path}{end}" if recording.frames else f"nothing came{end}")


def _new_file(path: Path) -> BinaryIO:
    try:
        return disk.open_new(path)
    except FileExistsError:
        raise FolderUnusable(f"{path} is there already, and is not written over") from None


class _Recording:
    """Writes the frames to a file, which it closes."""

    def __init__(self, file: BinaryIO) -> None:
        self.frames = self.octets = 0
        self._file = file

    def __enter__(self) -> _Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __str__(self) -> str:
        return f"{self.frames} frames ({amount(self.octets)})"

    async def last(self, clock: IReactorTime, camera: LiveCamera, limit: float | None) -> bool:
        """Write until the end; returns whether that was the end of the session."""
        work = Deferred.fromCoroutine(self._write(camera))
        if limit is not None:
            work.addTimeout(limit, clock)
        try:
            await work
        except TimeoutError:
            return False
        except SessionError:
            return True
        return False

    async def _write(self, camera: LiveCamera) -> None:
        async for frame in camera.live():
            self._file.write(frame.unit)
            self.frames += 1
            self.octets += len(frame.unit)
