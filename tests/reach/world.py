"""
A world in memory: a camera with an agent beside it, a client somewhere else, and a public machine
with a rendezvous server and a relay.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from trailcam.agent.identity import Identity
from trailcam.agent.service import Post, agent_service
from trailcam.connect.connector import Connector
from trailcam.connect.events import RaceEvent
from trailcam.connect.policy import WeightedPolicy
from trailcam.connect.relay_address import RelayAddress
from trailcam.connect.target import Target
from trailcam.errors import AllAttemptsFailed
from trailcam.interfaces import ILink
from trailcam.model import AttemptReport, ConnectionMode, Report
from trailcam.server.admission import Admission, entry
from trailcam.server.proofs import KEY_SIZE
from trailcam.server.registry import MemoryRegistry
from trailcam.server.relay import Relay
from trailcam.server.rendezvous import RendezvousServer
from trailcam.session.session import Session
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.testing import MemoryNetwork, Nat, NatKind
from trailcam.wire.constants import RELAY_PORT, RENDEZVOUS_PORT
from trailcam.wire.did import DeviceID
from trailcam.wire.dsk import dsk_from_text
from trailcam.wire.sockaddr import SocketAddress

PUBLIC = "203.0.113.1"
HOME, FIELD = "198.51.100.1", "198.51.100.2"
CLIENT, AGENT, CAMERA = "10.0.0.2", "192.168.43.20", "192.168.43.1"
DID = DeviceID("MYCAM", 1, "ABCDE")
SECRET = "a-secret-of-24-octets-ok"
P2P, RELAY = ConnectionMode.P2P, ConnectionMode.RELAY


class World(SynchronousTestCase):
    """
    Puts the parts up as the tests ask, and takes them down.

    :ivar camera: a prompt one, unless :meth:`field` is told otherwise.
    """

    def setUp(self) -> None:
        """A network with a public machine, and nothing on it yet."""
        self.network = MemoryNetwork(latency=0.01)
        self.public = self.network.host(PUBLIC)
        self.client = self.public
        self.events: list[RaceEvent] = []
        self._closers: list[Any] = []

    def tearDown(self) -> None:
        """Take everything down, the last first; nothing may be left."""
        while self._closers:
            close = self._closers.pop()
            close()
            self.network.advance(2.0)
        self.network.advance(2.0)
        self.network.assert_quiet()

    def admission(self) -> Admission:
        """One device, whose secret clients have to show, too."""
        file = Path(self.mktemp())
        file.write_text(entry(DID, SECRET, b"salt" * 4) + "\n")
        return Admission.load(file)

    def rendezvous(self, *, relays: bool = False) -> None:
        """Start the rendezvous server."""
        key = bytes(range(KEY_SIZE))
        server = RendezvousServer(self.public, MemoryRegistry(), self.admission(), key)
        if relays:
            server.name_relays([SocketAddress(PUBLIC, RELAY_PORT)])
        self._closers.append(self.public.listenUDP(RENDEZVOUS_PORT, server).stopListening)

    def relay(self) -> Any:
        """Start the relay; the result stops it."""
        relay = Relay(self.public, self.admission(), random.Random(7).getrandbits)
        Deferred.fromCoroutine(relay.start())
        self.network.advance(0.0)

        def stop() -> None:
            Deferred.fromCoroutine(relay.stop())

        self._closers.append(stop)
        return stop

    def field(
        self,
        nat: NatKind | None,
        *,
        rendezvous: bool = True,
        relay: bool = True,
        behaviour: Behaviour | None = None,
        secret: str = SECRET,
        public: str = FIELD,
    ) -> None:
        """Put up the camera and the agent, and let the agent log in."""
        wall = None if nat is None else Nat(nat, public)
        self.agent_host = self.network.host(AGENT if wall else public, nat=wall)
        camera_host = self.network.host(CAMERA, nat=wall)
        self.camera = SimulatedCamera(camera_host, behaviour or Behaviour.prompt())
        self.camera.start(interface="")
        self._closers.append(self.camera.stop)
        post = Post(
            camera=Target(CAMERA),
            identity=Identity(DID, dsk_from_text(secret)),
            rendezvous=((PUBLIC, RENDEZVOUS_PORT),) if rendezvous else (),
            relays=(RelayAddress(PUBLIC, RELAY_PORT),) if relay else (),
        )
        agent: Any = agent_service(
            self.agent_host, post, local_address=lambda _: self.agent_host.address
        )
        agent.startService()
        self._closers.append(agent.stopService)
        self.network.advance(1.0)

    def home(self, nat: NatKind | None) -> None:
        """Put up the client's machine."""
        wall = None if nat is None else Nat(nat, HOME)
        self.client = self.network.host(CLIENT if wall else HOME, nat=wall)

    def target(self, **changes: Any) -> Target:
        """What the client knows."""
        known: dict[str, Any] = {
            "did": DID,
            "rendezvous": ((PUBLIC, RENDEZVOUS_PORT),),
            "relay": RelayAddress(PUBLIC, RELAY_PORT),
            "secret": dsk_from_text(SECRET),
        }
        return Target(**{**known, **changes})

    def connecting(
        self,
        *modes: ConnectionMode,
        target: Target | None = None,
        weights: dict[ConnectionMode, float] | None = None,
        max_time: float = 15.0,
    ) -> Deferred[tuple[ILink, Report]]:
        """Start a race from the client's machine; by default P2P with a head start."""
        connector = Connector(
            self.client,
            target or self.target(),
            policy=WeightedPolicy(weights or {P2P: 1.0, RELAY: 0.2}),
            max_time=max_time,
            observer=self.events.append,
        )
        return connector.connect(modes or (P2P, RELAY))

    def outcome(self, connecting: Deferred[Any], limit: float = 31.0) -> Any:
        """What a race came to."""
        results: list[Any] = []
        connecting.addBoth(results.append)
        self.network.run_until(lambda: results, limit)
        return results[0]

    def connected(self, connecting: Deferred[Any]) -> tuple[Session, Report]:
        """The session of a race that was won; closed in the end."""
        result = self.outcome(connecting)
        if isinstance(result, Failure):
            result.raiseException()
        link, report = result
        session = Session(self.client, link)
        self._closers.append(session.close)
        return session, report

    def refused(self, connecting: Deferred[Any]) -> dict[ConnectionMode, AttemptReport]:
        """What each mode came to in a race that nobody won."""
        result = self.outcome(connecting)
        self.assertIsInstance(result, Failure)
        self.assertIsInstance(result.value, AllAttemptsFailed)
        return {attempt.mode: attempt for attempt in result.value.report.attempts}
