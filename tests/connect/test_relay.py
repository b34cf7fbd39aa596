"""Tests of the relay mode when all goes well, and of what is exchanged on the way."""

from __future__ import annotations

import attrs
from zope.interface.verify import verifyObject

from tests.connect.relaying import (
    CLIENT,
    DATA_PORT,
    DID,
    MAGIC,
    OTHER_DID,
    RELAY,
    SECRET,
    TARGET,
    RelayTestCase,
    ScriptedRelay,
)
from trailcam.connect.connector import Connector
from trailcam.connect.events import ProbeSent, RaceEvent
from trailcam.connect.relay_address import RelayAddress
from trailcam.connect.target import Target
from trailcam.interfaces import IAttempt, ILink
from trailcam.model import ConnectionMode
from trailcam.session.session import Session
from trailcam.wire.constants import RELAY_PORT
from trailcam.wire.messages import (
    Alive,
    AliveAck,
    Close,
    Drw,
    LanTcpOffer,
    Message,
    P2PRdy,
    PunchPkt,
    RlyHello,
    RlyHelloAck,
    RlyPkt,
    RlyPort,
    RlyPortAck,
    RlyRdy,
    TcpRlyReq,
    TcpRlyReqAck,
    TcpRlyReqDsk,
)
from trailcam.wire.sockaddr import SocketAddress

NOWHERE = SocketAddress("0.0.0.0", 0)


class Receiver:
    """Keeps what a link says."""

    def __init__(self) -> None:
        self.heard: list[Message] = []

    def message_received(self, message: Message, peer: object) -> None:
        """Keep."""
        self.heard.append(message)

    def peer_refused(self, peer: object, error: int) -> None:
        """Does not happen."""

    def link_lost(self, reason: object) -> None:
        """Does not matter."""


class SuccessTests(RelayTestCase):
    """A relay where everything goes well."""

    def test_messages(self) -> None:
        """What is said, and in which order."""
        relay = self.relay()
        self.won(self.run_attempt())
        self.assertEqual(
            relay.heard,
            [
                (RELAY_PORT, RlyHello()),
                (RELAY_PORT, RlyPort()),
                (RELAY_PORT, TcpRlyReq(DID, NOWHERE)),
                (DATA_PORT, RlyPkt(MAGIC, DID, is_device=False)),
            ],
        )

    def test_secret(self) -> None:
        """With a secret, it is shown."""
        relay = self.relay()
        self.won(self.run_attempt(attrs.evolve(TARGET, secret=SECRET)))
        asked = [message for _, message in relay.heard if isinstance(message, TcpRlyReqDsk)]
        self.assertEqual([(request.did, request.dsk) for request in asked], [(DID, SECRET)])

    def test_round_trips(self) -> None:
        """It takes five round trips: connect, hello, port, connect, join."""
        self.relay()
        self.network.latency = 0.1
        trace = self.run_attempt()
        self.won(trace)
        self.assertAlmostEqual(trace.at or 0.0, 5 * 0.2)

    def test_report(self) -> None:
        """The attempt tells its port, the negotiated one, and how long the relay took."""
        self.relay()
        attempt = self.attempt()
        verifyObject(IAttempt, attempt)
        self.assertEqual((attempt.phase, attempt.port, attempt.retries), ("idle", None, 0))
        trace = self.start(attempt)
        self.network.run_until(lambda: trace.at is not None)
        link = self.won(trace)
        verifyObject(ILink, link)
        self.assertEqual(link.mode, ConnectionMode.RELAY)
        self.assertEqual(link.peer, (RELAY, DATA_PORT))
        self.assertEqual(link.local, (CLIENT, attempt.port))
        self.assertEqual((attempt.phase, attempt.retries), ("ready", 0))
        self.assertAlmostEqual(attempt.round_trip or 0.0, 0.002)

    def test_phases(self) -> None:
        """First the relay is dialled, then the device joined there."""
        self.relay()
        attempt = self.attempt()
        trace = self.start(attempt)
        phases = {attempt.phase}
        self.network.run_until(lambda: phases.add(attempt.phase) or trace.at is not None)
        self.assertEqual(phases, {"dialling", "joining", "ready"})
        self.won(trace)

    def test_events(self) -> None:
        """Each connection is told of, the negotiated port with it."""
        self.relay()
        events: list[RaceEvent] = []
        trace = self.start(self.attempt(observer=events.append))
        self.network.run_until(lambda: trace.at is not None)
        probes = [event for event in events if isinstance(event, ProbeSent)]
        self.assertEqual([probe.destination_port for probe in probes], [RELAY_PORT, DATA_PORT])
        self.assertEqual([probe.number for probe in probes], [1, 2])
        self.assertEqual(probes[1].local_port, self.won(trace).local[1])

    def test_control_connection_ends(self) -> None:
        """What is left in the end is the data connection alone."""
        relay = self.relay()
        trace = self.run_attempt()
        self.assertEqual(trace.open, 1)
        self.network.advance(0.01)
        self.assertEqual([connection.port for connection in relay.connections], [DATA_PORT])
        self.won(trace)

    def test_by_name(self) -> None:
        """The name is resolved once: the data port is at the address of the control port."""
        self.network.name("relay.example", RELAY)
        self.relay().on(RlyPort, RlyPortAck(MAGIC, DATA_PORT), after=0.5)
        trace = self.start(
            self.attempt(Target(did=DID, relay=RelayAddress("relay.example", 65527)))
        )
        self.network.advance(0.2)
        self.network.name("relay.example", "203.0.113.99")
        self.network.run_until(lambda: trace.at is not None)
        self.assertEqual(self.won(trace).peer, (RELAY, DATA_PORT))

    def test_data_port_before_the_answer(self) -> None:
        """The data port is dialled before the device was told: that saves a round trip."""
        relay = self.relay().on(TcpRlyReq, TcpRlyReqAck(0), after=1.0)
        self.won(self.run_attempt())
        self.assertEqual(relay.kinds(DATA_PORT), ["RLY_PKT"])

    def test_answer_after_the_device(self) -> None:
        """The device may be there before we hear that it was told."""
        self.relay().on(TcpRlyReq, TcpRlyReqAck(0), after=5.0)
        trace = self.run_attempt()
        self.won(trace)
        self.assertLess(trace.at or 9.0, 0.1)

    def test_what_was_not_asked(self) -> None:
        """Messages that answer nothing are not minded."""
        relay = self.relay()
        relay.banners = {
            RELAY_PORT: [TcpRlyReqAck(0xFF), Alive()],
            DATA_PORT: [Alive(), P2PRdy(DID)],
        }
        relay.on(RlyHello, RlyPortAck(1, 1), RlyHelloAck(), RlyHelloAck())
        self.won(self.run_attempt())

    def test_race(self) -> None:
        """In a race it starts as soon as the direct modes are refused, whatever its weight."""
        self.relay()
        self.network.host("192.0.2.1")
        target = attrs.evolve(TARGET, host="192.0.2.1")
        racing = Connector(self.client, target).connect(frozenset(ConnectionMode))
        self.network.run_until(lambda: racing.called)
        link, report = self.successResultOf(racing)
        self.closers.append(link.abandon)
        self.assertEqual(report.winner, ConnectionMode.RELAY)
        self.assertEqual([a.code for a in report.attempts], ["refused", "refused", None])


class ProofTests(RelayTestCase):
    """What proves the camera, and what becomes of it."""

    def test_proofs(self) -> None:
        """
        P2P_RDY with the right id, DRW, ALIVE or ALIVE_ACK; the next receiver gets it, and what
        followed in the same segment.
        """
        relay = self.relay()
        rest = [Drw(0, number, b"x") for number in range(5)]
        for proof in (P2PRdy(DID), Drw(0, 0, b"data"), Alive(), AliveAck()):
            relay.on(RlyPkt, RlyRdy(DID), proof, *rest)
            link = self.won(self.run_attempt())
            receiver = Receiver()
            link.attach(receiver)
            self.assertEqual(receiver.heard, [proof, *rest])

    def test_no_proofs(self) -> None:
        """Punches and offers prove nothing, nor does RLY_RDY."""
        offer = LanTcpOffer(DID, SocketAddress(RELAY, 40611))
        relay = self.relay().on(RlyPkt, RlyRdy(DID), PunchPkt(DID), offer, RlyRdy(DID))
        trace = self.start(self.attempt())
        self.network.advance(5.0)
        self.assertIsNone(trace.at)
        relay.connections[-1].say(P2PRdy(DID))
        self.network.advance(0.1)
        self.won(trace)

    def test_after_a_verdict(self) -> None:
        """What follows a CLOSE, in the same segment, changes nothing any more."""
        self.relay().on(RlyPkt, RlyRdy(DID), Close(), P2PRdy(DID), Close())
        trace = self.run_attempt()
        self.assertEqual((trace.error.code, trace.open), ("device_never_joined", 0))

    def test_rlyrdy_of_another(self) -> None:
        """RLY_RDY before that belongs to somebody else does not start anything."""
        relay = self.relay().on(RlyPkt)
        trace = self.start(self.attempt())
        self.network.advance(0.1)
        relay.connections[-1].say(RlyRdy(OTHER_DID))
        self.network.advance(0.1)
        self.assertEqual(trace.error.code, "wrong_device")

    def test_session(self) -> None:
        """A session takes the link over, answers, and says CLOSE when it ends."""
        relay = self.relay()
        link = self.won(self.run_attempt())
        session = Session(self.client, link)
        self.network.advance(1.5)
        self.assertEqual(relay.kinds(DATA_PORT), ["RLY_PKT", "ALIVE", "ALIVE"])
        relay.connections[-1].say(AliveAck())
        self.network.advance(0.1)
        self.assertEqual(session.state, "established")
        closing = session.close()
        self.network.advance(0.1)
        self.successResultOf(closing)
        self.assertEqual(relay.heard[-1], (DATA_PORT, Close()))

    def test_relay_killed_under_a_session(self) -> None:
        """When the relay goes, the session hears of it at once."""
        relay = self.relay()
        session = Session(self.client, self.won(self.run_attempt()))
        ending = session.when_closed()
        relay.connections[-1].hang_up()
        self.network.advance(0.1)
        self.assertIn("the relay ended the connection", str(self.successResultOf(ending)))


class SeveralRelaysTests(RelayTestCase):
    """More relays than one, as a rendezvous server lists them."""

    def setUp(self) -> None:
        """A server that lists two relays, of which the second is beside us."""
        super().setUp()
        self.far = self.network.host("203.0.113.77")
        self.listing = self.server()
        self.listing.relays = tuple(
            SocketAddress(host, RELAY_PORT) for host in (self.far.address, RELAY)
        )
        self.target = Target(did=DID, rendezvous=(("203.0.113.9", 32100),))

    def slow(self, after: float = 0.05) -> ScriptedRelay:
        """The far one."""
        return self.relay(self.far).on(RlyHello, RlyHelloAck(), after=after)

    def test_fast_and_slow(self) -> None:
        """All are greeted at once; the first to answer is used, the other one left."""
        slow, fast = self.slow(), self.relay()
        link = self.won(self.run_attempt(self.target))
        self.assertEqual(link.peer, (RELAY, DATA_PORT))
        self.assertEqual(slow.kinds(), ["RLY_HELLO"])
        self.assertEqual((slow.connections, len(fast.connections)), ([], 2))

    def check_fast(self, retries: int) -> None:
        """The other relay is dead, and does not hold us up."""
        self.relay()
        attempt = self.attempt(self.target)
        trace = self.start(attempt)
        self.network.run_until(lambda: trace.at is not None)
        self.assertLess(trace.at or 9.0, 0.02)
        self.assertEqual(self.won(trace).peer, (RELAY, DATA_PORT))
        self.assertEqual(attempt.retries, retries)

    def test_fast_and_refused(self) -> None:
        """Nobody listens at the other one."""
        self.check_fast(retries=1)

    def test_fast_and_silent(self) -> None:
        """The other one's firewall throws away what comes: it is not known to be dead."""
        self.far.silent = True
        self.check_fast(retries=0)

    def test_fast_and_unreachable(self) -> None:
        """There is no way to the other one."""
        self.network.unreachable = {self.far.address}
        self.check_fast(retries=1)

    def test_fast_and_mute(self) -> None:
        """The other one accepts connections, and says nothing."""
        mute = self.relay(self.far).on(RlyHello)
        self.check_fast(retries=0)
        self.network.advance(0.1)
        self.assertEqual(mute.connections, [])

    def test_next_one(self) -> None:
        """When the fastest is full, the other is tried; that counts as one retry."""
        self.relay().on(RlyPort, RlyPortAck(0, 0))
        slow = self.slow()
        attempt = self.attempt(self.target)
        trace = self.start(attempt)
        self.network.run_until(lambda: trace.at is not None)
        self.assertEqual(self.won(trace).peer, (self.far.address, DATA_PORT))
        self.assertEqual(attempt.retries, 1)
        self.assertEqual(slow.kinds(RELAY_PORT).count("RLY_HELLO"), 2)

    def test_none(self) -> None:
        """When all fail, the reason that tells most comes first, and all are told."""
        self.relay().on(RlyPort, RlyPortAck(0, 0))
        attempt = self.attempt(self.target)
        trace = self.start(attempt)
        self.network.run_until(lambda: trace.at is not None)
        self.assertEqual((trace.error.code, attempt.retries), ("relay_full", 2))
        text = str(trace.error)
        self.assertLess(text.index("no room"), text.index("refused the connection"))
        self.assertEqual(trace.open, 0)

    def test_end_of_the_budget(self) -> None:
        """A relay that was left for another one is not blamed for that."""
        self.relay().on(RlyPkt, RlyRdy(DID))
        self.slow(after=1.0)
        trace = self.run_attempt(self.target, budget=3.0)
        self.assertEqual(trace.error.code, "device_never_joined")
        self.assertNotIn(self.far.address, str(trace.error))
