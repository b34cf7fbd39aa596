"""Tests of the connector: reports, events, and nothing left of the losers."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from zope.interface.verify import verifyObject

from tests.connect.cameras import CAMERA, PUNCH, READY, ScriptedCamera, Watch
from tests.connect.fakes import FakeAttempt
from tests.connect.racing import ALL, ConnectorTestCase
from trailcam.connect.connector import Connector
from trailcam.connect.events import (
    HeatAborted,
    HeatFailed,
    HeatStarted,
    HeatWon,
    ProbeSent,
    RaceEvent,
    RaceFinished,
    RaceStarted,
)
from trailcam.connect.policy import WeightedPolicy
from trailcam.connect.target import Target
from trailcam.errors import AllAttemptsFailed, NothingAnswered, NotPossible, PortsRefused
from trailcam.interfaces import Address, IConnector, ILink
from trailcam.model import ConnectionMode
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.wire.codec import encode
from trailcam.wire.messages import Alive, AliveAck, Close, LanSearch

P2P, LAN, RELAY = ConnectionMode.P2P, ConnectionMode.LAN, ConnectionMode.RELAY


class ReportTests(ConnectorTestCase):
    """What became of every mode."""

    def test_interface(self) -> None:
        """It is a connector, and what it connects is a link."""
        self.simulated(SimulatedCamera(self.camera_host))
        connector = self.connector()
        verifyObject(IConnector, connector)
        link, _ = self.finished(self.watch(connector.connect()))
        verifyObject(ILink, link)

    def test_p2p_wins(self) -> None:
        """Against a real camera P2P needs no search; LAN is stopped, relay never began."""
        camera = self.simulated(SimulatedCamera(self.camera_host))
        watch = self.watch(self.connector().connect())
        link, report = self.finished(watch)
        self.assertEqual(watch.ports, 1)
        self.assertEqual((link.mode, report.winner), (P2P, P2P))
        self.assertEqual(self.states(report), ["success", "cancelled", "not_started"])
        p2p, lan, relay = report.attempts
        self.assertEqual(p2p.port, link.local[1])
        self.assertNotIn(lan.port, (None, p2p.port))
        self.assertAlmostEqual(p2p.elapsed, 0.002, places=9)
        self.assertEqual(report.elapsed, p2p.elapsed)
        self.assertEqual(
            (relay.port, relay.elapsed, relay.phase, relay.retries), (None,) * 3 + (0,)
        )
        self.assertEqual([a.error for a in report.attempts], [None] * 3)
        self.network.advance(0.1)
        self.assertEqual(camera.open_sessions, 1)

    def test_lan_wins(self) -> None:
        """When the first punch is lost, the search is faster than the next punch."""
        self.simulated(SimulatedCamera(self.camera_host, Behaviour.prompt()))
        self.network.drop(lambda d: d.sent_at == 0.0 and d.payload == encode(PUNCH))
        link, report = self.finished(self.watch(self.connector().connect()))
        self.assertEqual((link.mode, link.peer), (LAN, (CAMERA, 40611)))
        self.assertEqual(self.states(report), ["cancelled", "success", "not_started"])
        self.assertEqual(report.winner, LAN)
        self.assertAlmostEqual(report.elapsed, 0.004, places=9)

    def test_one_mode(self) -> None:
        """A race of one mode: the others were not started."""
        self.simulated(SimulatedCamera(self.camera_host))
        link, report = self.finished(self.watch(self.connector().connect({LAN})))
        self.assertEqual(link.mode, LAN)
        self.assertEqual(self.states(report), ["not_started", "success", "not_started"])

    def test_nothing_answers(self) -> None:
        """Failed after exactly ``max_time``, each mode with its diagnosis and all ports tried."""
        self.camera_host.silent = True
        watch = self.watch(self.connector(max_time=3.0).connect())
        error = self.failed(watch)
        self.assertEqual(watch.at, 3.0)
        self.assertEqual(self.states(error.report), ["failed", "failed", "not_started"])
        self.assertEqual(error.report.elapsed, 3.0)
        self.assertIsNone(error.report.winner)
        for attempt in error.report.attempts[:2]:
            self.assertEqual((attempt.retries, attempt.elapsed), (6, 3.0))
            self.assertEqual((attempt.code, attempt.phase), ("no_answer", "searching"))
            self.assertIn("nothing answered from 192.168.43.1", attempt.error or "")
        self.assertEqual([type(f) for f in error.failures], [NothingAnswered] * 2)
        self.assertIn("nothing answered", str(error))

    def test_refused(self) -> None:
        """All ports refused: over in less than 50 ms."""
        watch = self.watch(self.connector().connect(ALL))
        error = self.failed(watch)
        self.assertLess(watch.at or 1.0, 0.05)
        self.assertEqual(self.states(error.report), ["failed"] * 3)
        kinds = [type(failure) for failure in error.failures]
        self.assertEqual(kinds, [PortsRefused, PortsRefused, NotPossible])

    def test_nothing_enabled(self) -> None:
        """At once, with a report all the same."""
        error = self.failureResultOf(self.connector().connect(()), AllAttemptsFailed).value
        self.assertEqual(self.states(error.report), ["not_started"] * 3)
        self.assertEqual((error.failures, error.report.elapsed), ((), 0.0))
        self.assertIn("no connection mode", str(error))
        self.assertEqual(self.kinds(), ["RaceStarted", "RaceFinished"])

    def test_nothing_possible(self) -> None:
        """A mode that cannot run fails at once, with what it lacks."""
        error = self.failureResultOf(self.connector().connect({RELAY}), AllAttemptsFailed).value
        self.assertEqual(self.states(error.report), ["not_started", "not_started", "failed"])
        self.assertEqual(error.report.attempt(RELAY).code, "not_possible")

    def test_without_address(self) -> None:
        """Without an address P2P is impossible, and LAN finds the camera by broadcast."""
        self.simulated(SimulatedCamera(self.camera_host))
        link, report = self.finished(self.watch(self.connector(Target()).connect()))
        self.assertEqual((link.mode, link.peer[0]), (LAN, CAMERA))
        self.assertEqual(self.states(report), ["failed", "success", "not_started"])
        self.assertEqual(report.attempt(P2P).code, "not_possible")

    def test_host_name(self) -> None:
        """A host name is as good as an address."""
        self.network.name("camera.lan", CAMERA)
        self.simulated(SimulatedCamera(self.camera_host))
        link, _ = self.finished(self.watch(self.connector(Target("camera.lan")).connect()))
        self.assertEqual(link.peer[0], CAMERA)

    def test_weights(self) -> None:
        """A lighter mode starts later: here too late to be needed."""
        self.simulated(SimulatedCamera(self.camera_host))
        policy = WeightedPolicy({P2P: 1.0, LAN: 0.8})
        _, report = self.finished(self.watch(self.connector(policy=policy).connect()))
        self.assertEqual(self.states(report), ["success", "not_started", "not_started"])
        self.assertEqual(self.sent(LanSearch), [])

    def test_zero_weight(self) -> None:
        """A mode of weight 0 is not part of the race."""
        self.simulated(SimulatedCamera(self.camera_host))
        policy = WeightedPolicy({P2P: 0.0, LAN: 0.8})
        link, report = self.finished(self.watch(self.connector(policy=policy).connect()))
        self.assertEqual(link.mode, LAN)
        self.assertEqual(self.states(report), ["not_started", "success", "not_started"])

    def test_failure_releases_the_next(self) -> None:
        """The heavier mode is impossible, so the lighter one starts at once."""
        self.simulated(SimulatedCamera(self.camera_host))
        policy = WeightedPolicy({P2P: 1.0, LAN: 0.1})
        self.finished(self.watch(self.connector(Target(), policy=policy).connect()))
        self.assertEqual(self.sent(LanSearch)[0][0], 0.0)

    def test_again_and_at_the_same_time(self) -> None:
        """A connector may be used again, also while it is in use."""
        camera = self.simulated(SimulatedCamera(self.camera_host))
        connector = self.connector()
        watches = [self.watch(connector.connect()) for _ in range(3)]
        links = [self.finished(watch)[0] for watch in watches]
        self.assertEqual(len({link.local for link in links}), 3)
        self.network.advance(0.1)
        self.assertEqual(camera.open_sessions, 3)


class LoserTests(ConnectorTestCase):
    """Nothing is left of the losers."""

    def test_slow_loser(self) -> None:
        """The report's time ends with the proof, the call with the last port."""
        attempts = {mode: FakeAttempt(self.network.clock, mode) for mode in (P2P, LAN)}
        attempts[LAN].closing = 0.3
        factories = {mode: lambda *_, mode=mode, **__: attempts[mode] for mode in attempts}
        watch = self.watch(self.connector(factories=factories).connect())
        self.network.advance(1.0)
        attempts[P2P].win()
        self.network.advance(0.1)
        self.assertIsNone(watch.at)
        self.network.advance(0.3)
        self.assertAlmostEqual(watch.at or 0.0, 1.3, places=9)
        self.assertAlmostEqual(watch.result[1].elapsed, 1.0, places=9)

    def test_loser_tells_close(self) -> None:
        """A mode that had reached the camera says CLOSE; one slot stays taken, the winner's."""
        camera = self.simulated(SimulatedCamera(self.camera_host, Behaviour.recorded(offers=2)))
        self.network.drop(lambda d: d.sent_at < 0.2 and d.payload == encode(READY))
        self.finished(self.watch(self.connector().connect()))
        self.network.advance(0.1)
        self.assertEqual(camera.open_sessions, 1)
        self.assertEqual(camera.counters.sessions_opened, 2)
        self.assertEqual(camera.counters.sessions_closed_by_client, 1)

    def test_cancel(self) -> None:
        """A cancelled race leaves nothing, tells the camera, and is not finished in the events."""
        camera = self.simulated(SimulatedCamera(self.camera_host))
        watch = self.watch(self.connector().connect({LAN}))
        self.network.advance(0.1)
        watch.deferred.cancel()
        watch.deferred.cancel()
        self.network.advance(0.01)
        self.assertEqual((type(watch.error), watch.ports), (CancelledError, 0))
        self.assertEqual(camera.open_sessions, 0)
        self.assertEqual(self.kinds(), ["RaceStarted", "HeatStarted", "HeatAborted"])
        self.assertEqual(self.events[-1], HeatAborted(LAN, None))

    def courtesy(self) -> tuple[Watch, ScriptedCamera, Address, Address]:
        """A race whose LAN mode is ready and waits for the heavier P2P; their two addresses."""
        self.camera_host.silent = True
        camera = self.scripted().on(LanSearch, PUNCH).on(Alive, AliveAck())
        policy = WeightedPolicy({P2P: 1.0, LAN: 0.9})
        watch = self.watch(self.connector(policy=policy).connect())
        self.network.advance(0.9)
        p2p = camera.heard[0][2]
        lan = next(client for _, message, client, _ in camera.heard if message == LanSearch())
        camera.say(p2p, PUNCH)
        camera.say(lan, READY)
        self.network.advance(0.05)
        self.assertIsNone(watch.at)
        return watch, camera, p2p, lan

    def closed(self, camera: ScriptedCamera) -> set[Address]:
        """Who has told the camera CLOSE."""
        self.network.advance(0.01)
        return {client for _, message, client, _ in camera.heard if message == Close()}

    def test_courtesy(self) -> None:
        """P2P gets its moment, and wins; LAN, ready as it was, leaves."""
        watch, camera, p2p, lan = self.courtesy()
        camera.say(p2p, READY)
        link, report = self.finished(watch)
        self.assertEqual((link.mode, report.winner), (P2P, P2P))
        self.assertEqual(self.closed(camera), {lan})

    def test_courtesy_in_vain(self) -> None:
        """P2P does not use its moment, so LAN wins 200 ms after it was ready."""
        watch, camera, p2p, _ = self.courtesy()
        link, report = self.finished(watch)
        self.assertEqual((link.mode, report.winner), (LAN, LAN))
        self.assertAlmostEqual(watch.at or 0.0, 0.901 + 0.2, places=6)
        self.assertEqual(self.closed(camera), {p2p})

    def test_courtesy_cancelled(self) -> None:
        """Cancelled in that moment, twice: both ports are closed first, and both have left."""
        watch, camera, p2p, lan = self.courtesy()
        watch.deferred.cancel()
        watch.deferred.cancel()
        self.assertIsNone(watch.at)
        self.network.advance(0.0)
        self.assertEqual((type(watch.error), watch.ports), (CancelledError, 0))
        self.assertEqual(self.closed(camera), {p2p, lan})


class EventTests(ConnectorTestCase):
    """What is told, in which order."""

    def test_success(self) -> None:
        """The story of a race that is won."""
        self.simulated(SimulatedCamera(self.camera_host))
        ports = (40611, 32108)
        link, report = self.finished(
            self.watch(self.connector(Target(CAMERA, ports=ports)).connect())
        )
        p2p, lan = report.attempt(P2P).port, report.attempt(LAN).port
        self.assertEqual(
            self.events,
            [
                RaceStarted((P2P, LAN)),
                HeatStarted(P2P),
                ProbeSent(P2P, 1, p2p, 40611),
                ProbeSent(P2P, 2, p2p, 32108),
                HeatStarted(LAN),
                ProbeSent(LAN, 1, lan, 40611),
                ProbeSent(LAN, 2, lan, 32108),
                HeatWon(P2P, link.local[1], 40611, report.elapsed),
                HeatAborted(LAN, P2P),
                RaceFinished(report),
            ],
        )

    def test_failure(self) -> None:
        """The story of a race that is lost."""
        error = self.failed(self.watch(self.connector().connect()))
        self.assertEqual(
            [e for e in self.events if not isinstance(e, ProbeSent)],
            [
                RaceStarted((P2P, LAN)),
                HeatStarted(P2P),
                HeatStarted(LAN),
                HeatFailed(P2P, error.failures[0]),
                HeatFailed(LAN, error.failures[1]),
                RaceFinished(error.report),
            ],
        )

    def test_finished_when_nothing_is_left(self) -> None:
        """The last event comes when the losers' ports are closed."""
        self.simulated(SimulatedCamera(self.camera_host))
        open_ports: list[int] = []

        def observer(event: RaceEvent) -> None:
            if isinstance(event, RaceFinished):
                open_ports.append(len(list(self.client.ports())))

        self.finished(self.watch(self.connector(observer=observer).connect()))
        self.assertEqual(open_ports, [1])

    def test_observer_that_raises(self) -> None:
        """An observer's bugs are logged, and the camera is not lost."""
        self.simulated(SimulatedCamera(self.camera_host))

        def observer(event: RaceEvent) -> None:
            raise KeyError(type(event).__name__)

        _, report = self.finished(self.watch(self.connector(observer=observer).connect()))
        self.assertEqual(self.states(report), ["success", "cancelled", "not_started"])
        told = [str(f.value.args[0]) for f in self.flushLoggedErrors(KeyError)]
        expected = {"RaceStarted", "HeatStarted", "ProbeSent", "HeatWon", "HeatAborted"}
        self.assertEqual(set(told), expected | {"RaceFinished"})

    def test_no_observer(self) -> None:
        """Nobody has to listen."""
        self.simulated(SimulatedCamera(self.camera_host))
        self.finished(self.watch(Connector(self.client, Target(CAMERA)).connect()))
