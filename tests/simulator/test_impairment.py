"""A bad network in front of a simulated camera."""

from __future__ import annotations

import random
from functools import partial

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.rig import PUNCH, Client, RigTestCase
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.simulator.counters import Counters
from trailcam.simulator.impairment import HELD_BACK, MAX_UNDER_WAY, ImpairedPath
from trailcam.wire.messages import Alive, AliveAck, Close


class Path:
    """An impaired path, and when which number arrived at its end."""

    def __init__(self, seed: int = 0, **impairment: float) -> None:
        self.clock = Clock()
        self.counters = Counters()
        self.arrived: list[tuple[float, int]] = []
        behaviour = Behaviour(**impairment)
        self.path = ImpairedPath(self.clock, behaviour, random.Random(seed), self.counters)
        self.path.start()

    def carry(self, *numbers: int) -> None:
        """Send numbers."""
        for number in numbers:
            self.path.carry(partial(self._arrive, number))

    def _arrive(self, number: int) -> None:
        self.arrived.append((round(self.clock.seconds(), 6), number))

    def order(self) -> list[int]:
        """The numbers in the order of their arrival, after all time."""
        self.clock.pump([0.001] * 1000)
        return [number for _, number in self.arrived]


class PathTests(SynchronousTestCase):
    """Every kind of accident."""

    def test_perfect(self) -> None:
        """Without impairment everything arrives at once."""
        path = Path()
        path.carry(1, 2, 3)
        self.assertEqual(path.arrived, [(0.0, 1), (0.0, 2), (0.0, 3)])

    def test_not_started(self) -> None:
        """Before its start a path is perfect."""
        path = Path(loss=1.0)
        path.path.stop()
        path.carry(1)
        self.assertEqual(path.order(), [1])

    def test_loss(self) -> None:
        """About the given share is lost, and counted."""
        path = Path(loss=0.3)
        path.carry(*range(1000))
        self.assertTrue(250 < path.counters.lost < 350, path.counters.lost)
        self.assertEqual(len(path.arrived), 1000 - path.counters.lost)

    def test_total_loss(self) -> None:
        """Nothing arrives."""
        path = Path(loss=1.0, duplicate=1.0)
        path.carry(1, 2)
        self.assertEqual((path.order(), path.counters.lost), ([], 2))

    def test_delay(self) -> None:
        """Everything takes its time, in order."""
        path = Path(delay=0.02)
        path.carry(1, 2)
        self.assertEqual(path.order(), [1, 2])
        self.assertEqual({time for time, _ in path.arrived}, {0.02})

    def test_jitter(self) -> None:
        """Some take longer than others, up to the bound, and overtake each other."""
        path = Path(delay=0.02, jitter=0.01)
        path.carry(*range(50))
        order = path.order()
        times = [time for time, _ in path.arrived]
        self.assertTrue(min(times) >= 0.02)
        self.assertTrue(max(times) <= 0.031)
        self.assertEqual(sorted(order), list(range(50)))
        self.assertNotEqual(order, sorted(order))

    def test_reorder(self) -> None:
        """Those held back arrive after those that were sent later."""
        path = Path(reorder=0.3)
        path.carry(*range(50))
        early = [number for _, number in path.arrived]
        order = path.order()
        self.assertEqual(order[: len(early)], early)
        self.assertEqual({t for t, _ in path.arrived[len(early) :]}, {HELD_BACK})
        self.assertEqual(sorted(order), list(range(50)))
        self.assertTrue(25 < len(early) < 45)

    def test_duplicate(self) -> None:
        """Some arrive twice."""
        path = Path(duplicate=0.5)
        path.carry(*range(100))
        order = path.order()
        self.assertEqual(set(order), set(range(100)))
        self.assertTrue(130 < len(order) < 170, len(order))

    def test_seed(self) -> None:
        """The same seed means the same accidents, another seed others."""
        orders = []
        for seed in (1, 1, 2):
            path = Path(seed, loss=0.2, jitter=0.02, reorder=0.1, duplicate=0.1)
            path.carry(*range(100))
            orders.append(path.order())
        self.assertEqual(orders[0], orders[1])
        self.assertNotEqual(orders[0], orders[2])

    def test_bounded(self) -> None:
        """No more than so many are under way; the rest is lost."""
        path = Path(delay=1.0)
        # A clock that does not sort: the task.Clock sorts all its calls for each new one.
        path.clock._sortCalls = lambda: None  # type: ignore[method-assign]
        path.carry(*range(MAX_UNDER_WAY + 10))
        self.assertEqual(len(path.clock.getDelayedCalls()), MAX_UNDER_WAY)
        self.assertEqual(path.counters.lost, 10)

    def test_stop(self) -> None:
        """What is under way when it stops never arrives."""
        path = Path(delay=1.0)
        path.carry(1, 2)
        path.path.stop()
        self.assertEqual(path.clock.getDelayedCalls(), [])
        self.assertEqual(path.order(), [])


class ImpairedCameraTests(RigTestCase):
    """The path lies between the camera's ports and the camera, both ways."""

    def test_both_ways(self) -> None:
        """A round trip takes the delay twice."""
        self.camera(delay=0.05)
        client = self.client()
        client.search()
        self.network.advance(0.2)
        self.assertAlmostEqual(client.heard[0][0], 0.1)

    def test_duplicates_both_ways(self) -> None:
        """A doubled question gets two doubled answers."""
        self.camera(duplicate=1.0)
        client = self.client()
        client.search()
        self.network.advance(0.1)
        self.assertEqual(client.kinds(), ["PUNCH_PKT"] * 4)

    def test_session_over_a_bad_path(self) -> None:
        """A session comes to be, and stays, where a fifth is lost and much is late or double."""
        camera = self.camera(loss=0.2, delay=0.02, jitter=0.03, reorder=0.1, duplicate=0.1)
        client = self.client()
        self.reach(client)
        for _ in range(200):
            client.say(Alive())
            self.network.advance(0.1)
        self.assertEqual((client.count(Close), camera.open_sessions), (0, 1))
        self.assertTrue(100 < client.count(AliveAck) < 180, client.count(AliveAck))
        self.assertGreater(camera.counters.lost, 50)

    def reach(self, client: Client) -> None:
        """Punch until the camera is ready."""
        for _ in range(10):
            client.say(PUNCH)
            self.network.advance(0.2)
        self.assertIn("P2P_RDY", client.kinds())

    def test_stop(self) -> None:
        """What is under way is lost by a stop, except CLOSE."""
        camera = self.camera(Behaviour.prompt(delay=0.05))
        client = self.client()
        client.say(PUNCH)
        self.network.advance(0.2)
        client.search()
        self.network.advance(0.06)
        client.forget()
        self.result(camera.stop())
        self.assertEqual(client.kinds(), ["CLOSE"])

    def test_dice(self) -> None:
        """Other dice, other losses."""
        lost = set()
        for seed in range(5):
            camera = SimulatedCamera(
                self.camera_host, Behaviour.recorded(loss=0.5), rng=random.Random(seed)
            )
            self.start(camera)
            client = self.client()
            for _ in range(100):
                client.search()
            self.network.advance(0.0)
            self.result(camera.stop())
            lost.add(camera.counters.lost)
        self.assertGreater(len(lost), 2)
