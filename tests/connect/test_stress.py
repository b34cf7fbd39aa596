"""Tests of a thousand races, most of them cancelled at a random moment: nothing may be left."""

from __future__ import annotations

import gc
import random
from collections import Counter
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from tests.connect.cameras import CAMERA, NetworkTestCase
from trailcam.connect.attempt import DatagramAttempt
from trailcam.connect.connector import DIRECT_MODES, Connector
from trailcam.connect.policy import WeightedPolicy
from trailcam.connect.race import Lane
from trailcam.connect.target import Target
from trailcam.link.datagram import DatagramLink
from trailcam.model import ConnectionMode
from trailcam.simulator import Behaviour, SimulatedCamera

RACES = 1000
KINDS = (Deferred, DatagramAttempt, DatagramLink, Lane)
POLICIES = (
    WeightedPolicy(),
    WeightedPolicy({ConnectionMode.P2P: 1.0, ConnectionMode.LAN: 0.5}),
    WeightedPolicy({ConnectionMode.P2P: 0.2, ConnectionMode.LAN: 1.0}),
)


def census() -> Counter[str]:
    """How many objects of our kinds there are."""
    gc.collect()
    return Counter(type(o).__name__ for o in gc.get_objects() if type(o) in KINDS)


class StressTests(NetworkTestCase):
    """One camera with three slots, one client without patience."""

    def one_race(self, rng: random.Random) -> str:
        """Race, cancel or win, and see that all is gone; what it ended in."""
        target = Target(CAMERA, ports=(40611, 32108, 80), broadcast=rng.random() < 0.2)
        connector = Connector(
            self.client, target, policy=rng.choice(POLICIES), max_time=rng.choice((0.8, 0.8, 0.01))
        )
        modes = rng.choice((tuple(ConnectionMode), DIRECT_MODES, {ConnectionMode.LAN}))
        running = connector.connect(modes)
        watch = self.watch(running)
        for _ in range(rng.randrange(4)):
            self.network.advance(rng.expovariate(8.0))
            running.cancel()
        if rng.random() < 0.5:
            running.cancel()
        self.network.run_until(lambda: watch.at is not None, 2.0)
        self.assertEqual(watch.ports, 0 if isinstance(watch.result, Failure) else 1)
        if isinstance(watch.result, Failure):
            return "cancelled" if watch.result.check(CancelledError) else "failed"
        watch.result[0].abandon()
        self.network.advance(0.0)
        return "won"

    def settle(self) -> None:
        """Let the last datagrams arrive."""
        self.network.advance(0.02)
        self.assertEqual(list(self.client.ports()), [])

    def test_nothing_left(self) -> None:
        """No port, no delayed call, no slot, and no more objects than before."""
        rng = random.Random(20)
        self.network.loss = 0.1
        camera = SimulatedCamera(self.camera_host, Behaviour.recorded(slots=3, timeout=0.5))
        camera.start(interface="")
        results: Counter[str] = Counter()
        for _ in range(50):  # caches fill up
            self.one_race(rng)
        self.settle()
        before = census()
        for _ in range(RACES):
            results[self.one_race(rng)] += 1
        self.settle()
        self.network.advance(1.0)  # slots whose CLOSE was lost
        self.assertEqual(camera.open_sessions, 0)
        self.assertEqual(self.network.delayed_calls(), [])
        after = census()
        for kind in before | after:
            self.assertLessEqual(after[kind], before[kind] + 5, kind)
        for result in ("won", "cancelled", "failed"):
            self.assertGreater(results[result], RACES // 50, results)
        camera.stop()

    def test_many_at_once(self) -> None:
        """Two hundred races side by side, half of them cancelled in the middle."""
        rng = random.Random(21)
        camera = SimulatedCamera(self.camera_host, Behaviour.recorded(slots=1000))
        camera.start(interface="")
        connector = Connector(self.client, Target(CAMERA))
        watches = [self.watch(connector.connect()) for _ in range(200)]
        for watch in rng.sample(watches, 100):
            self.client.callLater(rng.random() * 0.004, watch.deferred.cancel)
        self.network.advance(1.0)
        links: list[Any] = [w.result[0] for w in watches if isinstance(w.result, tuple)]
        self.assertEqual(len(list(self.client.ports())), len(links))
        self.assertEqual(camera.open_sessions, len(links))
        self.assertGreater(len(links), 100)
        self.assertLess(len(links), 200)
        for link in links:
            link.abandon()
        self.network.advance(0.02)
        self.assertEqual(camera.open_sessions, 0)
        camera.stop()
