"""
A relay on a network in memory, with those who talk to it.
"""

from __future__ import annotations

import random
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import LogEvent, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from trailcam.server.admission import Admission, entry
from trailcam.server.relay import Relay
from trailcam.server.relay_ports import Place
from trailcam.server.relay_rules import Limits
from trailcam.testing import MemoryHost, MemoryNetwork
from trailcam.wire.constants import LOGIN_KEY
from trailcam.wire.did import DeviceID
from trailcam.wire.dsk import dsk_from_text
from trailcam.wire.login import DSK_LOGIN, LOGIN_ACK, DskLogin
from trailcam.wire.messages import (
    DevLgnAckCrc,
    DevLgnDsk,
    Message,
    RlyPkt,
    RlyPort,
    RlyPortAck,
    RlyRdy,
    TcpRlyReq,
    TcpRlyReqAck,
    TcpRsStart,
)
from trailcam.wire.sockaddr import UNSPECIFIED
from trailcam.wire.stream import ClearFraming, FrameDecoder, encode_frame

RELAY, CLIENT, DEVICE, STRANGER = "198.51.100.1", "203.0.113.20", "192.0.2.40", "192.0.2.66"
CONTROL = 65527
DID = DeviceID("MYCAM", 1, "ABCDE")
OTHER_DID = DeviceID("MYCAM", 2, "ABCDE")
SECRET = "a-secret-of-24-octets-ok"
DSK = dsk_from_text(SECRET)
FRAMING = ClearFraming()

M = TypeVar("M", bound=Message)


def frame(message: Message) -> bytes:
    """A message as the relay reads and writes it."""
    return encode_frame(message, FRAMING)


READY = frame(RlyRdy(DID))


def login(did: DeviceID = DID, dsk: bytes = DSK, key: str = LOGIN_KEY) -> DevLgnDsk:
    """A device's login."""
    return DSK_LOGIN.close(DskLogin(did, 0, bytes(3), UNSPECIFIED, dsk), key)


def request(did: DeviceID = DID) -> TcpRlyReq:
    """A client asks for a device."""
    return TcpRlyReq(did, UNSPECIFIED)


class Party(Protocol):
    """
    Somebody who talks to the relay.

    :ivar data: the octets that came.
    :ivar lost: why the connection ended, if it did.
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self.lost: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.data += data

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Keep why."""
        self.lost = reason

    def take(self) -> bytes:
        """What came since the last time."""
        data = bytes(self.data)
        self.data.clear()
        return data


class RelayCase(SynchronousTestCase):
    """Has a relay that is open to all, unless a test says otherwise."""

    def setUp(self) -> None:
        """Hosts, and a relay that is started by the first who needs it."""
        self.network = MemoryNetwork()
        self.host = self.network.host(RELAY)
        self.client_host = self.network.host(CLIENT)
        self.device_host = self.network.host(DEVICE)
        self.stranger_host = self.network.host(STRANGER)
        self.relay = self.start()
        self.addCleanup(self.finish)

    def start(
        self, admission: Admission | None = None, place: Place | None = None, **limits: Any
    ) -> Relay:
        """Start a relay, in the place of the one that runs."""
        if hasattr(self, "relay"):
            self.stop()
        rng = random.Random(20)
        self.relay = Relay(
            self.host,
            admission or Admission.open_to_all(),
            rng.getrandbits,
            place or Place(CONTROL),
            Limits(**limits),
        )
        self.successResultOf(Deferred.fromCoroutine(self.relay.start()))
        return self.relay

    def stop(self) -> None:
        """Stop the relay; that takes a second at most."""
        stopping = Deferred.fromCoroutine(self.relay.stop())
        self.network.advance(2.0)
        self.successResultOf(stopping)

    def finish(self) -> None:
        """Nothing is left behind, on any host."""
        self.stop()
        self.network.advance(1.0)
        self.network.assert_quiet()

    def closed_relay(self, clients_show_secret: bool = True, **limits: Any) -> Relay:
        """A relay that knows one device."""
        path = self.mktemp()
        with open(path, "w", encoding="utf-8") as devices:
            devices.write(entry(DID, SECRET, b"saltsalt") + "\n")
        return self.start(Admission.load(path, clients_show_secret), **limits)

    # talking

    def dial(self, host: MemoryHost, port: int = CONTROL) -> Party:
        """Connect to the relay."""
        endpoint = TCP4ClientEndpoint(host, RELAY, port)
        connecting: Deferred[Party] = endpoint.connect(Factory.forProtocol(Party))
        self.network.advance(0.1)
        return self.successResultOf(connecting)

    def refused(self, host: MemoryHost, port: int) -> bool:
        """Whether nobody listens there."""
        endpoint = TCP4ClientEndpoint(host, RELAY, port)
        connecting = endpoint.connect(Factory.forProtocol(Party))
        self.network.advance(0.1)
        failed = isinstance(connecting.result, Failure)
        connecting.addErrback(lambda _: None)
        return failed

    def say(self, party: Party, *messages: Message | bytes) -> None:
        """Send messages, or octets, in one piece."""
        octets = (each if isinstance(each, bytes) else frame(each) for each in messages)
        assert party.transport is not None
        party.transport.write(b"".join(octets))
        self.network.advance(0.1)

    def heard(self, party: Party) -> list[Message]:
        """The messages that came since the last time."""
        return FrameDecoder(FRAMING).feed(party.take())

    def ask(self, party: Party, message: Message, kind: type[M]) -> M:
        """Send a message; the one answer to it."""
        self.say(party, message)
        [answer] = self.heard(party)
        assert isinstance(answer, kind)
        return answer

    # usual beginnings

    def logged_in(self, host: MemoryHost | None = None) -> Party:
        """A device that is logged in."""
        device = self.dial(host or self.device_host)
        self.assertEqual(self.result(self.ask(device, login(), DevLgnAckCrc)), 0)
        return device

    def result(self, ack: DevLgnAckCrc) -> int:
        """The result of a login."""
        return LOGIN_ACK.open(ack, LOGIN_KEY).result

    def offered(self, host: MemoryHost | None = None) -> tuple[Party, RlyPortAck]:
        """A client that got a data port."""
        client = self.dial(host or self.client_host)
        offer = self.ask(client, RlyPort(), RlyPortAck)
        self.assertNotEqual(offer.port, 0)
        return client, offer

    def named(self) -> tuple[Party, RlyPortAck]:
        """A client that named a device that is not logged in."""
        client, offer = self.offered()
        self.ask(client, request(), TcpRlyReqAck)
        return client, offer

    def join(
        self, offer: RlyPortAck, is_device: bool, host: MemoryHost | None = None, **changes: Any
    ) -> Party:
        """Somebody comes to the data port."""
        party = self.dial(host or (self.device_host if is_device else self.client_host), offer.port)
        self.say(
            party, RlyPkt(changes.get("magic", offer.magic), changes.get("did", DID), is_device)
        )
        return party

    def paired(self) -> tuple[Party, Party]:
        """A client and a device, joined as it is meant; their control connections have ended."""
        device_control = self.logged_in()
        control, offer = self.offered()
        self.ask(control, request(), TcpRlyReqAck)
        [start] = self.heard(device_control)
        assert isinstance(start, TcpRsStart)
        self.assertEqual((start.did, start.magic), (DID, offer.magic))
        client = self.join(offer, is_device=False)
        device = self.join(RlyPortAck(start.magic, start.address.port), is_device=True)
        self.assertEqual((client.take(), device.take()), (READY, READY))
        for party in (control, device_control):
            self.hang_up(party)
        return client, device

    def hang_up(self, party: Party) -> None:
        """Close a connection from its far end."""
        assert party.transport is not None
        party.transport.loseConnection()
        self.network.advance(0.1)

    def ends(self, *parties: Party) -> None:
        """Check that the relay closed these."""
        self.network.advance(0.1)
        self.assertEqual([party for party in parties if party.lost is None], [])

    def count(self, name: str) -> int:
        """What the relay counted."""
        return self.relay.counts().get(name, 0)


def pair_lines(events: list[LogEvent]) -> list[str]:
    """What the log says of pairs."""
    return [line for line in map(formatEvent, events) if line.startswith("pair for")]
