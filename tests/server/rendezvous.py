"""
A rendezvous server's rules without a network, and what its visitors say.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trailcam.interfaces import Address
from trailcam.server.admission import Admission, entry
from trailcam.server.proofs import KEY_SIZE, Proofs
from trailcam.server.registry import MemoryRegistry
from trailcam.server.rendezvous import RendezvousServer
from trailcam.server.rendezvous_logins import WAKE_INTERVAL
from trailcam.server.rendezvous_rules import RendezvousRules
from trailcam.wire.codec import decode
from trailcam.wire.constants import LOGIN_KEY, Result
from trailcam.wire.did import DeviceID
from trailcam.wire.dsk import dsk_from_text
from trailcam.wire.login import DSK_LOGIN, LOGIN, LOGIN_ACK, DskLogin
from trailcam.wire.messages import (
    DevLgn,
    DevLgnAck,
    DevLgnAckCrc,
    DevLgnCrc,
    DevLgnDsk,
    Message,
    P2PReq,
    P2PReqDsk,
)
from trailcam.wire.sockaddr import UNSPECIFIED, SocketAddress

DID = DeviceID("MYCAM", 1, "ABCDE")
UNKNOWN = DeviceID("MYCAM", 9, "ABCDE")
SECRET = "secret-of-the-pond"
DSK = dsk_from_text(SECRET)
WRONG_DSK = dsk_from_text("nobodys-secret")
VERSION = bytes(3)

DEVICE: Address = ("198.51.100.1", 1111)
OTHER_DEVICE: Address = ("198.51.100.2", 2222)
CLIENT: Address = ("203.0.113.7", 7777)
RELAY = SocketAddress("192.0.2.5", 65527)

DEVICE_AT_HOME = SocketAddress("192.168.1.10", 1010)
CLIENT_AT_HOME = SocketAddress("10.0.0.20", 2020)

KEY = bytes(range(KEY_SIZE))
START = 1000.0


def login(
    did: DeviceID = DID,
    dsk: bytes = DSK,
    local: SocketAddress = DEVICE_AT_HOME,
    key: str = LOGIN_KEY,
) -> DevLgnDsk:
    """A device's login with its secret."""
    return DSK_LOGIN.close(DskLogin(did, 2, VERSION, local, dsk), key)


def plain_login(did: DeviceID = DID, local: SocketAddress = DEVICE_AT_HOME) -> DevLgn:
    """A device's login without a secret, in clear."""
    return DevLgn(did, 2, VERSION, local)


def sealed_login(did: DeviceID = DID, key: str = LOGIN_KEY) -> DevLgnCrc:
    """A device's login without a secret, sealed."""
    return LOGIN.close(plain_login(did), key)


def ask(did: DeviceID = DID, local: SocketAddress = UNSPECIFIED) -> P2PReq:
    """A client's request."""
    return P2PReq(did, local)


def ask_with_secret(
    did: DeviceID = DID, dsk: bytes = DSK, local: SocketAddress = UNSPECIFIED
) -> P2PReqDsk:
    """A client's request with the device's secret."""
    return P2PReqDsk(did, local, 0, VERSION, dsk)


def result_of(answer: Message, key: str = LOGIN_KEY) -> Result:
    """What an answer says."""
    if isinstance(answer, DevLgnAckCrc):
        answer = LOGIN_ACK.open(answer, key)
    assert isinstance(answer, DevLgnAck) or hasattr(answer, "result"), answer
    return Result(answer.result)


def server_on(clock: Any) -> RendezvousServer:
    """A whole server, open to everybody, with one relay."""
    server = RendezvousServer(clock, MemoryRegistry(), Admission.open_to_all(), KEY)
    server.name_relays([RELAY])
    return server


class RulesTestCase(SynchronousTestCase):
    """
    Rules, and a time that moves when it is told to.

    :ivar sent: everything that was sent, with where it went.
    :ivar noted: what nobody honest does, as the rules noted it.
    """

    clients_show_secret = True
    open_to_all = False

    def setUp(self) -> None:
        """Make a server with one known device and one relay."""
        self.now = START
        self.sent: list[tuple[Message, Address]] = []
        self.noted: list[tuple[Address, str]] = []
        self.proofs = Proofs(KEY)
        self.registry = MemoryRegistry()
        self.rules = RendezvousRules(
            self.registry,
            self.admission(),
            self.proofs,
            lambda message, address: self.sent.append((message, address)),
            lambda peer, word: self.noted.append((peer, word)),
        )
        self.rules.name_relays([RELAY])

    def admission(self) -> Admission:
        """Who is let in."""
        if self.open_to_all:
            return Admission.open_to_all()
        path = Path(self.mktemp())
        path.write_text(entry(DID, SECRET, bytes(16)))
        return Admission.load(path, self.clients_show_secret)

    def prove(self, *peers: Address) -> None:
        """These prove their addresses."""
        for peer in peers:
            self.rules.receive(decode(self.proofs.hello_ack(peer, self.now)), peer, self.now)

    def say(self, message: Message, peer: Address) -> list[tuple[Message, Address]]:
        """Let ``peer`` say something; what is sent because of it."""
        before = len(self.sent)
        self.rules.receive(message, peer, self.now)
        return self.sent[before:]

    def result(self, message: Message, peer: Address) -> Result:
        """The result in the first answer to ``peer``."""
        answer, address = self.say(message, peer)[0]
        self.assertEqual(address, peer)
        return result_of(answer)

    def wait(self, seconds: float) -> list[tuple[Message, Address]]:
        """Let time pass; what is sent in that time."""
        before = len(self.sent)
        for _ in range(round(seconds / WAKE_INTERVAL)):
            self.now += WAKE_INTERVAL
            self.rules.wake(self.now)
        return self.sent[before:]

    def logged(self, seconds: float = WAKE_INTERVAL) -> list[str]:
        """What the log says in that time."""
        with capturedLogs() as events:
            self.wait(seconds)
        return [formatEvent(event) for event in events]

    def online(self) -> None:
        """The device and the client have proved their addresses, and the device is logged in."""
        self.prove(DEVICE, CLIENT)
        self.assertIs(self.result(login(), DEVICE), Result.OK)
