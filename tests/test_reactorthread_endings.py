"""Tests for how programs end that use the facade: the camera is told in all of them."""

from __future__ import annotations

import sys
from typing import Any
from unittest import skipIf

from tests.programs import LOOPBACK, PRELUDE, SOON, ProcessTestCase, reactor
from tests.scripts import Script
from trailcam.wire.messages import Close, Message

INTERRUPTED_CONNECTING = """
m = manager()
try:
    m.connect_parallel()
except KeyboardInterrupt:
    tell(interrupted=True, connected=m.connected)
"""


HOLDING = """
m = manager()
success, info = m.connect_parallel()
tell(connected=m.connected)
threading.Event().wait()
"""


EXIT_WHILE_HOLDING = """
m = manager(sys.argv[2])
success, info = m.connect_parallel()
tell(connected=m.connected)
"""


EXIT_BEFORE_A_WORKER = """
def work():
    threading.main_thread().join()
    m = manager()
    success, info = m.connect_parallel()
    tell(connected=m.connected)

threading.Thread(target=work).start()
"""

STUCK_RESOLVER = """
import socket
from threading import Event
asked = Event()
def never(*args, **kwargs):
    asked.set()
    Event().wait()
socket.getaddrinfo = never
"""


EXIT_DURING_A_LOOKUP = """
import trailcam.reactorthread
trailcam.reactorthread._JOIN_SECONDS = 0.5
m = manager()
success, info = m.connect_parallel()
failed, why = manager("camera.invalid", seconds=0.2).connect_parallel()
tell(connected=m.connected, asked=asked.is_set(), failed=not failed)
"""


class EndingTests(ProcessTestCase):
    """Programs that end in their own ways: the camera is told in all of them."""

    async def ended(self, script: Script) -> Any:
        """The verdict of a program that ends soon after telling it, without complaints."""
        await script.when_printed("\n")
        began = reactor.seconds()
        finished = await script.ended
        self.assertLess(reactor.seconds() - began, SOON)
        self.assertEqual((finished.status, finished.errors), (0, ""), finished)
        return finished.verdict()

    async def test_interrupted_connecting(self) -> None:
        """Ctrl-C while nobody answers: KeyboardInterrupt, and CLOSE to whom we had asked."""
        mute, port = self.mute()
        script = self.start(PRELUDE + INTERRUPTED_CONNECTING, port)
        await mute.when_heard(Message)
        script.interrupt()
        finished = await script.ended
        self.assertEqual((finished.status, finished.errors), (0, ""), finished)
        self.assertEqual(finished.verdict(), {"interrupted": True, "connected": False})
        assert finished.dying is not None
        self.assertLess(finished.dying, SOON)
        await mute.when_heard(Close)

    async def test_interrupted_holding(self) -> None:
        """Ctrl-C while a connection is held: the program dies of it, the camera is told."""
        camera = self.camera()
        script = self.start(PRELUDE + HOLDING, camera.session_port)
        await script.when_printed("connected")
        script.interrupt()
        finished = await script.ended
        self.assertIsNone(finished.status)
        self.assertIn("KeyboardInterrupt", finished.errors)
        self.assertEqual(finished.verdict(), {"connected": True})
        assert finished.dying is not None
        self.assertLess(finished.dying, SOON)
        self.assert_left(camera)

    async def test_exit_while_holding(self) -> None:
        """A program that just ends: the camera is told, and nothing hangs."""
        camera = self.camera()
        script = self.start(PRELUDE + EXIT_WHILE_HOLDING, camera.session_port, LOOPBACK)
        self.assertEqual(await self.ended(script), {"connected": True})
        self.assert_left(camera)

    @skipIf((3, 12, 0) <= sys.version_info < (3, 12, 4), "this Python starts no thread then")
    async def test_exit_before_a_worker(self) -> None:
        """A thread that goes on when the main thread has ended can connect all the same."""
        camera = self.camera()
        script = self.start(PRELUDE + EXIT_BEFORE_A_WORKER, camera.session_port)
        self.assertEqual(await self.ended(script), {"connected": True})
        self.assert_left(camera)

    async def test_exit_after_a_name(self) -> None:
        """Threads that looked up a name do not keep a program from ending."""
        camera = self.camera()
        script = self.start(PRELUDE + EXIT_WHILE_HOLDING, camera.session_port, "localhost")
        self.assertEqual(await self.ended(script), {"connected": True})
        self.assert_left(camera)

    async def test_exit_during_a_lookup(self) -> None:
        """Not even a lookup that never ends: after a while the program ends without it."""
        camera = self.camera()
        source = STUCK_RESOLVER + PRELUDE + EXIT_DURING_A_LOOKUP
        verdict = await self.ended(self.start(source, camera.session_port))
        self.assertEqual(verdict, {"connected": True, "asked": True, "failed": True})
        self.assert_left(camera)
