"""A camera and its clients on a network in memory whose datagrams take no time."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol
from twisted.trial.unittest import SynchronousTestCase

from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.testing.host import MemoryHost
from trailcam.testing.network import MemoryNetwork
from trailcam.wire.codec import decode, encode
from trailcam.wire.constants import LAN_SEARCH_PORT, SESSION_PORT
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import Alive, LanSearch, LanTcpOffer, Message, P2PRdy, PunchPkt
from trailcam.wire.sockaddr import SocketAddress

CAMERA = "192.168.43.1"
PUNCH = PunchPkt(TRAILCAM_DID)
READY = P2PRdy(TRAILCAM_DID)
OFFER = LanTcpOffer(TRAILCAM_DID, SocketAddress(CAMERA, 40611))


def packet(
    direction: str, message: Message | bytes, t: float | None = None, port: int | None = None
) -> dict[str, Any]:
    """One packet of a recording."""
    octets = message if isinstance(message, bytes) else encode(message)
    return {"t": t, "dir": direction, "peer_port": port, "hex": octets.hex()}


def from_camera(message: Message | bytes, t: float | None = None) -> dict[str, Any]:
    """A packet of the camera."""
    return packet("camera", message, t)


def from_client(
    message: Message | bytes, t: float | None = None, port: int | None = None
) -> dict[str, Any]:
    """A packet of the client."""
    return packet("client", message, t, port)


class Client(DatagramProtocol):
    """
    Says what it is told, and keeps what it hears.

    :ivar heard: time, message and source port, in order.
    """

    noisy = False

    def __init__(self, host: MemoryHost) -> None:
        self.host = host
        self.heard: list[tuple[float, Message, int]] = []
        self.port = host.listenUDP(0, self)
        self.address = (host.address, self.port.getHost().port)

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        """Keep it."""
        self.heard.append((self.host.seconds(), decode(datagram), addr[1]))

    def say(self, *messages: Message | bytes, port: int = SESSION_PORT) -> None:
        """Send to the camera."""
        for message in messages:
            octets = message if isinstance(message, bytes) else encode(message)
            self.port.write(octets, (CAMERA, port))

    def search(self) -> None:
        """Ask who is there, on the search port."""
        self.say(LanSearch(), port=LAN_SEARCH_PORT)

    def kinds(self) -> list[str]:
        """The names of the messages heard."""
        return [message.type.name for _, message, _ in self.heard]

    def count(self, kind: type[Message]) -> int:
        """How many messages of a kind were heard."""
        return len(self.times(kind))

    def times(self, kind: type[Message]) -> list[float]:
        """When messages of a kind were heard."""
        return [time for time, message, _ in self.heard if type(message) is kind]

    def messages(self, kind: type[Message]) -> list[Any]:
        """The messages of a kind."""
        return [message for _, message, _ in self.heard if type(message) is kind]

    def forget(self) -> None:
        """Start to listen afresh."""
        self.heard.clear()


class RigTestCase(SynchronousTestCase):
    """A network with a host for a camera; every test must leave it quiet."""

    def setUp(self) -> None:
        """Make the network."""
        self.network = MemoryNetwork(latency=0.0)
        self.camera_host = self.network.host(CAMERA)
        self.hosts = 20
        self.clients: list[Client] = []
        self.cameras: list[Any] = []

    def tearDown(self) -> None:
        """Stop everything; nothing may be left."""
        for camera in self.cameras:
            camera.stop()
        for client in self.clients:
            client.port.stopListening()
        self.network.advance(0.0)
        self.network.assert_quiet()

    def start(self, camera: Any) -> Any:
        """Start a camera on its host, to be stopped in the end."""
        camera.start(interface="")
        self.cameras.append(camera)
        return camera

    def camera(self, behaviour: Behaviour | None = None, **options: Any) -> SimulatedCamera:
        """A started camera: as recorded with ``options``, or with a whole behaviour."""
        behaviour = Behaviour.recorded(**options) if behaviour is None else behaviour
        return self.start(SimulatedCamera(self.camera_host, behaviour))

    def client(self) -> Client:
        """One more client, on a host of its own."""
        client = Client(self.network.host(f"192.168.43.{self.hosts}"))
        self.hosts += 1
        self.clients.append(client)
        return client

    def connected(self, *, confirm: bool = True) -> Client:
        """A client with a session: punched, ready, and confirmed with an ALIVE unless told not."""
        client = self.client()
        client.say(PUNCH)
        self.network.advance(0.0)
        self.assertEqual(client.kinds()[:1], ["P2P_RDY"])
        if confirm:
            client.say(Alive())
            self.network.advance(0.0)
        client.forget()
        return client

    def result(self, deferred: Deferred[Any]) -> Any:
        """What a Deferred fires with once the network's turn is over."""
        self.network.advance(0.0)
        return self.successResultOf(deferred)
