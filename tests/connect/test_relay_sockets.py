"""The relay mode over real sockets: relay, agent and simulated camera, with TLS and without."""

from __future__ import annotations

import datetime
import ipaddress
import secrets
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import quoteStringArgument
from twisted.internet.ssl import PrivateCertificate
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import TestCase

from trailcam.agent.identity import Identity
from trailcam.agent.service import Post, agent_service
from trailcam.connect.relay_address import RelayAddress, check_relay
from trailcam.connect.relay_attempt import RelayAttempt
from trailcam.connect.target import Target
from trailcam.errors import AttemptFailed, RelayEnded, RelayNotUnderstood, RelayUnreachable
from trailcam.model import ConnectionMode
from trailcam.server.admission import Admission
from trailcam.server.relay import Relay
from trailcam.server.relay_ports import ENDPOINT, Place
from trailcam.session.session import Session
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.wire.did import DeviceID

LOOPBACK = "127.0.0.1"
DID = DeviceID("MYCAM", 1, "ABCDE")
NAME = "localhost"
BUDGET = 20.0  # seconds; only a machine that is stuck needs them

reactor: Any = global_reactor


class Certificate:
    """
    A self-signed certificate.

    :ivar folder: has nothing but it, so it may be a folder of trusted ones.
    """

    def __init__(self, folder: Path, name: str = NAME) -> None:
        self.folder = folder
        folder.mkdir()
        key = ec.generate_private_key(ec.SECP256R1())
        (folder / "cert.pem").write_bytes(_certificate(key, name))
        self._key = folder.with_suffix(".key")
        self._key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    @property
    def endpoint(self) -> str:
        """For a relay that has it."""
        key = quoteStringArgument(str(self._key))
        cert = quoteStringArgument(str(self.folder / "cert.pem"))
        return f"ssl:{{port}}:interface={{interface}}:privateKey={key}:certKey={cert}"

    def wrapped(self, factory: Any) -> Any:
        """``factory`` with TLS, for networks that have none of their own."""
        pems = self._key.read_bytes() + (self.folder / "cert.pem").read_bytes()
        return TLSMemoryBIOFactory(PrivateCertificate.loadPEM(pems).options(), False, factory)


def _certificate(key: ec.EllipticCurvePrivateKey, name: str) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


class SocketTestCase(TestCase):
    """A relay on free ports of this machine."""

    timeout = 60

    async def relay(self, endpoint: str = ENDPOINT) -> int:
        """Start one; the result is its port."""
        self.server = Relay(
            reactor,
            Admission.open_to_all(),
            secrets.randbits,
            Place(0, (0,), LOOPBACK, endpoint),
        )
        await self.server.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.server.stop()))
        return self.server.port

    async def agent(self, relay: RelayAddress) -> SimulatedCamera:
        """Start a camera and its agent; they are there when the relay knows them."""
        camera = SimulatedCamera(reactor, Behaviour.prompt())
        camera.start(LOOPBACK, 0, 0)
        self.addCleanup(camera.stop)
        post = Post(Target(LOOPBACK, (camera.session_port,)), Identity(DID), (), (relay,))
        agent = agent_service(reactor, post)
        agent.startService()
        self.addCleanup(agent.stopService)
        return camera

    async def connect(self, relay: RelayAddress) -> Any:
        """A link to the device; a device that is not logged in yet is asked for again."""
        while True:
            try:
                return await RelayAttempt(reactor, Target(did=DID, relay=relay)).connect(BUDGET)
            except AttemptFailed as failure:
                if failure.code != "device_offline":
                    raise

    async def fail_to_connect(self, relay: RelayAddress, kind: type[AttemptFailed]) -> str:
        """The words of the failure of this kind."""
        attempt = RelayAttempt(reactor, Target(did=DID, relay=relay))
        failure = await self.assertFailure(attempt.connect(BUDGET), kind)
        self.assertLess(failure.elapsed, BUDGET)
        return str(failure)


class PlainTests(SocketTestCase):
    """Without TLS."""

    async def test_session(self) -> None:
        """A session with a camera through agent and relay; when the relay stops, it is over."""
        relay = RelayAddress(LOOPBACK, await self.relay())
        camera = await self.agent(relay)
        link = await self.connect(relay)
        self.assertEqual((link.mode, link.peer[0]), (ConnectionMode.RELAY, LOOPBACK))
        self.assertNotEqual(link.peer[1], relay.port)
        self.assertEqual(camera.open_sessions, 1)
        session = Session(reactor, link)
        ending = session.when_closed()
        await self.server.stop()
        self.assertIn("the relay ended the connection", str(await ending))
        await session.close()

    async def test_by_name(self) -> None:
        """By the name that every machine has."""
        relay = RelayAddress(NAME, await self.relay())
        await self.agent(relay)
        await (await self.connect(relay)).abandon()

    async def test_offline(self) -> None:
        """Without an agent."""
        relay = RelayAddress(LOOPBACK, await self.relay())
        attempt = RelayAttempt(reactor, Target(did=DID, relay=relay))
        failure = await self.assertFailure(attempt.connect(BUDGET), AttemptFailed)
        self.assertEqual(failure.code, "device_offline")

    async def test_tls_where_there_is_none(self) -> None:
        """TLS with a relay that does not speak it."""
        relay = check_relay("relay", f"tls:{NAME}:{await self.relay()}")
        text = await self.fail_to_connect(relay, RelayEnded)
        self.assertIn(f"without TLS: {NAME}:", text)


class TlsTests(SocketTestCase):
    """With TLS."""

    def setUp(self) -> None:
        """A certificate."""
        self.certificate = Certificate(Path(self.mktemp()))

    def trusting(self, port: int, certificate: Certificate | None = None) -> RelayAddress:
        """A relay, and whom to trust."""
        folder = (certificate or self.certificate).folder.absolute()
        return check_relay("relay", f"tls:{NAME}:{port}:trustRoots={folder}")

    async def test_session(self) -> None:
        """Client and agent reach it, on its control port and on its data port."""
        relay = self.trusting(await self.relay(self.certificate.endpoint))
        camera = await self.agent(relay)
        link = await self.connect(relay)
        self.assertEqual(camera.open_sessions, 1)
        self.assertEqual(link.peer[0], LOOPBACK)
        await Session(reactor, link).close()

    async def test_not_trusted(self) -> None:
        """A certificate that nobody trusts, and one that somebody else has signed."""
        port = await self.relay(self.certificate.endpoint)
        other = Certificate(Path(self.mktemp()))
        for relay in (RelayAddress(NAME, port, ""), self.trusting(port, other)):
            text = await self.fail_to_connect(relay, RelayUnreachable)
            self.assertIn("is not trusted here", text)
            self.assertIn("trustRoots=", text)

    async def test_another_name(self) -> None:
        """A certificate for another name."""
        certificate = Certificate(Path(self.mktemp()), "other.example")
        relay = self.trusting(await self.relay(certificate.endpoint), certificate)
        text = await self.fail_to_connect(relay, RelayUnreachable)
        self.assertIn(f"is for another name than {NAME}", text)

    async def test_without_tls(self) -> None:
        """Who forgets TLS is told so."""
        port = await self.relay(self.certificate.endpoint)
        text = await self.fail_to_connect(RelayAddress(LOOPBACK, port), RelayEnded)
        self.assertIn(f"write tls:{LOOPBACK}:{port}", text)

    async def test_not_tls(self) -> None:
        """Something that answers TLS in clear."""
        from twisted.internet.protocol import Factory, Protocol

        class Speaker(Protocol):
            def dataReceived(self, data: bytes) -> None:
                assert self.transport is not None
                self.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        port = reactor.listenTCP(0, Factory.forProtocol(Speaker), interface=LOOPBACK)
        self.addCleanup(port.stopListening)
        relay = RelayAddress(NAME, port.getHost().port, "")
        text = await self.fail_to_connect(relay, RelayNotUnderstood)
        self.assertIn("does not speak TLS", text)
        self.assertIn(f"without TLS it is written {NAME}:", text)
