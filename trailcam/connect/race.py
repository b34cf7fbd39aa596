"""
The race: attempts side by side, the first proven link wins, and nothing of the others is left.

This is the only place that races Deferreds: those of a :class:`Race`, and any others with
:func:`first_success` and :func:`first_outcome`.  ``DeferredList`` has three habits to mind: it
succeeds with a *list* when everything failed, it never fires when it is empty, and when it is
cancelled it calls back with failures.  So it feeds a plain Deferred, the gate, and the gate is
what is awaited.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from twisted.internet.defer import CancelledError, Deferred, DeferredList, FirstError, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from trailcam.connect.events import HeatAborted, HeatFailed, HeatStarted, HeatWon, Observer
from trailcam.errors import AttemptBroken, AttemptFailed
from trailcam.interfaces import IAttempt, ILink
from trailcam.model import AttemptReport, AttemptState, ConnectionMode, Heat
from trailcam.waiting import see_out, settle, settle_all

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall, IReactorTime

_COURTESY = 0.2  # seconds, at most, that a lighter winner waits for a heavier mode

Outranks = Callable[[ConnectionMode, ConnectionMode], bool]

T = TypeVar("T")

#: Lets go of a result that came too late; fires when it is gone.
GiveBack = Callable[[T], Deferred[None]]


def _gate(works: Sequence[Deferred[Any]], **options: bool) -> Deferred[Any]:
    """
    Fires with the first result and its index, or, when all have failed, with a list.

    :param works: at least one; their failures are consumed.
    :param options: see :class:`~twisted.internet.defer.DeferredList`.
    """
    contest = DeferredList(works, fireOnOneCallback=True, consumeErrors=True, **options)
    gate: Deferred[Any] = Deferred()
    contest.addCallbacks(gate.callback, gate.errback)
    return gate


async def first_success(
    works: Sequence[Deferred[T]], give_back: GiveBack[T]
) -> tuple[T, int] | list[Failure]:
    """
    The first of ``works`` to succeed, and its index; the failures of all when none does.

    Returns only after the others were cancelled and have settled; a late success among them is
    given back.  Cancelled at any moment, it cancels all, gives back what succeeded all the same,
    and raises CancelledError when nothing is left.

    :param works: at least one.
    """
    result = await _won(_gate(works), works, give_back)
    if isinstance(result, tuple):
        return cast("tuple[T, int]", result)
    return [failure for _, failure in result]


async def first_outcome(works: Sequence[Deferred[T]], give_back: GiveBack[T]) -> T:
    """
    What the first of ``works`` to settle comes to, success or failure.

    Of the others nothing is left, as with :func:`first_success`.
    """
    try:
        result = await _won(_gate(works, fireOnOneErrback=True), works, give_back)
    except FirstError as first:
        raise cast(Exception, first.subFailure.value) from None
    return cast(T, result[0])


async def _won(gate: Deferred[Any], works: Sequence[Deferred[T]], give_back: GiveBack[T]) -> Any:
    winner: Deferred[T] | None = None
    try:
        result = await gate
        if isinstance(result, tuple):
            winner = works[result[1]]
    finally:
        losers = [work for work in works if work is not winner]
        for work in losers:
            # In this order: cancelling after addCallback could cancel the giving back.
            work.cancel()
            work.addCallback(_give_back_late, give_back)
        try:
            await see_out(DeferredList(losers, consumeErrors=True))
        except CancelledError:
            if winner is not None:
                await settle(give_back(result[0]))
            raise
    return result


def nothing_to_give_back(_: object) -> Deferred[None]:
    """For works whose results hold nothing open."""
    return succeed(None)


def _give_back_late(result: T | None, give_back: GiveBack[T]) -> Deferred[None] | None:
    # The list of the contest has turned the failures it saw into None.
    return None if result is None else give_back(result)


class Lane:
    """One mode's way through a race."""

    def __init__(self, heat: Heat, attempt: IAttempt) -> None:
        self.heat = heat
        self.attempt = attempt
        self.state = AttemptState.PENDING
        self.failure: AttemptFailed | None = None
        self.started: float | None = None
        self.elapsed: float | None = None
        self.starter: Deferred[None] = Deferred()
        self.run: Deferred[ILink] = Deferred()
        self.bystanders: list[Deferred[None]] = []

    @property
    def mode(self) -> ConnectionMode:
        """The mode that runs here."""
        return self.heat.mode

    def settle(self, state: AttemptState, now: float) -> None:
        """Set the final state; a mode that never began is not part of the story."""
        if self.started is None:
            self.state = AttemptState.NOT_STARTED
        else:
            self.state, self.elapsed = state, now - self.started

    def report(self) -> AttemptReport:
        """What became of this mode."""
        attempt, failure = self.attempt, self.failure
        return AttemptReport(
            mode=self.mode,
            state=self.state,
            port=attempt.port,
            retries=attempt.retries,
            elapsed=self.elapsed,
            error=None if failure is None else str(failure),
            code=None if failure is None else failure.code,
            phase=None if self.started is None else attempt.phase,
            round_trip=attempt.round_trip,
        )


class Race:
    """One race.  ``run()`` it once; ``lanes`` tell afterwards, and meanwhile, how it went."""

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        lanes: Sequence[Lane],
        outranks: Outranks,
        observer: Observer,
    ) -> None:
        """
        :param lanes: at least one.
        :param outranks: whether its first mode is worth waiting for when the second has won.
        """
        self.lanes = lanes
        self._clock = clock
        self._outranks = outranks
        self._observer = observer
        self._delays: list[IDelayedCall] = []

    async def run(self) -> tuple[ILink, Lane] | None:
        """
        The winner's link and lane, or ``None`` when all failed.

        Returns, or raises CancelledError when cancelled before the win, only after every loser
        has let go of what it opened.
        """
        for lane in self.lanes:
            lane.run = Deferred.fromCoroutine(self._run(lane))
        gate = _gate([lane.run for lane in self.lanes])
        self._start()
        winner: Lane | None = None
        link: ILink | None = None
        try:
            result = await gate
            if isinstance(result, tuple):
                link, winner = result[0], self.lanes[result[1]]
                self._declare(winner, link)
        finally:
            await self._reap(winner)
        return None if link is None or winner is None else (link, winner)

    def _start(self) -> None:
        for lane in self.lanes:
            if lane.heat.delay <= 0:
                self._release(lane)  # it may run already: the one before it may have failed at once
        for lane in self.lanes:
            if not lane.starter.called:
                call = self._clock.callLater(lane.heat.delay, self._release, lane)
                self._delays.append(call)

    def _release(self, lane: Lane) -> None:
        if not lane.starter.called:
            lane.starter.callback(None)

    async def _run(self, lane: Lane) -> ILink:
        await lane.starter
        lane.state, lane.started = AttemptState.RUNNING, self._clock.seconds()
        self._observer(HeatStarted(lane.mode))
        try:
            link = await lane.attempt.connect(lane.heat.budget)
        except CancelledError:
            raise
        except Exception as problem:
            failure = self._failure(lane, problem)
            if lane.state is AttemptState.RUNNING:  # else we stopped it before it gave up
                self._fail(lane, failure)
            raise
        try:
            await self._defer_to_heavier(lane)
        except CancelledError:
            await settle(link.abandon())
            raise
        return link

    def _failure(self, lane: Lane, problem: Exception) -> AttemptFailed:
        if isinstance(problem, AttemptFailed):
            return problem
        self._log.failure("bug: the {mode} attempt broke", mode=lane.mode.label)
        return AttemptBroken(lane.mode, lane.attempt.phase, 0.0, f"internal error: {problem!r}")

    def _fail(self, lane: Lane, failure: AttemptFailed) -> None:
        lane.failure = failure
        lane.settle(AttemptState.FAILED, self._clock.seconds())
        self._observer(HeatFailed(lane.mode, failure))
        bystanders, lane.bystanders = lane.bystanders, []
        for bystander in bystanders:
            if not bystander.called:
                bystander.callback(None)
        if not any(other.state is AttemptState.RUNNING for other in self.lanes):
            pending = [other for other in self.lanes if not other.starter.called]
            for next_lane in pending[:1]:
                self._release(next_lane)

    async def _defer_to_heavier(self, lane: Lane) -> None:
        """Give a heavier mode that the camera has already answered a moment to finish."""
        own = self._clock.seconds() - (lane.started or 0.0)
        deadline = self._clock.seconds() + min(_COURTESY, own)
        while heavier := self._heavier_than(lane):
            left = deadline - self._clock.seconds()
            if left <= 0:
                return
            waiter: Deferred[None] = Deferred()
            heavier[0].bystanders.append(waiter)
            timer = self._clock.callLater(left, waiter.callback, None)
            try:
                await waiter
            finally:
                if timer.active():
                    timer.cancel()

    def _heavier_than(self, lane: Lane) -> list[Lane]:
        return [
            other
            for other in self.lanes
            if other.state is AttemptState.RUNNING
            and other.attempt.phase in ("punching", "ready")
            and self._outranks(other.mode, lane.mode)
        ]

    def _declare(self, winner: Lane, link: ILink) -> None:
        winner.settle(AttemptState.SUCCESS, self._clock.seconds())
        elapsed = cast(float, winner.elapsed)
        port = cast("tuple[str, int]", link.peer)[1]
        self._observer(HeatWon(winner.mode, link.local[1], port, elapsed))

    async def _reap(self, winner: Lane | None) -> None:
        """Cancel the losers and wait until they are gone, however often we are cancelled."""
        for call in self._delays:
            if call.active():
                call.cancel()
        losers = [lane for lane in self.lanes if lane is not winner]
        for lane in losers:
            if lane.failure is None:
                self._stop(lane, winner)
        for lane in losers:
            # In this order: cancelling after addCallback could cancel the giving back.
            lane.run.cancel()
            lane.run.addCallback(_give_back)
        if losers:
            await settle_all([lane.run for lane in losers])

    def _stop(self, lane: Lane, winner: Lane | None) -> None:
        lane.settle(AttemptState.CANCELLED, self._clock.seconds())
        if lane.started is not None:
            self._observer(HeatAborted(lane.mode, None if winner is None else winner.mode))


def _give_back(link: ILink | None) -> Deferred[None] | None:
    """A loser that came in late: its link is let go, and waited for."""
    return None if link is None else link.abandon()
