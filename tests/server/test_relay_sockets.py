"""
The relay over real sockets of this machine, with and without TLS.
"""

from __future__ import annotations

import datetime
import random
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    connectProtocol,
    quoteStringArgument,
    wrapClientTLS,
)
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tests.server.relay_rig import DID, FRAMING, READY, frame, login, request
from trailcam.server.admission import Admission
from trailcam.server.relay import Relay
from trailcam.server.relay_ports import ENDPOINT, Place
from trailcam.server.relay_rules import Limits
from trailcam.wire.messages import (
    DevLgnAckCrc,
    Message,
    RlyPkt,
    RlyPort,
    RlyPortAck,
    TcpRlyReqAck,
    TcpRsStart,
)
from trailcam.wire.stream import FrameDecoder

LOOPBACK = "127.0.0.1"
MEGABYTE = 1 << 20

reactor: Any = global_reactor


class Talker(Protocol):
    """Collects octets, and tells when there are enough."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.lost: Deferred[None] = Deferred()
        self._wanted: tuple[int, Deferred[bytes]] | None = None

    def take(self, size: int) -> Deferred[bytes]:
        """Fires with so many octets when they have come."""
        taken: Deferred[bytes] = Deferred()
        self._wanted = size, taken
        self._look()
        return taken

    def dataReceived(self, data: bytes) -> None:
        """Collect."""
        self.data += data
        self._look()

    def connectionLost(self, reason: Failure | None = None) -> None:
        """The end."""
        self.lost.callback(None)

    def _look(self) -> None:
        if self._wanted is not None and len(self.data) >= self._wanted[0]:
            size, taken = self._wanted
            self._wanted = None
            octets = bytes(self.data[:size])
            del self.data[:size]
            taken.callback(octets)


class SocketTests(TestCase):
    """Over TCP."""

    timeout = 60.0
    template = ENDPOINT

    async def setUp(self) -> None:
        """A relay with ports of the system's choice."""
        place = Place(0, (0,), LOOPBACK, self.template)
        rng = random.Random(5)
        self.talkers: list[Any] = []
        limits = Limits(controls_per_address=3, strangers=2)
        self.relay = Relay(reactor, Admission.open_to_all(), rng.getrandbits, place, limits)
        await self.relay.start()

    async def tearDown(self) -> None:
        """Stop it; nothing is left then."""
        await self.relay.stop()
        for talker in self.talkers:
            if not talker.lost.called:
                talker.transport.abortConnection()
            await talker.lost

    def endpoint(self, port: int) -> IStreamClientEndpoint:
        """The way to a port of the relay."""
        return TCP4ClientEndpoint(reactor, LOOPBACK, port)

    async def dial(self, port: int) -> Any:
        """Connect to a port."""
        talker: Talker = await connectProtocol(self.endpoint(port), Talker())
        self.talkers.append(talker)
        return talker

    async def hear(self, talker: Talker) -> Message:
        """The next message."""
        head = await talker.take(8)
        body = await talker.take(int.from_bytes(head[:2], "big"))
        [message] = FrameDecoder(FRAMING).feed(head + body)
        return message

    async def ask(self, talker: Any, message: Message) -> Message:
        """Say something; what is answered."""
        talker.transport.write(frame(message))
        return await self.hear(talker)

    async def paired(self) -> tuple[Any, Any]:
        """A client and a device."""
        control, device_control = await self.dial(self.relay.port), await self.dial(self.relay.port)
        self.assertIsInstance(await self.ask(device_control, login()), DevLgnAckCrc)
        offer = await self.ask(control, RlyPort())
        assert isinstance(offer, RlyPortAck)
        self.assertEqual(await self.ask(control, request()), TcpRlyReqAck(0))
        start = await self.hear(device_control)
        assert isinstance(start, TcpRsStart)
        self.assertEqual((start.magic, start.address.port), (offer.magic, offer.port))
        client, device = await self.dial(offer.port), await self.dial(offer.port)
        client.transport.write(frame(RlyPkt(offer.magic, DID, False)))
        device.transport.write(frame(RlyPkt(offer.magic, DID, True)))
        for talker in (client, device):
            self.assertEqual(await talker.take(len(READY)), READY)
        return client, device

    async def test_both_ways(self) -> None:
        """Megabytes pass both ways at once, unchanged."""
        client, device = await self.paired()
        up, down = (random.Random(seed).randbytes(8 * MEGABYTE) for seed in (1, 2))
        client.transport.write(up)
        device.transport.write(down)
        self.assertTrue(await device.take(len(up)) == up)
        self.assertTrue(await client.take(len(down)) == down)

    async def test_slow_reader(self) -> None:
        """A reader that reads only later gets everything, and the end after it."""
        client, device = await self.paired()
        device.transport.pauseProducing()
        octets = random.Random(3).randbytes(16 * MEGABYTE)
        client.transport.write(octets)
        device.transport.write(b"the other way is free")
        await client.take(21)
        client.transport.loseConnection()
        device.transport.resumeProducing()
        self.assertTrue(await device.take(len(octets)) == octets)
        await device.lost

    async def test_sent_away(self) -> None:
        """Those who are too many, or do not belong here, are disconnected."""
        control, *others = [await self.dial(self.relay.port) for _ in range(4)]
        await others[-1].lost
        offer = await self.ask(control, RlyPort())
        assert isinstance(offer, RlyPortAck)
        stranger, *others = [await self.dial(offer.port) for _ in range(3)]
        await stranger.lost
        others[0].transport.write(frame(RlyPkt(offer.magic ^ 1, DID, True)))
        await others[0].lost
        others[1].transport.write(b"GET / HTTP/1.1\r\n\r\n")
        await others[1].lost
        counts = self.relay.counts()
        self.assertEqual((counts["sent_away_refused"], counts["bad_magic"]), (3, 1))
        self.assertEqual(counts["too many control connections"], 1)

    async def test_stop(self) -> None:
        """When the relay stops, both hear of it."""
        client, device = await self.paired()
        await self.relay.stop()
        await client.lost
        await device.lost


class TLSTests(SocketTests):
    """The same over TLS, with a certificate of our own."""

    async def setUp(self) -> None:
        """Make the certificate."""
        folder = Path(self.mktemp())
        folder.mkdir()
        self.certificate = self_signed(folder / "key.pem", folder / "cert.pem")
        key, cert = (quoteStringArgument(str(folder / name)) for name in ("key.pem", "cert.pem"))
        self.template = f"ssl:{{port}}:privateKey={key}:certKey={cert}:interface={{interface}}"
        await super().setUp()

    def endpoint(self, port: int) -> IStreamClientEndpoint:
        """The way to a port of the relay, whose certificate is checked."""
        options = optionsForClientTLS("relay.example", self.certificate)
        endpoint: IStreamClientEndpoint = wrapClientTLS(options, super().endpoint(port))
        return endpoint


def self_signed(key_file: Path, certificate_file: Path) -> Any:
    """Write a key and a certificate for ``relay.example``; the certificate, to trust in it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay.example")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("relay.example")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    octets = certificate.public_bytes(serialization.Encoding.PEM)
    certificate_file.write_bytes(octets)
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return Certificate.loadPEM(octets)
