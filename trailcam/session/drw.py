"""
The reliable channels of a session, without any input or output of their own.

Messages and the time go in; the messages to send come out, and :attr:`DrwCore.wake_at` says when
to call again.  Protocol: DRW reliability.
"""

from __future__ import annotations

from collections.abc import Sequence

from trailcam.session.acknowledgments import DELAY, Acknowledgments
from trailcam.session.incoming import Incoming
from trailcam.session.ondemand import OnDemand
from trailcam.session.outgoing import WINDOW, Outgoing
from trailcam.session.roundtrip import RoundTrip
from trailcam.wire.messages import Drw, DrwAck, Message


class DrwCore:
    """
    Eight channels, both ways.  Seconds are those of one clock, which never goes back.

    :ivar incoming: what each channel received, by number; the reader takes it from there.
    :ivar outgoing: what each channel sends, by number.
    :ivar trip: the measured round trip.
    """

    def __init__(
        self,
        max_payload: int,
        *,
        window: int = WINDOW,
        ack_delay: float = DELAY,
        trip: RoundTrip | None = None,
    ) -> None:
        """
        :param max_payload: octets of one piece.
        :param window: pieces of one channel that may be unacknowledged.
        :param ack_delay: seconds that an acknowledgment may wait for others.
        :param trip: decides when to send again.
        """
        self.trip = trip = trip or RoundTrip()
        self.incoming = OnDemand(lambda _: Incoming())
        self.outgoing = OnDemand(lambda number: Outgoing(number, max_payload, window, trip))
        self._acks = Acknowledgments(ack_delay)
        # Those that have something under way.
        self._busy: dict[int, Outgoing] = {}

    @property
    def wake_at(self) -> float | None:
        """When :meth:`wake` has something to do, in seconds; ``None``: not by itself."""
        if not self._busy:  # as during a download, where every packet asks
            return self._acks.due_at
        times = [self._acks.due_at, *(outgoing.due_at for outgoing in self._busy.values())]
        return min((time for time in times if time is not None), default=None)

    def write(self, channel: int, data: bytes, now: float) -> Sequence[Message]:
        """Send ``data`` on ``channel``, after all that was written before."""
        outgoing = self.outgoing[channel]
        outgoing.write(data)
        return self._launch(channel, outgoing, now)

    def receive_drw(self, drw: Drw, now: float) -> DrwAck | None:
        """A piece came; what is in order then is in ``incoming[drw.channel].ready``."""
        incoming = self.incoming[drw.channel]
        before = len(incoming.ready)
        if not incoming.receive(drw.index, drw.payload):
            return None
        # More than this one became ready: it was the missing one, and the sender waits for it.
        urgent = len(incoming.ready) > before + 1
        return self._acks.note(drw.channel, drw.index, now, urgent=urgent)

    def receive_ack(self, ack: DrwAck, now: float) -> Sequence[Message]:
        """The other side has some of our pieces."""
        outgoing = self._busy.get(ack.channel)
        if outgoing is None:
            return ()
        outgoing.acknowledged(ack.indexes, now)
        again = outgoing.overdue(now)
        return [*again, *self._launch(ack.channel, outgoing, now)]

    def wake(self, now: float) -> list[Message]:
        """Do what is due: acknowledge, and send again."""
        due: list[Message] = []
        if self._acks.due_at is not None and now >= self._acks.due_at:
            due += self._acks.flush()
        for outgoing in self._busy.values():
            due += outgoing.overdue(now)
        return due

    def finish(self) -> Sequence[Message]:
        """The session ends: the last acknowledgments, and nothing more."""
        for outgoing in self.outgoing.values():
            outgoing.forget()
        for incoming in self.incoming.values():
            incoming.forget()
        self._busy.clear()
        return self._acks.flush()

    def _launch(self, channel: int, outgoing: Outgoing, now: float) -> Sequence[Message]:
        launched = outgoing.launch(now)
        if outgoing.due_at is None:
            self._busy.pop(channel, None)
        else:
            self._busy[channel] = outgoing
        return launched
