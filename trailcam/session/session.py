"""
A connection that is kept alive until somebody ends it.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from trailcam.errors import LinkClosed, SessionError, SessionRefused
from trailcam.interfaces import Address, ILink, IMessageReceiver, ISession
from trailcam.session.channel import Channel
from trailcam.session.drw import DrwCore
from trailcam.session.machine import ALIVE_AFTER, LOST_AFTER, PROBE_AFTER, Life, machine
from trailcam.session.ondemand import OnDemand
from trailcam.session.ticker import ticker
from trailcam.session.wakeup import Wakeup
from trailcam.wire.constants import CHANNELS
from trailcam.wire.messages import Alive, AliveAck, Close, Drw, DrwAck, Message, P2PRdy

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime
    from twisted.python.failure import Failure


@implementer(ISession, IMessageReceiver)
class Session:
    """
    Holds a link: answers ALIVE and late P2P_RDY at once, sends ALIVE after a second of its own
    silence, and notices within 7 s that the camera is gone.

    What arrives in DRW is acknowledged, and waits in its channel for a reader.
    """

    _log = Logger()

    def __init__(self, reactor: IReactorTime, link: ILink) -> None:
        """
        Take over ``link``, which from now on belongs to the session.

        :param reactor: provides IReactorTime.
        """
        self.link = link
        self._reactor = reactor
        self._waiters: list[Deferred[SessionError | None]] = []
        self._reason: SessionError | None = None
        self._over = False
        self._core = DrwCore(link.max_payload)
        self._channels = OnDemand(self._open)
        self._life = Life(self._send_alive, self._ended)
        self._machine = machine(self._life)
        self._sent = self._heard = reactor.seconds()
        self._ticker = ticker(reactor)
        self._round = self._ticker.at(self._sent + ALIVE_AFTER, self._tick)
        self._waking = Wakeup(reactor, self._wake)
        link.attach(self)

    @property
    def state(self) -> str:
        """established, probing, closed or lost."""
        return self._life.state

    @property
    def silent_for(self) -> float:
        """Seconds since the camera was last heard."""
        return float(self._reactor.seconds() - self._heard)

    def when_closed(self) -> Deferred[SessionError | None]:
        """
        Fires when the session has ended: with ``None`` after :meth:`close`, otherwise with the
        :class:`~trailcam.errors.SessionError` that says why.  Never fails.
        """
        waiter: Deferred[SessionError | None] = Deferred()
        if self._over:
            waiter.callback(self._reason)
        else:
            self._waiters.append(waiter)
        return waiter

    def close(self) -> Deferred[None]:
        """Say CLOSE and let go of the port."""
        self._machine.close()
        return self.link.abandon()

    def send(self, message: Message) -> None:
        """Send to the camera; raises :class:`~trailcam.errors.LinkClosed` after the end."""
        self._sent = self._reactor.seconds()
        self.link.send(message)

    def channel(self, number: int) -> Channel:
        """The channel with this number, 0 to 7; raises ValueError when there is none."""
        if not 0 <= number < CHANNELS:
            raise ValueError(f"there is no channel {number!r}; they are 0 to {CHANNELS - 1}")
        return self._channels[number]

    def message_received(self, message: Message, peer: Address) -> None:
        """Called by the link: keep the session alive, and sort what comes into its channel."""
        if self._over:
            return
        self._heard = self._reactor.seconds()
        if self.state == "probing":  # else it is no news, and a download is many packets
            self._machine.heard()
        if isinstance(message, Drw):
            self._drw_heard(message)
        elif isinstance(message, DrwAck):
            self._ack_heard(message)
        elif isinstance(message, Alive):
            self._answer(AliveAck())
        elif isinstance(message, P2PRdy):
            self._answer(Alive())
        elif isinstance(message, Close):
            self._machine.left()

    def peer_refused(self, peer: Address, error: int) -> None:
        """Called by the link: the camera's port is closed, so it restarted.  Other errors pass."""
        if error == errno.ECONNREFUSED:
            self._machine.broken(SessionRefused(f"{peer[0]} refused port {peer[1]} (ICMP)"))

    def link_lost(self, reason: Failure) -> None:
        """Called by the link: it failed."""
        self._link_failed(reason.getErrorMessage())

    def _open(self, number: int) -> Channel:
        channel = Channel(number, self._core, self._write)
        if self._over:
            channel.close(self._reason)
        return channel

    def _drw_heard(self, drw: Drw) -> None:
        ack = self._core.receive_drw(drw, self._heard)
        if ack is not None:
            self._put((ack,))
        self._plan()  # before a reader can do anything wrong
        self._channels[drw.channel].deliver()

    def _ack_heard(self, ack: DrwAck) -> None:
        self._put(self._core.receive_ack(ack, self._heard))
        self._channels[ack.channel].sent()
        self._plan()

    def _write(self, number: int, data: bytes) -> None:
        self._put(self._core.write(number, data, self._reactor.seconds()))
        self._plan()

    def _wake(self) -> None:
        self._put(self._core.wake(self._reactor.seconds()))
        self._plan()

    def _plan(self) -> None:
        """Be woken when the channels have something to do."""
        if not self._over:
            self._waking.by(self._core.wake_at)

    def _put(self, messages: Iterable[Message]) -> None:
        """Send what the channels have to say; this puts off our next ALIVE."""
        for message in messages:
            self._sent = self._reactor.seconds()
            self._answer(message)

    def _answer(self, message: Message) -> None:
        try:
            self.link.send(message)
        except LinkClosed as closed:
            self._link_failed(str(closed))

    def _link_failed(self, reason: str) -> None:
        self._machine.broken(SessionRefused(f"the link was lost: {reason}"))

    def _send_alive(self) -> None:
        self._sent = self._reactor.seconds()
        self._answer(Alive())

    def _tick(self) -> None:
        if self._over:  # it has been ended by another session's tick
            return
        now = self._reactor.seconds()
        # Sums, as in _wait(): the difference of such floats may stay a little below for ever.
        if now >= self._heard + LOST_AFTER:
            self._machine.silent(self.silent_for)
        elif now >= self._heard + PROBE_AFTER and self.state == "established":
            self._machine.quiet()
        elif now >= self._sent + ALIVE_AFTER:
            self._send_alive()
        if not self._over:
            self._wait()

    def _wait(self) -> None:
        """Sleep until the next thing that may be due."""
        due = [self._sent + ALIVE_AFTER, self._heard + LOST_AFTER]
        if self.state == "established":
            due.append(self._heard + PROBE_AFTER)
        self._round = self._ticker.at(min(due), self._tick)

    def _stop_timers(self) -> None:
        self._ticker.cancel(self._round, self._tick)
        self._waking.stop()

    def _ended(self, reason: SessionError | None) -> None:
        self._over = True
        self._reason = reason
        self._stop_timers()
        with suppress(LinkClosed):
            for message in self._core.finish():
                self.link.send(message)
        self.link.abandon()
        for channel in list(self._channels.values()):  # a reader may ask for another
            self._close_channel(channel, reason)
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(reason)

    def _close_channel(self, channel: Channel, reason: SessionError | None) -> None:
        """Who reads may not raise; if somebody does, all others shall hear of the end as well."""
        try:
            channel.close(reason)
        except Exception:
            self._log.failure("bug: a reader of channel {n} raised", n=channel.number)


__all__ = ["Session"]
