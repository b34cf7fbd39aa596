"""Tests of how many clients are served."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel
from twisted.trial.unittest import SynchronousTestCase

from tests.agent.rig import DID
from tests.connect.logs import LogCapture
from tests.tap.fakes import FakeLink, Races
from trailcam.agent.doorkeeper import Doorkeeper
from trailcam.interfaces import IMessageReceiver
from trailcam.model import ConnectionMode
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import Close


class DoorkeeperTests(SynchronousTestCase):
    """Two may be in at a time."""

    def setUp(self) -> None:
        """Open the door."""
        self.clock = Clock()
        self.log = LogCapture(self)
        self.races = Races()
        self.door: Any = Doorkeeper(self.clock, DID, TRAILCAM_DID, self.races.connect, 2)
        self.door.startService()

    def tearDown(self) -> None:
        """Close it; nothing may be left."""
        self.successResultOf(self.door.stopService())
        self.assertEqual((self.door.clients, self.clock.getDelayedCalls()), (0, []))

    def come(self, number: int = 1, mode: ConnectionMode = ConnectionMode.P2P) -> FakeLink:
        """A client arrives."""
        link = FakeLink(mode, ("203.0.113.7", number))
        self.door.arrived(link)
        return link

    def test_served(self) -> None:
        """Who comes while there is room is served, and named with its way."""
        self.come(1)
        self.come(2, ConnectionMode.RELAY)
        self.assertEqual(self.door.clients, 2)
        self.assertEqual(len(self.races.started), 2)
        self.assertEqual(
            self.log.lines(LogLevel.info),
            [
                "client 203.0.113.7:1 connected by punch",
                "client 203.0.113.7:2 connected by relay",
            ],
        )

    def test_full(self) -> None:
        """One more gets CLOSE at once; the others do not notice."""
        first, _, third = (self.come(number) for number in (1, 2, 3))
        self.assertEqual((first.sent, third.sent), ([], [Close()]))
        self.assertEqual(len(self.races.started), 2)
        self.assertEqual(
            self.log.lines(LogLevel.info)[-1],
            "client 203.0.113.7:3 sent away: 2 are served already",
        )

    def test_in_turn(self) -> None:
        """When one has left, the next one gets its place."""
        first, _ = self.come(1), self.come(2)
        first.hear(Close())
        self.assertEqual(self.door.clients, 1)
        third = self.come(3)
        self.assertEqual((self.door.clients, third.sent), (2, []))

    def test_place_is_taken_until_the_end(self) -> None:
        """A place is free only when both links are gone."""
        camera = FakeLink(gone=Deferred())
        self.come(1)
        self.races.win(camera)
        self.come(2).hear(Close())
        camera.hear(Close())
        self.assertEqual(self.door.clients, 1)
        camera.gone.callback(None)
        self.assertEqual(self.door.clients, 0)

    def test_broken(self) -> None:
        """A visit that breaks is told as a bug, and its place is free."""
        self.door.arrived(BrokenLink())
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(self.door.clients, 0)

    def test_stop(self) -> None:
        """Everybody gets CLOSE at once, whoever waits and whoever is served."""
        camera = FakeLink()
        served = self.come(1)
        self.races.win(camera)
        waiting = self.come(2)
        self.successResultOf(self.door.stopService())
        self.assertEqual((served.sent, waiting.sent, camera.sent), ([Close()],) * 3)

    def test_stop_waits(self) -> None:
        """It waits for the links of those that are served and of those that were sent away."""
        served, _ = self.come(1), self.come(2)
        away = FakeLink(gone=Deferred())
        self.door.arrived(away)
        served.gone = Deferred()
        stopping = self.door.stopService()
        self.assertNoResult(stopping)
        served.gone.callback(None)
        self.assertNoResult(stopping)
        away.gone.callback(None)
        self.successResultOf(stopping)

    def test_closed(self) -> None:
        """After the end nobody is served."""
        self.door.stopService()
        self.assertEqual(self.come().sent, [Close()])
        self.assertEqual(self.races.started, [])


class BrokenLink(FakeLink):
    """A link with a bug."""

    def attach(self, receiver: IMessageReceiver) -> None:
        """Break."""
        raise RuntimeError("broken")
