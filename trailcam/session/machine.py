"""
The life of a session: kept alive, ended by either side, or lost.

Protocol: "Keepalive and end".  Each side sends ALIVE a second after its last other datagram, and
answers every ALIVE with ALIVE_ACK.  The camera gives up 7.3 s after it last heard from us; the
same silence from the camera, a little less of it, means that it is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from automat import TypeMachineBuilder

from trailcam.errors import SessionClosedByPeer, SessionError, SessionLost

#: Seconds without sending after which ALIVE goes out.
ALIVE_AFTER = 1.0
#: Seconds without hearing after which the session counts as lost.
LOST_AFTER = 7.0
#: Seconds without hearing after which the camera is asked rather than trusted.
PROBE_AFTER = 2.0


@dataclass
class Life:
    """
    What the machine works on.

    :ivar send_alive: sends ALIVE.
    :ivar ended: is told, once, why the session ended; ``None`` when we closed it.
    :ivar state: the name of the state, for status.
    """

    send_alive: Callable[[], None]
    ended: Callable[[SessionError | None], None]
    state: str = "established"


class Lifecycle(Protocol):
    """What can happen to a session."""

    def heard(self) -> None:
        """Anything came from the camera."""

    def quiet(self) -> None:
        """Nothing was heard for :data:`PROBE_AFTER`."""

    def silent(self, seconds: float) -> None:
        """Nothing was heard for :data:`LOST_AFTER`."""

    def left(self) -> None:
        """The camera sent CLOSE."""

    def broken(self, error: SessionError) -> None:
        """The link itself failed."""

    def close(self) -> None:
        """We want to end it."""


def build() -> TypeMachineBuilder[Lifecycle, Life]:
    """The machine's states and transitions; ``machine`` below is the built one."""
    builder = TypeMachineBuilder(Lifecycle, Life)
    established = builder.state("established")
    probing = builder.state("probing")
    closed = builder.state("closed")
    lost = builder.state("lost")

    established.upon(Lifecycle.heard).loop().returns(None)

    @probing.upon(Lifecycle.heard).to(established)
    def recover(_: Lifecycle, life: Life) -> None:
        life.state = "established"

    @established.upon(Lifecycle.quiet).to(probing)
    def doubt(_: Lifecycle, life: Life) -> None:
        life.state = "probing"
        life.send_alive()

    @established.upon(Lifecycle.silent).to(lost)
    @probing.upon(Lifecycle.silent).to(lost)
    def lose(_: Lifecycle, life: Life, seconds: float) -> None:
        life.state = "lost"
        life.ended(SessionLost(seconds))

    @established.upon(Lifecycle.broken).to(lost)
    @probing.upon(Lifecycle.broken).to(lost)
    def break_off(_: Lifecycle, life: Life, error: SessionError) -> None:
        life.state = "lost"
        life.ended(error)

    @established.upon(Lifecycle.left).to(closed)
    @probing.upon(Lifecycle.left).to(closed)
    def leave(_: Lifecycle, life: Life) -> None:
        life.state = "closed"
        life.ended(SessionClosedByPeer("the camera closed the session"))

    @established.upon(Lifecycle.close).to(closed)
    @probing.upon(Lifecycle.close).to(closed)
    def end(_: Lifecycle, life: Life) -> None:
        life.state = "closed"
        life.ended(None)

    for over in (closed, lost):  # an end is final, and a link may still have something to say
        over.upon(Lifecycle.heard).loop().returns(None)
        over.upon(Lifecycle.left).loop().returns(None)
        over.upon(Lifecycle.broken).loop().returns(None)
        over.upon(Lifecycle.close).loop().returns(None)
    return builder


machine = build().build()
