"""Tests of finding relays: the one given, those that rendezvous servers list, a directory's."""

from __future__ import annotations

import errno
import os
from typing import Any
from unittest import mock

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import deferLater

from tests.connect.relaying import (
    CLIENT,
    DATA_PORT,
    DID,
    MAGIC,
    RELAY,
    SECRET,
    SERVER,
    TARGET,
    RelayTestCase,
)
from tests.connect.servers import SLOW, SlowNames
from trailcam.connect.pacing import Pace
from trailcam.connect.relay_address import RelayAddress
from trailcam.connect.relays import MOST_RELAYS, find_relays
from trailcam.connect.rendezvous import Rendezvous
from trailcam.connect.target import Target
from trailcam.errors import (
    DeviceNeverJoined,
    DeviceOffline,
    DeviceUnknown,
    DirectoryError,
    Hopeless,
    NoRelays,
    PortUnavailable,
    RelayDirectoryUnusable,
    RelayUnreachable,
    RendezvousUnreachable,
    SecretRefused,
)
from trailcam.wire.codec import decode, encode
from trailcam.wire.constants import RELAY_PORT, RENDEZVOUS_PORT, Result
from trailcam.wire.messages import (
    Hello,
    HelloAck,
    ListReq1,
    ListReqAck,
    ListReqDsk,
    Message,
    P2PRdy,
    P2PReqAck,
    RlyPkt,
    RlyRdy,
    RlyReq,
    TcpRlyReq,
    TcpRlyReqAck,
    TcpRlyReqDsk,
)
from trailcam.wire.sockaddr import SocketAddress

URL = "https://relays.example/list.json"
LISTED = (SocketAddress(RELAY, RELAY_PORT),)
TWO_SERVERS = ((SERVER, RENDEZVOUS_PORT), ("203.0.113.10", RENDEZVOUS_PORT))
ONE_SERVER = TWO_SERVERS[:1]


class FakeDirectory:
    """
    A directory that answers after a while.

    :ivar asked: when it was, on the clock of the network.
    """

    def __init__(self, case: RelayTestCase, result: object, after: float = 0.0) -> None:
        self.asked: list[float] = []
        self.cancelled = 0
        self._result = result
        self._after = after
        patch = mock.patch("trailcam.connect.directory.Directory", self._make)
        patch.start()
        case.addCleanup(patch.stop)

    def _make(self, reactor: Any, url: str) -> FakeDirectory:
        self._reactor = reactor
        self.asked.append(reactor.seconds())
        assert url == URL
        return self

    def relays(self) -> Deferred[Any]:
        """The result, in time."""
        answer: Deferred[Any] = deferLater(self._reactor, self._after)
        return answer.addCallbacks(lambda _: self._answer(), self._note)

    def _note(self, reason: Any) -> Any:
        self.cancelled += 1
        return reason

    def _answer(self) -> Deferred[Any]:
        return fail(self._result) if isinstance(self._result, Exception) else succeed(self._result)


class FindTests(RelayTestCase):
    """``find_relays``."""

    def find(self, target: Target) -> Deferred[Any]:
        """Find the relays for a target."""
        rendezvous = Rendezvous(self.client, target, Pace())
        self.closers.append(rendezvous.close)
        return Deferred.fromCoroutine(find_relays(self.client, target, rendezvous))

    def found(self, **target: Any) -> Any:
        """What is found for a target."""
        finding = self.find(Target(did=DID, **target))
        self.network.run_until(lambda: finding.called)
        return self.successResultOf(finding)

    def missed(self, **target: Any) -> Any:
        """Why nothing is found."""
        finding = self.find(Target(did=DID, **target))
        self.network.run_until(lambda: finding.called)
        return self.failureResultOf(finding, Hopeless).value

    def test_given(self) -> None:
        """The one that was given is the only one; nobody is asked."""
        directory = FakeDirectory(self, ())
        server = self.server()
        relay = RelayAddress(RELAY, 5)
        found = self.found(relay=relay, rendezvous=ONE_SERVER, relay_directory=URL)
        self.assertEqual((found, server.heard, directory.asked), ((relay,), [], []))

    def test_listed(self) -> None:
        """A rendezvous server lists them, once we have proved our address."""
        server = self.server()
        server.relays = (SocketAddress("10.0.0.1", 5), SocketAddress("10.0.0.2", 6))
        found = self.found(rendezvous=ONE_SERVER)
        self.assertEqual(found, (RelayAddress("10.0.0.1", 5), RelayAddress("10.0.0.2", 6)))
        self.assertEqual(server.heard, [ListReq1(DID)])
        self.assertAlmostEqual(self.client.seconds(), 0.004)

    def test_secret(self) -> None:
        """With a secret, it is shown."""
        server = self.server()
        server.relays = LISTED
        self.found(rendezvous=ONE_SERVER, secret=SECRET)
        self.assertEqual(server.heard, [ListReqDsk(DID, SECRET)])

    def test_first_useful_answer(self) -> None:
        """An empty list is not the last word while other servers may have more."""
        self.server()
        server = self.server("203.0.113.10")
        server.relays = LISTED
        server.mute = {ListReq1}
        finding = self.find(Target(did=DID, rendezvous=TWO_SERVERS))
        self.network.advance(0.5)
        self.assertNoResult(finding)
        server.mute = set()
        self.network.advance(0.5)
        self.assertEqual(self.successResultOf(finding), (RelayAddress(RELAY, RELAY_PORT),))

    def test_nonsense_is_left_out(self) -> None:
        """Nobody can be sent to port 0, to everybody, or twice to the same relay."""
        self.server().relays = (
            SocketAddress("10.0.0.1", 0),
            SocketAddress("224.0.0.1", 5),
            SocketAddress("255.255.255.255", 5),
            SocketAddress("0.0.0.0", 5),
            *LISTED,
            *LISTED,
        )
        self.assertEqual(self.found(rendezvous=ONE_SERVER), (RelayAddress(RELAY, RELAY_PORT),))

    def test_not_too_many(self) -> None:
        """The first eight are enough."""
        self.server().relays = tuple(SocketAddress("10.0.0.1", port) for port in range(1, 30))
        self.assertEqual(len(self.found(rendezvous=ONE_SERVER)), MOST_RELAYS)

    def test_lost_datagrams(self) -> None:
        """What gets lost is said again."""
        self.network.loss = 0.4
        self.server().relays = LISTED
        self.assertEqual(len(self.found(rendezvous=ONE_SERVER)), 1)

    def test_strangers(self) -> None:
        """Nobody else is listened to."""
        stranger = self.network.host("203.0.113.66")
        server = self.server()
        server.mute = {Hello}
        finding = self.find(Target(did=DID, rendezvous=ONE_SERVER))
        self.network.advance(0.05)
        port = next(iter(self.client.ports())).getHost().port
        ear = stranger.listenUDP(RENDEZVOUS_PORT, mock.Mock())
        ear.write(encode(ListReqAck(LISTED)), (CLIENT, port))
        self.network.advance(0.5)
        self.assertNoResult(finding)
        ear.stopListening()
        finding.cancel()
        self.failureResultOf(finding, CancelledError)

    def test_other_answers(self) -> None:
        """What answers another question, or the same one again, changes nothing."""
        first, second = self.server(), self.server("203.0.113.10")
        first.extra = (P2PReqAck(0), ListReqAck(()), ListReqAck(LISTED))
        second.mute = {ListReq1}
        finding = self.find(Target(did=DID, rendezvous=TWO_SERVERS))
        self.network.advance(0.5)
        self.assertNoResult(finding)
        self.network.advance(0.6)
        self.assertIs(self.failureResultOf(finding, Hopeless).value.kind, NoRelays)

    def test_empty_lists(self) -> None:
        """Servers that list nothing are named."""
        for number in (9, 10):
            self.server(f"203.0.113.{number}")
        reason = self.missed(rendezvous=TWO_SERVERS)
        self.assertEqual(reason.kind, NoRelays)
        self.assertIn(f"{SERVER}:{RENDEZVOUS_PORT}, 203.0.113.10:{RENDEZVOUS_PORT}", reason.message)
        self.assertLess(self.client.seconds(), 0.1)

    def test_one_empty_one_silent(self) -> None:
        """After an empty list a silent server has one second."""
        self.server()
        self.network.host("203.0.113.10").silent = True
        reason = self.missed(rendezvous=TWO_SERVERS)
        self.assertEqual(reason.kind, NoRelays)
        self.assertAlmostEqual(self.client.seconds(), 1.0, 1)

    def test_refused(self) -> None:
        """Nobody listens where the servers should be: that is known at once."""
        self.network.host(SERVER)
        reason = self.missed(rendezvous=ONE_SERVER)
        self.assertEqual(reason.kind, RendezvousUnreachable)
        self.assertIn("no rendezvous server listens", reason.message)
        self.assertLess(self.client.seconds(), 0.1)

    def test_names(self) -> None:
        """Servers may have names; one that has no address does not matter beside one that has."""
        self.network.name("server.example", SERVER)
        self.server().relays = LISTED
        servers = (("nowhere.example", 5), ("server.example", RENDEZVOUS_PORT))
        self.assertEqual(len(self.found(rendezvous=servers)), 1)

    def test_no_names(self) -> None:
        """When none has an address, that is the reason."""
        reason = self.missed(rendezvous=(("nowhere.example", 5),))
        self.assertEqual(reason.kind, RendezvousUnreachable)
        self.assertIn("nowhere.example:5", reason.message)

    def test_slow_names(self) -> None:
        """A name that nobody resolves within five seconds has none."""
        self.network.latency = 9.0
        reason = self.missed(rendezvous=(("server.example", 5),))
        self.assertIn("no rendezvous server has an IPv4 address", reason.message)
        self.assertAlmostEqual(self.client.seconds(), 5.0)
        self.network.advance(5.0)  # the late answer is nobody's business

    def test_slow_name_beside(self) -> None:
        """A server whose name takes its time keeps nobody waiting."""
        SlowNames(self.client)
        server = self.server()
        server.relays = LISTED
        self.assertEqual(len(self.found(rendezvous=((SLOW, 5), *ONE_SERVER))), 1)
        self.assertLess(self.client.seconds(), 0.01)

    def test_name_that_comes_late(self) -> None:
        """A server joins in as soon as its name is known."""
        self.network.name("server.example", SERVER)
        self.server().relays = LISTED
        self.network.host("203.0.113.10").silent = True
        servers = (("203.0.113.10", 5), ("server.example", RENDEZVOUS_PORT))
        self.assertEqual(len(self.found(rendezvous=servers)), 1)
        self.assertLess(self.client.seconds(), 0.02)

    def test_refused_beside_a_slow_name(self) -> None:
        """A name has its five seconds, even when nobody else is left."""
        SlowNames(self.client)
        self.network.host(SERVER)
        reason = self.missed(rendezvous=((SLOW, 5), *ONE_SERVER))
        self.assertEqual(reason.kind, RendezvousUnreachable)
        self.assertAlmostEqual(self.client.seconds(), 5.0)

    def test_directory(self) -> None:
        """A directory alone is asked at once; the first eight of its relays count, each once."""
        relays = tuple(RelayAddress("10.0.0.1", port) for port in range(1, 20))
        directory = FakeDirectory(self, (relays[0], *relays))
        self.assertEqual(self.found(relay_directory=URL), relays[:MOST_RELAYS])
        self.assertEqual(directory.asked, [0.0])

    def test_directory_unusable(self) -> None:
        """What is wrong with it is passed on."""
        FakeDirectory(self, DirectoryError("it is a web page"))
        reason = self.missed(relay_directory=URL)
        self.assertEqual(
            (reason.kind, reason.message), (RelayDirectoryUnusable, "it is a web page")
        )

    def test_servers_before_directory(self) -> None:
        """The servers are half a second ahead; then the directory is not asked at all."""
        self.server().relays = LISTED
        directory = FakeDirectory(self, ())
        self.found(rendezvous=ONE_SERVER, relay_directory=URL)
        self.assertEqual(directory.asked, [])

    def test_directory_when_the_servers_have_none(self) -> None:
        """Otherwise it helps."""
        self.server()
        relays = (RelayAddress("10.0.0.1", 5),)
        directory = FakeDirectory(self, relays)
        found = self.found(rendezvous=ONE_SERVER, relay_directory=URL)
        self.assertEqual((found, directory.asked), (relays, [self.client.seconds()]))
        self.assertLess(self.client.seconds(), 0.1)

    def test_directory_when_nobody_listens(self) -> None:
        """Its turn comes as soon as no server can list any."""
        self.network.host(SERVER)
        relays = (RelayAddress("10.0.0.1", 5),)
        FakeDirectory(self, relays)
        self.assertEqual(self.found(rendezvous=ONE_SERVER, relay_directory=URL), relays)
        self.assertLess(self.client.seconds(), 0.1)

    def test_directory_beside_a_silent_server(self) -> None:
        """It waits half a second for servers that say nothing."""
        self.network.host(SERVER).silent = True
        relays = (RelayAddress("10.0.0.1", 5),)
        directory = FakeDirectory(self, relays)
        found = self.found(rendezvous=ONE_SERVER, relay_directory=URL)
        self.assertEqual((found, directory.asked), (relays, [0.5]))

    def test_cancelled_before_the_directory(self) -> None:
        """Then it is not asked at all."""
        self.network.host(SERVER).silent = True
        directory = FakeDirectory(self, ())
        finding = self.find(Target(did=DID, rendezvous=ONE_SERVER, relay_directory=URL))
        self.network.advance(0.2)
        finding.cancel()
        self.failureResultOf(finding, CancelledError)
        self.network.advance(1.0)
        self.assertEqual(directory.asked, [])

    def test_servers_during_the_directory(self) -> None:
        """A directory that takes its time is left for a server that answers."""
        server = self.server()
        server.relays = LISTED
        server.mute = {Hello}
        directory = FakeDirectory(self, (), after=5.0)
        finding = self.find(Target(did=DID, rendezvous=ONE_SERVER, relay_directory=URL))
        self.network.advance(1.0)
        server.mute = set()
        self.network.advance(0.5)
        self.assertEqual(len(self.successResultOf(finding)), 1)
        self.assertEqual(directory.cancelled, 1)

    def test_neither(self) -> None:
        """When both have none, both are told."""
        self.server()
        FakeDirectory(self, DirectoryError("it is a web page"))
        reason = self.missed(rendezvous=ONE_SERVER, relay_directory=URL)
        self.assertEqual(reason.kind, NoRelays)
        self.assertIn("list no relay", reason.message)
        self.assertIn("it is a web page", reason.message)

    def test_bug(self) -> None:
        """Our own mistakes are not the servers'."""
        self.server()
        FakeDirectory(self, ZeroDivisionError())
        finding = self.find(Target(did=DID, rendezvous=ONE_SERVER, relay_directory=URL))
        self.network.advance(2.0)
        self.failureResultOf(finding, ZeroDivisionError)


class SearchTests(RelayTestCase):
    """Attempts that end while they look for relays."""

    def test_no_server_answers(self) -> None:
        """The budget ends it."""
        self.network.host(SERVER).silent = True
        error = self.failure(
            RendezvousUnreachable, Target(did=DID, rendezvous=ONE_SERVER), budget=3.0
        )
        self.assertIn(f"{SERVER}:{RENDEZVOUS_PORT}", str(error))
        self.assertIn("within 3.0 s", str(error))
        self.assertEqual((error.phase, round(error.elapsed, 2)), ("searching", 3.0))

    def test_no_way(self) -> None:
        """No network is no closed port: it is tried until the end, and named."""
        self.network.host(SERVER)
        self.network.unreachable.add(SERVER)
        error = self.failure(
            RendezvousUnreachable, Target(did=DID, rendezvous=ONE_SERVER), budget=3.0
        )
        way = f"{SERVER}:{RENDEZVOUS_PORT}: {os.strerror(errno.EHOSTUNREACH)}"
        self.assertIn(f"listed a relay within 3.0 s: {way}: is there a network", str(error))

    def test_no_directory_answers(self) -> None:
        """So does it with a directory alone."""
        FakeDirectory(self, (), after=9.0)
        error = self.failure(
            RelayDirectoryUnusable, Target(did=DID, relay_directory=URL), budget=3.0
        )
        self.assertIn(URL, str(error))
        self.assertIn("within 3.0 s", str(error))

    def test_socket_closed_by_somebody(self) -> None:
        """When our socket is closed under us, there is nothing to ask with."""
        self.network.host(SERVER).silent = True
        trace = self.start(self.attempt(Target(did=DID, rendezvous=ONE_SERVER)))
        self.network.advance(0.05)
        next(iter(self.client.ports())).stopListening()
        self.network.advance(0.05)
        self.assertEqual((trace.error.code, trace.open), ("no_local_port", 0))

    def test_no_relays(self) -> None:
        """The code of the failure is that of the reason."""
        self.server()
        error = self.failure(NoRelays, Target(did=DID, rendezvous=ONE_SERVER))
        self.assertEqual((error.code, error.phase), ("no_relays", "searching"))


class SendDeviceTests(RelayTestCase):
    """The relay has no connection of the device: rendezvous servers may send it."""

    TARGET = Target(did=DID, relay=TARGET.relay, rendezvous=ONE_SERVER)

    def setUp(self) -> None:
        """A relay that does not know where the device is; it comes as soon as it was sent."""
        super().setUp()
        self.here = self.relay().on(TcpRlyReq, TcpRlyReqAck(Result.DEVICE_OFFLINE)).on(RlyPkt)

    def sends(self, server: Any) -> list[Message]:
        """What a server heard about sending the device."""
        return [message for message in server.heard if isinstance(message, RlyReq)]

    def test_sent(self) -> None:
        """The server is told the relay's address, the data port and the magic."""
        server = self.server()
        trace = self.start(self.attempt(self.TARGET))
        self.network.run_until(lambda: self.sends(server))
        self.assertEqual(self.sends(server), [RlyReq(DID, SocketAddress(RELAY, DATA_PORT), MAGIC)])
        self.arrive()
        self.network.run_until(lambda: trace.at is not None)
        self.assertEqual(self.won(trace).peer, (RELAY, DATA_PORT))
        self.assertEqual(trace.open, 1)

    def arrive(self) -> None:
        """The device comes to the relay."""
        self.here.connections[-1].say(RlyRdy(DID), P2PRdy(DID))

    def test_unknown_to_the_relay(self) -> None:
        """A relay that does not know the id at all will not let it in: no server is asked."""
        self.here.on(TcpRlyReq, TcpRlyReqAck(Result.INVALID_ID))
        server = self.server()
        self.failure(DeviceUnknown, self.TARGET)
        self.assertEqual(server.heard, [])

    def test_again(self) -> None:
        """What the server sends to the device may be lost: it is asked every second."""
        server = self.server()
        trace = self.start(self.attempt(self.TARGET))
        self.network.run_until(lambda: trace.at is not None)
        self.assertIsInstance(trace.error, DeviceNeverJoined)
        self.assertEqual(len(self.sends(server)), 9)

    def test_secret(self) -> None:
        """The secret is shown just before, for RLY_REQ has no room for it."""
        self.here.on(TcpRlyReqDsk, TcpRlyReqAck(Result.DEVICE_OFFLINE))
        server = self.server()
        target = Target(did=DID, relay=TARGET.relay, rendezvous=ONE_SERVER, secret=SECRET)
        trace = self.start(self.attempt(target))
        self.network.run_until(lambda: self.sends(server))
        self.assertEqual(server.kinds()[:2], ["LIST_REQ_DSK", "RLY_REQ"])
        trace.deferred.cancel()
        self.network.advance(0.1)

    def test_same_socket(self) -> None:
        """A server that has listed relays is asked from the same address."""
        server = self.server()
        server.relays = LISTED
        trace = self.start(self.attempt(Target(did=DID, rendezvous=ONE_SERVER)))
        self.network.run_until(lambda: self.sends(server))
        sources = {
            datagram.source
            for datagram in self.network.log
            if datagram.destination[0] == SERVER
            and not isinstance(decode(datagram.payload), Hello | HelloAck)
        }
        self.assertEqual(len(sources), 1)
        trace.deferred.cancel()
        self.network.advance(0.1)

    def test_results(self) -> None:
        """What the servers say, together with what the relay said."""
        server = self.server()
        for result, kind, words in (
            (Result.INVALID_DSK, SecretRefused, "want its secret"),
            (Result.DEVICE_OFFLINE, DeviceOffline, "not logged in there either"),
            (Result.INVALID_ID, DeviceOffline, "do not know it either"),
            (Result.INVALID_PREFIX, DeviceOffline, "were not told of"),
            (0x42, DeviceOffline, "result 0x42"),
        ):
            server.result = result
            error = self.failure(kind, self.TARGET)
            self.assertIn(f"the relay {RELAY}:{RELAY_PORT} has no connection of {DID}", str(error))
            self.assertIn(words, str(error))
            self.assertLess(error.elapsed, 0.1)

    def test_best_of_two(self) -> None:
        """One server that can do it is enough; of refusals the one that tells most counts."""
        first, second = self.server(), self.server("203.0.113.10")
        target = Target(did=DID, relay=TARGET.relay, rendezvous=TWO_SERVERS)
        first.result = Result.INVALID_ID
        self.failure(DeviceNeverJoined, target)
        second.result = Result.INVALID_DSK
        self.failure(SecretRefused, target)

    def test_no_server(self) -> None:
        """When no server can be asked, what the relay said remains the reason."""
        self.network.host(SERVER)
        error = self.failure(DeviceOffline, self.TARGET)
        self.assertIn("no rendezvous server listens", str(error))

    def test_socket_closed_between_two_questions(self) -> None:
        """When our socket is closed under us, that is told, and is no bug of ours."""
        self.server()
        trace = self.start(self.attempt(self.TARGET))
        self.network.advance(0.5)
        next(iter(self.client.ports())).stopListening()
        self.network.advance(1.0)
        self.assertEqual((trace.error.code, trace.open), ("no_local_port", 0))
        self.assertIn("the UDP port was closed", str(trace.error))

    def test_socket_closed_before_a_question(self) -> None:
        """Whoever asks after that is told why he cannot."""
        rendezvous = Rendezvous(self.client, self.TARGET, Pace())
        self.closers.append(rendezvous.close)
        server = self.server()
        server.relays = LISTED
        asking = Deferred.fromCoroutine(rendezvous.relays())
        self.network.run_until(lambda: asking.called)
        next(iter(self.client.ports())).stopListening()
        self.network.advance(0.1)
        asking = Deferred.fromCoroutine(rendezvous.relays())
        self.assertIs(self.failureResultOf(asking, Hopeless).value.kind, PortUnavailable)

    def test_silent_server(self) -> None:
        """A server that does not answer."""
        self.network.host(SERVER).silent = True
        error = self.failure(RendezvousUnreachable, self.TARGET)
        self.assertIn("no rendezvous server answered within 9.0 s", str(error))

    def test_relay_by_ipv6(self) -> None:
        """A device is told IPv4 addresses: the name is looked up for one; none, no help."""
        self.server()
        with (
            mock.patch("trailcam.connect.relay_trial.isIPAddress", return_value=False),
            mock.patch("trailcam.connect.relay_trial.resolve", return_value=succeed(None)),
        ):
            self.failure(DeviceOffline, self.TARGET)

    def test_data_port_closed_meanwhile(self) -> None:
        """While the servers are asked, what happens at the data port still counts."""
        self.server()
        self.here.close(DATA_PORT)
        self.failure(RelayUnreachable, self.TARGET)
