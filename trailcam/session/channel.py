"""
One channel of a session, as Twisted producers and consumers know it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IConsumer, IPushProducer
from zope.interface import implementer

from trailcam.errors import ChannelClosed, SessionError
from trailcam.interfaces import IChannel, IChannelReader
from trailcam.session.drw import DrwCore
from trailcam.session.incoming import MOST_WAITING

#: Octets that may wait to be sent before the producer has to pause; it goes on at half of that.
MOST_UNSENT: Final = 256 * 1024


@implementer(IChannel, IConsumer, IPushProducer)
class Channel:
    """See :class:`~trailcam.interfaces.IChannel`; a session makes its own."""

    def __init__(self, number: int, core: DrwCore, send: Callable[[int, bytes], None]) -> None:
        """
        :param core: what receives and sends.
        :param send: ``send(number, data)`` hands octets to the session.
        """
        self.number = number
        self._incoming = core.incoming[number]
        self._outgoing = core.outgoing
        self._send = send
        self._reader: IChannelReader | None = None
        self._paused = False
        self._stopped = False
        self._closed = False
        self._producer: Any = None
        self._streaming = True
        self._producer_paused = False

    # What comes

    def attach(self, reader: IChannelReader) -> None:
        """Make ``reader`` the one who hears, and give it at once what was kept."""
        self._reader = reader
        self.deliver()

    def pauseProducing(self) -> None:
        """Give the reader nothing; when 256 KiB wait, the camera has to wait as well."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Go on."""
        self._paused = False
        self.deliver()

    def stopProducing(self) -> None:
        """Throw away what comes."""
        self._stopped = True
        self.deliver()

    def deliver(self) -> None:
        """Called by the session when something has come."""
        while self._incoming.ready:
            if self._stopped:
                self._incoming.take()
            elif self._reader is None or self._paused:
                return
            else:
                self._reader.data_received(self._incoming.take())

    @property
    def full(self) -> bool:
        """Whether the camera has to wait for our reader."""
        return self._incoming.waiting >= MOST_WAITING

    # What goes

    def write(self, data: bytes) -> None:
        """Send ``data``; raises :class:`~trailcam.errors.ChannelClosed` after the end."""
        if self._closed:
            raise ChannelClosed(f"channel {self.number} is closed: the session has ended")
        self._send(self.number, bytes(data))
        if self._streaming:  # who is asked for each piece must not be asked from within
            self._mind_the_producer()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Pause ``producer`` while much waits to be sent."""
        if self._producer is not None:
            raise RuntimeError(f"channel {self.number} has a producer already")
        if self._closed:
            producer.stopProducing()
            return
        self._producer, self._streaming, self._producer_paused = producer, streaming, False
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """It has no more."""
        self._producer = None

    def sent(self) -> None:
        """Called by the session when some of what waited was sent."""
        self._mind_the_producer()

    def close(self, reason: SessionError | None) -> None:
        """Called by the session at its end."""
        self._closed = True
        producer, self._producer = self._producer, None
        reader, self._reader = self._reader, None
        try:
            if producer is not None:
                producer.stopProducing()
        finally:
            if reader is not None:
                reader.channel_closed(reason)

    def _mind_the_producer(self) -> None:
        producer = self._producer
        if producer is None:
            return
        waiting = self._outgoing[self.number].waiting
        if not self._streaming:
            if waiting <= MOST_UNSENT // 2:
                producer.resumeProducing()
        elif self._producer_paused:
            if waiting <= MOST_UNSENT // 2:
                self._producer_paused = False
                producer.resumeProducing()
        elif waiting > MOST_UNSENT:
            self._producer_paused = True
            producer.pauseProducing()
