"""A simulated camera's ports: start, stop, and what the system refuses."""

from __future__ import annotations

import errno
import os

from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol

from tests.simulator.rig import PUNCH, RigTestCase
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.wire.constants import LAN_SEARCH_PORT, SESSION_PORT
from trailcam.wire.messages import Alive, AliveAck, Close, LanSearch, LanTcpOffer


class PortTests(RigTestCase):
    """The numbers of the ports."""

    def test_usual(self) -> None:
        """The usual ports are those of real cameras; there is no other answer port."""
        camera = SimulatedCamera(self.camera_host)
        numbers = (camera.search_port, camera.session_port, camera.answer_port)
        self.assertEqual(numbers, (0, 0, 0))
        self.start(camera)
        numbers = (camera.search_port, camera.session_port, camera.answer_port)
        self.assertEqual(numbers, (LAN_SEARCH_PORT, SESSION_PORT, SESSION_PORT))

    def test_loopback(self) -> None:
        """Without an interface named it listens to its own machine only."""
        camera = SimulatedCamera(self.camera_host)
        camera.start()
        self.cameras.append(camera)
        hosts = {port.getHost().host for port in self.camera_host.ports()}
        self.assertEqual(hosts, {"127.0.0.1"})

    def test_any_free(self) -> None:
        """Port 0 means any free one, and the number is known."""
        camera, client = SimulatedCamera(self.camera_host), self.client()
        camera.start("", 0, 0)
        self.cameras.append(camera)
        self.assertNotIn(0, (camera.search_port, camera.session_port))
        client.say(LanSearch(), port=camera.search_port)
        self.network.advance(0.0)
        self.assertEqual([port for _, _, port in client.heard], [camera.session_port])

    def test_answer_port(self) -> None:
        """With an answer port, everything comes from there, and it has the sessions."""
        camera, client = self.camera(answer_port=4711), self.client()
        self.assertEqual(camera.answer_port, 4711)
        client.search()
        client.say(PUNCH)
        self.network.advance(0.35)
        client.say(Alive(), port=4711)
        self.network.advance(0.0)
        self.assertEqual({port for _, _, port in client.heard}, {4711})
        self.assertEqual(client.messages(LanTcpOffer)[0].address.port, 4711)
        self.assertEqual(client.count(AliveAck), 1)
        self.assertEqual(camera.open_sessions, 1)

    def test_answer_port_any_free(self) -> None:
        """The answer port may be any free one."""
        camera = self.camera(answer_port=0)
        self.assertNotIn(camera.answer_port, (0, camera.session_port, camera.search_port))

    def test_taken(self) -> None:
        """When one port is taken the failure comes out, and none stays open."""
        other = self.camera_host.listenUDP(SESSION_PORT, DatagramProtocol())
        camera = SimulatedCamera(self.camera_host)
        with self.assertRaises(CannotListenError):
            camera.start("")
        other.stopListening()
        self.network.advance(0.0)
        self.assertEqual(list(self.camera_host.ports()), [])
        self.start(camera)

    def test_started_twice(self) -> None:
        """A camera that runs cannot be started; it runs on."""
        camera = self.camera()
        with self.assertRaises(RuntimeError):
            camera.start("")
        self.connected()


class StopTests(RigTestCase):
    """The end of a camera, and its second life."""

    def test_tells_clients(self) -> None:
        """Clients in every state get CLOSE; ports and timers are gone."""
        camera = self.camera()
        clients = [self.connected(), self.connected(confirm=False), self.client()]
        clients[2].say(LanSearch(), PUNCH)
        self.network.advance(0.1)
        self.assertEqual(camera.open_sessions, 3)
        self.result(camera.stop())
        self.assertEqual([client.kinds()[-1] for client in clients], ["CLOSE"] * 3)
        self.assertEqual((camera.open_sessions, camera.counters.sessions_closed_by_camera), (0, 3))
        self.assertEqual(list(self.camera_host.ports()), [])
        self.assertEqual(self.network.delayed_calls(), [])

    def test_silent_session(self) -> None:
        """A session that plays dead gets no CLOSE, and leaves nothing behind."""
        camera = self.camera(silent_after=0.5)
        client = self.connected()
        self.network.advance(1.0)
        client.forget()
        self.result(camera.stop())
        self.assertEqual((client.heard, self.network.delayed_calls()), ([], []))

    def test_unused(self) -> None:
        """A camera that never ran, or was stopped, can be stopped."""
        camera = SimulatedCamera(self.camera_host)
        self.assertIsNone(self.result(camera.stop()))
        self.start(camera)
        self.result(camera.stop())
        self.assertIsNone(self.result(camera.stop()))

    def test_twice_at_once(self) -> None:
        """A second stop waits for the same ports; until they are gone there is no new start."""
        camera = self.camera()
        stopping = [camera.stop(), camera.stop()]
        self.assertNoResult(stopping[0])
        self.assertNoResult(stopping[1])
        self.assertRaises(RuntimeError, camera.start, "")
        for stopped in stopping:
            self.assertIsNone(self.result(stopped))
        camera.start("")

    def test_again(self) -> None:
        """It can be started again; nothing of the first life is left but the totals."""
        camera = self.camera()
        client = self.client()
        client.search()
        self.network.advance(0.0)
        self.result(camera.stop())
        camera.start("")
        client.forget()
        client.say(PUNCH)
        self.network.advance(0.0)
        self.assertEqual(client.kinds(), ["P2P_RDY"])
        self.assertEqual((camera.counters.searches, camera.counters.sessions_opened), (1, 1))


class RefusalTests(RigTestCase):
    """The system may refuse to send."""

    def test_counted(self) -> None:
        """A refused datagram is counted; the session goes on."""
        camera = self.camera(Behaviour.prompt())
        client = self.connected()
        self.camera_host.write_error = OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        client.say(Alive())
        self.network.advance(0.0)
        self.assertGreaterEqual(camera.counters.unsendable, 1)
        self.camera_host.write_error = None
        client.say(Alive())
        self.network.advance(0.0)
        self.assertEqual((client.count(AliveAck), client.count(Close)), (1, 0))
