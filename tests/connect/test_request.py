"""Tests of one checked wish to connect."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest import mock

from tests.connect.cameras import CAMERA, NetworkTestCase
from trailcam.connect.events import RaceEvent
from trailcam.connect.history import FileHistory, history_path
from trailcam.connect.request import Request
from trailcam.connect.target import Target
from trailcam.errors import AllAttemptsFailed
from trailcam.model import ConnectionMode
from trailcam.simulator import SimulatedCamera
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import LanSearch, PunchPkt


class RequestTests(NetworkTestCase):
    """What becomes of each wish."""

    def setUp(self) -> None:
        """Give the test a state folder of its own."""
        super().setUp()
        self.state = Path(self.mktemp()).absolute()
        patcher = mock.patch.dict(os.environ, {"XDG_STATE_HOME": str(self.state)})
        patcher.start()
        self.addCleanup(patcher.stop)

    def files(self) -> list[Path]:
        """All files of the state folder."""
        return [path for path in self.state.rglob("*") if path.is_file()]

    def connect(self, request: Request) -> Any:
        """Run the race of a request to its end; its result, with the link abandoned."""
        connector = request.connector(self.client)
        watch = self.watch(connector.connect(request.modes))
        self.network.run_until(lambda: watch.at is not None)
        if isinstance(watch.result, tuple):
            watch.result[0].abandon()
            self.network.advance(0.01)
        return watch.result

    def test_defaults(self) -> None:
        """The guide's: 30 s, P2P and LAN, no weights, not adaptive."""
        request = Request(Target(CAMERA))
        modes = frozenset({ConnectionMode.P2P, ConnectionMode.LAN})
        self.assertEqual((request.max_time, request.modes), (30.0, modes))
        self.assertEqual((request.weights, request.adaptive), ({}, False))

    def test_target_and_time(self) -> None:
        """Target and time reach the race."""
        self.camera_host.silent = True
        request = Request(Target(CAMERA, ports=(5,)), max_time=1.5)
        failure = self.connect(request)
        failure.trap(AllAttemptsFailed)
        self.assertAlmostEqual(failure.value.report.elapsed, 1.5, places=9)
        self.assertEqual({address for _, address in self.sent(PunchPkt)}, {(CAMERA, 5)})

    def test_weights(self) -> None:
        """Weights reach the policy."""
        self.simulated(SimulatedCamera(self.camera_host))
        self.connect(Request(Target(CAMERA), weights={ConnectionMode.LAN: 0.0}))
        self.assertEqual(self.sent(LanSearch), [])

    def test_observer(self) -> None:
        """The observer hears the race."""
        self.simulated(SimulatedCamera(self.camera_host))
        events: list[RaceEvent] = []
        watch = self.watch(Request(Target(CAMERA)).connector(self.client, events.append).connect())
        self.network.advance(0.1)
        watch.result[0].abandon()
        self.assertGreater(len(events), 5)

    def test_not_adaptive(self) -> None:
        """Without the option nothing is written."""
        self.simulated(SimulatedCamera(self.camera_host))
        self.connect(Request(Target(CAMERA)))
        self.assertEqual(self.files(), [])

    def test_adaptive(self) -> None:
        """With it, the outcome is in the camera's file in the user's state folder."""
        self.simulated(SimulatedCamera(self.camera_host))
        self.connect(Request(Target(CAMERA), adaptive=True))
        expected = history_path(self.state / "trailcam", f"{CAMERA} LBCS-000000-CCCJJ")
        self.assertEqual(self.files(), [expected])
        (outcome,) = FileHistory(expected).recall()
        self.assertEqual((outcome.mode, outcome.succeeded), (ConnectionMode.P2P, True))

    def test_adaptive_remembers(self) -> None:
        """The next connector, in another process, uses what the first one learnt."""
        camera = self.simulated(SimulatedCamera(self.camera_host))
        request = Request(
            Target(CAMERA), adaptive=True, modes=frozenset({ConnectionMode.P2P}), max_time=9.0
        )
        self.connect(request)
        camera.stop()
        self.network.advance(0.01)
        self.camera_host.silent = True
        failure = self.connect(request)
        self.assertAlmostEqual(failure.value.report.elapsed, 1.0, places=9)

    def test_one_file_per_camera(self) -> None:
        """Address and id tell cameras apart: all TrailCams share one id."""
        self.camera_host.silent = True
        targets = (
            Target(CAMERA),
            Target("192.168.43.2"),
            Target(CAMERA, did=DeviceID("ABC", 1, "XYZ")),
            Target(CAMERA, ports=(5,)),
        )
        for target in targets:
            self.connect(Request(target, max_time=0.1, adaptive=True))
        self.assertEqual(len(self.files()), 3)

    def test_no_state_folder(self) -> None:
        """A state folder that cannot be is no reason not to connect."""
        self.state.write_text("a file")
        self.simulated(SimulatedCamera(self.camera_host))
        self.assertIsInstance(self.connect(Request(Target(CAMERA), adaptive=True)), tuple)
