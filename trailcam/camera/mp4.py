"""
Videos as MP4 files, without encoding anything again.

This needs PyAV, the extra ``trailcam[video]``; without it
:class:`~trailcam.camera.sinks.ElementaryWriter` keeps what came.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
from fractions import Fraction
from typing import Any

import attrs

from trailcam.camera.h264 import has_parameters
from trailcam.camera.sinks import VideoHead
from trailcam.errors import MediaTruncated, VideoLibraryMissing

#: Ticks of a second in the file.
_CLOCK = 90_000

#: Frames that are kept until there is sound, too; then the video is taken to have none.
_PATIENCE = 90

#: A gap between two frames, in seconds, that is none of the video's but of the camera's count.
_LONGEST_GAP = 10.0


def available() -> bool:
    """Whether MP4 files can be written."""
    return importlib.util.find_spec("av") is not None


def _library() -> Any:
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise VideoLibraryMissing(
            "MP4 files need PyAV: install trailcam[video], or keep the streams as they come"
        ) from error


class Mp4Writer:
    """
    A sink that writes an MP4 file, frame by frame.  Then :meth:`close` it, or :meth:`discard` it.

    Frames before the first one that decoding can begin with are dropped, as is sound that begins
    later than 90 frames of video.

    :ivar dropped: frames that are not in the file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """
        Write to ``path`` once there are frames.

        :raises VideoLibraryMissing: PyAV is not installed.
        """
        self.dropped = 0
        self._av = _library()
        self._path = os.fspath(path)
        self._kept: list[_Sample] = []
        self._video_format: Any = None
        self._audio_format: Any = None
        self._container: Any = None
        self._tracks: dict[str, _Track] = {}
        self._closed = False

    def head(self, head: VideoHead) -> None:
        """Nothing to write: the frames tell."""

    def video(self, unit: bytes, timestamp: float, key: bool) -> None:
        """Write an access unit, or keep it until the sound is known."""
        if self._video_format is None and has_parameters(unit):
            self._video_format = self._format_of(unit, "h264")
        if self._video_format is None:
            self.dropped += 1
        else:
            self._add(_Sample("video", unit, timestamp, key))

    def audio(self, frame: bytes, timestamp: float) -> None:
        """Write a frame of sound."""
        if self._audio_format is None and self._container is None:
            self._audio_format = self._format_of(frame, "aac")
        if self._audio_format is None or self._video_format is None:
            self.dropped += 1
        else:
            self._add(_Sample("audio", frame, timestamp, True))

    def close(self) -> None:
        """
        Write what is missing, and close the file.  May be called again.

        :raises MediaTruncated: there was nothing to write; then there is no file.
        """
        if self._closed:
            return
        self._closed = True
        if self._container is None and self._video_format is not None:
            self._open()
        if self._container is None:
            raise MediaTruncated("the video has no frame that decoding can begin with")
        self._container.close()

    def discard(self) -> None:
        """Leave no file behind.  Never raises for a file that is not there."""
        begun = self._container is not None
        if begun and not self._closed:
            self._container.close()
        self._closed = True
        self._kept.clear()
        if begun and os.path.exists(self._path):
            os.unlink(self._path)

    def _add(self, sample: _Sample) -> None:
        if self._container is not None:
            self._write(sample)
            return
        self._kept.append(sample)
        if self._audio_format is not None or len(self._kept) >= _PATIENCE:
            self._open()

    def _format_of(self, data: bytes, name: str) -> Any:
        """What the library makes of the beginning of a stream; ``None`` when nothing."""
        try:
            opened = self._av.open(io.BytesIO(data), format=name)
            stream = opened.streams[0]
            if name == "h264" and not stream.codec_context.width:
                return None
        except (self._av.FFmpegError, IndexError):
            return None
        return stream

    def _open(self) -> None:
        # The extension of a temporary file need not tell what is in it.
        self._container = self._av.open(self._path, "w", format="mp4")
        first = self._kept[0].timestamp
        formats = {
            "video": (self._video_format, 1 / 30),
            "audio": (self._audio_format, 1024 / 16e3),
        }
        for kind, (template, step) in formats.items():
            if template is not None:
                stream = self._container.add_stream_from_template(template)
                self._tracks[kind] = _Track(stream, step, first)
        kept, self._kept = self._kept, []
        for sample in kept:
            self._write(sample)

    def _write(self, sample: _Sample) -> None:
        track = self._tracks[sample.kind]
        packet = self._av.Packet(sample.data)
        packet.stream = track.stream
        packet.time_base = Fraction(1, _CLOCK)
        packet.pts = packet.dts = track.place(sample.timestamp)
        packet.duration = track.length  # of the last frame; without it players leave that out
        packet.is_keyframe = sample.key
        self._container.mux(packet)


@attrs.frozen
class _Sample:
    """One frame.  ``kind`` is ``video`` or ``audio``, ``timestamp`` seconds."""

    kind: str
    data: bytes
    timestamp: float
    key: bool


class _Track:
    """
    Makes time stamps that only ever grow out of those of a camera.

    :ivar length: of a frame, in ticks, as far as nothing follows it.
    """

    def __init__(self, stream: Any, step: float, first: float) -> None:
        """
        Begin.

        :param step: seconds to the next frame when the camera's count makes no sense.
        :param first: the time stamp of the file's beginning, in seconds.
        """
        self.stream = stream
        self.length = round(step * _CLOCK)
        self._step = step
        self._last = first
        self._position = 0.0
        self._ticks = -1

    def place(self, timestamp: float) -> int:
        """Where the next frame belongs, in ticks."""
        gap = timestamp - self._last
        if self._ticks >= 0 and not 0 < gap <= _LONGEST_GAP:
            gap = self._step
        elif not 0 <= gap <= _LONGEST_GAP:
            gap = 0.0
        self._last = timestamp
        self._position += gap
        self._ticks = max(self._ticks + 1, round(self._position * _CLOCK))
        return self._ticks
