"""
Videos from the camera into MP4 files.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from trailcam.camera.mp4 import Mp4Writer
from trailcam.model import MediaItem

if TYPE_CHECKING:
    from trailcam.camera.camera import Camera


def save_mp4(
    camera: Camera | Any,
    item: MediaItem,
    path: Path,
    progress: Callable[[int, int | None], None] | None = None,
) -> Deferred[int]:
    """
    Play a video into an MP4 file, with its sound.

    :param path: where nothing is yet; after a failure there is nothing again.
    :return: fires with the octets of video; fails as :meth:`Camera.play` does, and with what
        PyAV says about frames that it cannot take.
    """

    async def work() -> int:
        writer = Mp4Writer(path)
        try:
            octets: int = await camera.play(item, writer, progress)
            writer.close()
        except BaseException:
            writer.discard()
            raise
        return octets

    return Deferred.fromCoroutine(work())
