"""Tests of the whole agent: with a simulated camera, and with our own client and server."""

from __future__ import annotations

from typing import Any

from twisted.logger import LogLevel

from tests.agent.rig import (
    AGENT,
    CAMERA,
    DID,
    IDENTITY,
    OTHER_CLIENT,
    RELAY,
    SECRET,
    SERVER,
    AgentTestCase,
    ScriptedPort,
)
from tests.link.rig import Peer
from trailcam.agent.identity import Identity
from trailcam.agent.registration import LOGIN_EVERY
from trailcam.agent.service import CAMERA_LIMIT, Post, agent_service
from trailcam.connect.connector import Connector
from trailcam.connect.relay_address import RelayAddress
from trailcam.connect.target import Target
from trailcam.errors import AllAttemptsFailed
from trailcam.model import ConnectionMode
from trailcam.server.admission import Admission
from trailcam.server.registry import MemoryRegistry
from trailcam.server.rendezvous import RendezvousServer
from trailcam.session.session import Session
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.testing import MemoryHost, Nat, NatKind
from trailcam.wire.codec import encode
from trailcam.wire.constants import RELAY_PORT, RENDEZVOUS_PORT, SESSION_PORT
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import (
    Alive,
    AliveAck,
    Close,
    DevLgn,
    Drw,
    DrwAck,
    LanTcpOffer,
    P2PRdy,
    PunchPkt,
    RlyPkt,
    RlyRdy,
    TcpRsStart,
)
from trailcam.wire.sockaddr import SocketAddress

MEETING = (SERVER, RENDEZVOUS_PORT)
HUB = RelayAddress(RELAY, RELAY_PORT)
PUNCH = PunchPkt(DID)

#: Seconds after a client's first word: half a packet's way apart, then the session's first second.
MOMENTS = [*(step * 0.0005 for step in range(40)), 0.05, 0.1, 0.3, 0.6, 1.0]


class ServiceTestCase(AgentTestCase):
    """An agent, and a camera on its network."""

    behaviour = Behaviour.recorded()

    def setUp(self) -> None:
        """Switch the camera on."""
        super().setUp()
        self.camera = SimulatedCamera(self.network.host(CAMERA), self.behaviour)
        self.camera.start(interface="")
        self.closers.append(self.camera.stop)
        self.log.clear()

    def agent(self, **options: Any) -> Any:
        """An agent that is logged in at its servers."""
        options = {"camera": Target(CAMERA), "identity": IDENTITY, **options}
        self.service = agent_service(self.host, Post(**options), local_address=lambda host: AGENT)
        self.started(self.service)
        self.turn()
        return self.service

    def stop(self) -> float:
        """Stop the agent; the seconds that it took until nothing of it was left."""
        stopping = self.service.stopService()
        took = self.network.run_until(lambda: stopping.called)
        self.successResultOf(stopping)
        self.assertEqual((list(self.host.ports()), list(self.host.tcp.streams)), ([], []))
        return took

    def info(self) -> list[str]:
        """What the log tells of its work."""
        return self.log.lines(LogLevel.info)


class PunchTests(ServiceTestCase):
    """A client that comes through the NATs, step by step."""

    def setUp(self) -> None:
        """Log in, and introduce a client."""
        super().setUp()
        self.server = self.rendezvous()
        self.agent(rendezvous=(MEETING,))
        self.client = self.peer()

    def come(self, client: Peer | None = None) -> Peer:
        """A client is introduced, and knocks until the camera is there."""
        client = client or self.client
        self.server.introduce(client.address)
        self.turn()
        client.say(self.server.agent, PUNCH)
        self.network.run_until(lambda: P2PRdy(DID) in client.heard)
        return client

    def test_session(self) -> None:
        """Punched, opened, proved by the camera's own P2P_RDY; its offers of TCP stay behind."""
        self.server.introduce(self.client.address)
        self.turn()
        self.client.heard.clear()
        self.client.say(self.server.agent, PUNCH, PUNCH)
        self.turn()
        self.assertEqual(self.client.heard[:2], [PUNCH, PUNCH])
        self.assertGreater(len(self.client.heard), 2)
        self.client.say(self.server.agent, Alive())
        self.turn(0.2)
        kinds = {type(message) for message in self.client.heard[2:]}
        self.assertEqual(kinds, {P2PRdy, AliveAck, Drw})
        self.assertIn(P2PRdy(DID), self.client.heard)
        self.assertNotIn(P2PRdy(TRAILCAM_DID), self.client.heard)
        self.assertNotIn(LanTcpOffer, kinds)

    def test_client_leaves(self) -> None:
        """CLOSE frees the camera's slot at once."""
        self.come()
        self.assertEqual(self.camera.open_sessions, 1)
        self.client.say(self.server.agent, Close())
        self.turn()
        self.assertEqual(self.camera.open_sessions, 0)
        self.assertIn("the client closed the session", self.info()[-1])

    def test_client_falls_silent(self) -> None:
        """A client that is gone without a word frees it within 8 s."""
        self.come()
        self.turn(8.5)
        self.assertEqual(self.camera.open_sessions, 0)
        self.assertIn(Close(), self.client.heard)

    def test_camera_is_off(self) -> None:
        """The client gets CLOSE, and the log says why."""
        self.camera.stop()
        self.network.host("192.168.43.2")
        self.turn()
        self.server.introduce(self.client.address)
        self.client.say(self.server.agent, PUNCH)
        self.turn()
        self.client.say(self.server.agent, PUNCH)
        self.turn(CAMERA_LIMIT + 0.1)
        self.assertEqual(self.client.heard[-1], Close())
        self.assertIn(f"no way to the camera: P2P and LAN: {CAMERA} refused", self.log.lines()[-1])
        self.camera.start(interface="")
        self.turn(1.0)
        self.come()

    def test_several_in_turn(self) -> None:
        """One after the other, and two at a time."""
        other = self.peer(self.network.host(OTHER_CLIENT))
        self.come()
        self.come(other)
        self.assertEqual(self.camera.open_sessions, 2)
        self.client.say(self.server.agent, Close())
        self.turn(1.5)
        self.assertEqual(self.camera.open_sessions, 1)
        self.client.heard.clear()
        self.come()
        self.assertEqual(self.camera.open_sessions, 2)

    def test_a_client_keeps_its_bridge(self) -> None:
        """Who is introduced and knocks again has its session still."""
        self.come()
        self.server.introduce(self.client.address)
        self.turn()
        self.client.say(self.server.agent, PUNCH, Alive())
        self.turn(1.0)
        self.assertEqual(self.camera.open_sessions, 1)
        self.assertIn(AliveAck(), self.client.heard)

    def test_told_in_the_log(self) -> None:
        """Each step."""
        self.come()
        self.client.say(self.server.agent, Close())
        self.turn()
        place = f"{self.client.address[0]}:{self.client.address[1]}"
        for line, words in zip(
            self.info(),
            (
                f"registered as {DID} at {SERVER}:{RENDEZVOUS_PORT}",
                f"introduced to a client at {place}",
                f"client {place} connected by punch",
                f"camera session for {place} opened in 0.",
                f"session of {place} ended after 0.",
            ),
            strict=True,
        ):
            self.assertTrue(line.startswith(words), line)

    def test_stop_in_the_middle(self) -> None:
        """Client and camera are told CLOSE, and nothing is left, at once."""
        self.come()
        self.assertLess(self.stop(), 0.1)
        self.turn()
        self.assertEqual(self.client.heard[-1], Close())
        self.assertEqual(self.camera.open_sessions, 0)

    def test_stop_at_every_moment(self) -> None:
        """Whenever it is stopped, nothing is left of it, nor of the camera's sessions."""
        for moment in MOMENTS:
            self.server.introduce(self.client.address)
            self.client.say(self.server.agent, PUNCH)
            self.turn(moment)
            self.assertLess(self.stop(), 0.1)
            self.turn()
            self.assertEqual(self.camera.open_sessions, 0)
            self.assertEqual(self.network.delayed_calls(), [])
            self.service.startService()
            self.turn()

    def test_server_restarts(self) -> None:
        """A server that forgot everything knows the agent again after the next login."""
        self.server.port.stopListening()
        self.turn()
        self.server = self.rendezvous()
        self.turn(LOGIN_EVERY)
        self.come()


class RelayTests(ServiceTestCase):
    """A client that comes through a relay, step by step."""

    def setUp(self) -> None:
        """Log in; a client waits at a data port."""
        super().setUp()
        self.control = self.relay()
        self.agent(relays=(HUB,))
        self.data = self.data_port()

    def call(self, magic: int = 7) -> ScriptedPort:
        """Call the agent, which joins the client."""
        address = SocketAddress("0.0.0.0", self.data.number)
        self.control.last.send(TcpRsStart(DID, magic, address))
        self.turn()
        self.assertIn(RlyPkt(magic, DID, is_device=True), self.data.heard)
        self.data.last.send(RlyRdy(DID))
        return self.data

    def test_session(self) -> None:
        """Joined, opened, proved by the camera's own P2P_RDY, and used."""
        data = self.call()
        self.network.run_until(lambda: P2PRdy(DID) in data.heard)
        data.last.send(Alive())
        data.last.send(Drw(0, 0, b"hello"))
        self.turn(0.2)
        self.assertIn(AliveAck(), data.heard)
        self.assertIn(DrwAck(0, (0,)), data.heard)
        self.assertIn("connected by relay", self.info()[2])

    def test_relay_is_lost(self) -> None:
        """When the relay dies in the middle, the camera's slot is free at once."""
        data = self.call()
        self.network.run_until(lambda: P2PRdy(DID) in data.heard)
        self.network.reset(self.host, self.relay_host)
        self.turn()
        self.assertEqual(self.camera.open_sessions, 0)
        self.assertIn("the client is lost: the relay ended the connection", self.info()[-1])

    def test_lost_while_opening(self) -> None:
        """So it is while the session is being opened."""
        data = self.call()
        data.last.close()
        self.turn()
        self.assertEqual(self.camera.open_sessions, 0)
        self.assertIn("got no session", self.info()[-1])

    def test_congestion(self) -> None:
        """A client that reads too slowly makes nothing pile up, and does not disturb the camera."""
        data = self.call()
        self.network.run_until(lambda: P2PRdy(DID) in data.heard)
        data.last.send(Alive())
        self.turn()
        data.last.transport.stopReading()
        [session] = list(self.host.ports())
        for index in range(500):
            piece = Drw(1, index, bytes(1024))
            session.protocol.datagramReceived(encode(piece), (CAMERA, SESSION_PORT))
        waiting = sum(len(s.dataBuffer) + s._tempDataLen for s in self.host.tcp.streams)
        self.assertLess(waiting, 2 * 65536)
        data.heard.clear()
        data.last.transport.startReading()
        self.turn(0.1)
        passed = sum(isinstance(m, Drw) and m.channel == 1 for m in data.heard)
        self.assertTrue(50 < passed < 400, passed)

    def test_stop_in_the_middle(self) -> None:
        """Client and camera are told CLOSE, and nothing is left, within about a second."""
        data = self.call()
        self.network.run_until(lambda: P2PRdy(DID) in data.heard)
        self.assertLess(self.stop(), 0.1)
        self.turn()
        self.assertEqual(data.heard[-1], Close())
        self.assertEqual(self.camera.open_sessions, 0)

    def test_stop_when_nothing_moves(self) -> None:
        """A relay that is gone without a word holds it no longer than that."""
        data = self.call()
        self.network.run_until(lambda: P2PRdy(DID) in data.heard)
        self.network.cut(self.host, self.relay_host)
        self.assertLess(self.stop(), 1.1)

    def test_stop_at_every_moment(self) -> None:
        """Whenever it is stopped, nothing is left of it, nor of the camera's sessions."""
        self.data.answer = lambda connection, message: connection.send(RlyRdy(DID))
        for magic, moment in enumerate(MOMENTS):
            address = SocketAddress("0.0.0.0", self.data.number)
            self.control.last.send(TcpRsStart(DID, magic, address))
            self.turn(moment)
            self.assertLess(self.stop(), 0.1)
            self.turn()
            self.assertEqual(self.camera.open_sessions, 0)
            self.service.startService()
            self.turn()

    def test_full(self) -> None:
        """One client more than there is room for gets CLOSE through the relay."""
        for magic in range(5):
            self.call(magic)
        self.turn()
        closed = [c for c in self.data.connections if not c.transport.connected]
        self.assertEqual(closed, self.data.connections[4:])
        self.assertEqual(self.data.heard.count(Close()), 1)


class OpenServerTests(ServiceTestCase):
    """An agent without a secret."""

    def test_plain_login(self) -> None:
        """It logs in without one."""
        server = self.rendezvous()
        self.agent(identity=Identity(DID), rendezvous=(MEETING,))
        self.assertEqual(server.count(DevLgn), 1)
        self.assertIn("registered", self.info()[0])


class EndToEndTests(ServiceTestCase):
    """Our own client and our own rendezvous server."""

    def setUp(self) -> None:
        """Start the server."""
        super().setUp()
        self.serve()
        self.agent(rendezvous=(MEETING,))

    def serve(self) -> None:
        """A rendezvous server that is open to all."""
        server = RendezvousServer(
            self.server_host, MemoryRegistry(), Admission.open_to_all(), b"a key for this test"
        )
        port = self.server_host.listenUDP(RENDEZVOUS_PORT, server)
        self.closers.append(port.stopListening)

    def connect(self, host: MemoryHost | None = None) -> Any:
        """A client's race by P2P."""
        target = Target(did=DID, rendezvous=(MEETING,), secret=SECRET)
        return Connector(host or self.client_host, target).connect([ConnectionMode.P2P])

    def test_connects(self) -> None:
        """The client finds the camera by the agent's id, and holds the session."""
        connecting = self.connect()
        self.network.run_until(lambda: connecting.called)
        link, report = self.successResultOf(connecting)
        self.assertIs(report.winner, ConnectionMode.P2P)
        session = Session(self.client_host, link)
        self.turn(30.0)
        self.assertEqual(session.state, "established")
        self.assertEqual(self.camera.open_sessions, 1)
        session.close()
        self.turn()
        self.assertEqual(self.camera.open_sessions, 0)

    def test_one_bridge_for_one_client(self) -> None:
        """However many ports the client knocks from, the camera sees one session."""
        connecting = self.connect()
        self.network.run_until(lambda: connecting.called)
        link, _ = self.successResultOf(connecting)
        session = Session(self.client_host, link)
        self.turn(3.0)
        self.assertEqual(self.camera.counters.sessions_opened, 1)
        session.close()

    def test_agent_is_stopped(self) -> None:
        """The client hears of it at once."""
        connecting = self.connect()
        self.network.run_until(lambda: connecting.called)
        session = Session(self.client_host, self.successResultOf(connecting)[0])
        self.turn(1.0)
        self.stop()
        self.turn()
        self.assertEqual(session.state, "closed")

    def test_camera_is_off(self) -> None:
        """The client is told that the way ends at the camera."""
        self.camera.stop()
        self.turn()
        connecting = self.connect()
        self.network.run_until(lambda: connecting.called)
        failure = self.failureResultOf(connecting, AllAttemptsFailed)
        self.assertIn("sent CLOSE instead of P2P_RDY", str(failure.value))

    def test_loss(self) -> None:
        """With every fifth datagram lost it connects all the same, and stays."""
        self.network.loss = 0.2
        connecting = self.connect()
        self.network.run_until(lambda: connecting.called)
        session = Session(self.client_host, self.successResultOf(connecting)[0])
        self.turn(10.0)
        self.assertIn(session.state, ("established", "probing"))
        self.network.loss = 0.0
        session.close()
        self.turn()

    def test_behind_nats(self) -> None:
        """Both behind NATs that let in only whom they were sent to."""
        agent = self.network.host("10.1.0.2", nat=Nat(NatKind.PORT_RESTRICTED, "198.18.0.1"))
        client = self.network.host("10.2.0.2", nat=Nat(NatKind.PORT_RESTRICTED, "198.18.0.2"))
        self.stop()
        self.host = agent
        self.camera.stop()
        self.camera = SimulatedCamera(agent, self.behaviour)
        self.camera.start(interface="")
        self.closers.append(self.camera.stop)
        self.agent(camera=Target("127.0.0.1"), rendezvous=(MEETING,))
        self.turn(1.0)
        connecting = self.connect(client)
        self.network.run_until(lambda: connecting.called)
        session = Session(client, self.successResultOf(connecting)[0])
        self.turn(5.0)
        self.assertEqual(session.state, "established")
        session.close()
        self.turn()
