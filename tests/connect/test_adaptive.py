"""Tests of what a connector remembers of a camera, and of the use it makes of it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, succeed

from tests.connect.cameras import CAMERA
from tests.connect.racing import ConnectorTestCase
from trailcam.connect.history import MemoryHistory
from trailcam.connect.pacing import Pace, measured_pace
from trailcam.connect.target import Target
from trailcam.errors import AllAttemptsFailed
from trailcam.model import AttemptState, ConnectionMode, Outcome
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.wire.messages import LanSearch

P2P, LAN, RELAY = ConnectionMode.P2P, ConnectionMode.LAN, ConnectionMode.RELAY


class AdaptiveTests(ConnectorTestCase):
    """What is remembered, and used."""

    def test_recorded(self) -> None:
        """The winner's time and round trip; a mode that was stopped has shown nothing."""
        self.simulated(SimulatedCamera(self.camera_host))
        history = MemoryHistory()
        connector = self.connector(history=history, adaptive=True)
        _, report = self.finished(self.watch(connector.connect()))
        p2p = report.attempt(P2P)
        self.assertEqual(history.recall(), (Outcome(P2P, True, p2p.elapsed, p2p.round_trip),))

    def test_failures_are_recorded(self) -> None:
        """Failures by themselves count, each with its time."""
        self.camera_host.silent = True
        history = MemoryHistory()
        self.failed(
            self.watch(self.connector(history=history, adaptive=True, max_time=2.0).connect())
        )
        expected = tuple(Outcome(mode, False, 2.0) for mode in (P2P, LAN))
        self.assertEqual(history.recall(), expected)

    def test_impossible_modes_are_not_recorded(self) -> None:
        """What could not run did not fail: it stays as fast as ever to say so."""
        history = MemoryHistory()
        connector = self.connector(history=history, adaptive=True)
        for _ in range(7):
            self.failureResultOf(connector.connect({RELAY}), AllAttemptsFailed)
        self.assertEqual(history.recall(), ())

    def test_not_adaptive(self) -> None:
        """Without the option history is neither written nor read."""
        self.camera_host.silent = True
        history = MemoryHistory([Outcome(P2P, True, 0.01), Outcome(LAN, True, 0.01)])
        before = history.recall()
        watch = self.watch(self.connector(history=history, max_time=2.0).connect())
        self.failed(watch)
        self.assertEqual((history.recall(), watch.at), (before, 2.0))

    def test_cancelled_race(self) -> None:
        """A race that was called off teaches nothing."""
        self.camera_host.silent = True
        history = MemoryHistory()
        watch = self.watch(self.connector(history=history, adaptive=True).connect())
        self.network.advance(1.0)
        watch.deferred.cancel()
        self.network.advance(0.0)
        self.assertIsInstance(watch.error, CancelledError)
        self.assertEqual(history.recall(), ())

    def test_budget(self) -> None:
        """A camera that always took 10 ms is not waited for longer than the floor of 1 s."""
        self.camera_host.silent = True
        history = MemoryHistory([Outcome(P2P, True, 0.01), Outcome(LAN, True, 0.5)])
        watch = self.watch(self.connector(history=history, adaptive=True).connect())
        error = self.failed(watch)
        times = [error.report.attempt(mode).elapsed for mode in (P2P, LAN)]
        self.assertEqual(times, [1.0, 2.0])

    def test_pace(self) -> None:
        """Resends follow the measured round trips, oldest first; unknown ones do not count."""
        trips = (0.08, None, 0.12)
        past = [Outcome(P2P, True, 1.0, trip) for trip in trips]
        paces: list[Pace] = []

        class Attempt:
            mode, phase, port, retries, round_trip = P2P, "idle", 5, 0, None

            def connect(self, budget: float) -> Any:
                return succeed(FakeWinner())

        class FakeWinner:
            mode, peer, local = P2P, (CAMERA, 1), ("", 2)

        def factory(reactor: Any, target: Target, *, pace: Pace, **others: Any) -> Any:
            paces.append(pace)
            return Attempt()

        for adaptive in (True, False):
            connector = self.connector(
                history=MemoryHistory(past), adaptive=adaptive, factories={P2P: factory}
            )
            self.successResultOf(connector.connect({P2P}))
        self.assertEqual(paces, [measured_pace([0.08, 0.12], Pace()), Pace()])

    def test_learns(self) -> None:
        """After five failures a mode starts late, and after one success in time again."""
        self.camera_host.silent = True
        history = MemoryHistory()
        connector = self.connector(history=history, adaptive=True, max_time=2.0)
        for _ in range(5):
            self.failed(self.watch(connector.connect({LAN})))
        self.simulated(SimulatedCamera(self.camera_host, Behaviour.prompt()))
        began = self.network.clock.seconds()
        self.finished(self.watch(connector.connect({LAN})))
        first = next(at for at, _ in self.sent(LanSearch) if at >= began)
        self.assertAlmostEqual(first - began, 1.0, places=6)
        began = self.network.clock.seconds()
        self.finished(self.watch(connector.connect({LAN})))
        first = next(at for at, _ in self.sent(LanSearch) if at >= began)
        self.assertAlmostEqual(first - began, 0.0, places=6)

    def test_default_policy(self) -> None:
        """A connector of its own is adaptive in its policy too; its history is its memory."""
        camera = self.simulated(SimulatedCamera(self.camera_host))
        connector = self.connector(adaptive=True, max_time=9.0)
        link, _ = self.finished(self.watch(connector.connect({P2P})))
        link.abandon()
        camera.stop()
        self.network.advance(0.01)
        self.camera_host.silent = True
        error = self.failed(self.watch(connector.connect({P2P})))
        self.assertEqual(error.report.attempt(P2P).state, AttemptState.FAILED)
        self.assertAlmostEqual(error.report.elapsed, 1.0, places=9)
