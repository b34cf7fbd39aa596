"""
Between a client and the camera: packet by packet, both ways.

See :doc:`/explain/servers`, "Agent".
"""

from __future__ import annotations

from collections.abc import Callable
from errno import ECONNREFUSED
from typing import TYPE_CHECKING

import attrs
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.agent.standing import words
from trailcam.errors import LinkClosed, WireError
from trailcam.interfaces import Address, ILink, IMessageReceiver
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import (
    Alive,
    AliveAck,
    Close,
    Drw,
    DrwAck,
    Message,
    P2PRdy,
    Psr,
)

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: Seconds of silence of either side that end a bridge; cameras give up a little earlier.
SILENT_FOR = 8.0

_PASSED = frozenset((Drw, DrwAck, Psr, Alive, AliveAck))


@attrs.frozen
class Party:
    """
    One end of a bridge.

    :ivar name: what to call it in a sentence.
    :ivar link: the proven path to it, which stays its owner's.
    :ivar did: the device id that it knows the device by.
    """

    name: str
    link: ILink
    did: DeviceID


@implementer(IMessageReceiver)
class Lane:
    """
    From one party to the other.

    :ivar octets: payload passed on so far.
    :ivar unfit: messages that were too large for the other party's link.
    :ivar heard: when something was passed on last, in seconds.
    """

    def __init__(
        self, clock: IReactorTime, source: Party, sink: Party, over: Callable[[str], None]
    ) -> None:
        """:param over: is told why the bridge has to end."""
        self.octets = self.unfit = 0
        self.heard = clock.seconds()
        self.source = source
        self._clock = clock
        self._sink = sink
        self._over = over

    def message_received(self, message: Message, peer: Address) -> None:
        """Pass it on, if it is of a kind that passes."""
        kind = type(message)
        if kind in _PASSED:
            self._pass(message)
        elif isinstance(message, P2PRdy):
            if message.did == self.source.did:
                self._pass(attrs.evolve(message, did=self._sink.did))
        elif kind is Close:
            self._over(f"the {self.source.name} closed the session")

    def peer_refused(self, peer: Address, error: int) -> None:
        """A closed port is the end; other errors may pass."""
        if error == ECONNREFUSED:
            self._over(f"the {self.source.name} has left (ICMP)")

    def link_lost(self, reason: Failure) -> None:
        """The link failed."""
        self._over(f"the {self.source.name} is lost: {words(reason)}")

    def _pass(self, message: Message) -> None:
        self.heard = self._clock.seconds()
        try:
            self._sink.link.send(message)
        except LinkClosed:
            self._over(f"the {self._sink.name} is lost")
        except WireError:  # a datagram may be larger than a relay's frame
            self.unfit += 1
        else:
            self.octets += len(message.payload) if isinstance(message, Drw | Psr) else 0


class Bridge:
    """
    Good for one :meth:`run`.

    :ivar to_client: what comes from the camera.
    :ivar to_camera: what comes from the client.
    """

    def __init__(self, reactor: IReactorTime, client: Party, camera: Party) -> None:
        """:param reactor: provides IReactorTime."""
        self.to_client = Lane(reactor, camera, client, self.end)
        self.to_camera = Lane(reactor, client, camera, self.end)
        self._lanes = (self.to_client, self.to_camera)
        self._reactor = reactor
        self._timer: IDelayedCall | None = None
        self._over = False
        self._ending: Deferred[str] = Deferred()

    def run(self) -> Deferred[str]:
        """
        Pass on until one side ends it.

        :return: fires with the reason, in words; the links are still open then.  Never fails.
        """
        self._timer = self._reactor.callLater(SILENT_FOR, self._listen)
        for lane in self._lanes:
            lane.source.link.attach(lane)  # what was kept may end the bridge already
        return self._ending

    def end(self, reason: str) -> None:
        """Pass on no more; only the first reason counts."""
        if self._over:
            return
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._ending.callback(reason)

    def _listen(self) -> None:
        """Sleep until the side that has been silent for longer is due."""
        self._timer = None
        silent = min(self._lanes, key=lambda lane: lane.heard)
        left = silent.heard + SILENT_FOR - self._reactor.seconds()
        if left > 0:
            self._timer = self._reactor.callLater(left, self._listen)
        else:
            self.end(f"the {silent.source.name} has been silent for {SILENT_FOR:.0f} s")
