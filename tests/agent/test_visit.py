"""Tests of one client's visit: while the camera is being reached, and after that."""

from __future__ import annotations

import errno
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.agent.rig import DID
from tests.agent.test_bridge import DeadLink, HastyLink
from tests.connect.logs import LogCapture
from tests.tap.fakes import FakeLink, Races
from trailcam.agent.visit import Visit
from trailcam.errors import LinkLost
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import Alive, Close, Drw, P2PRdy, PunchPkt

PUNCH = PunchPkt(DID)


class VisitTestCase(SynchronousTestCase):
    """A client that came, and races to the camera for the test to settle."""

    def setUp(self) -> None:
        """No client yet."""
        self.clock = Clock()
        self.log = LogCapture(self)
        self.races = Races()
        self.camera = FakeLink()

    def tearDown(self) -> None:
        """The visit must be over, its links abandoned, and no call left."""
        self.visit.end("the test is over")
        self.successResultOf(self.over)
        self.assertTrue(self.client.abandoned)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def begin(self, client: FakeLink | None = None) -> FakeLink:
        """A client comes."""
        self.client = client or FakeLink(peer=("203.0.113.7", 5000))
        self.visit = Visit(self.clock, self.client, DID, TRAILCAM_DID, self.races.connect)
        self.over = self.visit.run()
        return self.client

    def served(self) -> FakeLink:
        """A client whose session is open."""
        client = self.begin()
        self.races.win(self.camera)
        return client

    def last_line(self) -> str:
        """What the log said last."""
        return self.log.lines(LogLevel.info)[-1]


class OpeningTests(VisitTestCase):
    """While the camera's session is being opened."""

    def test_punches_are_answered(self) -> None:
        """Each copy of PUNCH_PKT by one; the client hears nothing else yet."""
        client = self.begin()
        client.hear(PUNCH)
        client.hear(P2PRdy(DID))
        client.hear(Alive())
        client.hear(PUNCH)
        self.assertEqual(client.sent, [PUNCH, PUNCH])
        self.assertEqual(len(self.races.started), 1)

    def test_opened(self) -> None:
        """When the camera has proved itself, the client hears its P2P_RDY, under our id."""
        client = self.served()
        self.camera.hear(P2PRdy(TRAILCAM_DID))
        self.assertEqual(client.sent, [P2PRdy(DID)])
        client.hear(Alive())
        self.assertEqual(self.camera.sent, [Alive()])
        self.assertEqual(self.last_line(), "camera session for 203.0.113.7:5000 opened in 0.250 s")

    def test_unreachable(self) -> None:
        """When the camera cannot be reached, the client gets CLOSE, and the log says why."""
        client = self.begin()
        self.races.lose()
        self.assertTrue(self.over.called)
        self.assertEqual(client.sent, [Close()])
        self.assertIn("no way to the camera: P2P: 192.168.43.1 refused", self.log.lines()[0])
        self.assertEqual(
            self.log.lines(LogLevel.info)[0],
            "client 203.0.113.7:5000 got no session: the camera cannot be reached",
        )

    def test_broken(self) -> None:
        """A bug on the way to the camera is told as one, and the client gets CLOSE."""
        client = self.begin()
        self.races.lose(RuntimeError("broken"))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(client.sent, [Close()])

    def test_broken_at_once(self) -> None:
        """So is one that shows before there is a race."""
        self.races.connect = fail_at_once  # type: ignore[method-assign]
        client = self.begin()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(client.sent, [Close()])

    def leave(self, how: Any) -> None:
        """The client leaves: the race is cancelled, and the client is told CLOSE at once."""
        client = self.begin()
        how(client)
        self.assertEqual(self.races.cancelled, 1)
        self.assertEqual(client.sent, [Close()])
        self.assertTrue(self.over.called)

    def test_client_closes(self) -> None:
        """By CLOSE."""
        self.leave(lambda client: client.hear(Close()))
        self.assertIn("the client has left", self.last_line())

    def test_client_refuses(self) -> None:
        """By a closed port; another error is no reason."""

        def refuse(client: FakeLink) -> None:
            assert client.receiver is not None
            assert client.peer is not None
            client.receiver.peer_refused(client.peer, errno.EHOSTUNREACH)
            self.assertEqual(self.races.cancelled, 0)
            client.receiver.peer_refused(client.peer, errno.ECONNREFUSED)

        self.leave(refuse)
        self.assertIn("the client has left (ICMP)", self.last_line())

    def test_client_is_lost(self) -> None:
        """By the end of its link."""
        lost = Failure(LinkLost("gone"))
        self.leave(lambda client: client.receiver.link_lost(lost))
        self.assertIn("the client is lost: gone", self.last_line())

    def test_client_cannot_be_answered(self) -> None:
        """By a link that takes nothing more."""
        self.begin(DeadLink()).hear(PUNCH)
        self.assertEqual(self.races.cancelled, 1)

    def test_had_left_before(self) -> None:
        """Who is gone already costs no session."""
        self.begin(HastyLink())
        self.assertEqual(self.races.started, [])

    def test_stopped(self) -> None:
        """By us; the second reason does not count."""
        client = self.begin()
        self.visit.end("the agent stops")
        self.visit.end("again")
        self.assertEqual(client.sent, [Close()])
        self.assertIn("got no session: the agent stops", self.last_line())

    def test_camera_won_all_the_same(self) -> None:
        """A race that is decided when it is cancelled hands out a link: it is abandoned."""
        self.races.stubborn = self.camera
        self.begin()
        self.visit.end("the agent stops")
        self.assertEqual(self.camera.sent, [Close()])


class ServingTests(VisitTestCase):
    """Once there is a session."""

    def test_client_closes(self) -> None:
        """Both sides get CLOSE; the log tells how it was."""
        client = self.served()
        self.camera.hear(Drw(0, 0, b"12345"))
        client.hear(Drw(0, 0, b"12"))
        self.clock.advance(2.5)
        client.hear(Close())
        self.assertEqual((client.sent[-1], self.camera.sent[-1]), (Close(), Close()))
        self.assertEqual(
            self.last_line(),
            "session of 203.0.113.7:5000 ended after 2.5 s: the client closed the session; "
            "5 octets to the client, 2 to the camera",
        )

    def test_camera_closes(self) -> None:
        """So it is when the camera ends it."""
        client = self.served()
        self.camera.hear(Close())
        self.assertEqual((client.sent, self.camera.sent), ([Close()], [Close()]))

    def test_stopped(self) -> None:
        """And when we do."""
        client = self.served()
        self.visit.end("the agent stops")
        self.assertEqual((client.sent, self.camera.sent), ([Close()], [Close()]))
        self.assertIn("the agent stops", self.last_line())

    def test_waits_for_both(self) -> None:
        """It is over when both links are gone."""
        client = self.served()
        client.gone, self.camera.gone = Deferred(), Deferred()
        self.visit.end("the agent stops")
        self.assertNoResult(self.over)
        client.gone.callback(None)
        self.assertNoResult(self.over)
        self.camera.gone.callback(None)
        self.assertEqual(self.camera.sent, [Close()])


def fail_at_once() -> Any:
    """A connector with a bug."""
    raise RuntimeError("broken")
