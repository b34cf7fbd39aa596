"""
Several tries of one mode, each on a socket of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from trailcam.connect.events import ignore
from trailcam.connect.race import Lane, Race
from trailcam.errors import AttemptFailed
from trailcam.interfaces import IAttempt, ILink
from trailcam.model import AttemptState, ConnectionMode, Heat

_PHASES = ("idle", "resolving", "searching", "punching", "ready")


@implementer(IAttempt)
class SeveralAttempts:
    """
    A race within the race: the first proven link wins, the other tries are taken back.

    Outwardly one attempt.  It shows the try that won, or that got furthest.  When all have
    failed, the first one's failure counts, and those of another kind are told with it.
    """

    def __init__(
        self, reactor: Any, mode: ConnectionMode, tries: Sequence[tuple[float, IAttempt]]
    ) -> None:
        """
        :param reactor: provides IReactorTime.
        :param tries: at least one: seconds after the start, and the attempt.  When all that run
            have failed, the next begins at once.
        """
        self.mode = mode
        self._reactor = reactor
        self._lanes = [Lane(Heat(mode, delay, 0.0), attempt) for delay, attempt in tries]

    @property
    def phase(self) -> str:
        """idle, resolving, searching, punching or ready: that of the try that got furthest."""
        return self._leader.phase

    @property
    def port(self) -> int | None:
        """Our local UDP port, once one was open."""
        return self._leader.port

    @property
    def retries(self) -> int:
        """Destination ports tried without success: by the winner, or by who tried most."""
        leader = self._leader
        if any(lane.state is AttemptState.SUCCESS for lane in self._lanes):
            return leader.retries
        return max(lane.attempt.retries for lane in self._lanes)

    @property
    def round_trip(self) -> float | None:
        """Seconds from a probe to its first answer, if measured."""
        return self._leader.round_trip

    def connect(self, budget: float) -> Deferred[ILink]:
        """Try for at most ``budget`` seconds; see :class:`~trailcam.interfaces.IAttempt`."""
        return Deferred.fromCoroutine(self._connect(budget))

    async def _connect(self, budget: float) -> ILink:
        for lane in self._lanes:
            lane.heat = _within(lane.heat, budget)
        won = await Race(self._reactor, self._lanes, _nobody_outranks, ignore).run()
        if won is None:
            raise self._failure()
        return won[0]

    @property
    def _leader(self) -> IAttempt:
        for lane in self._lanes:
            if lane.state is AttemptState.SUCCESS:
                return lane.attempt
        return max((lane.attempt for lane in self._lanes), key=_progress)

    def _failure(self) -> AttemptFailed:
        failures = [lane.failure for lane in self._lanes if lane.failure is not None]
        first = failures[0]
        others = {type(other): str(other) for other in failures[1:]}
        others.pop(type(first), None)
        text = "; ".join([str(first), *others.values()])
        return type(first)(self.mode, first.phase, max(f.elapsed for f in failures), text)


def _within(heat: Heat, budget: float) -> Heat:
    delay = min(heat.delay, budget)
    return Heat(heat.mode, delay, budget - delay)


def _nobody_outranks(mode: ConnectionMode, other: ConnectionMode) -> bool:
    return False


def _progress(attempt: IAttempt) -> int:
    return _PHASES.index(attempt.phase)
