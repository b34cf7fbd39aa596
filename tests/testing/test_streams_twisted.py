"""
Tests for TCP in memory: Twisted's endpoints and services on top of it.
"""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL.crypto import X509, PKey
from twisted.application.internet import ClientService
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    clientFromString,
    serverFromString,
    wrapClientTLS,
)
from twisted.internet.error import (
    ConnectBindError,
    ConnectingCancelledError,
    ConnectionRefusedError,
    DNSLookupError,
    NoRouteError,
    TimeoutError,
)
from twisted.internet.interfaces import IReactorTCP
from twisted.internet.protocol import Factory
from twisted.internet.ssl import Certificate, CertificateOptions, optionsForClientTLS
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface.verify import verifyObject

from tests.testing.case import A, B
from tests.testing.stream_case import StreamTestCase
from tests.testing.streams import Maker, Talker


class TwistedTests(StreamTestCase):
    """Endpoints and services take a host for a reactor."""

    def test_interface(self) -> None:
        """A host says that it provides TCP."""
        verifyObject(IReactorTCP, self.client)

    def test_endpoints(self) -> None:
        """All ways to name a port lead there."""
        server = Maker()
        port = self.successResultOf(TCP4ServerEndpoint(self.server, 80).listen(server))
        for endpoint in (
            TCP4ClientEndpoint(self.client, B, 80),
            HostnameEndpoint(self.client, "server", 80),
            HostnameEndpoint(self.client, B, 80),
            clientFromString(self.client, "tcp:server:80"),
            clientFromString(self.client, f"tcp:{B}:80:timeout=5:bindAddress={A}"),
        ):
            connected = endpoint.connect(Factory.forProtocol(Talker))
            self.network.advance(3.0)
            client: Talker = self.successResultOf(connected)
            self.assertEqual(client.transport.getPeer().port, 80)
            client.transport.loseConnection()
            self.network.advance(3.0)
        self.assertEqual(server.events, ["start", *["build"] * 5])
        port.stopListening()

    def test_server_from_string(self) -> None:
        """A server may be described by a string."""
        endpoint = serverFromString(self.server, f"tcp:0:interface={B}")
        port = self.successResultOf(endpoint.listen(Maker()))
        self.assertEqual(port.getHost().host, B)
        port.stopListening()

    def test_failures(self) -> None:
        """An endpoint fails with what the connection failed with."""
        self.network.unreachable.add("10.9.9.9")
        for to, bind, kind in (
            (B, None, ConnectionRefusedError),
            ("10.9.9.8", None, TimeoutError),
            ("10.9.9.9", None, NoRouteError),
            (B, (B, 1), ConnectBindError),
        ):
            endpoint = TCP4ClientEndpoint(self.client, to, 81, timeout=5, bindAddress=bind)
            result = endpoint.connect(Maker())
            self.network.advance(5.0)
            self.failureResultOf(result, kind)
        result = HostnameEndpoint(self.client, "nobody", 80).connect(Maker())
        self.network.advance(5.0)
        self.failureResultOf(result, DNSLookupError)

    def test_cancel(self) -> None:
        """A connection under way can be cancelled at every moment."""
        self.serve()
        for pause in (0.0, 0.25, 0.75, 1.25, 1.49):
            result = TCP4ClientEndpoint(self.client, "server", 80).connect(Maker())
            self.network.advance(pause)
            result.cancel()
            self.failureResultOf(result, ConnectingCancelledError)
            self.assertEqual(list(self.client.tcp.streams), [])
        self.network.advance(60.0)

    def test_client_service(self) -> None:
        """A service connects, and connects again when the connection is lost."""
        server = Maker()
        port = self.server.listenTCP(80, server)
        service = ClientService(
            TCP4ClientEndpoint(self.client, B, 80),
            Factory.forProtocol(Talker),
            retryPolicy=lambda attempts: 10.0,
            clock=self.client,
        )
        service.startService()
        self.network.advance(2.0)
        first = server.made[0]
        assert isinstance(first, Talker)
        first.transport.abortConnection()
        self.network.advance(9.9)
        self.assertEqual(len(server.made), 1)
        self.network.advance(5.0)
        self.assertEqual(len(server.made), 2)
        stopped = service.stopService()
        self.network.advance(1.0)
        self.successResultOf(stopped)
        port.stopListening()

    def test_stop_while_connecting(self) -> None:
        """A service that is stopped while it connects leaves nothing."""
        endpoint = TCP4ClientEndpoint(self.client, "10.9.9.9", 80)
        service = ClientService(endpoint, Factory.forProtocol(Talker), clock=self.client)
        service.startService()
        self.network.advance(2.0)
        self.successResultOf(service.stopService())
        self.network.assert_quiet()

    def test_tls(self) -> None:
        """TLS goes over it as over any transport."""
        key, certificate = self_signed("server")
        server = Talker()
        options = CertificateOptions(
            privateKey=PKey.from_cryptography_key(key),
            certificate=X509.from_cryptography(certificate),
        )
        port = self.server.listenTCP(443, TLSMemoryBIOFactory(options, False, Maker(server)))
        trusted = Certificate(X509.from_cryptography(certificate))
        endpoint = wrapClientTLS(
            optionsForClientTLS("server", trustRoot=trusted),
            HostnameEndpoint(self.client, "server", 443),
        )
        connected = endpoint.connect(Factory.forProtocol(Talker))
        self.network.advance(5.0)
        client: Talker = self.successResultOf(connected)
        client.transport.write(b"secret")
        self.network.advance(5.0)
        client.transport.loseConnection()
        self.network.advance(5.0)
        self.assertEqual(server.events, ["made", b"secret", "lost: ConnectionDone"])
        self.assertEqual(client.events, ["made", "lost: ConnectionDone"])
        port.stopListening()


def self_signed(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """A key, and a certificate for a host name that is good for a hundred years."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    return key, builder.sign(key, hashes.SHA256())
