"""Tests of cancelling the relay mode: at every moment, twice, and while it fails by itself."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from twisted.internet.defer import CancelledError

from tests.connect.relaying import (
    DATA_PORT,
    DID,
    RELAY,
    SERVER,
    TARGET,
    RelayTestCase,
    Trace,
    held,
)
from trailcam.connect.target import Target
from trailcam.errors import AttemptFailed
from trailcam.wire.constants import RELAY_PORT, RENDEZVOUS_PORT, Result
from trailcam.wire.messages import (
    Close,
    RlyHello,
    RlyHelloAck,
    RlyPkt,
    RlyPort,
    RlyPortAck,
    RlyRdy,
    TcpRlyReq,
    TcpRlyReqAck,
)
from trailcam.wire.sockaddr import SocketAddress

SERVERS = ((SERVER, RENDEZVOUS_PORT),)


class EveryMomentTests(RelayTestCase):
    """Cancelled after the first event, the second, and so on."""

    def check(self, target: Target = TARGET, prepare: Callable[[], object] = int) -> None:
        """Whatever was going on, nothing is left."""
        ends: list[str] = []
        for events in range(200):
            prepare()
            trace = self.start(self.attempt(target))
            self.let_happen(events, trace)
            if trace.at is not None:  # it was over before
                self.let_go(trace)
                break
            trace.deferred.cancel()
            asked = self.client.seconds()
            self.network.run_until(lambda trace=trace: trace.at is not None, 1.0)
            self.assertEqual((trace.open, type(trace.error)), (0, CancelledError), events)
            self.assertLessEqual((trace.at or 0.0) - asked, 0.01)
            self.network.advance(0.1)
            self.assertEqual(held(self.client), 0)
            ends.append(f"after {events}")
        self.assertGreater(len(ends), 8)

    def let_happen(self, events: int, trace: Trace) -> None:
        """Let so many things happen on the network."""
        count = iter(range(events + 1))
        self.network.run_until(lambda: next(count) >= events or trace.at is not None)

    def let_go(self, trace: Trace) -> None:
        """Leave what it came to."""
        if not isinstance(trace.result, Exception) and hasattr(trace.result, "abandon"):
            trace.result.abandon()

    def test_success(self) -> None:
        """On the way to a connection."""
        self.relay()
        self.check()

    def test_by_name(self) -> None:
        """With names to be looked up."""
        self.network.name("relay.example", RELAY)
        self.relay()
        relay = attrs.evolve(TARGET.relay, host="relay.example")
        self.check(attrs.evolve(TARGET, relay=relay))

    def test_rendezvous(self) -> None:
        """With a rendezvous server that lists two relays, and has to send the device."""
        self.network.name("server.example", SERVER)
        server = self.server()
        far = self.network.host("203.0.113.77")
        server.relays = tuple(SocketAddress(host, RELAY_PORT) for host in (RELAY, far.address))
        for host in (self.relay_host, far):
            self.relay(host).on(TcpRlyReq, TcpRlyReqAck(Result.DEVICE_OFFLINE))
        self.check(Target(did=DID, rendezvous=(("server.example", RENDEZVOUS_PORT),)))

    def test_failures(self) -> None:
        """While one relay after the other turns out to be of no use."""
        server = self.server()
        far = self.network.host("203.0.113.77")
        server.relays = tuple(SocketAddress(host, RELAY_PORT) for host in (RELAY, far.address))
        self.relay().on(RlyPort, RlyPortAck(0, 0))
        self.relay(far).on(RlyPkt, hang_up=True).on(RlyHello, RlyHelloAck(), after=0.02)
        self.check(Target(did=DID, rendezvous=SERVERS))


class MomentTests(RelayTestCase):
    """Moments that are worth a closer look."""

    def cancel(self, trace: Trace) -> None:
        """Cancel, and see that it ends so."""
        self.assertIsNone(trace.at)
        trace.deferred.cancel()
        self.network.advance(0.1)
        self.assertEqual((trace.open, type(trace.error)), (0, CancelledError))

    def test_at_once(self) -> None:
        """Before anything has happened."""
        relay = self.relay()
        self.cancel(self.start(self.attempt()))
        self.assertEqual(relay.heard, [])

    def test_connecting(self) -> None:
        """While nobody answers the call, and the connection is still on its way."""
        self.relay_host.silent = True
        trace = self.start(self.attempt())
        self.network.advance(2.0)
        self.cancel(trace)

    def test_settles_after_its_sockets(self) -> None:
        """Twisted tells of a cancelled connection before its socket is closed; we do not."""
        self.relay_host.silent = True
        trace = self.start(self.attempt())
        self.network.advance(2.0)
        trace.deferred.cancel()
        self.assertIsNone(trace.at)
        self.network.advance(0.0)
        self.assertEqual(trace.open, 0)

    def test_waiting_for_the_device(self) -> None:
        """The relay sees us go."""
        relay = self.relay().on(RlyPkt)
        trace = self.start(self.attempt())
        self.network.advance(5.0)
        self.cancel(trace)
        self.assertEqual(relay.connections, [])
        self.assertEqual(relay.kinds(DATA_PORT), ["RLY_PKT"])

    def test_waiting_for_the_proof(self) -> None:
        """The device is there, so it is told CLOSE."""
        relay = self.relay().on(RlyPkt, RlyRdy(DID))
        trace = self.start(self.attempt())
        self.network.advance(5.0)
        self.cancel(trace)
        self.assertEqual(relay.heard[-1], (DATA_PORT, Close()))
        self.assertEqual(relay.connections, [])

    def test_searching(self) -> None:
        """No rendezvous server answers."""
        target = Target(did=DID, rendezvous=SERVERS)
        trace = self.start(self.attempt(target))
        self.network.advance(2.0)
        self.cancel(trace)

    def test_resolving(self) -> None:
        """No name server answers."""
        self.network.latency = 3.0
        target = Target(did=DID, rendezvous=(("server.example", 5), ("other.example", 5)))
        trace = self.start(self.attempt(target))
        self.network.advance(2.0)
        self.cancel(trace)

    def test_twice(self) -> None:
        """Who is impatient gets nothing sooner, and breaks nothing."""
        relay = self.relay().on(RlyPkt, RlyRdy(DID))
        trace = self.start(self.attempt())
        self.network.advance(1.0)
        trace.deferred.cancel()
        trace.deferred.cancel()
        self.network.advance(0.1)
        self.assertEqual((trace.open, type(trace.error)), (0, CancelledError))
        self.assertEqual(relay.kinds(DATA_PORT), ["RLY_PKT", "CLOSE"])

    def test_relay_cut_off(self) -> None:
        """A relay whose machine has died does not hold us up."""
        self.relay().on(RlyPkt, RlyRdy(DID))
        trace = self.start(self.attempt())
        self.network.advance(1.0)
        mend = self.network.cut(self.client, self.relay_host)
        self.cancel(trace)
        mend()

    def test_won_already(self) -> None:
        """Too late: the link is the caller's."""
        self.relay()
        trace = self.run_attempt()
        trace.deferred.cancel()
        self.network.advance(1.0)
        self.assertEqual(held(self.client), 1)
        self.won(trace)

    def test_end_of_the_budget_at_every_moment(self) -> None:
        """However short the budget is, the attempt ends in time, and says why in words."""
        self.relay().on(RlyPkt, RlyRdy(DID))
        codes: set[str] = set()
        for milliseconds in range(20):
            error = self.failure(AttemptFailed, budget=milliseconds / 1000)
            self.assertLess(error.elapsed, milliseconds / 1000 + 0.01)
            self.assertIn(f"within {error.elapsed:.1f} s", str(error))
            codes.add(error.code)
            self.network.advance(0.1)
        self.assertEqual(
            codes, {"relay_unreachable", "relay_not_understood", "device_never_joined"}
        )
