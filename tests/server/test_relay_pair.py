"""
Pairs: who may join, what passes, and how it ends.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from zope.interface import implementer

from tests.server.relay_rig import (
    CLIENT,
    DID,
    OTHER_DID,
    READY,
    Party,
    RelayCase,
    frame,
    pair_lines,
    request,
)
from trailcam.server.relay_ports import Place
from trailcam.wire.messages import RlyHello, RlyPkt, RlyPort, RlyPortAck

KILOBYTES = 1024


def pause(party: Party) -> None:
    """Read no more."""
    transport: Any = party.transport
    transport.pauseProducing()


def resume(party: Party) -> None:
    """Read again."""
    transport: Any = party.transport
    transport.resumeProducing()


class JoinTests(RelayCase):
    """Coming to the data port."""

    def test_pair(self) -> None:
        """Both hear RLY_RDY, and nobody else can come."""
        control, offer = self.named()
        client = self.join(offer, is_device=False)
        self.assertEqual(client.take(), b"")
        device = self.join(offer, is_device=True)
        self.assertEqual((client.take(), device.take()), (READY, READY))
        self.assertTrue(self.refused(self.client_host, offer.port))
        self.assertIsNone(control.lost)

    def test_in_pieces(self) -> None:
        """RLY_PKT may come octet by octet."""
        _, offer = self.named()
        client = self.dial(self.client_host, offer.port)
        for octet in frame(RlyPkt(offer.magic, DID, False)):
            self.say(client, bytes([octet]))
        self.join(offer, is_device=True)
        self.assertEqual(client.take(), READY)

    def test_without_request(self) -> None:
        """Where nobody needs a secret, those who know the magic name the device themselves."""
        _, offer = self.offered()
        parties = [self.join(offer, is_device) for is_device in (True, False)]
        self.assertEqual([party.take() for party in parties], [READY, READY])

    def test_no_way_around_the_secret(self) -> None:
        """Where the secret is wanted, two accomplices who show none are refused."""
        self.closed_relay()
        _, offer = self.offered()
        self.ends(*[self.join(offer, is_device) for is_device in (True, False)])
        self.assertEqual(self.count("sent_away_refused"), 2)

    def test_wrong(self) -> None:
        """Wrong magic, wrong device, wrong host: refused; those who are right still pair."""
        _, offer = self.named()
        self.ends(
            self.join(offer, is_device=True, magic=offer.magic ^ 1),
            self.join(offer, is_device=True, did=OTHER_DID),
            self.join(offer, is_device=False, host=self.stranger_host),
        )
        self.assertEqual(self.count("sent_away_refused"), 3)
        parties = [self.join(offer, is_device) for is_device in (True, False)]
        self.assertEqual([party.take() for party in parties], [READY, READY])

    def test_magic_of_another_port(self) -> None:
        """A magic is good at its own port only."""
        (_, first), (_, second) = self.named(), self.named()
        mixed = RlyPortAck(first.magic, second.port)
        self.ends(self.join(mixed, is_device=True))

    def test_replayed(self) -> None:
        """When a pair has ended, its magic is worth nothing, even at a port of the same number."""
        self.start(pairs=1)
        _, offer = self.named()
        client, device = (self.join(offer, is_device) for is_device in (False, True))
        self.hang_up(client)
        self.ends(device)
        _, again = self.named()
        self.ends(self.join(RlyPortAck(offer.magic, again.port), is_device=True))
        self.assertEqual(self.count("sent_away_refused"), 1)

    def test_double(self) -> None:
        """A second client, or a second device, is redundant, and the first one stays."""
        _, offer = self.named()
        client = self.join(offer, is_device=False)
        self.ends(self.join(offer, is_device=False))
        self.assertEqual(self.count("sent_away_redundant"), 1)
        self.join(offer, is_device=True)
        self.assertEqual(client.take(), READY)

    def test_third_party(self) -> None:
        """Whoever is connected when the pair is complete, and not of it, is sent away."""
        _, offer = self.named()
        silent = self.dial(self.stranger_host, offer.port)
        client, device = (self.join(offer, is_device) for is_device in (False, True))
        self.ends(silent)
        self.assertEqual(self.count("sent_away_redundant"), 1)
        self.assertEqual((client.take(), device.take()), (READY, READY))

    def test_third_party_in_the_same_turn(self) -> None:
        """Who comes while the port is being closed is redundant, too."""
        _, offer = self.named()
        self.join(offer, is_device=False)
        device, third = (self.dial(self.device_host, offer.port) for _ in range(2))
        claim = frame(RlyPkt(offer.magic, DID, True))
        for party in (device, third):
            assert party.transport is not None
            party.transport.write(claim)
        self.network.advance(0.1)
        self.assertEqual((device.take(), third.take()), (READY, b""))
        self.ends(third)

    def test_third_party_from_the_queue(self) -> None:
        """Who was accepted by a port that is closed already is redundant as well."""
        _, offer = self.named()
        [port] = [each for each in self.host.tcp.listeners() if each.getHost().port == offer.port]
        factory, address = port.factory, port.getHost()
        client, device = (self.join(offer, is_device) for is_device in (False, True))
        late = factory.buildProtocol(address)
        assert late is not None
        transport = StringTransport()
        late.makeConnection(transport)
        self.assertTrue(transport.disconnected)
        late.dataReceived(frame(RlyPkt(offer.magic, DID, True)))
        late.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.count("sent_away_redundant"), 1)
        self.say(client, b"still there")
        self.assertEqual(device.take(), READY + b"still there")

    def test_something_else(self) -> None:
        """Garbage, and other messages, are refused; the pair still comes to be."""
        _, offer = self.named()
        for octets in (b"GET / HTTP/1.1\r\n\r\n", frame(RlyHello()), frame(RlyHello()) * 9):
            party = self.dial(self.stranger_host, offer.port)
            self.say(party, octets)
            self.ends(party)
        unknown = bytes.fromhex("0004 6800 0000 0000 f1aa0000")
        party = self.dial(self.stranger_host, offer.port)
        self.say(party, unknown * 3)  # left out one by one, until there are too many octets
        self.assertIsNone(party.lost)
        self.say(party, unknown)
        self.ends(party)
        self.assertEqual(self.count("sent_away_refused"), 4)
        parties = [self.join(offer, is_device) for is_device in (True, False)]
        self.assertEqual([party.take() for party in parties], [READY, READY])

    def test_too_many_strangers(self) -> None:
        """A few may be there without having said who they are; of more, the oldest has to go."""
        self.start(strangers=3)
        _, offer = self.named()
        strangers = [self.dial(self.stranger_host, offer.port) for _ in range(4)]
        self.assertEqual([party.lost is None for party in strangers], [False, True, True, True])
        client, device = (self.join(offer, is_device) for is_device in (False, True))
        self.assertEqual((client.take(), device.take()), (READY, READY))

    def test_early(self) -> None:
        """Who does not wait for RLY_RDY loses the pairing, in one piece or in two."""
        for pieces in (1, 2):
            _, offer = self.named()
            client = self.dial(self.client_host, offer.port)
            claim = frame(RlyPkt(offer.magic, DID, False))
            early = b"what should have waited"
            octets = [claim + early] if pieces == 1 else [claim, early]
            for each in octets:
                self.say(client, each)
            self.ends(client)
            self.assertTrue(self.refused(self.device_host, offer.port))
            self.assertEqual(self.count("pairs_refused"), pieces)
            self.assertEqual(self.count("octets before RLY_RDY"), pieces)

    def test_early_and_wrong(self) -> None:
        """Who is refused is not heard further."""
        _, offer = self.named()
        party = self.dial(self.stranger_host, offer.port)
        self.say(party, frame(RlyPkt(offer.magic ^ 1, DID, True)) * 2)
        self.ends(party)
        self.assertEqual(self.count("sent_away_refused"), 1)
        self.assertEqual(self.count("pairs_refused"), 0)

    def test_with_the_second_claim(self) -> None:
        """What comes with the claim that completes the pair is passed on."""
        _, offer = self.named()
        client = self.join(offer, is_device=False)
        device = self.dial(self.device_host, offer.port)
        self.say(device, RlyPkt(offer.magic, DID, True), b"hello")
        self.assertEqual((client.take(), device.take()), (READY + b"hello", READY))

    def test_first_party_leaves(self) -> None:
        """When the one that waits goes, the pairing ends."""
        for is_device in (False, True):
            control, offer = self.named()
            with capturedLogs() as events:
                self.hang_up(self.join(offer, is_device))
            self.assertTrue(self.refused(self.client_host, offer.port))
            [line] = pair_lines(events)
            party = "device" if is_device else "client"
            self.assertRegex(line, rf"expired after 0\.\d s: the {party} left;")
            self.assertIsNone(control.lost)

    def test_nobody_comes(self) -> None:
        """A magic is good for 10 s: then port and connections are closed."""
        for who in ((), (False,), (True,)):
            _, offer = self.named()
            parties = [self.join(offer, is_device) for is_device in who]
            parties.append(self.dial(self.stranger_host, offer.port))
            self.network.advance(8.5)
            self.assertFalse(any(party.lost for party in parties))
            self.network.advance(2.5)
            self.ends(*parties)
            self.assertTrue(self.refused(self.client_host, offer.port))
        self.assertEqual(self.count("pairs_expired"), 3)

    def test_half_open(self) -> None:
        """A claim that comes octet by octet does not prolong anything."""
        _, offer = self.named()
        party = self.dial(self.stranger_host, offer.port)
        for octet in frame(RlyPkt(offer.magic, DID, True))[:11]:
            self.say(party, bytes([octet]))
            self.network.advance(1.0)
        self.ends(party)

    def test_room_again(self) -> None:
        """However a pairing ends, there is room for another one."""
        self.start(pairs=1, wait=5.0)
        for _ in range(3):
            control, _ = self.offered()
            self.hang_up(control)
            self.network.advance(2.1)  # what came to nothing holds its room for a moment
            control, offer = self.named()
            self.hang_up(self.join(offer, is_device=True))
            self.network.advance(1.1)
            self.ask(control, RlyPort(), RlyPortAck)
            self.network.advance(6.5)
            client, device = self.paired()
            self.hang_up(device)
            self.ends(client)
        self.assertEqual(self.count("pairs_waiting"), 12)
        self.assertEqual(self.count("pairs_refused"), 0)


class CarryTests(RelayCase):
    """What passes through a pair."""

    def flow(self, sender: Party, octets: bytes) -> None:
        """Let ``sender`` write all that, as fast as it can."""
        assert sender.transport is not None
        sender.transport.write(octets)

    def kept(self) -> int:
        """Octets that the relay keeps for slow readers."""
        streams = list(self.host.tcp.streams)
        return sum(len(each.dataBuffer) - each.offset + each._tempDataLen for each in streams)

    def test_both_ways(self) -> None:
        """Octets pass unopened and in order, whatever they look like."""
        client, device = self.paired()
        up = b"".join(i.to_bytes(4, "big") for i in range(20_000))
        down = frame(RlyPort()) * 5000
        self.flow(client, up)
        self.flow(device, down)
        self.network.advance(20.0)
        self.assertEqual((device.take(), client.take()), (up, down))

    def test_after_the_control_connections(self) -> None:
        """A pair needs no control connection."""
        client, device = self.paired()
        self.assertEqual(len(self.host.tcp.streams), 2)
        self.say(client, b"up")
        self.say(device, b"down")
        self.assertEqual((device.take(), client.take()), (b"up", b"down"))

    def test_small_writes_at_once(self) -> None:
        """Nothing is held back in the hope of more."""
        self.paired()
        for stream in self.host.tcp.streams:
            self.assertTrue(stream.getTcpNoDelay())

    def test_slow_reader(self) -> None:
        """While one does not read, the other cannot send, and little is kept; nothing is lost."""
        for turned in (False, True):
            client, device = self.paired()
            sender, reader = (device, client) if turned else (client, device)
            pause(reader)
            self.flow(sender, bytes(2000 * KILOBYTES))
            self.network.advance(5.0)
            held = self.kept()
            self.assertGreater(held, 0)
            self.assertLessEqual(held, 128 * KILOBYTES)
            transport: Any = sender.transport
            self.assertGreater(transport._tempDataLen + len(transport.dataBuffer), 0)
            self.say(reader, b"the other way is free")
            self.assertEqual(sender.take(), b"the other way is free")
            resume(reader)
            self.network.advance(20.0)
            self.assertEqual((len(reader.data), self.kept()), (2000 * KILOBYTES, 0))
            self.hang_up(sender)

    def test_rest_is_delivered(self) -> None:
        """When one goes, the other still gets what was sent before."""
        client, device = self.paired()
        pause(device)
        self.flow(client, bytes(100 * KILOBYTES))
        assert client.transport is not None
        client.transport.loseConnection()
        self.network.advance(2.0)
        resume(device)
        self.network.advance(5.0)
        self.assertEqual(len(device.data), 100 * KILOBYTES)
        self.ends(client, device)
        assert device.lost is not None
        self.assertTrue(device.lost.check(ConnectionDone))

    def test_rest_is_not_taken(self) -> None:
        """But it has to take that within 5 s."""
        self.start(idle=20.0)
        client, device = self.paired()
        pause(device)
        self.flow(client, bytes(1000 * KILOBYTES))
        self.network.run_until(lambda: self.count("pairs_expired"))
        self.network.advance(4.0)
        self.assertEqual(len(self.host.tcp.streams), 1)
        self.assertGreater(self.kept(), 0)
        self.network.advance(2.0)
        self.assertEqual(list(self.host.tcp.streams), [])
        for party in (client, device):
            transport: Any = party.transport
            transport.abortConnection()

    def test_log(self) -> None:
        """The log has one line for a pair, with what became of it."""
        with capturedLogs() as events:
            client, device = self.paired()
            self.say(client, b"12345")
            self.say(device, b"123")
            self.network.advance(2.0)
            self.hang_up(client)
        self.ends(device)
        [line] = pair_lines(events)
        self.assertRegex(
            line,
            rf"^pair for {DID} finished after \d\.\d s: the client left; 5 octets from the client "
            rf"at {CLIENT}, 3 from the device$",
        )
        counts = {name: n for name, n in self.relay.counts().items() if n}
        self.assertEqual(
            counts, {"pairs_waiting": 1, "pairs_paired": 1, "pairs_finished": 1, "octets": 8}
        )

    def test_reset(self) -> None:
        """A connection that breaks ends the pair."""
        client, device = self.paired()
        self.network.reset(self.host, self.device_host)
        self.network.advance(0.1)
        self.ends(client, device)
        assert device.lost is not None
        self.assertTrue(device.lost.check(ConnectionLost))

    def test_byte_limit(self) -> None:
        """A pair carries so many octets, both ways together, and no more."""
        self.start(octets=10)
        client, device = self.paired()
        self.say(client, b"12345")
        self.say(device, b"12345")
        self.assertEqual((device.take(), client.take()), (b"12345", b"12345"))
        with capturedLogs() as events:
            self.say(client, b"6")
        self.ends(client, device)
        self.assertEqual(device.take(), b"")
        [line] = pair_lines(events)
        self.assertIn("finished", line)
        self.assertIn("as much as a pair may", line)

    def test_idle(self) -> None:
        """Silence ends a pair; octets of either one prolong it."""
        self.start(idle=20.0)
        client, device = self.paired()
        for sender in (client, device, client):
            self.network.advance(15.0)
            self.say(sender, b"x")
        self.network.advance(18.0)
        self.assertIsNone(client.lost)
        self.network.advance(5.0)
        self.ends(client, device)
        self.assertEqual(self.count("pairs_expired"), 1)

    def test_stuck_reader_is_idle(self) -> None:
        """A pair in which nothing moves, because one does not read, is silent as well."""
        self.start(idle=20.0)
        client, device = self.paired()
        pause(device)
        self.flow(client, bytes(2000 * KILOBYTES))
        self.network.advance(30.0)
        self.assertEqual(list(self.host.tcp.streams), [])
        for party in (client, device):
            transport: Any = party.transport
            transport.abortConnection()


class StopTests(RelayCase):
    """The end of the relay."""

    def test_everything(self) -> None:
        """Everything is closed: ports, control connections, waiting ones, pairs."""
        parties = [*self.paired(), self.logged_in(), self.dial(self.stranger_host)]
        control, offer = self.named()
        parties += [control, self.join(offer, is_device=False)]
        parties.append(self.dial(self.stranger_host, offer.port))
        with capturedLogs() as events:
            self.stop()
        self.ends(*parties)
        self.assertEqual(list(self.host.tcp.streams), [])
        self.assertTrue(self.refused(self.client_host, offer.port))
        self.assertTrue(self.refused(self.client_host, 65527))
        self.assertEqual(
            sorted(line.split(": ")[1].split(";")[0] for line in pair_lines(events)),
            ["the relay stops", "the relay stops"],
        )

    def test_rest_is_delivered(self) -> None:
        """What is on its way still arrives, if the reader takes it within a second."""
        client, device = self.paired()
        pause(device)
        self.say(client, bytes(100 * KILOBYTES))
        stopping = Deferred.fromCoroutine(self.relay.stop())
        self.network.advance(0.2)
        self.assertNoResult(stopping)
        resume(device)
        self.network.advance(0.6)
        self.successResultOf(stopping)
        self.assertEqual(len(device.data), 100 * KILOBYTES)

    def test_stuck(self) -> None:
        """Who does not read does not stop the relay from stopping."""
        client, device = self.paired()
        pause(device)
        self.say(client, bytes(1000 * KILOBYTES))
        stopping = Deferred.fromCoroutine(self.relay.stop())
        self.network.advance(0.9)
        self.assertNoResult(stopping)
        self.network.advance(0.2)
        self.successResultOf(stopping)
        for party in (client, device):
            transport: Any = party.transport
            transport.abortConnection()

    def test_twice(self) -> None:
        """Stopping again is fine, and so is stopping what never started."""
        self.stop()
        self.stop()

    def test_port(self) -> None:
        """The number of the control port is known while it is open."""
        self.assertEqual(self.relay.port, 65527)
        self.stop()
        self.assertEqual(self.relay.port, 0)


@implementer(IStreamServerEndpoint)
class SlowEndpoint:
    """
    An endpoint that takes its time.

    :ivar asked: what was asked of it, for a test to answer.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[Any, Deferred[IListeningPort]]] = []

    def listen(self, protocolFactory: Any) -> Deferred[IListeningPort]:
        """Wait for the test."""
        asked: Deferred[IListeningPort] = Deferred()
        self.asked.append((protocolFactory, asked))
        return asked


class SlowPlace(Place):
    """Has its control port at once, its data ports later."""

    slow = SlowEndpoint()

    def endpoint(self, reactor: Any, port: int) -> IStreamServerEndpoint:
        """The slow one, unless it is for the control port."""
        return super().endpoint(reactor, port) if port == self.port else self.slow


class SlowEndpointTests(RelayCase):
    """Endpoints that do not listen at once."""

    def setUp(self) -> None:
        """A client that waits for its port."""
        super().setUp()
        place = SlowPlace(65527)
        self.start(place=place)
        self.client = self.dial(self.client_host)
        self.say(self.client, RlyPort())
        self.assertEqual(self.heard(self.client), [])
        [(self.factory, self.asked)] = place.slow.asked
        place.slow.asked.clear()

    def listen(self) -> None:
        """At last there is a port."""
        self.asked.callback(self.host.listenTCP(61000, self.factory))
        self.network.advance(0.1)

    def test_listens(self) -> None:
        """The client hears when the port is open."""
        self.listen()
        [offer] = self.heard(self.client)
        assert isinstance(offer, RlyPortAck)
        self.assertEqual(offer.port, 61000)
        for is_device in (False, True):
            self.join(offer, is_device)
        self.assertEqual(self.count("pairs_paired"), 1)

    def test_asked_meanwhile(self) -> None:
        """A device cannot be told of a port that is not open."""
        self.say(self.client, request())
        self.listen()
        self.ends(self.client)
        self.assertTrue(self.refused(self.client_host, 61000))

    def test_client_leaves(self) -> None:
        """The port is closed at once when nobody wants it any more."""
        self.hang_up(self.client)
        self.listen()
        self.assertTrue(self.refused(self.client_host, 61000))
        self.assertEqual(self.count("pairs_expired"), 1)

    def test_fails(self) -> None:
        """When it cannot be opened, whatever the reason, the client hears that it gets none."""
        self.asked.errback(RuntimeError("no certificate"))
        self.network.advance(0.1)
        self.assertEqual(self.heard(self.client), [RlyPortAck(0, 0)])
        self.assertEqual(self.count("pairs_refused"), 1)

    def test_fails_when_nobody_waits(self) -> None:
        """Likewise when the client has left, and there is room for another one then."""
        self.hang_up(self.client)
        self.asked.errback(RuntimeError("no certificate"))
        self.assertEqual(self.count("pairs_expired"), 1)
        self.assertEqual(self.count("pairs_refused"), 0)

    def test_stops(self) -> None:
        """The relay waits for the port, to close it."""
        stopping = Deferred.fromCoroutine(self.relay.stop())
        self.network.advance(0.5)
        self.assertNoResult(stopping)
        self.listen()
        self.successResultOf(stopping)
        self.assertEqual(list(self.host.tcp.listeners()), [])
