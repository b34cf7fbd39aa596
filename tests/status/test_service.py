"""
The status pages as a service.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from tests.status.sources import Source
from trailcam.status.service import StatusService


@implementer(IStreamServerEndpoint)
class LateEndpoint:
    """An endpoint whose listening the test settles."""

    def __init__(self) -> None:
        self.listening: Deferred[Any] = Deferred()

    def listen(self, protocolFactory: Any) -> Deferred[Any]:
        """Begin to listen."""
        return self.listening


class StatusServiceTests(SynchronousTestCase):
    """Its start, its end, and what it says."""

    def setUp(self) -> None:
        """A reactor in memory, and a service on it."""
        self.reactor = MemoryReactorClock()
        endpoint = TCP4ServerEndpoint(self.reactor, 8650, interface="127.0.0.1")
        self.service = StatusService(self.reactor, endpoint, Source())

    def answer(self, request: bytes) -> tuple[bytes, bytes]:
        """Head and body of the answer to a request at its port."""
        [(_, site, _, _)] = self.reactor.tcpServers
        protocol = site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
        transport = StringTransport()
        transport.setTcpNoDelay = lambda _: None
        protocol.makeConnection(transport)
        protocol.dataReceived(request)
        head, _, body = transport.value().partition(b"\r\n\r\n")
        return head, body

    def test_serves(self) -> None:
        """Requests at its port are answered, without a line in the log for each."""
        with capturedLogs() as events:
            self.service.startService()
        self.assertEqual(self.reactor.tcpServers[0][0], 8650)
        self.assertTrue(any(formatEvent(e).startswith("status page at") for e in events))
        self.reactor.tcpServers[0][1].doStart()
        self.addCleanup(self.reactor.tcpServers[0][1].doStop)
        with capturedLogs() as events:
            head, body = self.answer(b"GET /status.json HTTP/1.0\r\n\r\n")
        self.assertIn(b" 200 OK\r\n", head)
        self.assertIn(b'"state": "waiting"', body)
        self.assertEqual(events, [])

    def test_address(self) -> None:
        """The log has a URL that can be followed, and of a socket without one its address."""
        for host, shown in (
            (IPv4Address("TCP", "127.0.0.1", 80), "http://127.0.0.1:80/"),
            (IPv6Address("TCP", "::", 80), "http://[::]:80/"),
            (UNIXAddress("/run/status"), str(UNIXAddress("/run/status"))),
        ):
            endpoint = LateEndpoint()
            StatusService(self.reactor, endpoint, Source()).startService()
            with capturedLogs() as events:
                endpoint.listening.callback(Port(host))
            self.assertEqual([formatEvent(e) for e in events], [f"status page at {shown}"])

    def test_head(self) -> None:
        """HEAD tells the size that GET would give."""
        self.service.startService()
        self.reactor.tcpServers[0][1].doStart()
        self.addCleanup(self.reactor.tcpServers[0][1].doStop)
        _, body = self.answer(b"GET / HTTP/1.0\r\n\r\n")
        with capturedLogs() as events:
            head, nothing = self.answer(b"HEAD / HTTP/1.0\r\n\r\n")
        self.assertEqual(events, [])
        self.assertIn(b"\r\nContent-Length: %d" % len(body), head)
        self.assertEqual(nothing, b"")

    def test_stop(self) -> None:
        """It waits until the port is closed."""
        endpoint = LateEndpoint()
        service = StatusService(self.reactor, endpoint, Source())
        service.startService()
        port = Port()
        endpoint.listening.callback(port)
        stopping = service.stopService()
        self.assertNoResult(stopping)
        port.closed.callback(None)
        self.successResultOf(stopping)

    def test_stop_at_once(self) -> None:
        """A port that is closed at once is not waited for."""
        self.service.startService()
        self.successResultOf(self.service.stopService())

    def test_stop_before_it_listens(self) -> None:
        """Listening that has not come about is cancelled, silently."""
        service = StatusService(self.reactor, LateEndpoint(), Source())
        service.startService()
        with capturedLogs() as events:
            self.successResultOf(service.stopService())
        self.assertEqual(events, [])

    def test_stop_before_start(self) -> None:
        """Stopping what was never started does nothing."""
        self.successResultOf(self.service.stopService())

    def test_cannot_listen(self) -> None:
        """One clear line, and everything else goes on."""
        endpoint = LateEndpoint()
        service = StatusService(self.reactor, endpoint, Source())
        service.startService()
        with capturedLogs() as events:
            endpoint.listening.errback(CannotListenError("127.0.0.1", 8650, OSError(98, "in use")))
        [event] = events
        self.assertEqual(event["log_level"], LogLevel.error)
        self.assertTrue(formatEvent(event).startswith("no status page, going on without: "))
        self.assertIn("8650", formatEvent(event))
        self.assertNotIn("log_failure", event)
        self.successResultOf(service.stopService())


class Port:
    """A listening port; the test closes it."""

    def __init__(self, host: object = IPv4Address("TCP", "127.0.0.1", 8650)) -> None:
        self._host = host
        self.closed: Deferred[None] = Deferred()

    def getHost(self) -> object:
        """Where it listens."""
        return self._host

    def stopListening(self) -> Deferred[None]:
        """Begin to close."""
        return self.closed
