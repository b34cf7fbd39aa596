"""AAC in ADTS form: the head of a frame, and silence."""

from __future__ import annotations

from typing import Final

#: Samples in one frame.
SAMPLES: Final = 1024

#: What cameras send: samples in a second, mono.
RATE: Final = 16000

_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_HEAD_SIZE = 7

#: One channel with no band of it coded, and the end.
_SILENCE: Final = b"\0\0\0\x07"


def adts(block: bytes, rate: int = RATE, channels: int = 1) -> bytes:
    """
    Put a head before a raw AAC-LC block.

    :param rate: samples in a second.
    :raises ValueError: ADTS has no number for this rate.
    """
    size = _HEAD_SIZE + len(block)
    head = 0xFFF1 << 40  # syncword, MPEG-4, no checksum
    head |= 1 << 38  # low complexity
    head |= _RATES.index(rate) << 34
    head |= channels << 30
    head |= size << 13
    head |= 0x7FF << 2  # variable bit rate
    return head.to_bytes(_HEAD_SIZE, "big") + block


def can_carry(rate: int) -> bool:
    """Whether ADTS has a number for so many samples in a second."""
    return rate in _RATES


def silence() -> bytes:
    """A frame of 64 ms in which nothing is heard."""
    return adts(_SILENCE)
