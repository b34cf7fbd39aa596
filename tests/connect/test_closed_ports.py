"""Tests of what the attempts of a race tell each other about closed ports."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.connect.cameras import CAMERA
from tests.connect.racing import ConnectorTestCase
from trailcam.connect import closed_ports
from trailcam.connect.closed_ports import ClosedPorts
from trailcam.errors import PortsRefused
from trailcam.interfaces import Address
from trailcam.testing import Datagram
from trailcam.wire.constants import MessageType

FIRST: Address = (CAMERA, 1)
SECOND: Address = (CAMERA, 2)


class ClosedPortsTests(SynchronousTestCase):
    """The board itself."""

    def setUp(self) -> None:
        """A board, and somebody who watches it."""
        self.board = ClosedPorts()
        self.told: list[Address] = []
        self.board.watch(self.told.append)

    def test_told_once(self) -> None:
        """Each refusal is news once."""
        for address in (FIRST, SECOND, FIRST):
            self.board.tell(address)
        self.assertEqual(self.told, [FIRST, SECOND])

    def test_late_watcher(self) -> None:
        """Who comes later learns what is known already."""
        self.board.tell(FIRST)
        late: list[Address] = []
        self.board.watch(late.append)
        self.board.tell(SECOND)
        self.assertEqual(late, [FIRST, SECOND])

    def test_unwatch(self) -> None:
        """Who has left hears nothing; leaving twice is no mistake."""
        watcher = self.told.append
        self.board.unwatch(watcher)
        self.board.unwatch(watcher)
        self.board.tell(FIRST)
        self.assertEqual(self.told, [])

    def test_left_meanwhile(self) -> None:
        """One whose attempt an earlier watcher ended is not told any more."""
        board = ClosedPorts()
        late: list[Address] = []
        watcher = late.append
        board.watch(lambda _: board.unwatch(watcher))
        board.watch(watcher)
        board.tell(FIRST)
        self.assertEqual(late, [])

    def test_bounded(self) -> None:
        """The memory is bounded; what does not fit is not told."""
        self.patch(closed_ports, "_MOST_REMEMBERED", 1)
        self.board.tell(FIRST)
        self.board.tell(SECOND)
        self.assertEqual(self.told, [FIRST])


class SharedTests(ConnectorTestCase):
    """In a race."""

    def test_rate_limited(self) -> None:
        """A host that refuses only the first mode's probes is refused for both."""

        def search(datagram: Datagram) -> bool:
            return datagram.payload[1] == MessageType.LAN_SEARCH

        self.network.drop(search)
        watch = self.watch(self.connector().connect())
        self.network.advance(0.05)
        failures = watch.error.failures
        self.assertEqual([type(failure) for failure in failures], [PortsRefused] * 2)
