"""
``twist trailcam-rendezvous``: its options, and the service.
"""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from twisted.internet import reactor
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import capturedLogs, formatEvent
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from tests.connect.servers import SLOW, SlowNames
from trailcam.interfaces import Address
from trailcam.server.admission import entry
from trailcam.server.rendezvous import RendezvousServer
from trailcam.tap.rendezvous import Options, RendezvousService, makeService
from trailcam.testing import MemoryNetwork
from trailcam.wire.codec import decode, encode
from trailcam.wire.constants import Result
from trailcam.wire.did import DeviceID
from trailcam.wire.dsk import dsk_from_text
from trailcam.wire.messages import Hello, ListReq, ListReqAck, Message
from trailcam.wire.sockaddr import SocketAddress

SERVER = "192.0.2.1"
DID = DeviceID("MYCAM", 1, "ABCDE")
DSK = dsk_from_text("secret-of-the-pond")


def parsed(*words: str) -> Options:
    """The options that these words spell."""
    options = Options()
    options.parseOptions(list(words))
    return options


class OptionsTests(SynchronousTestCase):
    """What is asked for."""

    def devices(self, text: str | None = None) -> str:
        """The path of a file of devices."""
        path = Path(self.mktemp())
        path.write_text(entry(DID, "secret-of-the-pond", bytes(16)) if text is None else text)
        return str(path)

    def test_defaults(self) -> None:
        """Everywhere, on the port that everybody knows."""
        options = parsed("--open")
        self.assertEqual((options.interface, options.port), ("0.0.0.0", 32100))
        self.assertEqual((options.login_key, options.relays), ("trailcam", ()))

    def test_given(self) -> None:
        """Anything else when asked to."""
        options = parsed(
            *("--open", "-i", "127.0.0.1", "-p", "0", "--login-key", "mine"),
            *("--relay", "192.0.2.5:65527", "--relay=relay.example.org:1"),
        )
        self.assertEqual((options.interface, options.port), ("127.0.0.1", 0))
        self.assertEqual(options.login_key, "mine")
        self.assertEqual(options.relays, (("192.0.2.5", 65527), ("relay.example.org", 1)))

    def test_open(self) -> None:
        """Everybody may come."""
        admission = parsed("--open").admission
        self.assertIs(admission.device(DID, None), Result.OK)

    def test_devices(self) -> None:
        """Those in the file may come, and their clients need the secret."""
        admission = parsed("--devices", self.devices()).admission
        self.assertIs(admission.device(DID, DSK), Result.OK)
        self.assertIs(admission.device(DID, None), Result.INVALID_DSK)
        self.assertIs(admission.client(DID, None), Result.INVALID_DSK)

    def test_clients_without_secret(self) -> None:
        """Or they do not."""
        admission = parsed("-d", self.devices(), "--clients-without-secret").admission
        self.assertIs(admission.client(DID, None), Result.OK)
        self.assertIs(admission.device(DID, None), Result.INVALID_DSK)

    def refused(self, *words: str) -> str:
        """The complaint about these words."""
        complaint = str(self.assertRaises(UsageError, parsed, *words))
        self.assertNotIn("\n", complaint)
        return complaint

    def test_for_whom(self) -> None:
        """Nobody opens a server to everybody by leaving something out, or says both."""
        self.assertEqual(self.refused(), "--devices: name the file of the devices, or say --open")
        for words in (["--devices=x"], ["--clients-without-secret"]):
            name = words[0].partition("=")[0]
            complaint = f"--open: lets everybody in; leave {name} out"
            self.assertEqual(self.refused("--open", *words), complaint)

    def test_file(self) -> None:
        """What is wrong with the file is told, with its name and the line."""
        self.assertIn("--devices: cannot read /nowhere/x: ", self.refused("--devices=/nowhere/x"))
        path = self.devices("# ours\nMYCAM-000001-ABCDE secret\n")
        self.assertIn(f"--devices: {path}, line 2: wanted is", self.refused("-d", path))

    def test_values(self) -> None:
        """Each value is checked."""
        for word, complaint in {
            "--port=70000": "--port: '70000' is not a port number, 0 to 65535",
            "--port=x": "--port: 'x' is not a port number, 0 to 65535",
            "--interface=eth0": "--interface: 'eth0' is not an IPv4 address; 0.0.0.0 is all "
            "interfaces",
            "--login-key=": "--login-key: the key is written in visible ASCII characters",
            "--login-key=schlüssel": "--login-key: the key is written in visible ASCII characters",
            "--relay=192.0.2.5": "--relay: expected HOST:PORT, got '192.0.2.5'",
            "--relay=tls:r.example:443": (
                "--relay: a rendezvous server cannot list relays with TLS; "
                "give 'tls:r.example:443' to agents and clients themselves"
            ),
        }.items():
            self.assertEqual(self.refused("--open", word), complaint)

    def test_too_many_relays(self) -> None:
        """The list of relays has to fit into one datagram."""
        relays = [f"--relay=192.0.2.5:{port}" for port in range(1, 34)]
        self.assertEqual(len(parsed("--open", *relays[:32]).relays), 32)
        self.assertIn("--relay: at most 32", self.refused("--open", *relays))

    def test_argument(self) -> None:
        """There are no arguments."""
        self.assertEqual(self.refused("x"), "unexpected argument 'x'; there are only options")

    def test_mistyped_option(self) -> None:
        """An unknown option is answered with the one that was meant."""
        self.assertTrue(self.refused("--devcies=x").endswith("did you mean --devices?"))


class Client(DatagramProtocol):
    """Asks a server."""

    noisy = False

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Keep it."""
        self.heard.append(datagram)


class ServiceTests(SynchronousTestCase):
    """The server at work."""

    def setUp(self) -> None:
        """A machine for the server, and one for a client."""
        self.network = MemoryNetwork()
        self.host = self.network.host(SERVER)
        self.client = Client()
        self.port = self.network.host("203.0.113.7").listenUDP(0, self.client)

    def tearDown(self) -> None:
        """Nothing may be left."""
        self.port.stopListening()
        self.network.advance(0.1)
        self.network.assert_quiet()

    def service(self, *words: str) -> RendezvousService:
        """A server that is open to everybody."""
        return RendezvousService(self.host, parsed("--open", *words))

    def ask(self, *questions: bytes) -> Message:
        """The last answer to these."""
        for question in questions:
            self.port.write(question, (SERVER, 32100))
            self.network.advance(0.01)
        return decode(self.client.heard[-1])

    def test_slow_name(self) -> None:
        """A relay whose name takes its time keeps none of the others back, and is told."""
        SlowNames(self.host)
        service = self.service(f"--relay={SLOW}:1", "--relay=192.0.2.5:2")
        with capturedLogs() as events:
            service.startService()
            self.assertEqual(self.relays(), (SocketAddress("192.0.2.5", 2),))
            self.network.advance(11.0)
        self.assertIn(
            f"relay {SLOW} has no address: not named to anybody", [formatEvent(e) for e in events]
        )
        self.stop(service)

    def test_order(self) -> None:
        """However late a name is known, the relays are named in the order that was given."""
        self.network.name("relay.example", "192.0.2.6")
        service = self.service("--relay=relay.example:1", "--relay=192.0.2.5:2")
        service.startService()
        self.network.advance(0.1)
        self.assertEqual(
            self.relays(), (SocketAddress("192.0.2.6", 1), SocketAddress("192.0.2.5", 2))
        )
        self.stop(service)

    def relays(self) -> tuple[SocketAddress, ...]:
        """The relays that the server names."""
        self.ask(encode(Hello(bytes(16))))
        answer = self.ask(self.client.heard[-1], encode(ListReq()))
        assert isinstance(answer, ListReqAck)
        return answer.relays

    def stop(self, service: RendezvousService) -> list[str]:
        """Stop it; what it logs."""
        with capturedLogs() as events:
            stopping = service.stopService()
            self.network.advance(0.1)
            self.successResultOf(stopping)
        return [formatEvent(event) for event in events if "RendezvousS" in event["log_namespace"]]

    def test_serves(self) -> None:
        """It answers, and tells in the end what it counted."""
        service = self.service("--relay=192.0.2.5:65527")
        with capturedLogs() as events:
            service.startService()
        self.assertIn("rendezvous server at 0.0.0.0:32100", [formatEvent(e) for e in events])
        self.assertEqual(self.relays(), (SocketAddress("192.0.2.5", 65527),))
        self.assertEqual(self.stop(service), ["counted: hello 1, listed 1, proved 1"])

    def test_interface(self) -> None:
        """It listens where it was told to."""
        service = self.service("-i", "127.0.0.1", "--port=5")
        with capturedLogs() as events:
            service.startService()
        self.assertIn("rendezvous server at 127.0.0.1:5", [formatEvent(e) for e in events])
        self.stop(service)

    def test_counts_by_the_minute(self) -> None:
        """The counts are told once a minute, when they have changed."""
        service = self.service()
        service.startService()
        with capturedLogs() as events:
            self.network.advance(61.0)
            self.assertEqual(events, [])
            self.ask(encode(Hello()), encode(Hello()))
            self.network.advance(180.0)
        self.assertEqual([formatEvent(e) for e in events], ["counted: hello_without_room 2"])
        self.assertEqual(self.stop(service), [])

    def test_counts_fail(self) -> None:
        """What goes wrong in telling the counts does not keep the port open."""
        service = self.service()
        service.startService()
        failing = mock.PropertyMock(side_effect=ZeroDivisionError)
        with mock.patch.object(RendezvousServer, "counts", failing):
            self.network.advance(61.0)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.ask(encode(Hello()))
        with capturedLogs() as events:
            self.network.advance(61.0)
        self.assertEqual([formatEvent(e) for e in events], ["counted: hello_without_room 1"])
        self.assertEqual(self.stop(service), [])

    def test_relay_by_name(self) -> None:
        """A relay's name is resolved."""
        self.network.name("relay.example.org", "192.0.2.5")
        service = self.service("--relay=relay.example.org:65527")
        service.startService()
        self.network.advance(0.1)
        self.assertEqual(self.relays(), (SocketAddress("192.0.2.5", 65527),))
        self.stop(service)

    def test_relay_without_address(self) -> None:
        """A relay that nobody knows is told, and asked for again; the others are named."""
        service = self.service("--relay=relay.example.org:65527", "--relay=192.0.2.6:65527")
        with capturedLogs() as events:
            service.startService()
            self.network.advance(1.0)
        told = [formatEvent(event) for event in events]
        self.assertIn("relay relay.example.org has no address: not named to anybody", told)
        self.assertEqual(self.relays(), (SocketAddress("192.0.2.6", 65527),))
        self.network.name("relay.example.org", "192.0.2.5")
        self.network.advance(30.0)
        self.assertIn(SocketAddress("192.0.2.5", 65527), self.relays())
        self.stop(service)

    def test_stopped_while_resolving(self) -> None:
        """It can be stopped at any moment of that."""
        for moment in (0.0, 0.0005, 1.0, 30.0):
            service = self.service("--relay=relay.example.org:65527")
            service.startService()
            self.network.advance(moment)
            self.stop(service)
            self.assertEqual(self.network.delayed_calls(), [])

    def test_port_taken(self) -> None:
        """When the port is taken the process ends, with one line that says why."""
        taken = self.host.listenUDP(32100, DatagramProtocol())
        service = self.service()
        problem = self.assertRaises(SystemExit, service.startService)
        self.assertTrue(str(problem.code).startswith("trailcam-rendezvous: Couldn't listen on"))
        self.assertIn("32100", str(problem.code))
        self.successResultOf(service.stopService())
        taken.stopListening()

    def test_own_key(self) -> None:
        """Each server has a key of its own for its tokens."""
        tokens = []
        for _ in range(2):
            service = self.service()
            service.startService()
            tokens.append(self.ask(encode(Hello(bytes(16)))))
            self.stop(service)
        self.assertNotEqual(*tokens)

    def test_make_service(self) -> None:
        """``twist`` gets a service, and nothing is opened before its start."""
        before = set(reactor.getReaders())
        self.assertIsInstance(makeService(parsed("--open")), RendezvousService)
        self.assertEqual(set(reactor.getReaders()), before)
