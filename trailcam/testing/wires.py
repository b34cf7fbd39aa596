"""
What carries TCP connections: segments travel from host to host, and wait where the way is cut.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs
from twisted.internet.task import Clock

from trailcam.interfaces import Address
from trailcam.testing.cuts import Cuts
from trailcam.testing.flights import Flights
from trailcam.testing.host import MemoryHost
from trailcam.testing.topology import Topology


@attrs.frozen
class _Segment:
    """A part of a connection on its way."""

    sender: MemoryHost
    receiver: MemoryHost
    arrive: Callable[[], None]


@attrs.frozen(eq=False)
class Wires:
    """
    The network as the two ends of a connection see it.

    Nothing gets lost here: a real network would hide that behind delays.

    :ivar delay: gives the seconds that a segment travels.
    """

    clock: Clock
    flights: Flights
    topology: Topology
    cuts: Cuts
    delay: Callable[[], float]
    _waiting: list[_Segment] = attrs.field(init=False, factory=list)

    def reach(self, sender: MemoryHost, address: str) -> MemoryHost | None:
        """See :meth:`Topology.reach`."""
        return self.topology.reach(sender, address)

    def seen_as(self, sender: MemoryHost, source: Address, destination: str) -> Address:
        """See :meth:`Topology.stream_address`."""
        return self.topology.stream_address(sender, source, destination)

    def soon(self, function: Callable[[], None]) -> None:
        """Call a function in the next turn."""
        self.flights.launch(0.0, None, function)

    def travel(
        self,
        sender: MemoryHost,
        receiver: MemoryHost,
        arrive: Callable[[], None],
        not_before: float = 0.0,
    ) -> float:
        """
        Let a segment travel.

        :param arrive: called without arguments at the arrival.
        :param not_before: when the segment before it arrives, in seconds on the clock.
        :returns: when it arrives itself, unless the way is cut by then.
        """
        now = self.clock.seconds()
        due = max(now + self.delay(), not_before)
        segment = _Segment(sender, receiver, arrive)
        self.flights.launch(due - now, None, partial(self._pass, segment))
        return due

    def retry(self) -> None:
        """Let those that wait try again, oldest first: a cut was mended."""
        waiting = tuple(self._waiting)
        self._waiting.clear()
        for segment in waiting:
            self.travel(segment.sender, segment.receiver, segment.arrive)

    def _pass(self, segment: _Segment) -> None:
        """Let a segment arrive, unless it comes to a cut."""
        if self.cuts.sever(segment.sender, segment.receiver):
            self._waiting.append(segment)
        else:
            segment.arrive()
