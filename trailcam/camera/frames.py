"""
The live view's frames, waiting for whoever reads them one by one.
"""

from __future__ import annotations

from collections import deque

import attrs
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from trailcam.camera.h264 import has_parameters
from trailcam.camera.sinks import VideoHead

#: Frames that wait for a slow reader, at most: some seconds of them.
MOST_WAITING = 60

#: Octets of them, at most.
MOST_OCTETS = 4 * 1024 * 1024


@attrs.frozen
class LiveFrame:
    """
    One picture of the live view.

    :ivar unit: an H.264 access unit in Annex B form.
    :ivar timestamp: seconds, by the camera's count.
    :ivar key: whether decoding can begin here.
    :ivar dropped: frames that were left out before this one, because they were read too slowly.
    """

    unit: bytes
    timestamp: float
    key: bool
    dropped: int = 0


class FrameBuffer:
    """
    A :class:`~trailcam.camera.sinks.VideoSink` that is read by ``async for``.

    What waits is bounded.  When there is no room, everything that waits is dropped, and so is what
    comes until decoding can begin anew: who reads slowly sees gaps, but never an old picture.
    """

    def __init__(self, most: int = MOST_WAITING) -> None:
        """:param most: frames that may wait, 1 or more."""
        if most < 1:
            raise ValueError(f"one frame has to be allowed to wait, not {most}")
        self._most = most
        self._waiting: deque[LiveFrame] = deque()
        self._octets = 0
        self._dropped = 0
        self._broken = False
        self._over = False
        self._reason: Failure | None = None
        self._reader: Deferred[None] | None = None

    def head(self, head: VideoHead) -> None:
        """Nothing to keep."""

    def video(self, unit: bytes, timestamp: float, key: bool) -> None:
        """Keep a frame, or drop it."""
        if len(self._waiting) >= self._most or self._octets + len(unit) > MOST_OCTETS:
            self._drop()
        if self._broken and not key:
            # No recording shows whether cameras mark key frames of the live view.
            key = has_parameters(unit)
        if self._broken and not key:
            self._dropped += 1
            return
        self._broken = False
        self._waiting.append(LiveFrame(unit, timestamp, key, self._dropped))
        self._octets += len(unit)
        self._dropped = 0
        self._wake()

    def audio(self, frame: bytes, timestamp: float) -> None:
        """Drop it."""

    def end(self, reason: Failure | None) -> None:
        """No more will come; the reader gets what waits, and then the failure, if there is one."""
        self._over = True
        self._reason = reason
        self._wake()

    def __aiter__(self) -> FrameBuffer:
        return self

    async def __anext__(self) -> LiveFrame:
        while not self._waiting:
            if self._reason is not None:
                self._reason.raiseException()
            if self._over:
                raise StopAsyncIteration
            self._reader = Deferred()
            try:
                await self._reader
            finally:
                self._reader = None
        frame = self._waiting.popleft()
        self._octets -= len(frame.unit)
        return frame

    def _drop(self) -> None:
        self._dropped += len(self._waiting) + sum(frame.dropped for frame in self._waiting)
        self._waiting.clear()
        self._octets = 0
        self._broken = True

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.called:
            self._reader.callback(None)
