"""
The service that keeps a connection.
"""

from __future__ import annotations

import json

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import LogEvent, LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.tap.fakes import LAN, P2P, REFUSED, FakeLink, Races
from trailcam.errors import AllAttemptsFailed
from trailcam.interfaces import IStatusSource
from trailcam.model import AttemptReport, AttemptState, ConnectionMode, Report
from trailcam.session.machine import LOST_AFTER
from trailcam.session.session import Session
from trailcam.tap.keeper import Keeper
from trailcam.waiting import settle
from trailcam.wire.messages import Alive, Close


def unresolved(mode: ConnectionMode) -> AttemptReport:
    """A mode that failed to find the camera's address."""
    return AttemptReport(mode, AttemptState.FAILED, None, 0, 0.1, "no such name", "unresolved")


def lost_by(*attempts: AttemptReport) -> AllAttemptsFailed:
    """How a race of these attempts fails."""
    return AllAttemptsFailed((), Report(winner=None, elapsed=0.1, attempts=attempts))


class KeeperTestCase(SynchronousTestCase):
    """Has a keeper whose waits are 10 s, and 1 s more for each race that failed in a row."""

    def setUp(self) -> None:
        """Make one, not yet started."""
        self.clock = Clock()
        self.races = Races()
        self.keeper = Keeper(self.clock, self.races.connect, retry_policy=lambda n: 10.0 + n)

    def tearDown(self) -> None:
        """Stop it, and see that nothing is left."""
        if self.keeper.running:
            self.successResultOf(self.keeper.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def state(self) -> str:
        """The state's name."""
        return str(self.keeper.snapshot()["state"])

    def connect(self) -> FakeLink:
        """Start and win the first race."""
        self.keeper.startService()
        return self.races.win(FakeLink())


class LifeTests(KeeperTestCase):
    """When it connects, and when it waits."""

    def test_races_when_started(self) -> None:
        """Nothing happens before the start, and one race at it."""
        self.assertEqual((self.state(), self.races.started), ("stopped", []))
        self.keeper.startService()
        self.assertEqual((self.state(), len(self.races.started)), ("connecting", 1))

    def test_holds_the_winner(self) -> None:
        """The winner's link is kept alive."""
        link = self.connect()
        self.assertEqual(self.state(), "connected")
        self.clock.advance(1.0)
        self.assertEqual(link.sent, [Alive()])

    def test_failure_waits_longer_each_time(self) -> None:
        """Races that fail in a row are further and further apart."""
        self.keeper.startService()
        for failures in (1, 2, 3):
            self.races.lose()
            self.assertEqual(self.state(), "waiting")
            self.clock.advance(9.5 + failures)
            self.assertEqual(len(self.races.started), failures)
            self.clock.advance(0.5)
            self.assertEqual(len(self.races.started), failures + 1)

    def test_connects_again_after_close(self) -> None:
        """When the camera leaves, the next race comes after the shortest wait."""
        link = self.connect()
        link.hear(Close())
        self.assertTrue(link.abandoned)
        self.assertEqual(self.state(), "waiting")
        self.clock.advance(10.0)
        self.races.win(FakeLink())
        self.assertEqual(self.state(), "connected")

    def test_connects_again_after_silence(self) -> None:
        """When the camera falls silent, its session is given up."""
        link = self.connect()
        for _ in range(10):
            self.clock.advance(LOST_AFTER / 10)
        self.assertTrue(link.abandoned)
        self.assertEqual(self.state(), "waiting")

    def test_success_forgets_failures(self) -> None:
        """After a session the wait is the shortest again."""
        self.keeper.startService()
        self.races.lose()
        self.clock.advance(11.0)
        self.races.win(FakeLink()).hear(Close())
        self.assertEqual(self.keeper.snapshot()["next_try_in"], 10.0)

    def test_waits_until_the_port_is_gone(self) -> None:
        """The next race is not begun while the last link's port is open."""
        link = FakeLink(gone=Deferred())
        self.keeper.startService()
        self.races.win(link).hear(Close())
        self.assertEqual(self.state(), "connected")
        link.gone.callback(None)
        self.assertEqual(self.state(), "waiting")

    def test_bug_in_the_race(self) -> None:
        """A race that breaks is logged as a bug, and counts as failed."""
        self.keeper.startService()
        self.races.lose(ZeroDivisionError("oops"))
        self.assertEqual(self.state(), "waiting")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_default_policy_is_client_services(self) -> None:
        """Without a policy it waits as ClientService does: 1.5 s and some jitter at first."""
        self.keeper = Keeper(self.clock, self.races.connect)
        self.keeper.startService()
        self.races.lose()
        self.assertTrue(1.5 <= self.keeper.snapshot()["next_try_in"] <= 2.5)


class StopTests(KeeperTestCase):
    """Stopping, at any time."""

    def test_in_a_race(self) -> None:
        """A running race is cancelled."""
        self.keeper.startService()
        self.successResultOf(self.keeper.stopService())
        self.assertEqual((self.races.cancelled, self.state()), (1, "stopped"))

    def test_while_connected(self) -> None:
        """The camera is told CLOSE, and the port's end awaited."""
        link = FakeLink(gone=Deferred())
        self.keeper.startService()
        self.races.win(link)
        stopping = self.keeper.stopService()
        self.assertEqual(link.sent, [Close()])
        self.assertNoResult(stopping)
        link.gone.callback(None)
        self.successResultOf(stopping)
        self.assertEqual(self.state(), "stopped")
        self.assertIsNone(self.keeper.snapshot()["last_loss"])

    def test_while_waiting(self) -> None:
        """No race is begun any more."""
        self.keeper.startService()
        self.races.lose()
        self.successResultOf(self.keeper.stopService())
        self.clock.advance(100.0)
        self.assertEqual((len(self.races.started), self.state()), (1, "stopped"))

    def test_race_that_cannot_be_cancelled_any_more(self) -> None:
        """A race may hand out its winner although it was cancelled: it is let go."""
        self.races.stubborn = link = FakeLink()
        self.keeper.startService()
        self.successResultOf(self.keeper.stopService())
        self.assertEqual(link.sent, [Close()])
        self.assertEqual(self.state(), "stopped")

    def test_race_that_fails_when_cancelled(self) -> None:
        """A race that fails at the same moment is not followed by a wait."""
        self.keeper.startService()
        self.races.started[-1]._canceller = lambda _: self.races.lose()
        self.successResultOf(self.keeper.stopService())
        self.assertEqual(self.state(), "stopped")

    def test_before_the_start(self) -> None:
        """Stopping what was never started does nothing."""
        self.successResultOf(self.keeper.stopService())
        self.assertEqual(self.state(), "stopped")

    def test_start_again(self) -> None:
        """It can be started again."""
        self.connect()
        self.successResultOf(self.keeper.stopService())
        self.connect()
        self.assertEqual((len(self.races.started), self.state()), (2, "connected"))


class VisitTests(KeeperTestCase):
    """What somebody does with the sessions."""

    def setUp(self) -> None:
        """A visitor who stays until he is sent away."""
        super().setUp()
        self.visits: list[Deferred[None]] = []
        self.sessions: list[Session] = []
        self.leaving: Deferred[None] = succeed(None)
        self.keeper = Keeper(self.clock, self.races.connect, self.visit, retry_policy=lambda n: 10)

    def visit(self, session: Session) -> Deferred[None]:
        """Begin."""

        async def stay() -> None:
            try:
                await Deferred()
            finally:
                self.assertEqual(self.keeper.snapshot()["state"], "connected")
                await settle(self.leaving)

        self.sessions.append(session)
        self.visits.append(Deferred.fromCoroutine(stay()))
        return self.visits[-1]

    def test_each_session(self) -> None:
        """Each session is visited, and the visit is over before the next race."""
        link = self.connect()
        self.leaving = Deferred()
        link.hear(Close())
        self.clock.advance(60)
        self.assertEqual((len(self.visits), len(self.races.started)), (1, 1))
        self.leaving.callback(None)
        self.clock.advance(10)
        self.races.win(FakeLink())
        self.assertEqual([session.state for session in self.sessions], ["closed", "established"])

    def test_stop(self) -> None:
        """The visitor takes leave while the session is there, and is waited for."""
        link = self.connect()
        self.leaving = Deferred()
        stopping = self.keeper.stopService()
        self.assertNoResult(stopping)
        self.assertEqual(link.sent, [])
        self.leaving.callback(None)
        self.successResultOf(stopping)
        self.assertEqual(link.sent, [Close()])

    def test_visitor_that_leaves(self) -> None:
        """Without a visitor the session is held as well."""
        self.connect()
        self.visits[0].cancel()
        self.clock.advance(1)
        self.assertEqual(self.state(), "connected")

    def test_session_that_the_visitor_closes(self) -> None:
        """It is no loss, and there will be another."""
        self.connect()
        self.sessions[0].close()
        self.assertEqual((self.state(), self.keeper.snapshot()["last_loss"]), ("waiting", None))

    def test_stopped_when_the_race_is_decided(self) -> None:
        """A session that nobody wants any more is not visited."""
        self.races.stubborn = FakeLink()
        self.keeper.startService()
        self.successResultOf(self.keeper.stopService())
        self.assertEqual(self.visits, [])


class SnapshotTests(KeeperTestCase):
    """What it shows."""

    def test_interface(self) -> None:
        """It is a source of status."""
        verifyObject(IStatusSource, self.keeper)

    def test_connected(self) -> None:
        """While connected, the camera's end and ours are shown."""
        self.clock.advance(5.0)
        self.connect()
        self.clock.advance(0.5)
        picture = self.keeper.snapshot()
        report = picture.pop("last_report")
        self.assertEqual(
            picture,
            {
                "state": "connected",
                "since": 5.0,
                "mode": "p2p",
                "peer": "192.168.43.1:40611",
                "local_port": 5000,
                "silent_for": 0.5,
                "reconnects": 0,
                "last_loss": None,
                "next_try_in": None,
                "sync": None,
            },
        )
        self.assertEqual((report["winner"], report["elapsed_time"]), ("p2p", 0.25))
        self.assertEqual(report["threads_info"]["lanConnectThread"]["state"], "cancelled")

    def test_waiting(self) -> None:
        """While waiting, the time left is shown, and why."""
        self.keeper.startService()
        self.races.lose()
        self.clock.advance(4.0)
        picture = self.keeper.snapshot()
        self.assertEqual((picture["next_try_in"], picture["mode"]), (7.0, None))
        self.assertIsNone(picture["last_report"]["winner"])
        error = picture["last_report"]["threads_info"]["p2pConnectThread"]["error"]
        self.assertEqual(error, REFUSED)

    def test_reconnects(self) -> None:
        """Sessions after the first one are counted, and the last loss is explained."""
        self.connect().hear(Close())
        self.clock.advance(10.0)
        self.races.win(FakeLink())
        picture = self.keeper.snapshot()
        self.assertEqual(picture["reconnects"], 1)
        self.assertEqual(picture["last_loss"], "the camera closed the session")

    def test_json(self) -> None:
        """Every state can be written as JSON."""
        json.dumps(self.keeper.snapshot())
        self.connect()
        json.dumps(self.keeper.snapshot())


class LogTests(KeeperTestCase):
    """What it logs."""

    def lines(self, events: list[LogEvent]) -> list[str]:
        """The messages, as people read them."""
        return [formatEvent(event) for event in events]

    def test_victory(self) -> None:
        """Who won, over what, and why the others did not."""
        with capturedLogs() as events:
            self.connect()
        self.assertEqual(
            self.lines(events),
            [
                "connected to 192.168.43.1:40611 over P2P in 0.250 s, local port 5000",
                "LAN was slower: it was still searching",
            ],
        )
        self.assertEqual((events[0]["host"], events[0]["local_port"]), ("192.168.43.1", 5000))

    def test_defeat(self) -> None:
        """Each failed mode with its reason, and when the next race is."""
        self.keeper.startService()
        with capturedLogs() as events:
            self.races.lose()
        self.assertEqual(
            self.lines(events),
            [
                f"P2P failed: {REFUSED}",
                "LAN failed: nothing answered",
                "trying again in 11.0 s",
            ],
        )
        self.assertEqual([event.get("code") for event in events], ["refused", "no_answer", None])

    def test_one_reason_for_two(self) -> None:
        """A reason that two modes share is told once."""
        self.keeper.startService()
        with capturedLogs() as events:
            self.races.lose(lost_by(unresolved(P2P), unresolved(LAN)))
        self.assertEqual(self.lines(events)[0], "P2P and LAN failed: no such name")
        self.assertEqual(len(events), 2)

    def test_same_reasons_again(self) -> None:
        """What the last race failed with is told quietly; another reason at full volume."""
        levels = []
        self.keeper.startService()
        for problem in (None, None, lost_by(unresolved(P2P)), None):
            with capturedLogs() as events:
                self.races.lose(problem)
            levels.append([e["log_level"].name for e in events if "code" in e])
            self.clock.advance(20.0)
        self.assertEqual(levels, [["warn"] * 2, ["debug"] * 2, ["warn"], ["warn"] * 2])

    def test_success_between(self) -> None:
        """After a connection the same reasons are news again."""
        self.keeper.startService()
        self.races.lose()
        self.clock.advance(20.0)
        self.races.win(FakeLink()).hear(Close())
        self.clock.advance(20.0)
        with capturedLogs() as events:
            self.races.lose()
        self.assertEqual(events[0]["log_level"], LogLevel.warn)

    def test_loss(self) -> None:
        """Why the session ended."""
        link = self.connect()
        with capturedLogs() as events:
            link.hear(Close())
        self.assertEqual(
            self.lines(events),
            ["session lost: the camera closed the session", "trying again in 10.0 s"],
        )
