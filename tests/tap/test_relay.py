"""
``twist trailcam-relay``: its options and its service.
"""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import LogEvent, capturedLogs, formatEvent
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from trailcam.server.admission import Admission, entry
from trailcam.server.relay import Relay
from trailcam.server.relay_ports import Place
from trailcam.server.relay_rules import Limits
from trailcam.tap.relay import Options, RelayService, makeService
from trailcam.testing import MemoryNetwork
from trailcam.wire.constants import Result
from trailcam.wire.did import DeviceID
from trailcam.wire.dsk import dsk_from_text
from trailcam.wire.messages import RlyPort
from trailcam.wire.stream import ClearFraming, encode_frame

HOST = "198.51.100.1"
DID = DeviceID("MYCAM", 1, "ABCDE")
SECRET = "a-secret-of-24-octets-ok"
DSK = dsk_from_text(SECRET)

#: Each option of a limit, what it sets, and to what.
LIMITS: dict[str, tuple[str, object]] = {
    "--max-pairs=7": ("pairs", 7),
    "--max-pairs-per-address=3": ("pairs_per_address", 3),
    "--max-controls=20": ("controls", 20),
    "--max-controls-per-address=5": ("controls_per_address", 5),
    "--max-bytes=1000000": ("octets", 1_000_000),
    "--idle=2.5": ("idle", 2.5),
    "--wait=4": ("wait", 4.0),
}


def parsed(*words: str) -> Options:
    """The options that these words spell."""
    options = Options()
    options.parseOptions(list(words))
    return options


class PlaceTests(SynchronousTestCase):
    """Where it listens."""

    def test_default(self) -> None:
        """On all interfaces, with the usual numbers."""
        place = Place(65527, range(61000, 62000), "0.0.0.0", "tcp:{port}:interface={interface}")
        self.assertEqual(parsed("--open").place, place)

    def test_given(self) -> None:
        """Anywhere else when asked to."""
        options = parsed("--open", "-p", "0", "-i", "127.0.0.1", "--data-ports=7000-7000")
        self.assertEqual(options.place, Place(0, range(7000, 7001), "127.0.0.1"))

    def test_systems_choice(self) -> None:
        """The system may choose the data ports."""
        self.assertEqual(list(parsed("--open", "--data-ports=0").place.data_ports), [0])

    def test_endpoint(self) -> None:
        """Any endpoint of Twisted will do."""
        template = "tcp6:{port}"
        self.assertEqual(parsed("--open", f"--endpoint={template}").place.template, template)

    def test_interface_without_place(self) -> None:
        """An interface that the endpoint would pass over in silence is a mistake."""
        words = ("--open", "--interface=127.0.0.1", "--endpoint=tcp:{port}")
        complaint = str(self.assertRaises(UsageError, parsed, *words))
        self.assertTrue(complaint.startswith("--interface: "), complaint)
        self.assertIn("no {interface} for it", complaint)
        whole = parsed(*words[:2], "--endpoint=tcp:{port}:interface={interface}")
        self.assertEqual(whole.place.interface, "127.0.0.1")


class LimitTests(SynchronousTestCase):
    """What it gives at most."""

    def test_default(self) -> None:
        """Without options, the limits of the relay."""
        self.assertEqual(parsed("--open").limits, Limits())

    def test_each(self) -> None:
        """Each option sets its limit, and no other."""
        for word, (field, value) in LIMITS.items():
            changed: dict[str, Any] = {field: value}
            self.assertEqual(parsed("--open", word).limits, Limits(**changed), word)

    def test_help(self) -> None:
        """The help names the defaults, which are the relay's own."""
        text = " ".join(Options().getUsage().split())
        for default in ("Pairs at a time. [default: 1000]", "may be silent. [default: 30]"):
            self.assertIn(default, text)
        self.assertNotIn("inf", text.replace("information", ""))


class AdmissionTests(SynchronousTestCase):
    """Who may use it."""

    def devices(self, text: str = entry(DID, SECRET, b"saltsalt")) -> str:
        """The path of a new file of devices."""
        path = Path(self.mktemp())
        path.write_text(f"{text}\n")
        return str(path)

    def test_open(self) -> None:
        """Everybody, if that is said."""
        admission = parsed("--open").admission
        self.assertIs(admission.device(DID, None), Result.OK)
        self.assertIs(admission.client(DID, None), Result.OK)

    def test_devices(self) -> None:
        """The devices of a file, and clients who show the secret of one."""
        admission = parsed("--devices", self.devices()).admission
        for ask in (admission.device, admission.client):
            self.assertIs(ask(DID, DSK), Result.OK)
            self.assertIs(ask(DID, None), Result.INVALID_DSK)

    def test_clients_without_secret(self) -> None:
        """Or clients who show nothing."""
        options = parsed("--devices", self.devices(), "--clients-without-secret")
        self.assertIs(options.admission.client(DID, None), Result.OK)
        self.assertIs(options.admission.device(DID, None), Result.INVALID_DSK)

    def test_mistakes(self) -> None:
        """One of both has to be said, and nothing that contradicts it."""
        path = self.devices()
        for words, complaint in (
            ((), "--devices: name the file of the devices, or say --open"),
            (("--open", "-d", path), "--open: lets everybody in; leave --devices out"),
            (
                ("--open", "--clients-without-secret"),
                "--open: lets everybody in; leave --clients-without-secret out",
            ),
        ):
            self.assertEqual(str(self.assertRaises(UsageError, parsed, *words)), complaint)

    def test_file(self) -> None:
        """A file that cannot be read, or says nonsense, is refused in one line."""
        for path in (self.mktemp(), self.devices("nonsense"), self.devices("")):
            problem = str(self.assertRaises(UsageError, parsed, "--devices", path))
            self.assertTrue(problem.startswith("--devices: "), problem)
            self.assertIn(path, problem)
            self.assertNotIn("\n", problem)


class MistakeTests(SynchronousTestCase):
    """What is wrong is said in one line that names the option."""

    def refused(self, *words: str) -> str:
        """The complaint about these words."""
        complaint = str(self.assertRaises(UsageError, parsed, "--open", *words))
        self.assertNotIn("\n", complaint)
        return complaint

    def test_values(self) -> None:
        """Each value is checked."""
        ports = "is neither a range of ports such as 61000-61999 nor 0"
        for word, complaint in {
            "--port=70000": "--port: '70000' is not a port number, 0 to 65535",
            "--port=1.5": "--port: '1.5' is not a port number, 0 to 65535",
            "--interface=eth0": "--interface: 'eth0' is not an IPv4 address; "
            "0.0.0.0 is all interfaces",
            "--data-ports=61000": f"--data-ports: '61000' {ports}",
            "--data-ports=9-1": f"--data-ports: '9-1' {ports}",
            "--data-ports=0-9": f"--data-ports: '0-9' {ports}",
            "--data-ports=65000-66000": f"--data-ports: '65000-66000' {ports}",
            "--max-pairs=0": "--max-pairs: '0' is not a whole number from 1 on",
            "--max-bytes=many": "--max-bytes: 'many' is not a whole number from 1 on",
            "--idle=nan": "--idle: 'nan' is not a number of seconds above 0",
            "--wait=0": "--wait: '0' is not a number of seconds above 0",
            "--wait=inf": "--wait: 'inf' is not a number of seconds above 0",
            "--login-key=": "--login-key: the key is written in visible ASCII characters",
            "--login-key=schlüssel": "--login-key: the key is written in visible ASCII characters",
        }.items():
            self.assertEqual(self.refused(word), complaint)

    def test_endpoint(self) -> None:
        """An endpoint that cannot be is refused before anything is opened."""
        self.assertEqual(
            self.refused("--endpoint=tcp:65527"),
            "--endpoint: 'tcp:65527' has no {port} in it, as "
            "ssl:{port}:interface={interface}:privateKey=key.pem:certKey=cert.pem has",
        )
        for template in ("tpc:{port}", f"ssl:{{port}}:privateKey={self.mktemp()}"):
            complaint = self.refused(f"--endpoint={template}")
            self.assertTrue(complaint.startswith(f"--endpoint: {template!r} is not"), complaint)

    def test_mistyped_option(self) -> None:
        """An unknown option is answered with the one that was meant."""
        self.assertTrue(self.refused("--login-kay=x").endswith("did you mean --login-key?"))

    def test_argument(self) -> None:
        """There are no arguments."""
        self.assertEqual(self.refused("x"), "unexpected argument 'x'; there are only options")


class RelayServiceTests(SynchronousTestCase):
    """Its start, its end, and its log."""

    def setUp(self) -> None:
        """The relay's machine and a client's."""
        self.network = MemoryNetwork()
        self.host = self.network.host(HOST)
        self.client = self.network.host("203.0.113.20")

    def service(self, place: Place | None = None) -> RelayService:
        """A service that has not been started."""
        rng = random.Random(1)
        return RelayService(Relay(self.host, Admission.open_to_all(), rng.getrandbits, place))

    def stop(self, service: RelayService) -> list[LogEvent]:
        """Stop it; what it logs."""
        with capturedLogs() as events:
            stopping = service.stopService()
            self.network.advance(2.0)
            self.successResultOf(stopping)
        self.network.assert_quiet()
        return [event for event in events if event["log_namespace"].endswith("RelayService")]

    def test_start(self) -> None:
        """The log names the port."""
        service = self.service()
        with capturedLogs() as events:
            service.startService()
        self.assertIn("relay at 0.0.0.0:65527", [formatEvent(event) for event in events])
        self.assertEqual([formatEvent(e) for e in self.stop(service)], ["counted: nothing"])

    def test_counts(self) -> None:
        """In the end it tells what it counted."""
        service = self.service()
        service.startService()
        connecting: Deferred[Any] = TCP4ClientEndpoint(self.client, HOST, 65527).connect(
            Factory.forProtocol(Protocol)
        )
        self.network.advance(0.1)
        party = self.successResultOf(connecting)
        party.transport.write(encode_frame(RlyPort(), ClearFraming()))
        self.network.advance(0.1)
        [event] = self.stop(service)
        self.assertEqual(event["counts"], {"pairs_waiting": 1, "pairs_expired": 1})
        self.assertIn("pairs_waiting 1", formatEvent(event))

    def test_port_taken(self) -> None:
        """When the port is taken the process ends, with one line that says why."""
        taken = self.host.listenTCP(65527, Factory.forProtocol(Protocol))
        service = self.service()
        problem = self.assertRaises(SystemExit, service.startService)
        self.assertTrue(str(problem.code).startswith("trailcam-relay: Couldn't listen on"))
        self.assertIn("65527", str(problem.code))
        taken.stopListening()
        self.stop(service)

    def test_fails_late(self) -> None:
        """What an endpoint says only later is logged, and the service can still be stopped."""

        class Late(Place):
            asked: Deferred[Any] = Deferred()

            def endpoint(self, reactor: Any, port: int) -> Any:
                """One that answers when the test does."""
                return SimpleNamespace(listen=lambda _: self.asked)

        service = self.service(place := Late())
        service.startService()
        with capturedLogs() as events:
            place.asked.errback(OSError("no such socket"))
        self.assertIn("no relay: no such socket", [formatEvent(event) for event in events])
        self.assertEqual([formatEvent(e) for e in self.stop(service)], ["counted: nothing"])

    def test_endpoint_gone(self) -> None:
        """Likewise when the certificate has gone since the options were read."""
        place = Place(template=f"ssl:{{port}}:privateKey={self.mktemp()}")
        problem = self.assertRaises(SystemExit, self.service(place).startService)
        self.assertIn("No such file", str(problem.code))
        self.assertNotIn("\n", str(problem.code))


class MakeServiceTests(SynchronousTestCase):
    """What ``twist`` gets."""

    def test_make_service(self) -> None:
        """A service, and nothing is opened before its start."""
        before = set(reactor.getReaders())  # type: ignore[attr-defined]
        self.assertIsInstance(makeService(parsed("--open")), RelayService)
        self.assertEqual(set(reactor.getReaders()), before)  # type: ignore[attr-defined]
