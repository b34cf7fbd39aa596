"""Tests of attempts on bad networks: loss, delay, duplication, disorder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.connect.cameras import CAMERA, CLIENT
from trailcam.connect.connector import Connector
from trailcam.connect.lan import lan_attempt
from trailcam.connect.p2p import p2p_attempt
from trailcam.connect.target import Target
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.testing import MemoryHost, MemoryNetwork

SEEDS = range(100)
Connect = Callable[[MemoryHost], Any]


class LossTests(SynchronousTestCase):
    """Many seeds of the same weather."""

    def weather(
        self, connect: Connect, seed: int, behaviour: Behaviour | None = None, **options: Any
    ) -> float:
        """Connect once, and leave again; the seconds it took."""
        network = MemoryNetwork(seed=seed, **options)
        client, host = network.host(CLIENT), network.host(CAMERA)
        camera = SimulatedCamera(host, behaviour)
        camera.start(interface="")
        links: list[Any] = []
        connect(client).addCallback(links.append)
        seconds = network.run_until(lambda: links, limit=5.0)
        self.assertEqual(links[0].peer[0], CAMERA, f"seed {seed}")
        links[0].abandon()
        camera.stop()
        network.advance(0.3)
        network.assert_quiet()
        return seconds

    def test_lan(self) -> None:
        """LAN at 40 % loss: within 5 s whatever the seed, and usually at once."""
        times = sorted(
            self.weather(lambda c: lan_attempt(c, Target(CAMERA)).connect(30.0), seed, loss=0.4)
            for seed in SEEDS
        )
        self.assertLess(times[len(times) // 2], 1.0)

    def test_p2p(self) -> None:
        """P2P at 40 % loss: the same."""
        times = sorted(
            self.weather(lambda c: p2p_attempt(c, Target(CAMERA)).connect(30.0), seed, loss=0.4)
            for seed in SEEDS
        )
        self.assertLess(times[len(times) // 2], 0.5)

    def test_storm(self) -> None:
        """Loss, 50 ms of delay and as much jitter, and every fifth datagram twice."""
        for seed in SEEDS:
            self.weather(
                lambda c: lan_attempt(c, Target(CAMERA)).connect(30.0),
                seed,
                loss=0.4,
                latency=0.05,
                jitter=0.05,
                duplicate=0.2,
            )

    def test_race(self) -> None:
        """Both modes together, at 40 % loss, to a camera with two slots."""

        def connect(client: MemoryHost) -> Any:
            return Connector(client, Target(CAMERA)).connect().addCallback(lambda won: won[0])

        for seed in SEEDS:
            self.weather(connect, seed, Behaviour.recorded(slots=2), loss=0.4)

    def test_one_way_loss(self) -> None:
        """When all that the camera says first gets lost, the client goes on asking."""
        network = MemoryNetwork()
        client, host = network.host(CLIENT), network.host(CAMERA)
        camera = SimulatedCamera(host)
        camera.start(interface="")
        restore = network.drop(lambda d: d.source[0] == CAMERA and d.sent_at < 1.0)
        links: list[Any] = []
        lan_attempt(client, Target(CAMERA)).connect(30.0).addCallback(links.append)
        seconds = network.run_until(lambda: links, limit=2.0)
        self.assertGreater(seconds, 1.0)
        restore()
        links[0].abandon()
        camera.stop()
        network.advance(0.1)
        network.assert_quiet()
