"""
Videos as the card holds them: packets that are read, or made, one after the other.

So a video of any length costs the memory of one packet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import attrs

from trailcam.simulator import aac
from trailcam.simulator.h264 import Format, filled, key_unit, repeated_unit
from trailcam.simulator.pattern import stripes_of

#: Seconds from one key picture of a generated video to the next.
KEY_INTERVAL: Final = 2

#: Seconds of one frame of audio.
_SILENCE_TIME: Final = aac.SAMPLES / aac.RATE


@attrs.frozen
class Packet:
    """
    One access unit of video (H.264, Annex B), or one frame of audio (AAC in ADTS form).

    :ivar time: seconds from the beginning of the video.
    :ivar key: whether decoding can begin here.
    """

    data: bytes
    time: float
    audio: bool = False
    key: bool = False


@attrs.frozen
class Movie:
    """
    One video.

    :ivar width: pixels.
    :ivar height: pixels.
    :ivar rate: pictures in a second.
    :ivar frames: pictures in all.
    :ivar packets: begins to read it: all packets, in the order of their times.  The iterator may
        raise :class:`OSError`; closing it, where it can be closed, lets go of the file.
    """

    width: int
    height: int
    rate: float
    frames: int
    packets: Callable[[], Iterator[Packet]] = attrs.field(eq=False, repr=False)

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.frames / self.rate

    def units(self) -> list[bytes]:
        """The access units of video, all at once."""
        return [packet.data for packet in self.packets() if not packet.audio]


def make_movie(
    number: int, form: Format, frames: int, frame_size: int = 0, *, sound: bool = True
) -> Movie:
    """
    Make a video: deterministic, and no two of its first 52 groups of pictures the same.

    :param number: decides its colours.
    :param frames: pictures in all.
    :param frame_size: octets of an access unit; those that need more have more.
    :param sound: whether there is (silent) audio.
    """

    def packets() -> Iterator[Packet]:
        return _packets(number, form, frames, frame_size, sound=sound)

    return Movie(form.width, form.height, float(form.rate), frames, packets)


def _packets(
    number: int, form: Format, frames: int, frame_size: int, *, sound: bool
) -> Iterator[Packet]:
    silence = aac.silence()
    heard = 0
    for index in range(frames):
        time = index / form.rate
        yield Packet(_unit(number, form, index, frame_size), time, key=_is_key(form, index))
        while sound and heard * _SILENCE_TIME < time + 1 / form.rate:
            yield Packet(silence, heard * _SILENCE_TIME, audio=True, key=True)
            heard += 1


def _is_key(form: Format, index: int) -> bool:
    return index % (KEY_INTERVAL * form.rate) == 0


def _unit(number: int, form: Format, index: int, size: int) -> bytes:
    group, place = divmod(index, KEY_INTERVAL * form.rate)
    if place:
        return filled(repeated_unit(form, group, place), size)
    return filled(key_unit(form, stripes_of(number), group), size)
