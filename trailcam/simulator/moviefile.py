"""
MP4 files, read with PyAV, which is imported only when there is one.

Nothing is decoded: the packets of the file are cut out and given the form that cameras send.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from trailcam.simulator import aac
from trailcam.simulator.movie import Movie, Packet

#: What makes Annex B of the form in which an MP4 file holds H.264.
_ANNEX_B: Final = "h264_mp4toannexb"


def find_reader() -> Any | None:
    """PyAV, or ``None`` where it is not installed."""
    try:
        return import_module("av")
    except ImportError:
        return None


def open_movie(av: Any, path: Path) -> Movie:
    """
    Look at a file; its packets are read later.

    :param av: see :func:`find_reader`.
    :raises OSError: it cannot be read.
    :raises ValueError: it is no video, or none that a camera could send.
    """
    # PyAV's errors are OSErrors or ValueErrors, too.
    with av.open(str(path)) as container:
        video = _video_of(container)
        frames = video.frames or sum(1 for packet in container.demux(video) if packet.size)
        rate = float(video.average_rate or 0)
        if not frames or not rate:
            raise ValueError("it has no pictures")
        return Movie(video.width, video.height, rate, frames, partial(_read, av, path))


def _video_of(container: Any) -> Any:
    if not container.streams.video or container.streams.video[0].codec_context.name != "h264":
        raise ValueError("it has no H.264 video")
    return container.streams.video[0]


def _audio_of(container: Any) -> Any | None:
    """The audio, if a camera could send it."""
    for stream in container.streams.audio:
        if stream.codec_context.name == "aac" and aac.can_carry(stream.codec_context.sample_rate):
            return stream
    return None


def _read(av: Any, path: Path) -> Iterator[Packet]:
    with av.open(str(path)) as container:
        video, audio = _video_of(container), _audio_of(container)
        annex_b = av.bitstream.BitStreamFilterContext(_ANNEX_B, video)
        for packet in container.demux(*(s for s in (video, audio) if s is not None)):
            if not packet.size:  # the sign of the end
                continue
            time = max(0.0, float((packet.dts or 0) * packet.time_base))
            if packet.stream.index == video.index:
                for unit in annex_b.filter(packet):
                    yield Packet(bytes(unit), time, key=unit.is_keyframe)
            elif audio is not None:
                context = audio.codec_context
                frame = aac.adts(bytes(packet), context.sample_rate, context.channels)
                yield Packet(frame, time, audio=True, key=True)
