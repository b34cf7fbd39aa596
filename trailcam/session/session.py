"""
A connection that is kept alive until somebody ends it.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from zope.interface import implementer

from trailcam.errors import LinkClosed, SessionError, SessionRefused
from trailcam.interfaces import Address, ILink, IMessageReceiver, ISession
from trailcam.session.machine import ALIVE_AFTER, LOST_AFTER, PROBE_AFTER, Life, machine
from trailcam.wire.messages import Alive, AliveAck, Close, Message, P2PRdy

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall, IReactorTime
    from twisted.python.failure import Failure

_MOST_KEPT = 64


@implementer(ISession, IMessageReceiver)
class Session:
    """
    Holds a link: answers ALIVE and late P2P_RDY at once, sends ALIVE after a second of its own
    silence, and notices within 7 s that the camera is gone.

    Whatever else arrives goes to ``deliver``; up to 64 distinct messages wait for it.
    """

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
        self._kept: deque[Message] = deque()
        self._deliver: Callable[[Message], None] | None = None
        self._life = Life(self._send_alive, self._ended)
        self._machine = machine(self._life)
        self._sent = self._heard = reactor.seconds()
        self._timer: IDelayedCall | None = reactor.callLater(ALIVE_AFTER, self._tick)
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

    def deliver_to(self, deliver: Callable[[Message], None]) -> None:
        """Give everything that is not about keeping alive to ``deliver``, what waited first."""
        self._deliver = deliver
        while self._kept:
            deliver(self._kept.popleft())

    def message_received(self, message: Message, peer: Address) -> None:
        """Called by the link: keep the session alive, and pass on the rest."""
        self._heard = self._reactor.seconds()
        self._machine.heard()
        kind = type(message)
        if kind is Alive:
            self._answer(AliveAck())
        elif kind is P2PRdy:
            self._answer(Alive())
        elif kind is Close:
            self._machine.left()
        elif self._deliver is not None:
            self._deliver(message)
        elif len(self._kept) < _MOST_KEPT and message not in self._kept:
            self._kept.append(message)  # once: what is not acknowledged is sent again and again

    def peer_refused(self, peer: Address, error: int) -> None:
        """Called by the link: the camera's port is closed, so it restarted.  Other errors pass."""
        if error == errno.ECONNREFUSED:
            self._machine.broken(SessionRefused(f"{peer[0]} refused port {peer[1]} (ICMP)"))

    def link_lost(self, reason: Failure) -> None:
        """Called by the link: it failed."""
        self._machine.broken(SessionRefused(f"the link was lost: {reason.getErrorMessage()}"))

    def _answer(self, message: Message) -> None:
        try:
            self.link.send(message)
        except LinkClosed:
            self._machine.close()

    def _send_alive(self) -> None:
        self._sent = self._reactor.seconds()
        self._answer(Alive())

    def _tick(self) -> None:
        self._timer = None
        now = self._reactor.seconds()
        # Sums, as in _wait(): the difference of such floats may stay a little below for ever.
        if now >= self._heard + LOST_AFTER:
            self._machine.silent(self.silent_for)
        elif now >= self._heard + PROBE_AFTER and self.state == "established":
            self._machine.quiet()
        elif now >= self._sent + ALIVE_AFTER:
            self._machine.idle()
        if not self._over:
            self._wait(now)

    def _wait(self, now: float) -> None:
        """Sleep until the next thing that may be due."""
        due = [self._sent + ALIVE_AFTER, self._heard + LOST_AFTER]
        if self.state == "established":
            due.append(self._heard + PROBE_AFTER)
        self._timer = self._reactor.callLater(max(0.0, min(due) - now), self._tick)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ended(self, reason: SessionError | None) -> None:
        self._over = True
        self._reason = reason
        self._stop_timer()
        self._deliver = None
        self._kept.clear()
        self.link.abandon()
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(reason)


__all__ = ["Session"]
