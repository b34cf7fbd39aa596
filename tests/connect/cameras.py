"""Cameras that follow a script, and a network in memory to put them on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from trailcam.connect.lan import lan_attempt
from trailcam.connect.p2p import p2p_attempt
from trailcam.connect.target import Target
from trailcam.interfaces import Address
from trailcam.testing import MemoryHost, MemoryNetwork
from trailcam.wire.codec import decode, encode
from trailcam.wire.constants import LAN_SEARCH_PORT, SESSION_PORT
from trailcam.wire.did import TRAILCAM_DID, DeviceID
from trailcam.wire.messages import LanTcpOffer, Message, P2PRdy, PunchPkt
from trailcam.wire.sockaddr import SocketAddress

CAMERA = "192.168.43.1"
CLIENT = "192.168.43.20"
OTHER_DID = DeviceID("ABCD", 7, "EFGHJ")

PUNCH = PunchPkt(TRAILCAM_DID)
READY = P2PRdy(TRAILCAM_DID)
OFFER = LanTcpOffer(TRAILCAM_DID, SocketAddress(CAMERA, SESSION_PORT))


class _Ear(DatagramProtocol):
    """One port of a camera."""

    noisy = False

    def __init__(self, hear: Callable[[bytes, Address], None]) -> None:
        self._hear = hear

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Pass on."""
        self._hear(datagram, addr)


class ScriptedCamera:
    """
    Keeps what it hears, and answers what :meth:`on` says.

    :ivar heard: time, message, client and own port of all that came, in order.
    """

    def __init__(self, host: MemoryHost, *ports: int) -> None:
        self.host = host
        self.heard: list[tuple[float, Message, Address, int]] = []
        self._rules: dict[type[Message], tuple[Sequence[Message | bytes], int | None]] = {}
        self._ports = {
            port: host.listenUDP(port, _Ear(partial(self._received, port))) for port in ports
        }

    def on(
        self, kind: type[Message], *answers: Message | bytes, from_port: int | None = None
    ) -> ScriptedCamera:
        """From now on answer each ``kind`` so, from the port that was asked or from another."""
        self._rules[kind] = (answers, from_port)
        return self

    def say(self, client: Address, *messages: Message | bytes, port: int = SESSION_PORT) -> None:
        """Send to a client, asked or not."""
        for message in messages:
            octets = message if isinstance(message, bytes) else encode(message)
            self._ports[port].write(octets, client)

    def close(self) -> None:
        """Close all ports."""
        for port in self._ports.values():
            port.stopListening()

    def kinds(self) -> list[str]:
        """The names of the messages heard."""
        return [message.type.name for _, message, _, _ in self.heard]

    def count(self, kind: type[Message]) -> int:
        """How many messages of a kind were heard."""
        return len(self.times(kind))

    def times(self, kind: type[Message]) -> list[float]:
        """When messages of a kind were heard."""
        return [time for time, message, _, _ in self.heard if type(message) is kind]

    def _received(self, port: int, datagram: bytes, client: Address) -> None:
        message = decode(datagram)
        self.heard.append((self.host.seconds(), message, client, port))
        answers, from_port = self._rules.get(type(message), ((), None))
        self.say(client, *answers, port=from_port or port)


class Watch:
    """
    What a Deferred came to, and how things stood at that moment.

    :ivar at: seconds on the clock when it settled, ``None`` before.
    :ivar ports: how many ports its host had open then.
    """

    def __init__(self, deferred: Deferred[Any], host: MemoryHost) -> None:
        self.deferred = deferred
        self.at: float | None = None
        self.ports = -1
        self.result: Any = None
        self._host = host
        deferred.addBoth(self._note)

    @property
    def error(self) -> Any:
        """The exception it failed with."""
        assert isinstance(self.result, Failure), f"no failure: {self.result!r}"
        return self.result.value

    def _note(self, result: object) -> None:
        self.result, self.at = result, self._host.seconds()
        self.ports = len(list(self._host.ports()))


class NetworkTestCase(SynchronousTestCase):
    """A client and a camera's host; every test must leave the network quiet."""

    def setUp(self) -> None:
        """Make the network."""
        self.network = MemoryNetwork()
        self.client = self.network.host(CLIENT)
        self.camera_host = self.network.host(CAMERA)
        self.closers: list[Callable[[], object]] = []

    def tearDown(self) -> None:
        """Close what was opened here; nothing else may be left."""
        for close in self.closers:
            close()
        self.network.advance(0.01)
        self.network.assert_quiet()

    def scripted(self, *ports: int, host: MemoryHost | None = None) -> ScriptedCamera:
        """A camera on the session and search ports, or on others."""
        ports = ports or (SESSION_PORT, LAN_SEARCH_PORT)
        camera = ScriptedCamera(host or self.camera_host, *ports)
        self.closers.append(camera.close)
        return camera

    def simulated(self, camera: Any) -> Any:
        """Start a simulated camera, to be stopped in the end."""
        camera.start(interface="")
        self.closers.append(camera.stop)
        return camera

    def lan(self, target: Target | None = None, **options: Any) -> Any:
        """A LAN attempt from the client to the camera's address."""
        return lan_attempt(self.client, target or Target(CAMERA), **options)

    def p2p(self, target: Target | None = None, **options: Any) -> Any:
        """A P2P attempt from the client to the camera's address."""
        return p2p_attempt(self.client, target or Target(CAMERA), **options)

    def watch(self, deferred: Deferred[Any]) -> Watch:
        """See what becomes of it."""
        return Watch(deferred, self.client)

    def won(self, watch: Watch) -> Any:
        """The link a watched attempt came to; abandoned when the test is over."""
        if isinstance(watch.result, Failure):
            watch.result.raiseException()
        self.assertIsNotNone(watch.result, "still trying")
        self.closers.append(watch.result.abandon)
        return watch.result

    def sent(self, kind: type[Message]) -> list[tuple[float, Address]]:
        """When and whereto the client sent messages of a kind."""
        return [
            (datagram.sent_at, datagram.destination)
            for datagram in self.network.log
            if datagram.source[0] == CLIENT and type(decode(datagram.payload)) is kind
        ]
