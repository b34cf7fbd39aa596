"""Tests of the P2P mode through rendezvous servers: introductions, NATs, and why it failed."""

from __future__ import annotations

import errno
import os
from typing import Any

import attrs
from twisted.internet.defer import CancelledError

from tests.connect.cameras import CAMERA, OTHER_DID, NetworkTestCase, Watch
from tests.connect.servers import DID, SLOW, ScriptedDevice, ScriptedServer, SlowNames
from trailcam.connect.p2p import p2p_attempt
from trailcam.connect.target import Target
from trailcam.errors import (
    AttemptFailed,
    ClosedByCamera,
    DeviceOffline,
    DeviceUnknown,
    NameNotResolved,
    NeverReady,
    PunchFailed,
    RendezvousUnreachable,
    SecretRefused,
    WrongDevice,
)
from trailcam.interfaces import Address
from trailcam.testing import MemoryHost, Nat, NatKind
from trailcam.wire.codec import decode
from trailcam.wire.constants import Result
from trailcam.wire.messages import (
    Close,
    Hello,
    HelloAck,
    P2PReq,
    P2PReqDsk,
    PunchPkt,
    PunchTo,
)
from trailcam.wire.sockaddr import SocketAddress

SERVER, SECOND, DEVICE = "203.0.113.5", "203.0.113.6", "203.0.113.77"
HOME, FIELD = "198.51.100.1", "198.51.100.2"
SECRET = b"twenty-four octets here!"


class IntroducedTestCase(NetworkTestCase):
    """A server and a device with public addresses."""

    def setUp(self) -> None:
        """Put them up."""
        super().setUp()
        self.server = self.scripted_server(SERVER)
        self.target = Target(did=DID, rendezvous=((SERVER, 32100),))

    def again(self) -> None:
        """End one case and begin another."""
        self.tearDown()
        self.setUp()

    def scripted_server(self, address: str) -> ScriptedServer:
        """A server, closed in the end."""
        server = ScriptedServer(self.network.host(address))
        self.closers.append(server.close)
        return server

    def device_on(self, host: MemoryHost, public: Address | None = None) -> ScriptedDevice:
        """A device that the server introduces."""
        device = ScriptedDevice(host)
        self.closers.append(device.close)
        self.server.candidates = [public or device.address]
        self.server.introduce = device.introduce
        return device

    def start(
        self, target: Target | None = None, budget: float = 10.0, host: MemoryHost | None = None
    ) -> Watch:
        """An attempt with the server."""
        self.attempt: Any = p2p_attempt(
            host or self.client, target or self.target, local_address=lambda _: "10.0.0.2"
        )
        return Watch(self.attempt.connect(budget), host or self.client)

    def failure(self, watch: Watch, kind: type[AttemptFailed], limit: float = 31.0) -> str:
        """The words with which it failed."""
        self.network.run_until(lambda: watch.at is not None, limit)
        self.assertEqual(type(watch.error), kind)
        self.assertEqual(watch.ports, 0)
        return str(watch.error)


class IntroductionTests(IntroducedTestCase):
    """From HELLO to P2P_RDY."""

    def test_straight(self) -> None:
        """HELLO, the proof, the request, the punch: four round trips and a half."""
        device = self.device_on(self.network.host(DEVICE))
        watch = self.start()
        self.network.run_until(lambda: watch.at is not None)
        link = self.won(watch)
        self.assertEqual(link.peer, device.address)
        self.assertLess(watch.at or 9, 0.02)
        kinds = [type(message) for _, message, _ in self.server.heard]
        self.assertEqual(kinds[:3], [Hello, HelloAck, P2PReq])
        self.assertEqual(self.attempt.phase, "ready")
        self.assertEqual(self.attempt.port, link.local[1])
        self.assertIsNotNone(self.attempt.round_trip)
        self.assertLess(self.attempt.round_trip, 0.005)
        self.assertEqual(watch.ports, 1)

    def test_local_address(self) -> None:
        """The request names our own address and port, for a device behind the same NAT."""
        self.device_on(self.network.host(DEVICE))
        watch = self.start()
        self.network.run_until(lambda: watch.at is not None)
        port = self.won(watch).local[1]
        asked = [m for _, m, _ in self.server.heard if isinstance(m, P2PReq)]
        self.assertEqual(asked[0], P2PReq(DID, SocketAddress("10.0.0.2", port)))

    def test_secret(self) -> None:
        """Who has a secret shows it."""
        self.device_on(self.network.host(DEVICE))
        target = Target(did=DID, rendezvous=self.target.rendezvous, secret=SECRET)
        watch = self.start(target)
        self.network.run_until(lambda: watch.at is not None)
        self.won(watch)
        asked = [m for _, m, _ in self.server.heard if isinstance(m, P2PReqDsk)]
        self.assertEqual(asked[0].dsk, SECRET)
        self.assertEqual(self.server.times(P2PReq), [])

    def test_several_servers(self) -> None:
        """All are asked at once; one that answers is enough."""
        self.device_on(self.network.host(DEVICE))
        self.network.host(SECOND).silent = True
        target = Target(did=DID, rendezvous=((SECOND, 32100), (SERVER, 32100)))
        watch = self.start(target)
        self.network.run_until(lambda: watch.at is not None)
        self.won(watch)
        self.assertLess(watch.at or 9, 0.02)

    def test_slow_name_beside(self) -> None:
        """A server whose name takes its time keeps nobody waiting."""
        self.device_on(self.network.host(DEVICE))
        names = SlowNames(self.client)
        watch = self.start(Target(did=DID, rendezvous=((SLOW, 32100), (SERVER, 32100))))
        self.network.run_until(lambda: watch.at is not None)
        self.won(watch)
        self.assertLess(watch.at or 9, 0.02)
        self.assertEqual(names.asked, 1)

    def test_name_that_comes_late(self) -> None:
        """A server joins in as soon as its name is known."""
        self.device_on(self.network.host(DEVICE))
        self.network.name("server.example", SERVER)
        self.network.host(SECOND).silent = True
        target = Target(did=DID, rendezvous=((SECOND, 32100), ("server.example", 32100)))
        watch = self.start(target)
        self.network.run_until(lambda: watch.at is not None)
        self.won(watch)
        self.assertLess(watch.at or 9, 0.03)

    def test_refused_beside_a_slow_name(self) -> None:
        """As long as a name may become known, there is hope; then there is none."""
        SlowNames(self.client)
        self.server.port.stopListening()
        watch = self.start(Target(did=DID, rendezvous=((SLOW, 32100), (SERVER, 32100))), budget=3.0)
        self.network.advance(2.9)
        self.assertIsNone(watch.at)
        self.failure(watch, RendezvousUnreachable)
        self.assertAlmostEqual(watch.at or 9, 3.0)

    def test_cancelled_beside_a_slow_name(self) -> None:
        """Nothing of a lookup is left."""
        SlowNames(self.client)
        for rendezvous in (((SLOW, 32100),), ((SLOW, 32100), (SERVER, 32100))):
            watch = self.start(Target(did=DID, rendezvous=rendezvous))
            self.network.advance(0.5)
            watch.deferred.cancel()
            self.network.advance(0.01)
            self.assertIsInstance(watch.error, CancelledError)

    def test_refusing_server_beside(self) -> None:
        """A server that does not know the device is no reason to give up on the others."""
        self.device_on(self.network.host(DEVICE))
        other = self.scripted_server(SECOND)
        other.result = Result.INVALID_ID
        self.server.deaf_to = (Hello,)
        self.network.clock.callLater(0.5, setattr, self.server, "deaf_to", ())
        watch = self.start(Target(did=DID, rendezvous=((SECOND, 32100), (SERVER, 32100))))
        self.network.run_until(lambda: watch.at is not None)
        self.won(watch)

    def test_names(self) -> None:
        """A server is found by name, and one name that nobody knows does not matter."""
        self.device_on(self.network.host(DEVICE))
        self.network.name("rendezvous.example", SERVER)
        servers = (("nowhere.example", 32100), ("rendezvous.example", 32100))
        watch = self.start(Target(did=DID, rendezvous=servers))
        self.network.run_until(lambda: watch.at is not None)
        self.won(watch)

    def test_prove_again(self) -> None:
        """A server that forgot us asks for the proof, and gets it with a new HELLO."""
        self.device_on(self.network.host(DEVICE))
        self.server.deaf_to = (P2PReq,)
        watch = self.start()
        self.network.advance(0.05)
        peer = next(iter(self.server.proven))
        self.server.proven.clear()
        self.server.deaf_to = ()
        self.server.say(Hello(), peer)
        self.network.run_until(lambda: watch.at is not None)
        self.won(watch)
        self.assertIn(peer, self.server.proven)
        self.assertGreaterEqual(len(self.server.times(Hello)), 2)

    def test_loss(self) -> None:
        """Every message of the introduction may be lost once."""
        for number in range(8):
            with self.subTest(lost=number):
                self.again()
                self.device_on(self.network.host(DEVICE))
                seen = iter(range(1000))
                self.network.drop(lambda _, seen=seen, number=number: next(seen) == number)
                watch = self.start()
                self.network.run_until(lambda watch=watch: watch.at is not None)
                self.won(watch)
                self.assertLess(watch.at or 9, 1.5)

    def test_asks_every_second(self) -> None:
        """Once introduced, the server is asked again every second and not more often."""
        self.server.candidates = [(DEVICE, 7000)]
        self.network.host(DEVICE).silent = True
        watch = self.start(budget=0.9)
        self.failure(watch, PunchFailed)
        self.assertEqual(len(self.server.times(P2PReq)), 1)

    def test_direct_beside(self) -> None:
        """With an address as well, both ways are tried at once."""
        self.server.deaf_to = (Hello,)
        camera = self.scripted()
        camera.on(PunchPkt, PunchPkt(DID))
        target = Target(CAMERA, did=DID, rendezvous=self.target.rendezvous)
        device = ScriptedDevice(self.camera_host, 5000, DID)
        self.closers.append(device.close)
        watch = self.start(Target(CAMERA, (5000,), did=DID, rendezvous=target.rendezvous))
        self.network.run_until(lambda: watch.at is not None)
        self.assertEqual(self.won(watch).peer, (CAMERA, 5000))
        self.assertEqual(watch.ports, 1)


class NatTests(IntroducedTestCase):
    """Through NATs."""

    def behind(self, kind: NatKind | None, public: str, private: str) -> MemoryHost:
        """A host behind a NAT, or with a public address."""
        if kind is None:
            return self.network.host(public)
        return self.network.host(private, nat=Nat(kind, public))

    def between(self, client: NatKind | None, device: NatKind | None) -> Watch:
        """An attempt from one NAT to the other, the server knowing the device's public address."""
        talker = ScriptedDevice(self.behind(device, FIELD, "10.1.0.2"))
        self.closers.append(talker.close)
        self.device = talker
        talker.say(Hello(bytes(16)), self.server.address)
        self.network.advance(0.01)
        self.server.candidates = self.server.peers(Hello)
        self.server.introduce = talker.introduce
        self.server.heard.clear()
        return self.start(host=self.behind(client, HOME, "10.0.0.2"), budget=6.0)

    def test_through(self) -> None:
        """Every pair that theory allows is punched in tenths of a second."""
        kinds = [None, NatKind.FULL_CONE, NatKind.PORT_RESTRICTED, NatKind.SYMMETRIC]
        hopeless = {
            (NatKind.PORT_RESTRICTED, NatKind.SYMMETRIC),
            (NatKind.SYMMETRIC, NatKind.PORT_RESTRICTED),
            (NatKind.SYMMETRIC, NatKind.SYMMETRIC),
        }
        for client in kinds:
            for device in kinds:
                with self.subTest(client=client, device=device):
                    self.again()
                    watch = self.between(client, device)
                    if (client, device) in hopeless:
                        words = self.failure(watch, PunchFailed)
                        self.assertIn("the NATs between do not let the two meet", words)
                        self.assertIn("or its agent has stopped in the last minute", words)
                    else:
                        began = self.network.clock.seconds()
                        self.network.run_until(lambda watch=watch: watch.at is not None)
                        self.won(watch)
                        self.assertLess((watch.at or 9) - began, 0.4)

    def test_several_source_ports(self) -> None:
        """When one source port does not get through, others join in, and one that does wins."""
        watch = self.between(NatKind.PORT_RESTRICTED, NatKind.PORT_RESTRICTED)
        blocked: list[Address] = []

        def first_port(datagram: Any) -> bool:
            if datagram.source[0] != "10.0.0.2" or datagram.destination[0] != FIELD:
                return False
            blocked[:] = blocked or [datagram.source]
            return bool(datagram.source == blocked[0])

        self.network.drop(first_port)
        self.network.run_until(lambda: watch.at is not None)
        link = self.won(watch)
        self.assertNotEqual(link.local[1], blocked[0][1])
        self.assertEqual(self.attempt.port, link.local[1])
        self.assertEqual(watch.ports, 1)
        self.assertTrue(1.0 < (watch.at or 0) < 1.6, watch.at)
        self.assertEqual(len(self.server.peers(P2PReq)), 4)


class FailureTests(IntroducedTestCase):
    """Each cause has its own class and its own words."""

    def test_refusals(self) -> None:
        """What the server says is told at once, and only once asked for by each port."""
        for result, kind, words in (
            (Result.DEVICE_OFFLINE, DeviceOffline, "its agent is not logged in"),
            (Result.INVALID_ID, DeviceUnknown, "does not know MYCAM-000001-ABCDE"),
            (Result.INVALID_DSK, SecretRefused, "wants the secret of MYCAM-000001-ABCDE"),
            (Result.INVALID_PREFIX, DeviceUnknown, "takes no ids like MYCAM-000001-ABCDE"),
            (0x42, RendezvousUnreachable, "refused with result 0x42"),
        ):
            with self.subTest(result=result):
                self.server.result = result
                self.server.heard.clear()
                watch = self.start()
                text = self.failure(watch, kind)
                self.assertIn(words, text)
                self.assertIn(f"{SERVER}:32100", text)
                self.assertEqual(len(self.server.peers(P2PReq)), 1)
                self.assertEqual(watch.error.phase, "searching")

    def test_secret_refused(self) -> None:
        """We know whether we gave one, which the server does not say."""
        self.server.result = Result.INVALID_DSK
        for secret, words in (
            (None, "and none was given: --secret-file"),
            (SECRET, "and it is another one than was given: is it the right --secret-file?"),
        ):
            text = self.failure(self.start(attrs.evolve(self.target, secret=secret)), SecretRefused)
            self.assertIn(f"wants the secret of MYCAM-000001-ABCDE, {words}", text)

    def test_quick(self) -> None:
        """A refusal ends the attempt within a few round trips."""
        self.server.result = Result.DEVICE_OFFLINE
        watch = self.start()
        self.failure(watch, DeviceOffline, limit=0.01)

    def test_refused_and_silent(self) -> None:
        """The silent server has a second left after the other one has refused."""
        self.server.result = Result.DEVICE_OFFLINE
        self.network.host(SECOND).silent = True
        target = Target(did=DID, rendezvous=((SERVER, 32100), (SECOND, 32100)))
        watch = self.start(target)
        self.failure(watch, DeviceOffline)
        self.assertTrue(1.0 <= (watch.at or 0) < 1.5, watch.at)

    def test_most_telling(self) -> None:
        """Of several refusals the one that tells most."""
        self.server.result = Result.INVALID_ID
        self.scripted_server(SECOND).result = Result.INVALID_DSK
        target = Target(did=DID, rendezvous=((SERVER, 32100), (SECOND, 32100)))
        self.assertIn(SECOND, self.failure(self.start(target), SecretRefused))

    def test_closed_port(self) -> None:
        """No server at the port: the ICMP refusal ends it at once."""
        watch = self.start(Target(did=DID, rendezvous=((SERVER, 999),)))
        text = self.failure(watch, RendezvousUnreachable, limit=0.05)
        self.assertIn(f"no rendezvous server listens at {SERVER}:999 (ICMP)", text)

    def test_no_way(self) -> None:
        """No network is no closed port: it is tried until the end, and named."""
        self.network.unreachable.add(SERVER)
        watch = self.start(budget=5.0)
        self.network.advance(4.9)
        self.assertIsNone(watch.at)
        message = self.failure(watch, RendezvousUnreachable)
        self.assertIn(f"{SERVER}:32100: {os.strerror(errno.EHOSTUNREACH)}: is there", message)
        self.assertNotIn("ICMP", message)

    def test_no_way_at_first(self) -> None:
        """What stood in the way may pass."""
        self.device_on(self.network.host(DEVICE))
        self.client.write_error = OSError(errno.ENETUNREACH, "Network is unreachable")
        watch = self.start()
        self.network.advance(0.5)
        self.client.write_error = None
        self.network.run_until(lambda: watch.at is not None)
        self.won(watch)

    def test_silent_server(self) -> None:
        """No answer at all takes the whole budget."""
        self.network.host(SECOND).silent = True
        watch = self.start(Target(did=DID, rendezvous=((SECOND, 32100),)), budget=3.0)
        text = self.failure(watch, RendezvousUnreachable)
        self.assertIn("no rendezvous server answered within 3.0 s", text)
        self.assertAlmostEqual(watch.at or 0, 3.0, places=2)

    def test_half_deaf_server(self) -> None:
        """HELLO is answered, the request is not."""
        self.server.deaf_to = (P2PReq,)
        text = self.failure(self.start(budget=2.0), RendezvousUnreachable)
        self.assertIn("answered HELLO, but not P2P_REQ", text)

    def test_no_candidates(self) -> None:
        """The server says yes, and then nothing."""
        text = self.failure(self.start(budget=2.0), PunchFailed)
        self.assertIn("never said where it is", text)

    def test_unknown_name(self) -> None:
        """No server's name is known."""
        watch = self.start(Target(did=DID, rendezvous=(("nowhere.example", 1),)))
        self.assertIn("nowhere.example:1", self.failure(watch, NameNotResolved))

    def test_slow_name(self) -> None:
        """A resolver that takes longer than the budget."""
        self.network.latency = 100.0
        watch = self.start(Target(did=DID, rendezvous=(("slow.example", 1),)), budget=1.0)
        self.failure(watch, NameNotResolved)
        self.network.latency = 0.001
        self.network.advance(200.0)

    def test_never_ready(self) -> None:
        """The device punches and is never ready."""
        device = self.device_on(self.network.host(DEVICE))
        device.ready = False
        text = self.failure(self.start(budget=2.0), NeverReady)
        self.assertIn("punched but never ready", text)
        self.network.advance(0.01)
        self.assertTrue(device.told_to_close)

    def test_wrong_device(self) -> None:
        """What answers at the candidate has another id."""
        device = ScriptedDevice(self.network.host(DEVICE), did=OTHER_DID)
        self.closers.append(device.close)
        self.server.candidates = [device.address]
        self.failure(self.start(budget=3.0), WrongDevice)

    def test_closed_by_device(self) -> None:
        """The agent could not reach its camera, and said CLOSE."""
        device = self.device_on(self.network.host(DEVICE))
        device.ready = False
        watch = self.start(budget=2.5)
        self.network.run_until(lambda: bool(device.times(PunchPkt)))
        device.say(Close(), device.peers(PunchPkt)[0])
        self.failure(watch, ClosedByCamera)

    def test_direct_and_introduced(self) -> None:
        """Both ways failed: both reasons are told, the server's first."""
        self.server.result = Result.DEVICE_OFFLINE
        target = Target(CAMERA, (40611,), did=DID, rendezvous=self.target.rendezvous)
        text = self.failure(self.start(target), DeviceOffline)
        self.assertIn("refused port 40611 (ICMP)", text)
        self.assertEqual(self.attempt.retries, 1)


class HostileTests(IntroducedTestCase):
    """Servers and strangers that lie."""

    def test_too_many_candidates(self) -> None:
        """At most sixteen addresses are punched, whatever a server says."""
        self.server.candidates = [(f"203.0.113.{100 + n}", 7000) for n in range(60)]
        self.failure(self.start(budget=0.9), PunchFailed)
        punched = {
            datagram.destination
            for datagram in self.network.log
            if isinstance(decode(datagram.payload), PunchPkt)
        }
        self.assertEqual(len(punched), 16)

    def test_port_zero(self) -> None:
        """A candidate without a port is none."""
        self.server.candidates = [(DEVICE, 0)]
        self.failure(self.start(budget=0.5), PunchFailed)

    def test_no_candidates_at_all(self) -> None:
        """Nothing is sent to what is not the address of one machine elsewhere."""
        hosts = ("0.0.0.0", "224.0.0.1", "255.255.255.255", "127.0.0.1", "169.254.1.1")
        self.server.candidates = [(host, 5000) for host in hosts]
        self.failure(self.start(budget=0.9), PunchFailed)
        self.assertEqual(
            {datagram.destination[0] for datagram in self.network.log} & {*hosts}, set()
        )

    def test_not_from_a_server(self) -> None:
        """PUNCH_TO counts only from a server that was asked."""
        self.server.deaf_to = (P2PReq,)
        stranger = self.scripted_server(SECOND)
        watch = self.start(budget=1.0)
        self.network.advance(0.05)
        client = self.server.peers(Hello)[0]
        stranger.say(PunchTo(SocketAddress(DEVICE, 7000)), client)
        self.failure(watch, RendezvousUnreachable)
        sent_to = {datagram.destination[0] for datagram in self.network.log}
        self.assertNotIn(DEVICE, sent_to)

    def test_stranger_with_the_id(self) -> None:
        """P2P_RDY from a host that nobody named proves nothing."""
        self.server.candidates = [(DEVICE, 7000)]
        self.network.host(DEVICE).silent = True
        stranger = ScriptedDevice(self.network.host(SECOND))
        self.closers.append(stranger.close)
        watch = self.start(budget=0.9)
        self.network.advance(0.05)
        client = self.server.peers(Hello)[0]
        stranger.introduce(client)
        self.failure(watch, PunchFailed)


class CancelTests(IntroducedTestCase):
    """Cancelling at any moment leaves nothing behind."""

    def test_every_moment(self) -> None:
        """From before the first HELLO to after the second wave of source ports."""
        for delay in (0.0, 0.0005, 0.0015, 0.0025, 0.0035, 0.5, 1.0, 1.0015, 2.6):
            with self.subTest(delay=delay):
                self.again()
                device = self.device_on(self.network.host(DEVICE))
                device.ready = False
                watch = self.start()
                self.network.advance(delay)
                watch.deferred.cancel()
                self.network.advance(0.01)
                self.assertIsInstance(watch.error, CancelledError)
                self.assertEqual(watch.ports, 0)
