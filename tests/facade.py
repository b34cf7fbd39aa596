"""The blocking facade on a runtime and a network in memory."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from trailcam import ParallelConnectionManager
from trailcam.interfaces import IRuntime
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.testing import MemoryHost, MemoryNetwork

CAMERA = "192.168.43.1"


PHONE = "192.168.43.20"


THREADS = {"p2pConnectThread", "lanConnectThread", "relayConnectThread"}


@implementer(IRuntime)
class MemoryRuntime:
    """
    Lets the time of a network pass while somebody waits.

    :ivar asked: how often a reactor was wanted.
    :ivar refusal: raised when a reactor is wanted.
    """

    def __init__(self, reactor: MemoryHost) -> None:
        self.reactor = reactor
        self.asked = 0
        self.refusal: Exception | None = None

    def ensure_running(self) -> None:
        """There is one, unless there shall be none."""
        self.asked += 1
        if self.refusal is not None:
            raise self.refusal

    def call(self, function: Callable[[], Any]) -> Any:
        """Run ``function``, and let time pass until it is over."""
        results: list[Any] = []
        maybeDeferred(function).addBoth(results.append)
        self.reactor.network.run_until(lambda: results, limit=120.0)
        if isinstance(results[0], Failure):
            results[0].raiseException()
        return results[0]


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.records.append(record)

    def texts(self, level: int) -> list[str]:
        """The lines of one level."""
        return [record.getMessage() for record in self.records if record.levelno == level]


class ManagerTestCase(SynchronousTestCase):
    """A phone, a camera's host, and managers that are all closed in the end."""

    def setUp(self) -> None:
        """Make the network, without a camera."""
        self.network = MemoryNetwork(latency=0.002)
        self.phone = self.network.host(PHONE)
        self.camera_host = self.network.host(CAMERA, name="camera.local")
        self.runtime = MemoryRuntime(self.phone)
        self.logger = logging.Logger("test")
        self.lines = Lines()
        self.logger.addHandler(self.lines)
        self.managers: list[ParallelConnectionManager] = []
        self.cameras: list[SimulatedCamera] = []

    def tearDown(self) -> None:
        """Close everything; nothing may be left, not even a wish to be told of the shutdown."""
        self.runtime.refusal = None
        for manager in self.managers:
            manager.close()
        for camera in self.cameras:
            camera.stop()
        self.network.advance(0.1)
        self.network.assert_quiet()
        self.assertEqual(self.phone._events._triggers, [])

    def manager(self, camera_ip: str | None = CAMERA, **options: Any) -> ParallelConnectionManager:
        """A manager on the runtime."""
        options = {"logger": self.logger, "runtime": self.runtime, **options}
        manager = ParallelConnectionManager(camera_ip, **options)
        self.managers.append(manager)
        return manager

    def camera(self, **behaviour: Any) -> SimulatedCamera:
        """A camera that answers without delay."""
        camera = SimulatedCamera(self.camera_host, Behaviour.prompt(**behaviour))
        camera.start(interface="")
        self.cameras.append(camera)
        return camera

    def connected(self, **options: Any) -> ParallelConnectionManager:
        """A manager that holds a connection."""
        manager = self.manager(**options)
        success, info = manager.connect_parallel()
        self.assertTrue(success, info)
        return manager
