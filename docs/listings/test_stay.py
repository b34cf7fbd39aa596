"""Tests of stay.py: a camera that leaves, falls silent, is late, or has a bad network."""

from stay import PAUSE, Stay
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from trailcam import Target
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.testing import MemoryNetwork

CAMERA = "192.168.43.1"


class StayTests(SynchronousTestCase):
    def setUp(self):
        self.network = MemoryNetwork(seed=1)
        self.camera_host = self.network.host(CAMERA)
        phone = self.network.host("192.168.43.20")
        self.told = []
        stay = Stay(phone, Target(CAMERA), self.told.append)
        self.running = Deferred.fromCoroutine(stay.run())
        self.running.addErrback(lambda _: None)  # we cancel it ourselves
        self.camera = None

    def tearDown(self):
        self.running.cancel()
        self.network.advance(1.0)
        if self.camera is not None:
            self.camera.stop()
        self.network.advance(1.0)
        self.network.assert_quiet()  # no port, no timer, no datagram is left

    def start_camera(self, **faults):
        self.camera = SimulatedCamera(self.camera_host, Behaviour.recorded(**faults))
        self.camera.start(interface="")

    def test_connects(self):
        self.start_camera()
        self.network.advance(1.0)
        self.assertEqual(self.told, [f"connected to {CAMERA}"])

    def test_is_kept_alive(self):
        self.start_camera()
        self.network.advance(600.0)
        self.assertEqual(self.camera.counters.sessions_timed_out, 0)
        self.assertEqual(self.told, [f"connected to {CAMERA}"])

    def test_camera_leaves(self):
        self.start_camera(close_after=10.0)
        self.network.advance(10.1 + PAUSE + 1.0)
        self.assertEqual(
            self.told,
            [
                f"connected to {CAMERA}",
                "gone: the camera closed the session",
                f"connected to {CAMERA}",
            ],
        )

    def test_camera_falls_silent(self):
        self.start_camera(silent_after=10.0)
        self.network.advance(10.0 + 8.0)
        self.assertEqual(self.told[1:], ["gone: the camera has been silent for 7.0 s"])

    def test_camera_is_late(self):
        self.network.advance(60.0)
        self.assertTrue(all(line.startswith("not connected") for line in self.told))
        self.start_camera()
        self.network.advance(PAUSE + 1.0)
        self.assertEqual(self.told[-1], f"connected to {CAMERA}")

    def test_every_third_datagram_is_lost(self):
        self.network.loss = 0.33
        self.start_camera()
        self.network.run_until(lambda: self.told, limit=10.0)
        self.assertEqual(self.told, [f"connected to {CAMERA}"])
