"""
The firmware on the reliable channels of one session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from trailcam.simulator.firmware import FILES, LIVE, PLAYBACK, THUMBNAILS, Firmware
from trailcam.simulator.streams import Streams

#: Octets that may wait to be sent on a channel before its producer pauses.
MOST_UNSENT: Final = 256 * 1024

#: Makes the firmware of a session, given what writes on its channels.
MakeFirmware = Callable[[Callable[[int, bytes], None]], Firmware]

_PRODUCED: Final = frozenset((LIVE, PLAYBACK, FILES, THUMBNAILS))


class Application:
    """
    Starts with the first octets of a client: many sessions are only held.

    :param make: makes the firmware; ``None`` for a camera that understands nothing.
    """

    def __init__(self, streams: Streams, make: MakeFirmware | None) -> None:
        self._streams = streams
        self._make = make
        self._firmware: Firmware | None = None
        self._paused: set[int] = set()

    def received(self, channel: int, data: bytes) -> None:
        """The client said this."""
        if self._firmware is None and self._make is not None:
            self._firmware = self._make(self._write)
        if self._firmware is not None:
            self._firmware.received(channel, data)

    def acknowledged(self, channel: int) -> None:
        """The client has some of what was sent."""
        if channel in self._paused and self._streams.unsent(channel) <= MOST_UNSENT // 2:
            self._paused.remove(channel)
            assert self._firmware is not None  # else nobody had written
            self._firmware.producer(channel).resumeProducing()

    def stop(self) -> None:
        """The session has ended."""
        firmware, self._firmware, self._make = self._firmware, None, None
        if firmware is not None:
            firmware.stop()

    def _write(self, channel: int, data: bytes) -> None:
        self._streams.write(channel, data)
        if channel not in _PRODUCED or channel in self._paused or self._firmware is None:
            return
        if self._streams.unsent(channel) > MOST_UNSENT:
            self._paused.add(channel)
            self._firmware.producer(channel).pauseProducing()
