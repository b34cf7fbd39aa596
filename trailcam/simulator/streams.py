"""
The reliable channels of one client's session, as a camera has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.interfaces import IReactorTime

from trailcam.session.drw import DrwCore
from trailcam.session.roundtrip import RoundTrip
from trailcam.session.wakeup import Wakeup
from trailcam.simulator.behaviour import Behaviour
from trailcam.wire.codec import encode
from trailcam.wire.constants import MAX_DRW_PAYLOAD
from trailcam.wire.messages import Drw, DrwAck, Message


class Streams:
    """
    Eight channels.

    :param say: sends something new, or an acknowledgment.
    :param repeat: sends a piece again.
    :param received: ``received(channel, data)`` is given the octets of each channel, in order.
    """

    def __init__(
        self,
        clock: IReactorTime,
        behaviour: Behaviour,
        say: Callable[[bytes], None],
        repeat: Callable[[bytes], object],
        received: Callable[[int, bytes], None],
    ) -> None:
        self._clock = clock
        self._say = say
        self._repeat = repeat
        self._received = received
        trip = RoundTrip(behaviour.repeat_interval, patient=False)
        self._core = DrwCore(
            MAX_DRW_PAYLOAD, window=behaviour.window, ack_delay=behaviour.ack_delay, trip=trip
        )
        self._waking = Wakeup(clock, self._wake)

    @property
    def resent(self) -> int:
        """Pieces that were sent again."""
        return sum(outgoing.resent for outgoing in self._core.outgoing.values())

    def unsent(self, channel: int) -> int:
        """Octets that wait to be sent for the first time."""
        return self._core.outgoing[channel].waiting

    def write(self, channel: int, data: bytes) -> None:
        """Send ``data``, after all that was written to this channel before."""
        self._say_all(self._core.write(channel, data, self._clock.seconds()))
        self._waking.by(self._core.wake_at)

    def drw_heard(self, drw: Drw) -> None:
        """The client sent a piece."""
        ack = self._core.receive_drw(drw, self._clock.seconds())
        if ack is not None:
            self._say(encode(ack))
        incoming = self._core.incoming[drw.channel]
        if incoming.ready:
            self._received(drw.channel, incoming.take())
        self._waking.by(self._core.wake_at)

    def ack_heard(self, ack: DrwAck) -> None:
        """The client has some of our pieces."""
        self._say_all(self._core.receive_ack(ack, self._clock.seconds()))
        self._waking.by(self._core.wake_at)

    def stop(self) -> None:
        """Say nothing any more."""
        self._core.finish()
        self._waking.stop()

    def _wake(self) -> None:
        for message in self._core.wake(self._clock.seconds()):
            send = self._repeat if type(message) is Drw else self._say
            send(encode(message))
        self._waking.by(self._core.wake_at)

    def _say_all(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._say(encode(message))
