"""
One direction of a TCP connection: from one host's system to the other's.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trailcam.testing.host import MemoryHost


class End(enum.Enum):
    """How a direction ended."""

    FINISHED = "finished"
    """The sender said all that it had to say (FIN)."""
    RESET = "reset"
    """The connection is gone (RST)."""


class Pipe:
    """
    Octets that travel, and then wait to be read.

    What is under way or unread never exceeds the network's window, so a reader that stops reading
    stops the writer too.  Octets keep their order whatever the jitter: a flight only says that
    the first of those under way arrives.

    :ivar reverse: the other direction.
    :ivar end: how it ended, as far as the reader can know by now.
    :ivar on_readable: called when there is something new to :meth:`pull`, or an end to hear of.
    :ivar on_writable: called when there is room again to :meth:`push`.
    """

    reverse: Pipe

    def __init__(self, sender: MemoryHost, receiver: MemoryHost) -> None:
        self._sender = sender
        self._receiver = receiver
        self._network = sender.network
        self._travelling: deque[bytes | End] = deque()
        self._arrived = bytearray()
        self._outstanding = 0
        self._last_due = 0.0
        self._deaf = False
        self.end: End | None = None
        self.on_readable: Callable[[], None] = _ignore
        self.on_writable: Callable[[], None] = _ignore

    @classmethod
    def pair(cls, here: MemoryHost, there: MemoryHost) -> tuple[Pipe, Pipe]:
        """Both directions of a new connection: out of ``here``, and into it."""
        out, back = cls(here, there), cls(there, here)
        out.reverse, back.reverse = back, out
        return out, back

    # The sender's side

    @property
    def broken(self) -> bool:
        """Whether the sender was told that nobody listens any more."""
        return self.reverse.end is End.RESET

    @property
    def room(self) -> int:
        """How many octets can be pushed now."""
        return max(0, self._network.window - self._outstanding)

    def push(self, data: bytes | memoryview) -> int:
        """
        Send as much as there is room for.

        :returns: how many octets that were.
        """
        part = bytes(data[: self.room])
        if part:
            self._outstanding += len(part)
            self._send(part)
        return len(part)

    def finish(self, end: End = End.FINISHED) -> None:
        """End this direction, once what was pushed has arrived."""
        self._send(end)

    def hang_up(self, end: End = End.FINISHED) -> None:
        """End this direction, and read no more from the other: what comes there is reset."""
        self.reverse.deafen()
        self.finish(end)

    def _send(self, item: bytes | End) -> None:
        """Let something travel behind all that travels already."""
        self._travelling.append(item)
        self._last_due = self._network.wires.travel(
            self._sender, self._receiver, self._arrive, not_before=self._last_due
        )

    # The receiver's side

    @property
    def readable(self) -> bool:
        """Whether there is something to read, be it the end."""
        return bool(self._arrived) or self.end is not None

    def pull(self, limit: int) -> bytes:
        """
        Read what has arrived; the sender hears of the new room one latency later.

        :param limit: octets.
        :returns: nothing when nothing is there; see :attr:`end` then.
        """
        data = bytes(self._arrived[:limit])
        del self._arrived[:limit]
        if data:
            done = partial(self._acknowledge, len(data))
            self._network.wires.travel(self._receiver, self._sender, done)
        return data

    def deafen(self) -> None:
        """Read no more: what arrives from now on is answered by a reset."""
        self._deaf = True
        self._arrived.clear()

    def _arrive(self) -> None:
        """Take in the first of what is under way."""
        item = self._travelling.popleft()
        if isinstance(item, End):
            self.end = item
        elif self._deaf:
            self.reverse.finish(End.RESET)
            return
        else:
            self._arrived += item
        self.on_readable()

    def _acknowledge(self, count: int) -> None:
        """Make room for as many octets as were read."""
        self._outstanding -= count
        self.on_writable()


def _ignore() -> None:
    """What happens before somebody cares."""
