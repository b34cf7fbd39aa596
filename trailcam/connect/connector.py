"""
Connects to a camera: plans a race, runs it, remembers how it went.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from trailcam.connect.closed_ports import ClosedPorts
from trailcam.connect.events import Observer, RaceEvent, RaceFinished, RaceStarted, ignore
from trailcam.connect.history import MemoryHistory
from trailcam.connect.lan import lan_attempt
from trailcam.connect.p2p import p2p_attempt
from trailcam.connect.pacing import Pace, measured_pace
from trailcam.connect.policy import WeightedPolicy
from trailcam.connect.race import Lane, Race
from trailcam.connect.relay import relay_attempt
from trailcam.connect.target import DEFAULT_MAX_TIME, Target
from trailcam.errors import AllAttemptsFailed, NotPossible
from trailcam.interfaces import IAttempt, IConnector, IHistory, ILink, IRacePolicy
from trailcam.model import AttemptReport, AttemptState, ConnectionMode, Outcome, Report

#: Makes the attempt for one mode: ``(reactor, target, pace=..., observer=..., closed_ports=...)``.
AttemptFactory = Callable[..., IAttempt]

DIRECT_MODES = (ConnectionMode.P2P, ConnectionMode.LAN)

_FACTORIES: Mapping[ConnectionMode, AttemptFactory] = {
    ConnectionMode.P2P: p2p_attempt,
    ConnectionMode.LAN: lan_attempt,
    ConnectionMode.RELAY: relay_attempt,
}


@implementer(IConnector)
class Connector:
    """
    The way to a camera for Twisted applications.

    ::

        link, report = await Connector(reactor, Target("192.168.43.1")).connect()
        session = Session(reactor, link)

    May be used any number of times, also at the same time.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        target: Target,
        *,
        max_time: float = DEFAULT_MAX_TIME,
        policy: IRacePolicy | None = None,
        history: IHistory | None = None,
        adaptive: bool = False,
        observer: Observer = ignore,
        factories: Mapping[ConnectionMode, AttemptFactory] = _FACTORIES,
    ) -> None:
        """
        :param reactor: provides IReactorTime, IReactorUDP and, for host names,
            IReactorPluggableNameResolver.
        :param max_time: seconds that one :meth:`connect` may take.
        :param policy: who starts when; default: all at once.
        :param history: what worked before; used when ``adaptive`` is true.
        :param adaptive: resend intervals and budgets from measured times.
        :param observer: is told every :class:`~trailcam.connect.events.RaceEvent`.  It must not
            cancel the race from within: do that in a later turn of the reactor.
        :param factories: what makes the attempts.
        """
        self._reactor = reactor
        self._target = target
        self._max_time = max_time
        self._policy = policy or WeightedPolicy(adaptive=adaptive)
        self._history = history or MemoryHistory()
        self._adaptive = adaptive
        self._tell = observer
        self._factories = factories

    def connect(
        self, modes: Collection[ConnectionMode] = DIRECT_MODES
    ) -> Deferred[tuple[ILink, Report]]:
        """
        Race ``modes``.

        :return: fires with the winner's proven link, which the caller then owns, and the report of
            the race; fails with :class:`~trailcam.errors.AllAttemptsFailed`.  May be cancelled at
            any time, and settles when nothing of the losers is left.
        """
        return Deferred.fromCoroutine(self._connect(frozenset(modes)))

    async def _connect(self, modes: frozenset[ConnectionMode]) -> tuple[ILink, Report]:
        began = self._reactor.seconds()
        lanes = self._lanes(modes)
        self._observe(RaceStarted(tuple(lane.mode for lane in lanes)))
        race = Race(self._reactor, lanes, self._policy.outranks, self._observe)
        won = await race.run() if lanes else None
        report = _report(lanes, won and won[1], began, self._reactor.seconds())
        self._remember(report)
        self._observe(RaceFinished(report))
        if won is None:
            failures = tuple(lane.failure for lane in lanes if lane.failure is not None)
            raise AllAttemptsFailed(failures, report)
        return won[0], report

    def _lanes(self, modes: frozenset[ConnectionMode]) -> list[Lane]:
        past = self._history.recall() if self._adaptive else ()
        pace = measured_pace((o.round_trip for o in past if o.round_trip is not None), Pace())
        options = {"pace": pace, "observer": self._observe, "closed_ports": ClosedPorts()}
        return [
            Lane(heat, self._factories[heat.mode](self._reactor, self._target, **options))
            for heat in self._policy.plan(modes, self._max_time, past)
        ]

    def _remember(self, report: Report) -> None:
        """Keep who won and who failed; a cancelled or impossible mode has shown nothing."""
        telling = [a for a in report.attempts if a.state in _TELLING and a.code != NotPossible.code]
        if self._adaptive:
            self._history.record([_outcome(attempt) for attempt in telling])

    def _observe(self, event: RaceEvent) -> None:
        """An observer's own trouble is no reason to lose a camera."""
        try:
            self._tell(event)
        except Exception:
            self._log.failure("bug: an observer raised on {event}", event=type(event).__name__)


_TELLING = (AttemptState.SUCCESS, AttemptState.FAILED)


def _outcome(attempt: AttemptReport) -> Outcome:
    succeeded = attempt.state is AttemptState.SUCCESS
    return Outcome(attempt.mode, succeeded, attempt.elapsed or 0.0, attempt.round_trip)


def _report(lanes: Sequence[Lane], winner: Lane | None, began: float, now: float) -> Report:
    ran = {lane.mode: lane.report() for lane in lanes}
    end = now
    if winner is not None and winner.started is not None and winner.elapsed is not None:
        end = winner.started + winner.elapsed
    return Report(
        winner=None if winner is None else winner.mode,
        elapsed=end - began,
        attempts=tuple(ran.get(mode, AttemptReport(mode)) for mode in ConnectionMode),
    )
