"""
The banner with which a camera begins channel 0: ``ACK``, bare.

Protocol: the application layer, records.
"""

from __future__ import annotations

from trailcam.artemis.record import BANNER


class Greeting:
    """
    Takes the banner off the beginning of a channel.

    :ivar complete: whether the channel's beginning has come.
    :ivar heard: whether it was the banner.
    """

    def __init__(self) -> None:
        self.complete = False
        self.heard = False
        self._beginning = b""

    def feed(self, data: bytes) -> bytes:
        """Take the next octets of the channel; the result is what is not banner."""
        if self.complete:
            return data
        self._beginning += data
        if len(self._beginning) < len(BANNER):
            return b""
        beginning, self._beginning = self._beginning, b""
        self.complete = True
        self.heard = beginning.startswith(BANNER)
        return beginning[len(BANNER) :] if self.heard else beginning
