"""Tests of the handshake's machine, without any IO."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from twisted.trial.unittest import SynchronousTestCase

from tests.connect.cameras import PUNCH, READY
from trailcam.connect.handshake import Dialect, Exchange, lan_dialect, machine, p2p_dialect
from trailcam.interfaces import Address
from trailcam.model import ConnectionMode
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import LanSearch, Message

SEARCH = LanSearch()
A = ("192.168.43.1", 40611)
B = ("192.168.43.2", 40611)
DESTINATIONS = [("192.168.43.1", 40611), ("192.168.43.1", 32108)]


class HandshakeTestCase(SynchronousTestCase):
    """A machine that writes down what it sends and proves."""

    dialect = lan_dialect(TRAILCAM_DID)

    def setUp(self) -> None:
        """Make it."""
        self.sent: list[tuple[Message, Address]] = []
        self.proved: list[Address] = []
        self.exchange = Exchange(self.dialect, self.send, self.proved.append, list(DESTINATIONS))
        self.machine: Any = machine(self.exchange)

    def send(self, message: Message, peer: Address) -> None:
        """Write down."""
        self.sent.append((message, peer))

    def take(self) -> list[tuple[Message, Address]]:
        """What was sent since the last look."""
        sent = list(self.sent)
        self.sent.clear()
        return sent

    def started(self) -> Any:
        """A machine that has sent its first probes."""
        self.machine.start()
        self.take()
        return self.machine

    def punching(self) -> Any:
        """A machine whose candidate is A."""
        self.started().punched(A)
        self.take()
        return self.machine


class LanHandshakeTests(HandshakeTestCase):
    """Search, echo, wait."""

    def test_dialect(self) -> None:
        """LAN searches, echoes PUNCH_PKT, and takes no slot by searching."""
        expected = Dialect(ConnectionMode.LAN, SEARCH, PUNCH, (PUNCH, READY), False)
        self.assertEqual(self.dialect, expected)

    def test_idle(self) -> None:
        """Nothing happens before the start."""
        self.assertEqual((self.exchange.phase, self.sent), ("idle", []))

    def test_start(self) -> None:
        """Every destination is asked, in order."""
        self.machine.start()
        self.assertEqual(self.take(), [(SEARCH, address) for address in DESTINATIONS])
        self.assertEqual(self.exchange.phase, "searching")

    def test_silence(self) -> None:
        """Silence asks every destination again."""
        self.started().silence()
        self.assertEqual(self.take(), [(SEARCH, address) for address in DESTINATIONS])

    def test_refused_destination(self) -> None:
        """A destination that was taken out is not asked any more."""
        self.started()
        self.exchange.destinations.remove(DESTINATIONS[0])
        self.machine.silence()
        self.assertEqual(self.take(), [(SEARCH, DESTINATIONS[1])])

    def test_destination_refused_while_probing(self) -> None:
        """A destination may be taken out by what a write comes to."""

        def send(message: Message, peer: Address) -> None:
            self.exchange.destinations.remove(peer)
            self.sent.append((message, peer))

        self.exchange.send = send
        self.machine.start()
        self.assertEqual(len(self.sent), 2)
        self.assertEqual(self.exchange.destinations, [])

    def test_punched(self) -> None:
        """PUNCH_PKT is echoed to whom it came from."""
        self.started().punched(A)
        self.assertEqual(self.take(), [(PUNCH, A)])
        self.assertEqual(self.exchange.phase, "punching")

    def test_one_echo_per_copy(self) -> None:
        """Each copy of PUNCH_PKT is echoed, as the camera's own app does."""
        self.punching().punched(A)
        self.assertEqual(self.take(), [(PUNCH, A)])

    def test_other_candidate(self) -> None:
        """A second camera gets no echo: that would take one of its slots."""
        self.punching().punched(B)
        self.assertEqual(self.take(), [])

    def test_offer_without_punch(self) -> None:
        """An offer whose PUNCH_PKT got lost makes a candidate too; it is not answered."""
        self.started().offered(A)
        self.assertEqual((self.take(), self.exchange.phase), ([], "punching"))

    def test_ready(self) -> None:
        """P2P_RDY proves the peer it came from, and nothing is sent for it."""
        self.punching().ready(A)
        self.assertEqual((self.proved, self.take(), self.exchange.phase), ([A], [], "ready"))

    def test_ready_from_another_port(self) -> None:
        """The session lives where P2P_RDY came from."""
        other = (A[0], 50000)
        self.punching().ready(other)
        self.assertEqual(self.proved, [other])

    def test_nudge(self) -> None:
        """A silent candidate alone is asked again, with all that it may be waiting for."""
        self.punching().silence()
        self.assertEqual(self.take(), [(PUNCH, A), (READY, A)])
        self.assertEqual(self.exchange.silent_rounds, 1)

    def test_nudges_are_counted(self) -> None:
        """Each nudge counts, until the candidate is heard."""
        self.punching().silence()
        self.machine.silence()
        self.assertEqual(self.exchange.silent_rounds, 2)
        self.machine.offered(B)
        self.machine.punched(B)
        self.assertEqual(self.exchange.silent_rounds, 2)
        self.machine.offered(A)
        self.assertEqual(self.exchange.silent_rounds, 0)
        self.machine.silence()
        self.machine.punched(A)
        self.assertEqual(self.exchange.silent_rounds, 0)

    def test_forget(self) -> None:
        """A candidate that is forgotten is nobody's; the search goes on at once, from nothing."""
        self.punching().silence()
        self.take()
        self.machine.forget()
        self.assertEqual(self.take(), [(SEARCH, address) for address in DESTINATIONS])
        self.assertEqual((self.exchange.phase, self.exchange.silent_rounds), ("searching", 0))
        self.machine.punched(B)
        self.assertEqual(self.take(), [(PUNCH, B)])

    def test_closed(self) -> None:
        """CLOSE ends the candidacy; the next search waits for its time."""
        self.punching().silence()
        self.take()
        self.machine.closed()
        self.assertEqual((self.take(), self.exchange.phase), ([], "searching"))
        self.assertEqual(self.exchange.silent_rounds, 0)
        self.machine.silence()
        self.assertEqual(self.take(), [(SEARCH, address) for address in DESTINATIONS])

    def test_closed_while_searching(self) -> None:
        """CLOSE from nobody's candidate changes nothing."""
        self.started().closed()
        self.assertEqual((self.take(), self.exchange.phase), ([], "searching"))

    def test_independent(self) -> None:
        """Two handshakes of one machine do not share anything."""
        other = Exchange(self.dialect, self.send, self.proved.append)
        machine(other).start()
        self.assertEqual((other.phase, self.exchange.phase), ("searching", "idle"))


class P2PHandshakeTests(HandshakeTestCase):
    """Punch, answer, wait."""

    dialect = p2p_dialect(TRAILCAM_DID)

    def test_dialect(self) -> None:
        """P2P punches at once, which may take a slot, and answers a punch with P2P_RDY."""
        expected = Dialect(ConnectionMode.P2P, PUNCH, READY, (PUNCH, READY), True)
        self.assertEqual(self.dialect, expected)

    def test_start(self) -> None:
        """Every destination is punched."""
        self.machine.start()
        self.assertEqual(self.take(), [(PUNCH, address) for address in DESTINATIONS])

    def test_ready_at_once(self) -> None:
        """A camera that was punched may be ready without further words."""
        self.started().ready(A)
        self.assertEqual((self.proved, self.take()), ([A], []))

    def test_punched(self) -> None:
        """A punch is answered with P2P_RDY, each copy."""
        self.started().punched(A)
        self.machine.punched(A)
        self.assertEqual(self.take(), [(READY, A), (READY, A)])


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens in whatever order."""

    peers = st.sampled_from([A, B, (A[0], 50000)])

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[Message, Address]] = []
        self.proved: list[Address] = []
        dialect = lan_dialect(TRAILCAM_DID)
        self.exchange = Exchange(
            dialect, lambda m, p: self.sent.append((m, p)), self.proved.append, [A, B]
        )
        self.machine: Any = machine(self.exchange)
        self.machine.start()
        self.sent.clear()

    @rule(peer=peers)
    def punched(self, peer: Address) -> None:
        """PUNCH_PKT: at most one message, an echo to the sender."""
        if self.exchange.phase != "ready":
            self.sent.clear()
            self.machine.punched(peer)
            assert self.sent in ([], [(PUNCH, peer)])

    @rule(peer=peers)
    def offered(self, peer: Address) -> None:
        """An offer is never answered."""
        if self.exchange.phase != "ready":
            self.sent.clear()
            self.machine.offered(peer)
            assert (self.sent, self.exchange.phase) == ([], "punching")

    @rule()
    def closed(self) -> None:
        """CLOSE is never answered, and leads to the search."""
        if self.exchange.phase != "ready":
            self.sent.clear()
            self.machine.closed()
            assert (self.sent, self.exchange.phase) == ([], "searching")

    @rule()
    def silence(self) -> None:
        """Silence always sends something: to all, or to the one candidate."""
        if self.exchange.phase != "ready":
            searching = self.exchange.phase == "searching"
            self.sent.clear()
            self.machine.silence()
            assert len({peer for _, peer in self.sent}) == (2 if searching else 1)

    @rule()
    def forget(self) -> None:
        """Forgetting is for candidates only."""
        if self.exchange.phase == "punching":
            self.machine.forget()
            assert self.exchange.phase == "searching"

    @rule(peer=peers)
    def ready(self, peer: Address) -> None:
        """P2P_RDY is the end, and proves its sender."""
        if self.exchange.phase != "ready":
            self.machine.ready(peer)
            assert self.proved == [peer]

    @invariant()
    def nothing_counted_while_searching(self) -> None:
        """Silent rounds belong to a candidate."""
        assert self.exchange.phase == "punching" or self.exchange.silent_rounds == 0 or self.proved


AnyOrder.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, derandomize=True
)


class AnyOrderTests(SynchronousTestCase):
    """The machine above, run by trial."""

    def test_any_order(self) -> None:
        """No order of events surprises the machine."""
        AnyOrder.TestCase("runTest").runTest()
