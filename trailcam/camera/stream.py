"""
The channels that media come on: one transfer at a time.

Protocol: the application layer, channels; media records.
"""

from __future__ import annotations

from typing import Protocol

from twisted.internet.defer import DeferredLock
from zope.interface import implementer

from trailcam.artemis.record import Record, RecordDecoder
from trailcam.errors import ChannelClosed, SessionError
from trailcam.interfaces import IChannel, IChannelReader


class Taker(Protocol):
    """Takes what a media channel brings."""

    def heard(self) -> None:
        """Octets have come."""

    def record_received(self, record: Record) -> None:
        """A record is complete."""

    def closed(self, reason: SessionError) -> None:
        """The session has ended."""


@implementer(IChannelReader)
class MediaChannel:
    """
    Cuts a channel into records for whoever holds its lock; what comes unasked is thrown away.

    :ivar lock: to be held by whoever calls :meth:`begin`.
    :ivar ignored: octets that nobody took.
    :ivar arriving: octets that came since the last complete record.
    """

    def __init__(self, channel: IChannel) -> None:
        """Listen on ``channel``."""
        self.lock = DeferredLock()
        self.ignored = 0
        self.arriving = 0
        self._channel = channel
        self._decoder = RecordDecoder()
        self._taker: Taker | None = None
        self._over: SessionError | None = None
        channel.attach(self)

    def begin(self, taker: Taker) -> None:
        """
        Give ``taker`` what comes from now on, once :meth:`resume` is called.

        A record that is cut off here belongs to a transfer that has ended: its rest, if there is
        any, is skipped up to the next record.

        :raises SessionError: the session has ended.
        """
        if self._over is not None:
            raise self._over
        self._decoder.restart()
        self.arriving = 0
        self._taker = taker
        self._channel.pauseProducing()

    def end(self) -> None:
        """Throw away what comes from now on."""
        self._taker = None
        self._channel.resumeProducing()

    def pause(self) -> None:
        """Let the camera wait."""
        self._channel.pauseProducing()

    def resume(self) -> None:
        """Let it go on."""
        self._channel.resumeProducing()

    def data_received(self, data: bytes) -> None:
        """Called by the channel."""
        if self._taker is None:
            self.ignored += len(data)
            return
        self.arriving += len(data)
        self._taker.heard()
        for record in self._decoder.feed(data):
            self.arriving = 0
            # Each record may be the last one that the taker wants.
            if self._taker is not None:
                self._taker.record_received(record)

    def channel_closed(self, reason: SessionError | None) -> None:
        """Called by the channel."""
        self._over = reason or ChannelClosed("the session is closed")
        if self._taker is not None:
            self._taker.closed(self._over)
