"""Tests of an agent to which anybody says anything."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.agent.rig import CAMERA, DID, IDENTITY, OTHER_CLIENT, AgentTestCase
from tests.agent.test_service import HUB, MEETING, PUNCH
from tests.wire.strategies import MESSAGES
from trailcam.agent.service import Post, agent_service
from trailcam.connect.target import Target
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.wire.codec import encode
from trailcam.wire.messages import Alive, AliveAck, Close, Message, P2PRdy, RlyRdy, TcpRsStart
from trailcam.wire.sockaddr import SocketAddress

#: Who speaks, and what he says.
SPEECHES = st.lists(
    st.tuples(
        st.sampled_from(["server", "client", "stranger", "control", "data"]),
        st.one_of(list(MESSAGES.values())),
    ),
    max_size=12,
)
QUICK = settings(max_examples=60, derandomize=True, database=None, deadline=None)


class HostileTests(AgentTestCase):
    """A whole agent, one client in, and noise from all sides."""

    def begin(self) -> None:
        """Start everything, with a client on each way."""
        self.camera = SimulatedCamera(self.network.host(CAMERA), Behaviour.prompt())
        self.camera.start(interface="")
        self.closers.append(self.camera.stop)
        self.server, self.control, self.data = self.rendezvous(), self.relay(), self.data_port()
        post = Post(Target(CAMERA), IDENTITY, (MEETING,), (HUB,))
        self.started(agent_service(self.host, post, local_address=lambda host: host))
        self.client, self.stranger = self.peer(), self.peer(self.network.host("198.18.0.9"))
        self.turn()
        self.server.introduce(self.client.address)
        self.turn()
        self.client.say(self.server.agent, PUNCH)
        address = SocketAddress("0.0.0.0", self.data.number)
        self.data.answer = lambda connection, message: None
        self.control.last.send(TcpRsStart(DID, 1, address))
        self.turn()
        self.data.last.send(RlyRdy(DID))
        self.turn()
        self.assertEqual(self.camera.open_sessions, 2)

    def say(self, who: str, message: Message) -> None:
        """Somebody says something; connections that are closed already cannot."""
        udp = {"server": self.server, "client": self.client, "stranger": self.stranger}
        if who in udp:
            udp[who].say(self.server.agent, message)
            return
        connection = (self.control if who == "control" else self.data).last
        if connection.transport is not None and connection.transport.connected:
            connection.transport.write(len(encode(message)).to_bytes(2, "big") + _CLEAR)
            connection.transport.write(encode(message))

    def still_works(self) -> None:
        """Another client is let in."""
        other = self.peer(self.network.host(OTHER_CLIENT))
        self.server.introduce(other.address)
        self.turn()
        other.say(self.server.agent, PUNCH, PUNCH)
        self.turn(0.1)
        other.say(self.server.agent, Alive())
        self.turn(0.1)
        self.assertIn(P2PRdy(DID), other.heard)
        self.assertIn(AliveAck(), other.heard)

    @given(SPEECHES)
    @QUICK
    def test_any_message_from_anybody(self, speeches: list[tuple[str, Message]]) -> None:
        """Nothing raises, and the next client is served."""
        self.tearDown()
        self.setUp()  # each example has a network of its own
        self.begin()
        for who, message in speeches:
            self.say(who, message)
        self.turn(0.1)
        self.still_works()

    def test_noise(self) -> None:
        """Octets that mean nothing, or almost something: counted, told a few times, and no more."""
        self.begin()
        rng = random.Random(7)
        words = [encode(message) for message in (PUNCH, P2PRdy(DID), Alive(), Close())]
        for _ in range(3000):
            octets = bytearray(rng.choice(words) + rng.randbytes(rng.randrange(40)))
            octets[rng.randrange(len(octets))] = rng.randrange(256)
            rng.choice((self.stranger, self.server)).port.write(bytes(octets), self.server.agent)
        self.turn(0.1)
        self.assertLess(len(self.log.lines()), 70)
        self.still_works()

    def test_noise_through_the_relay(self) -> None:
        """A data connection that carries nonsense ends, and the camera's slot is free."""
        self.begin()
        transport = self.data.last.transport
        assert transport is not None
        transport.write(random.Random(7).randbytes(1000))
        self.turn(0.1)
        self.assertEqual(self.camera.open_sessions, 1)
        self.still_works()


_CLEAR = b"\x68\x00\x00\x00\x00\x00"
