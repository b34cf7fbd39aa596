"""
Keeps a connection to one camera: connects, holds the session, and connects again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.internet import backoffPolicy
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.errors import AllAttemptsFailed, SessionError, shared_reasons
from trailcam.info import threads_info
from trailcam.interfaces import ILink, IStatusSource
from trailcam.model import AttemptState, Report
from trailcam.session.session import Session
from trailcam.status.snapshot import Snapshot, State
from trailcam.waiting import settle

#: Works with a session until it ends or this is cancelled; never fails otherwise.
Visit = Callable[[Session], "Deferred[None]"]

#: Starts one race; see :meth:`trailcam.interfaces.IConnector.connect`.
Connect = Callable[[], "Deferred[tuple[ILink, Report]]"]


def _only_hold(session: Session) -> Deferred[None]:
    return succeed(None)


@implementer(IStatusSource)
class Keeper(Service):
    """
    The camera's counterpart of :class:`twisted.application.internet.ClientService`.

    After a race that failed, and after a session that was lost, it waits a while: the longer the
    more races failed in a row.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        connect: Connect,
        visit: Visit | None = None,
        *,
        retry_policy: Callable[[int], float] | None = None,
    ) -> None:
        """
        :param reactor: provides IReactorTime.
        :param connect: starts a race.
        :param visit: is begun with each session, and over before the next race; default: only
            hold it.
        :param retry_policy: from the number of races that failed in a row to seconds of waiting;
            default: :func:`twisted.application.internet.backoffPolicy`.
        """
        self._reactor = reactor
        self._connect = connect
        self._visit = visit or _only_hold
        self._retry_policy = retry_policy or backoffPolicy()
        self._work: Deferred[None] | None = None
        self._state = State.STOPPED
        self._since = reactor.seconds()
        self._session: Session | None = None
        self._sessions = 0
        self._last_loss: str | None = None
        self._last_report: Report | None = None
        self._last_codes: list[str | None] = []
        self._next_try = 0.0

    def startService(self) -> None:
        """Begin with the first race."""
        super().startService()  # type: ignore[no-untyped-call]
        self._work = Deferred.fromCoroutine(self._keep())
        self._work.addErrback(_expect_cancellation)

    def stopService(self) -> Deferred[None]:
        """Cancel the race, or take leave of the camera; fires when nothing is left of either."""
        super().stopService()  # type: ignore[no-untyped-call]
        return Deferred.fromCoroutine(self._stop())

    def snapshot(self) -> dict[str, Any]:
        """See :class:`~trailcam.status.snapshot.Snapshot`."""
        waiting = self._state is State.WAITING
        left = max(0.0, self._next_try - self._reactor.seconds())
        return Snapshot(
            state=self._state,
            since=self._since,
            reconnects=max(0, self._sessions - 1),
            last_loss=self._last_loss,
            last_report=None if self._last_report is None else _summary(self._last_report),
            next_try_in=left if waiting else None,
            **({} if self._session is None else _facts(self._session)),
        ).as_json()

    async def _stop(self) -> None:
        if self._work is not None:
            self._work.cancel()
            await settle(self._work)
        self._enter(State.STOPPED)

    async def _keep(self) -> None:
        failures = 0
        while self.running:
            link = await self._race()
            failures = failures + 1 if link is None else 0
            if link is not None:
                await self._hold(link)
            await self._wait(self._retry_policy(failures))

    async def _race(self) -> ILink | None:
        self._enter(State.CONNECTING)
        try:
            link, self._last_report = await self._connect()
        except AllAttemptsFailed as failed:
            self._last_report = failed.report
            self._tell_failures(failed.report)
            return None
        except CancelledError:
            raise
        except Exception:
            self._log.failure("bug: the race broke")
            return None
        self._tell_victory(link, self._last_report)
        return link

    async def _hold(self, link: ILink) -> None:
        session = self._session = Session(self._reactor, link)
        self._sessions += 1
        self._enter(State.CONNECTED)
        reason = None
        try:
            if self.running:  # else it was stopped when the race was decided already
                reason = await self._stay(session)
        finally:
            await settle(session.close())
            self._session = None
        if reason is not None:
            self._last_loss = str(reason)
            self._log.warn("session lost: {reason}", reason=self._last_loss, code=reason.code)

    async def _stay(self, session: Session) -> SessionError | None:
        visit = self._visit(session)
        try:
            return await session.when_closed()
        finally:
            visit.cancel()
            await settle(visit)

    async def _wait(self, delay: float) -> None:
        if not self.running:
            return
        self._next_try = self._reactor.seconds() + delay
        self._enter(State.WAITING)
        self._log.info("trying again in {delay:.1f} s", delay=delay)
        await deferLater(self._reactor, delay)

    def _enter(self, state: State) -> None:
        self._state = state
        self._since = self._reactor.seconds()

    def _tell_victory(self, link: ILink, report: Report) -> None:
        self._log.info(
            "connected to {host}:{port} over {mode} in {elapsed:.3f} s, local port {local_port}",
            **_address(link),
            mode=link.mode.label,
            elapsed=report.elapsed,
            local_port=link.local[1],
        )
        for attempt in report.attempts:
            if attempt.state is AttemptState.CANCELLED:
                self._log.info(
                    "{mode} was slower: it was still {phase}",
                    mode=attempt.mode.label,
                    phase=attempt.phase,
                )
        self._tell_failures(report)

    def _tell_failures(self, report: Report) -> None:
        """Each reason once, and at full volume only when the last race had other ones."""
        reasons = shared_reasons(
            ((attempt.error, attempt.code), attempt.mode.label)
            for attempt in report.attempts
            if attempt.error is not None
        )
        codes = [code for _, code in reasons]
        level = LogLevel.debug if codes == self._last_codes else LogLevel.warn
        self._last_codes = codes
        for (reason, code), mode in reasons.items():
            self._log.emit(level, "{mode} failed: {reason}", mode=mode, reason=reason, code=code)


def _expect_cancellation(failure: Failure) -> None:
    failure.trap(CancelledError)


def _address(link: ILink) -> dict[str, Any]:
    assert link.peer is not None  # a winner is proven
    return {"host": link.peer[0], "port": link.peer[1]}


def _facts(session: Session) -> dict[str, Any]:
    link = session.link
    return {
        "mode": link.mode,
        "peer": "{host}:{port}".format(**_address(link)),
        "local_port": link.local[1],
        "silent_for": session.silent_for,
    }


def _summary(report: Report) -> dict[str, Any]:
    return {
        "winner": None if report.winner is None else report.winner.value,
        "elapsed_time": report.elapsed,
        "threads_info": threads_info(report),
    }
