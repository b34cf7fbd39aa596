"""Tests for what :mod:`trailcam.blocking` does with a connection."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from twisted.internet.protocol import DatagramProtocol
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from tests.facade import CAMERA, ManagerTestCase
from trailcam import ParallelConnectionManager
from trailcam.errors import ReactorUnavailable
from trailcam.interfaces import IRuntime


class HoldingTests(ManagerTestCase):
    """What becomes of the connection."""

    def test_kept_alive(self) -> None:
        """Long after the camera would have given up, the connection is there."""
        camera = self.camera()
        manager = self.connected()
        self.network.advance(60)
        self.assertTrue(manager.connected)
        self.assertEqual((camera.open_sessions, camera.counters.sessions_timed_out), (1, 0))

    def test_close(self) -> None:
        """The camera is told, and the port is free when close() returns."""
        camera = self.camera()
        manager = self.connected()
        manager.close()
        self.assertFalse(manager.connected)
        self.assertEqual(list(self.phone.ports()), [])
        self.network.advance(0.01)
        self.assertEqual(camera.open_sessions, 0)
        self.assertGreaterEqual(camera.counters.sessions_closed_by_client, 1)

    def test_close_again(self) -> None:
        """The second close() does nothing, and wants no reactor."""
        self.camera()
        manager = self.connected()
        manager.close()
        asked = self.runtime.asked
        manager.close()
        self.assertEqual(self.runtime.asked, asked)

    def test_close_without_connection(self) -> None:
        """A manager that never connected wants no reactor at all."""
        self.manager().close()
        self.assertEqual(self.runtime.asked, 0)

    def test_close_after_loss(self) -> None:
        """What was lost can be closed."""
        self.camera(silent_after=0.1)
        manager = self.connected()
        self.network.advance(8)
        self.assertFalse(manager.connected)
        manager.close()
        manager.close()

    def test_doubted(self) -> None:
        """A camera that was silent for some seconds still counts as connected."""
        self.camera(silent_after=0.1)
        manager = self.connected()
        self.network.advance(5)
        self.assertTrue(manager.connected)

    def test_not_connected(self) -> None:
        """Before the first connection there is none."""
        self.assertFalse(self.manager().connected)

    def test_full_of_our_own(self) -> None:
        """Who fills the camera with connections of this process is told so."""
        self.camera(slots=1)
        self.connected()
        success, _ = self.manager(max_connection_time=1.0).connect_parallel()
        self.assertFalse(success)
        told = [line for line in self.lines.texts(logging.WARNING) if "holds connections" in line]
        self.assertEqual(len(told), 1)
        self.assertIn(": 1.", told[0])

    def test_full_of_others(self) -> None:
        """A camera that is full of others' connections is no reproach."""
        self.camera(slots=0)
        self.manager(max_connection_time=1.0).connect_parallel()
        self.assertNotIn("holds connections", " ".join(self.lines.texts(logging.WARNING)))

    def test_second_connect(self) -> None:
        """Connecting again closes what is held first: the camera has few slots."""
        camera = self.camera(slots=1)
        manager = self.manager()
        ports = []
        for _ in range(3):
            success, info = manager.connect_parallel(enable_lan=False)
            self.assertTrue(success, info)
            ports.append(info["port"])
        self.assertEqual(len(set(ports)), 3)
        self.assertEqual(camera.counters.sessions_refused_full, 0)
        self.assertEqual(camera.open_sessions, 1)

    def test_second_connect_fails(self) -> None:
        """Also when the second try fails: there is no going back."""
        camera = self.camera()
        manager = self.connected()
        self.assertFalse(manager.connect_parallel(enable_p2p=False, enable_lan=False)[0])
        self.assertFalse(manager.connected)
        self.network.advance(0.01)
        self.assertEqual(camera.open_sessions, 0)

    def test_connect_after_close(self) -> None:
        """A closed manager can connect again."""
        self.camera()
        manager = self.connected()
        manager.close()
        self.assertTrue(manager.connect_parallel()[0])
        self.assertTrue(manager.connected)

    def test_connect_after_failure(self) -> None:
        """So can one that failed."""
        manager = self.manager()
        self.assertFalse(manager.connect_parallel()[0])
        self.camera()
        self.assertTrue(manager.connect_parallel()[0])

    def test_connect_after_loss(self) -> None:
        """And one that lost its camera."""
        camera = self.camera()
        manager = self.connected()
        camera.stop()
        self.network.advance(2)
        self.assertFalse(manager.connected)
        self.cameras.clear()
        self.camera()
        self.assertTrue(manager.connect_parallel()[0])

    def test_context_manager(self) -> None:
        """Leaving the block closes; what was raised in it goes on."""
        camera = self.camera()
        manager = self.manager()
        with self.assertRaises(ZeroDivisionError), manager as entered:
            self.assertIs(entered, manager)
            self.assertTrue(manager.connect_parallel()[0])
            raise ZeroDivisionError
        self.assertFalse(manager.connected)
        self.network.advance(0.01)
        self.assertEqual(camera.open_sessions, 0)

    def test_shutdown(self) -> None:
        """When the reactor stops, the camera is told; afterwards close() has nothing to do."""
        camera = self.camera()
        manager = self.connected()
        self.phone.fireSystemEvent("shutdown")
        self.network.advance(0.01)
        self.assertEqual((camera.open_sessions, manager.connected), (0, False))
        self.runtime.refusal = ReactorUnavailable("stopped")
        manager.close()
        manager.close()

    def test_handed_over_port(self) -> None:
        """After close() another process may bind the port, as the guide's second step does."""
        self.camera()
        manager = self.manager()
        _, info = manager.connect_parallel()
        manager.close()
        self.phone.listenUDP(info["port"], DatagramProtocol()).stopListening()


@implementer(IRuntime)
class SlowRuntime:
    """
    Does nothing, as slowly as it is told.

    :ivar go: lets calls end.
    """

    reactor = None

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asking = threading.Semaphore(0)
        self.inside = threading.Semaphore(0)
        self.active = self.most = self.calls = 0
        self._lock = threading.Lock()

    def ensure_running(self) -> None:
        """Tell that a call is about to come."""
        self.asking.release()

    def call(self, function: Callable[[], Any]) -> Any:
        """Wait until told to go on."""
        with self._lock:
            self.calls += 1
            self.active += 1
            self.most = max(self.most, self.active)
        self.inside.release()
        self.go.wait(10)
        with self._lock:
            self.active -= 1
        return False, {}


class ThreadTests(SynchronousTestCase):
    """Many threads."""

    def connect(self, manager: ParallelConnectionManager) -> threading.Thread:
        """Connect in another thread."""
        thread = threading.Thread(target=manager.connect_parallel, daemon=True)
        thread.start()
        return thread

    def test_one_at_a_time(self) -> None:
        """A second caller waits for the first."""
        runtime = SlowRuntime()
        manager = ParallelConnectionManager(CAMERA, runtime=runtime)
        threads = [self.connect(manager)]
        self.assertTrue(runtime.inside.acquire(timeout=10))
        threads.append(self.connect(manager))
        for _ in range(2):
            self.assertTrue(runtime.asking.acquire(timeout=10))
        self.assertEqual(runtime.calls, 1)
        runtime.go.set()
        for thread in threads:
            thread.join(10)
        self.assertEqual((runtime.calls, runtime.most), (2, 1))

    def test_close_waits(self) -> None:
        """What is closed while another thread connects is closed after that."""
        runtime = SlowRuntime()
        manager = ParallelConnectionManager(CAMERA, runtime=runtime)
        threads = [self.connect(manager)]
        self.assertTrue(runtime.inside.acquire(timeout=10))
        closer = threading.Thread(target=manager.close, daemon=True)
        closer.start()
        for _ in range(2):
            self.assertTrue(runtime.asking.acquire(timeout=10))
        self.assertEqual(runtime.calls, 1)
        runtime.go.set()
        for thread in (*threads, closer):
            thread.join(10)
        self.assertEqual((runtime.calls, runtime.most), (2, 1))

    def test_managers_side_by_side(self) -> None:
        """Two managers do not wait for each other."""
        runtime = SlowRuntime()
        threads = [
            self.connect(ParallelConnectionManager(CAMERA, runtime=runtime)) for _ in range(2)
        ]
        for _ in range(2):
            self.assertTrue(runtime.inside.acquire(timeout=10))
        self.assertEqual(runtime.most, 2)
        runtime.go.set()
        for thread in threads:
            thread.join(10)
