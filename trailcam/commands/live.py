"""
``trailcam live``: the live view as a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from twisted.internet.defer import Deferred

from trailcam.commands.options import LiveOptions
from trailcam.commands.output import COULD_NOT, DONE, Show, show_json
from trailcam.library import disk
from trailcam.library.summary import megabytes

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime


class LiveCamera(Protocol):
    """A camera with a live view, which is more than an :class:`~trailcam.interfaces.ICamera`."""

    def start_live(self, sink: Any) -> Deferred[Any]:
        """Give the frames to ``sink`` from now on; fires when the camera agrees."""

    def stop_live(self) -> Deferred[Any]:
        """End it; fires when the camera agrees."""


async def live(
    clock: IReactorTime,
    camera: LiveCamera,
    options: LiveOptions,
    show: Show,
    over: Deferred[Any] | None = None,
) -> int:
    """
    Record until the time is up, the session is over, or it is cancelled; returns the exit status.

    What has come until then is kept in any case.

    :param clock: provides IReactorTime.
    :param over: fires when the session has ended.
    :raises LibraryError: the file cannot be written, or is there already.
    :raises TrailcamError: the camera refuses.
    """
    with disk.trouble(options.path):
        file = disk.open_new(options.path)
        with file:
            recording = _Recording(file)
            await camera.start_live(recording)
            lost = await _wait(clock, recording, options.limit, over)
            if not lost:
                await camera.stop_live()
    summary = {"frames": recording.frames, "octets": recording.octets, "lost": lost}
    if options["json"]:
        show_json(show, summary)
    else:
        end = "; the connection was lost" if lost else ""
        show(f"{recording.frames} frames ({megabytes(recording.octets)}) in {options.path}{end}")
    return COULD_NOT if lost else DONE


async def _wait(
    clock: IReactorTime, recording: _Recording, limit: float | None, over: Deferred[Any] | None
) -> bool:
    """Wait for the end; returns whether it is that of the session."""
    ended = recording.ended
    if over is not None:
        over.addBoth(lambda _: _fire(ended, True))
    timer = None if limit is None else clock.callLater(limit, _fire, ended, False)
    try:
        return await ended
    finally:
        if timer is not None and timer.active():
            timer.cancel()


def _fire(deferred: Deferred[bool], value: bool) -> None:
    if not deferred.called:
        deferred.callback(value)


class _Recording:
    """
    Writes the frames.

    :ivar ended: fails when writing does.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.frames = self.octets = 0
        self.ended: Deferred[bool] = Deferred()
        self._file = file

    def head(self, head: Any) -> None:
        """Nothing to write."""

    def video(self, unit: bytes, timestamp: float, key: bool) -> None:
        """Write an access unit."""
        if self.ended.called:
            return
        try:
            self._file.write(unit)
        except OSError as problem:
            self.ended.errback(problem)
            return
        self.frames += 1
        self.octets += len(unit)

    def audio(self, frame: bytes, timestamp: float) -> None:
        """Drop it."""
