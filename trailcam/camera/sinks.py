"""
Where videos go, frame by frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

if TYPE_CHECKING:
    from typing import BinaryIO

    from twisted.internet.interfaces import IConsumer


@attrs.frozen
class VideoHead:
    """
    What the camera says of a video before its frames.  0 where it does not say.

    :ivar width: pixels.
    :ivar height: pixels.
    :ivar total_frames: the frames of video; 0 in a live view.
    :ivar total_time: seconds; 0.0 in a live view.
    """

    width: int
    height: int
    total_frames: int
    total_time: float


class VideoSink(Protocol):
    """Takes a video.  What it raises ends the transfer, and its caller hears of it."""

    def head(self, head: VideoHead) -> None:
        """Called once, first."""

    def video(self, unit: bytes, timestamp: float, key: bool) -> None:
        """
        The next access unit.

        :param unit: H.264 in Annex B form.
        :param timestamp: seconds, by the camera's count.
        :param key: whether decoding can begin here.
        """

    def audio(self, frame: bytes, timestamp: float) -> None:
        """
        The next frame of sound; in playback AAC with its ADTS head.

        :param timestamp: seconds, by the camera's count.
        """


class ConsumerSink:
    """Writes the video's access units, one after the other, to a consumer; drops the sound."""

    def __init__(self, consumer: IConsumer) -> None:
        """:param consumer: an IConsumer."""
        self._consumer = consumer

    def head(self, head: VideoHead) -> None:
        """Nothing to write."""

    def video(self, unit: bytes, timestamp: float, key: bool) -> None:
        """Write it."""
        self._consumer.write(unit)

    def audio(self, frame: bytes, timestamp: float) -> None:
        """Drop it."""


class ElementaryWriter:
    """
    Writes the video as it is to one file (``.h264``) and the sound to another (``.aac``).

    Players know both; that needs no library, and loses only the time stamps.
    """

    def __init__(self, video: BinaryIO, audio: BinaryIO | None = None) -> None:
        """
        Write to open files, which stay open.

        :param audio: without it the sound is dropped.
        """
        self._video = video
        self._audio = audio

    def head(self, head: VideoHead) -> None:
        """Nothing to write."""

    def video(self, unit: bytes, timestamp: float, key: bool) -> None:
        """Write it."""
        self._video.write(unit)

    def audio(self, frame: bytes, timestamp: float) -> None:
        """Write it, or drop it."""
        if self._audio is not None:
            self._audio.write(frame)
