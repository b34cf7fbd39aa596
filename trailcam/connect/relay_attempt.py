"""
One attempt of the relay mode.

See :doc:`/explain/servers`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, TimeoutError
from zope.interface import implementer

from trailcam.connect import relay_words
from trailcam.connect.events import Observer, ProbeSent, ignore
from trailcam.connect.pacing import Pace
from trailcam.connect.race import first_success
from trailcam.connect.relay_trial import Trial
from trailcam.connect.relays import find_relays
from trailcam.connect.rendezvous import Rendezvous
from trailcam.connect.target import Target
from trailcam.errors import (
    AttemptFailed,
    Cause,
    Hopeless,
    RelayDirectoryUnusable,
    RendezvousUnreachable,
)
from trailcam.interfaces import IAttempt, ILink
from trailcam.model import ConnectionMode
from trailcam.waiting import see_out, settle

#: Seconds by which Twisted's own timeouts come later than the end of the budget.
_LATER = 1.0


@implementer(IAttempt)
class RelayAttempt:
    """
    Says RLY_HELLO to all relays at once, and meets the device at the first that answers; when that
    comes to nothing, at the next.

    Good for one :meth:`connect`.
    """

    mode = ConnectionMode.RELAY

    def __init__(
        self,
        reactor: Any,
        target: Target,
        *,
        pace: Pace | None = None,
        observer: Observer = ignore,
        closed_ports: object = None,
    ) -> None:
        """
        :param reactor: provides IReactorTime, IReactorTCP, IReactorUDP and, for host names,
            IReactorPluggableNameResolver.
        :param pace: intervals between resends to rendezvous servers.
        :param observer: told of each connection to a relay.
        :param closed_ports: of no use here.
        """
        self.phase = "idle"
        self.port: int | None = None
        self.round_trip: float | None = None
        self._reactor = reactor
        self._target = target
        self._observer = observer
        self._rendezvous = Rendezvous(reactor, target, pace or Pace())
        self._trials: list[Trial] = []
        self._joining: Trial | None = None
        self._probes = 0
        self._started = 0.0
        self._gave_up = False

    @property
    def retries(self) -> int:
        """Relays tried without success: of a failure all, otherwise those known to be of no use."""
        if self._gave_up:
            return len(self._trials)
        return sum(trial.failure is not None for trial in self._trials)

    def connect(self, budget: float) -> Deferred[ILink]:
        """Try for at most ``budget`` seconds; see :class:`~trailcam.interfaces.IAttempt`."""
        return Deferred.fromCoroutine(self._connect(budget))

    async def _connect(self, budget: float) -> ILink:
        self._started = self._reactor.seconds()
        trying = Deferred.fromCoroutine(self._try(budget))
        try:
            link = await trying.addTimeout(budget, self._reactor)
        except Hopeless as reason:
            raise self._failure(reason.kind, reason.message) from reason
        except TimeoutError:
            raise self._failure(*self._cause()) from None
        self.phase = "ready"
        return link

    async def _try(self, budget: float) -> ILink:
        try:
            self.phase = "searching"
            relays = await find_relays(self._reactor, self._target, self._rendezvous)
            rendezvous = self._rendezvous if self._target.rendezvous else None
            patience = budget + _LATER
            self._trials = [
                Trial(self._reactor, relay, self._target, rendezvous, patience, self._opened)
                for relay in relays
            ]
            return await self._meet()
        finally:
            await settle(self._rendezvous.close())

    async def _meet(self) -> ILink:
        """At the fastest relay that is left, until there is none."""
        while left := [trial for trial in self._trials if trial.failure is None]:
            self.phase, self._joining = "dialling", None
            greetings = [Deferred.fromCoroutine(trial.greet()) for trial in left]
            first = await first_success(greetings, Trial.close)
            if isinstance(first, list):
                for failure in first:
                    failure.trap(Hopeless)  # anything else is a bug
                break
            trial = first[0]
            self.phase, self._joining = "joining", trial
            self.round_trip = trial.round_trip
            if (link := await self._join(trial)) is not None:
                return link
        raise Hopeless(*self._cause())

    async def _join(self, trial: Trial) -> ILink | None:
        """The proven link, or nothing where this relay was of no use."""
        try:
            link = await trial.join()
        except Hopeless:
            await see_out(trial.close())
            return None
        except Exception:
            await settle(trial.close())
            raise
        return link

    def _opened(self, local_port: int, port: int) -> None:
        self.port = local_port
        self._probes += 1
        self._observer(ProbeSent(self.mode, self._probes, local_port, port))

    def _cause(self) -> Cause:
        elapsed = self._elapsed()
        if self._trials:
            tried = [
                trial
                for trial in self._trials
                if trial.failure is not None or self._joining in (None, trial)
            ]
            return relay_words.most_telling([trial.cause(elapsed) for trial in tried])
        if self._target.rendezvous:
            missing = f"no rendezvous server ({self._rendezvous}) listed a relay"
            if trouble := self._rendezvous.trouble:
                hint = f"{trouble}: is there a network, and a way to it?"
            else:
                hint = "is it running, and does a firewall let UDP through?"
            return RendezvousUnreachable, f"{missing} within {elapsed:.1f} s: {hint}"
        return RelayDirectoryUnusable, (
            f"the directory of relays at {self._target.relay_directory}: "
            f"it did not answer within {elapsed:.1f} s"
        )

    def _elapsed(self) -> float:
        return float(self._reactor.seconds() - self._started)

    def _failure(self, kind: type[AttemptFailed], message: str) -> AttemptFailed:
        self._gave_up = True
        return kind(self.mode, self.phase, self._elapsed(), message)
