"""Attempts and links that do as they are told, for the tests of the race."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from trailcam.connect.events import RaceEvent
from trailcam.connect.race import Lane, Race
from trailcam.errors import NothingAnswered
from trailcam.interfaces import Address, IAttempt, ILink, IMessageReceiver
from trailcam.model import AttemptState, ConnectionMode, Heat
from trailcam.waiting import settle
from trailcam.wire.messages import Message

P2P, LAN, RELAY = ConnectionMode.P2P, ConnectionMode.LAN, ConnectionMode.RELAY


@implementer(ILink)
class FakeLink:
    """
    A proven link.

    :ivar abandoned: how often it was abandoned.
    :ivar gone: whether its port is closed.
    """

    max_payload = 1024

    def __init__(self, clock: Clock, mode: ConnectionMode, closing: float = 0.0) -> None:
        self.mode = mode
        self.peer: Address | None = ("192.168.43.1", 40611)
        self.local: Address = ("0.0.0.0", 50000)
        self.abandoned = 0
        self.gone = False
        self._clock = clock
        self._closing = closing

    def attach(self, receiver: IMessageReceiver) -> None:
        """Nobody will hear anything."""

    def send(self, message: Message) -> None:
        """Goes nowhere."""

    def abandon(self) -> Deferred[None]:
        """Takes its time."""
        self.abandoned += 1
        if not self._closing:
            self.gone = True
            return succeed(None)
        closing: Deferred[None] = deferLater(self._clock, self._closing, self._close)
        return closing

    def _close(self) -> None:
        self.gone = True


@implementer(IAttempt)
class FakeAttempt:
    """
    Ends as the test says: :meth:`win`, :meth:`fail`, :meth:`break_`.

    :ivar budget: what it was given, ``None`` before it was started.
    :ivar open: whether it holds something.
    :ivar cancels: how often it was cancelled.
    :ivar closing: seconds its cleanup takes.
    :ivar stubborn: ends in a link although it was cancelled.
    :ivar verdict: what it ends in at once, instead of waiting.
    """

    port: int | None = 50000
    retries = 0
    round_trip: float | None = 0.002

    def __init__(self, clock: Clock, mode: ConnectionMode) -> None:
        self.mode = mode
        self.phase = "idle"
        self.budget: float | None = None
        self.open = False
        self.cancels = 0
        self.closing = 0.0
        self.stubborn = False
        self.verdict: object = None
        self.link = FakeLink(clock, mode)
        self._clock = clock
        self._ending: Deferred[ILink] = Deferred()

    def connect(self, budget: float) -> Deferred[ILink]:
        """Begin."""
        self.budget = budget
        self.phase = "searching"
        if isinstance(self.verdict, ConnectionError):
            raise self.verdict
        if self.verdict is not None:
            self._ending.callback(self.verdict)  # type: ignore[arg-type]
        return Deferred.fromCoroutine(self._connect())

    async def _connect(self) -> ILink:
        self.open = True
        try:
            link = await self._ending
        except CancelledError:
            self.cancels += 1
            await self._close()
            if self.stubborn:
                return self.link
            raise
        except Exception:
            await self._close()
            raise
        self.open = False  # handed over
        return link

    async def _close(self) -> None:
        if self.closing:
            await settle(deferLater(self._clock, self.closing, lambda: None))
        self.open = False

    def answer(self) -> None:
        """The camera answered, but is not ready."""
        self.phase = "punching"

    def win(self) -> FakeLink:
        """Prove the link."""
        self.phase = "ready"
        self._ending.callback(self.link)
        return self.link

    def fail(self, failure: Exception | None = None) -> Exception:
        """Give up."""
        error = failure or NothingAnswered(self.mode, self.phase, 1.0, f"{self.mode.label} failed")
        self._ending.errback(error)
        return error


class RaceTestCase(SynchronousTestCase):
    """Races of fakes on a clock."""

    def setUp(self) -> None:
        """Make the clock and one attempt for each mode."""
        self.clock = Clock()
        self.events: list[RaceEvent] = []
        self.attempts = {mode: FakeAttempt(self.clock, mode) for mode in ConnectionMode}
        self.p2p, self.lan, self.relay = self.attempts.values()
        self.observer: Callable[[RaceEvent], None] = self.events.append

    def tearDown(self) -> None:
        """Nobody may be left with anything, or be about to do something."""
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual([a.mode for a in self.attempts.values() if a.open], [])

    def race(
        self, *delays: float, rank: Sequence[ConnectionMode] = (), budget: float = 30.0
    ) -> Deferred[Any]:
        """
        Start a race of the first modes, each with its start delay.

        :param rank: the modes that are worth waiting for, the heaviest first.
        """
        heats = [Heat(mode, d, budget) for mode, d in zip(ConnectionMode, delays, strict=False)]
        self.lanes = [Lane(heat, self.attempts[heat.mode]) for heat in heats]
        order = list(rank)

        def outranks(mode: ConnectionMode, other: ConnectionMode) -> bool:
            return mode in order and order.index(mode) < (
                order.index(other) if other in order else len(order)
            )

        race = Race(self.clock, self.lanes, outranks, lambda event: self.observer(event))
        return Deferred.fromCoroutine(race.run())

    def states(self) -> list[str]:
        """The state of each lane."""
        return [lane.state.value for lane in self.lanes]

    def elapsed(self) -> list[float | None]:
        """The time of each lane."""
        return [lane.elapsed for lane in self.lanes]

    def won(self, running: Deferred[Any], attempt: FakeAttempt) -> None:
        """The race is over, and this one is its winner, with its link untouched."""
        link, lane = self.successResultOf(running)
        self.assertIs(link, attempt.link)
        self.assertIs(lane.attempt, attempt)
        self.assertEqual((attempt.link.abandoned, lane.state), (0, AttemptState.SUCCESS))

    def told(self, kind: type[RaceEvent]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if type(event) is kind]
