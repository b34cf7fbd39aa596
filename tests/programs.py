"""Programs that use the facade, and cameras for them to talk to."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol

from tests.scripts import ScriptTestCase
from trailcam.interfaces import Address
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.wire.codec import decode
from trailcam.wire.messages import Message

LOOPBACK = "127.0.0.1"


SOON = 2.0  # seconds; what waits for a thread that does not end takes 5
reactor: Any = global_reactor


PRELUDE = """
import json, logging, sys, threading, time
from trailcam import ParallelConnectionManager
from trailcam.errors import CalledFromReactorThread, ReactorUnavailable
from trailcam.reactorthread import shared_runtime

logging.getLogger("ConnectionManager").addHandler(logging.NullHandler())
port = int(sys.argv[1])

def manager(host="127.0.0.1", **options):
    return ParallelConnectionManager(host, (port,), options.pop("seconds", 20.0), **options)

def tell(**verdict):
    print(json.dumps(verdict), flush=True)

def raised(function, *args):
    try:
        function(*args)
    except Exception as problem:
        return type(problem).__name__
"""


class Mute(DatagramProtocol):
    """A camera that hears everything and says nothing."""

    noisy = False

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self._waiting: list[tuple[type[Message], Deferred[None]]] = []

    def when_heard(self, kind: type[Message]) -> Deferred[None]:
        """Fires when a message of a kind has come."""
        waiter: Deferred[None] = Deferred()
        self._waiting.append((kind, waiter))
        self._look()
        return waiter

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Keep it."""
        self.heard.append(decode(datagram))
        self._look()

    def _look(self) -> None:
        for waiting in tuple(self._waiting):
            if any(isinstance(message, waiting[0]) for message in self.heard):
                self._waiting.remove(waiting)
                waiting[1].callback(None)


class ProcessTestCase(ScriptTestCase):
    """Programs that use the facade, and a camera beside them."""

    def camera(self, **behaviour: Any) -> SimulatedCamera:
        """A camera that answers without delay."""
        camera = SimulatedCamera(reactor, Behaviour.prompt(slots=64, **behaviour))
        camera.start(LOOPBACK, 0, 0)
        self.addCleanup(camera.stop)
        return camera

    def mute(self) -> tuple[Mute, int]:
        """A camera that does not answer, and its port."""
        mute = Mute()
        port = reactor.listenUDP(0, mute, interface=LOOPBACK)
        self.addCleanup(port.stopListening)
        return mute, port.getHost().port

    def assert_left(self, camera: SimulatedCamera, sessions: int = 1) -> None:
        """Everybody who had a session has said CLOSE."""
        self.assertEqual(camera.open_sessions, 0)
        self.assertGreaterEqual(camera.counters.sessions_opened, sessions)
        self.assertEqual(camera.counters.sessions_timed_out, 0)
