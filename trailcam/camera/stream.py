"""
The channels that media come on: one transfer at a time.

Protocol: the application layer, records; media records.
"""

from __future__ import annotations

from collections import deque
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
        self._records: deque[Record] = deque()
        self._paused = False
        self._giving = False
        self._over: SessionError | None = None
        channel.attach(self)

    @property
    def skipped(self) -> int:
        """Octets so far that belonged to no record, and so have been passed over."""
        return self._decoder.skipped

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
        self._records.clear()
        self.arriving = 0
        self._taker = taker
        self.pause()

    def end(self) -> None:
        """Throw away what comes from now on."""
        self._taker = None
        self._records.clear()
        self.resume()

    def pause(self) -> None:
        """Let the camera wait."""
        self._paused = True
        self._channel.pauseProducing()

    def resume(self) -> None:
        """Let it go on."""
        self._paused = False
        self._give()
        if not self._paused:
            self._channel.resumeProducing()

    def data_received(self, data: bytes) -> None:
        """Called by the channel, also from within :meth:`resume`."""
        taker = self._taker
        if taker is None:
            self.ignored += len(data)
            return
        records = self._decoder.feed(data)
        self._records += records
        self.arriving = 0 if records else self.arriving + len(data)
        taker.heard()
        self._give()

    def channel_closed(self, reason: SessionError | None) -> None:
        """Called by the channel, and by whoever hears of the end first."""
        if self._over is None:
            self._over = reason or ChannelClosed("the session is closed")
            if self._taker is not None:
                self._taker.closed(self._over)

    def _give(self) -> None:
        """Give records in order, although a taker may pause, resume, end or begin meanwhile."""
        if self._giving:
            return
        self._giving = True
        try:
            while self._records and self._taker is not None and not self._paused:
                self._taker.record_received(self._records.popleft())
        finally:
            self._giving = False
