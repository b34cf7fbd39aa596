"""
From a link to whoever hears it: the receiver may change, and nothing is lost in between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from trailcam.interfaces import Address, IMessageReceiver
from trailcam.wire.messages import Message

if TYPE_CHECKING:
    from twisted.logger import Logger
    from twisted.python.failure import Failure

_MOST_KEPT = 64


class Handover:
    """
    Tells the receiver attached last; without one, keeps the first 64 messages for the next, and
    the end of the link.
    """

    def __init__(self, log: Logger) -> None:
        """:param log: hears of receivers that raise, which they may not."""
        self._log = log
        self._receiver: IMessageReceiver | None = None
        self._kept: list[tuple[Message, Address]] = []
        self._loss: Failure | None = None

    def attach(self, receiver: IMessageReceiver) -> None:
        """Make ``receiver`` the one who hears, and give it at once what was kept."""
        self._receiver = receiver
        while self._kept and self._receiver is receiver:
            self._tell(receiver.message_received, *self._kept.pop(0))
        if self._loss is not None and self._receiver is receiver:
            self.lost(self._loss)

    def detach(self) -> None:
        """From now on keep what comes."""
        self._receiver = None

    def forget(self) -> None:
        """The link ends: nobody hears any more."""
        self._receiver = None
        self._kept.clear()
        self._loss = None

    def message(self, message: Message, peer: Address) -> None:
        """Pass on or keep.  Of what is kept the first ones count: a camera repeats the rest."""
        if self._receiver is not None:
            self._tell(self._receiver.message_received, message, peer)
        elif len(self._kept) < _MOST_KEPT:
            self._kept.append((message, peer))

    def refused(self, peer: Address, error: int) -> None:
        """Pass on; nobody needs to hear of it later."""
        if self._receiver is not None:
            self._tell(self._receiver.peer_refused, peer, error)

    def lost(self, reason: Failure) -> None:
        """The link ended by itself: tell, and tell nothing more; without a receiver, later."""
        if self._receiver is None:
            self._loss = reason
            return
        receiver = self._receiver
        self.forget()
        self._tell(receiver.link_lost, reason)

    def _tell(self, hear: Callable[..., None], *what: object) -> None:
        """Call a receiver, which may not raise; if it does, that shall not be the link's end."""
        try:
            hear(*what)
        except Exception:
            name = getattr(hear, "__qualname__", repr(hear))
            self._log.failure("bug: {receiver} raised", receiver=name)
