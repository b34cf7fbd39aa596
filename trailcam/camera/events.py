"""
Channel 6: what a camera says unasked.

Protocol: the application layer, commands and answers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.logger import Logger
from zope.interface import implementer

from trailcam.artemis.commands import decode_body
from trailcam.artemis.record import Record, RecordDecoder, RecordKind
from trailcam.errors import SessionError, WireError
from trailcam.interfaces import IChannel, IChannelReader

Observer = Callable[[dict[str, Any]], None]

#: Events kept for the first observer; of more, the oldest are dropped.
MOST_KEPT = 64


#: Octets of an event; those that were recorded have 12.
LONGEST = 64 * 1024


@implementer(IChannelReader)
class EventChannel:
    """
    Tells observers of events.

    :ivar malformed: records that could not be read, or were no events.
    """

    def __init__(self, channel: IChannel) -> None:
        """Listen on ``channel``."""
        self.malformed = 0
        self._log = Logger()
        self._decoder = RecordDecoder()
        self._observers: list[Observer] = []
        self._kept: deque[dict[str, Any]] = deque(maxlen=MOST_KEPT)
        channel.attach(self)

    def observe(self, observer: Observer) -> Callable[[], None]:
        """
        Call ``observer`` with every event, the first observer also with those it missed.

        :return: call it to hear no more.
        """
        self._observers.append(observer)
        while self._kept:
            self._tell(observer, self._kept.popleft())

        def forget() -> None:
            if observer in self._observers:
                self._observers.remove(observer)

        return forget

    def data_received(self, data: bytes) -> None:
        """Called by the channel."""
        refused = self._decoder.refused
        for record in self._decoder.feed(data):
            self._record(record)
        self.malformed += self._decoder.refused - refused

    def channel_closed(self, reason: SessionError | None) -> None:
        """Called by the channel."""
        self._observers.clear()
        self._kept.clear()

    def _record(self, record: Record) -> None:
        if record.kind != RecordKind.EVENT or len(record.payload) > LONGEST:
            self.malformed += 1
            return
        try:
            event = decode_body(record)
        except WireError as error:
            self.malformed += 1
            self._log.debug("unreadable event: {error}", error=error)
            return
        if not self._observers:
            self._kept.append(event)
        for observer in list(self._observers):
            self._tell(observer, event)

    def _tell(self, observer: Observer, event: dict[str, Any]) -> None:
        try:
            observer(event)
        except Exception:
            self._log.failure("an observer of events failed")
