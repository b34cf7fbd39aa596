"""Tests of relays that never say goodbye, as TLS asks for: nobody waits long for it."""

from __future__ import annotations

from twisted.internet.defer import CancelledError

from tests.connect.cameras import ScriptedCamera
from tests.connect.relaying import (
    DID,
    TARGET,
    RelayTestCase,
    ScriptedRelay,
    Trace,
    held,
)
from trailcam.connect.connector import Connector
from trailcam.connect.relay_control import FAREWELL
from trailcam.connect.target import Target
from trailcam.errors import DeviceNeverJoined, RelayNotUnderstood
from trailcam.model import ConnectionMode
from trailcam.testing.stream import MemoryStream
from trailcam.wire.messages import P2PRdy, PunchPkt, RlyHello, RlyPkt, RlyRdy

#: What the contract of ``max_connection_time`` allows beyond it.
_ALLOWED = 0.5

#: One farewell of at most 0.2 s, and the time that messages travel.
_ONE = 0.25


class FarewellTests(RelayTestCase):
    """A relay over connections that are only ever cut off."""

    def setUp(self) -> None:
        """The client's goodbyes are not answered."""
        super().setUp()
        lose = MemoryStream.loseConnection

        def loseConnection(stream: MemoryStream) -> None:
            if stream.host is not self.client:
                lose(stream)

        self.patch(MemoryStream, "loseConnection", loseConnection)

    def frozen(self) -> ScriptedRelay:
        """A relay that lets us in, and then says nothing more."""
        return self.relay().on(RlyPkt)

    def over(self, trace: Trace, since: float, limit: float) -> None:
        """It ended in time, and all was gone then."""
        assert trace.at is not None, "still going on"
        self.assertLessEqual(trace.at - since, limit)
        self.assertGreaterEqual(trace.at - since, FAREWELL)
        self.assertEqual(trace.open, 0)

    def test_mute(self) -> None:
        """One that accepts and says nothing."""
        self.relay().on(RlyHello)
        trace = self.run_attempt(budget=2.0)
        self.assertIsInstance(trace.error, RelayNotUnderstood)
        self.over(trace, 2.0, _ONE)

    def test_both_at_once(self) -> None:
        """The control and the data connection are closed at the same time."""
        self.frozen()
        trace = self.run_attempt(budget=2.0)
        self.assertIsInstance(trace.error, DeviceNeverJoined)
        self.over(trace, 2.0, _ONE)

    def test_without_proof(self) -> None:
        """So they are when the camera does not prove itself."""
        self.relay().on(RlyPkt, RlyRdy(DID))
        self.over(self.run_attempt(budget=2.0), 2.0, _ONE)

    def test_cancelled(self) -> None:
        """At any moment."""
        for moment in (0.0005, 0.0015, 0.0025, 0.0035, 0.0045, 0.0055, 0.0065, 1.0):
            relay = self.frozen()
            began = self.client.seconds()
            trace = self.start(self.attempt())
            self.network.advance(moment)
            trace.deferred.cancel()
            self.network.run_until(lambda trace=trace: trace.at is not None, 2.0)
            self.assertIsInstance(trace.error, CancelledError)
            assert trace.at is not None
            self.assertLessEqual(trace.at - began - moment, _ONE, moment)
            self.assertEqual(trace.open, 0)
            relay.close()
            self.closers.remove(relay.close)
            self.network.advance(1.0)

    def test_max_connection_time(self) -> None:
        """The whole, cleanup included, keeps to its time."""
        self.frozen()
        connector = Connector(self.client, TARGET, max_time=2.0)
        trace = Trace(connector.connect([ConnectionMode.RELAY]), self.client)
        self.network.run_until(lambda: trace.at is not None, 5.0)
        self.over(trace, 2.0, _ALLOWED)

    def test_winner(self) -> None:
        """The winner of another mode is not held back for long."""
        self.relay().on(RlyHello)
        camera = ScriptedCamera(self.network.host("203.0.113.44"), 40611)
        self.closers.append(camera.close)
        camera.on(PunchPkt, P2PRdy(DID)).on(P2PRdy, P2PRdy(DID))
        target = Target("203.0.113.44", did=DID, relay=TARGET.relay)
        modes = [ConnectionMode.P2P, ConnectionMode.RELAY]
        trace = Trace(Connector(self.client, target, max_time=9.0).connect(modes), self.client)
        self.network.run_until(lambda: trace.at is not None, 5.0)
        link, _ = trace.result
        self.closers.append(link.abandon)
        self.assertLessEqual(trace.at or 9.0, 2 * _ONE)
        self.assertEqual(held(self.client), 1)
