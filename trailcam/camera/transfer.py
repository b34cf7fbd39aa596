"""
One transfer on a media channel: its end, its silence, and its pauses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.artemis.record import Record
from trailcam.camera.stream import MediaChannel
from trailcam.errors import MediaTruncated, SessionError

if TYPE_CHECKING:
    from twisted.internet.interfaces import IConsumer, IDelayedCall, IReactorTime

#: Seconds without an octet after which a transfer is given up.
SILENCE = 10.0


@implementer(IPushProducer)
class Transfer:
    """
    Takes records of one kind from a channel until it is finished.

    A consumer may pause it; then the channel is paused, and silence is no failure.

    :ivar done: fires with ``None`` after :meth:`finish`; fails with
        :class:`~trailcam.errors.MediaTruncated` after too much silence, with a
        :class:`~trailcam.errors.SessionError`, or with what ``take`` raised.
    :ivar paused: whether a consumer wants no more for now.
    :ivar ignored: records of other kinds.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        channel: MediaChannel,
        kind: int,
        take: Callable[[Record], None],
        silence: float | None = SILENCE,
        resumed: Callable[[], None] | None = None,
        heard: Callable[[], None] | None = None,
    ) -> None:
        """
        Claim ``channel``, whose lock the caller holds, and let it wait until :meth:`start`.

        :param take: called with every record of ``kind``.
        :param silence: seconds without an octet that are too many; ``None`` for any.
        :param resumed: called when a consumer wants to go on.
        :param heard: called when octets have come.
        :raises SessionError: the session has ended.
        """
        self.done: Deferred[None] = Deferred()
        self.paused = False
        self.ignored = 0
        self._reactor = reactor
        self._channel = channel
        self._kind = kind
        self._take = take
        self._silence = silence
        self._resumed = resumed
        self._heard = heard
        self._started = False
        self._timer: IDelayedCall | None = None
        self._consumer: IConsumer | None = None
        channel.begin(self)

    def start(self, consumer: IConsumer | None = None) -> None:
        """
        Let the records come.

        :param consumer: may pause them from now on, until :meth:`end`.
        """
        self._started = True
        if consumer is not None:
            self._register(consumer)
        if not self.paused and not self.done.called:
            self._flow()

    def finish(self) -> None:
        """It is complete."""
        self._stop_timer()
        if not self.done.called:
            self.done.callback(None)

    def fail(self, reason: Failure | Exception) -> None:
        """It will not be complete."""
        self._stop_timer()
        if not self.done.called:
            self.done.errback(reason)

    def end(self) -> None:
        """Let go of the channel and the consumer.  To be called whatever happened."""
        self._stop_timer()
        self._started = False
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.unregisterProducer()
        self._channel.end()
        self.done.addErrback(lambda _: None)  # heard already, or too late to matter

    def heard(self) -> None:
        """Called by the channel: octets have come."""
        if self._timer is not None and self._silence is not None:
            self._timer.reset(self._silence)
        if self._heard is not None:
            self._guard(self._heard)

    def record_received(self, record: Record) -> None:
        """Called by the channel."""
        if record.kind != self._kind:
            self.ignored += 1
        elif self._started and not self.done.called:
            self._guard(lambda: self._take(record))

    def closed(self, reason: SessionError) -> None:
        """Called by the channel: the session has ended."""
        self.fail(reason)

    def pauseProducing(self) -> None:
        """Called by the consumer: no more for now."""
        self.paused = True
        if self._started:  # else it is another's channel by now
            self._stop_timer()
            self._channel.pause()

    def resumeProducing(self) -> None:
        """Called by the consumer: go on."""
        self.paused = False
        if not self._started or self.done.called:
            return
        if self._resumed is not None:
            self._guard(self._resumed)
        if not self.paused and not self.done.called:
            self._flow()

    def stopProducing(self) -> None:
        """Called by the consumer: no more at all."""
        self.fail(MediaTruncated("the consumer wanted no more"))

    def _register(self, consumer: IConsumer) -> None:
        self._consumer = consumer
        try:
            consumer.registerProducer(self, True)
        except BaseException:
            self._consumer = None  # somebody else's producer is registered there
            raise

    def _flow(self) -> None:
        if self._silence is not None and self._timer is None:
            self._timer = self._reactor.callLater(self._silence, self._silent)
        self._channel.resume()

    def _silent(self) -> None:
        self._timer = None
        self.fail(MediaTruncated(f"nothing came for {self._silence:g} s"))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _guard(self, call: Callable[[], None]) -> None:
        """What a consumer or a sink raises ends its transfer, not the session."""
        try:
            call()
        except Exception:
            self.fail(Failure())
