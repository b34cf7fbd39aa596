"""Tests for how a :mod:`trailcam.session.session` ends."""

from __future__ import annotations

import errno

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from tests.session.rig import PEER, QuietLink, SessionTestCase, drw
from trailcam.errors import (
    LinkClosed,
    SessionClosedByPeer,
    SessionError,
    SessionLost,
    SessionRefused,
)
from trailcam.session.session import Session
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import Alive, Close, P2PRdy

READY = P2PRdy(TRAILCAM_DID)


class EndTests(SessionTestCase):
    """How a session ends, and who is told."""

    def reason(self) -> SessionError | None:
        """Why it ended."""
        return self.successResultOf(self.session.when_closed())

    def test_closed_by_camera(self) -> None:
        """CLOSE ends the session and frees the port."""
        self.hear(Close())
        self.assertIsInstance(self.reason(), SessionClosedByPeer)
        self.assertEqual((self.session.state, self.link.abandoned), ("closed", 1))

    def test_closed_while_probing(self) -> None:
        """Also when it is the first sign of life for long."""
        self.wait(5)
        self.hear(Close())
        self.assertIsInstance(self.reason(), SessionClosedByPeer)

    def test_refused(self) -> None:
        """A camera whose port is closed has restarted: the session is over."""
        self.session.peer_refused(PEER, errno.ECONNREFUSED)
        reason = self.reason()
        self.assertIsInstance(reason, SessionRefused)
        self.assertIn("192.168.43.1 refused port 40611", str(reason))
        self.assertEqual((self.session.state, self.link.abandoned), ("lost", 1))

    def test_refused_while_probing(self) -> None:
        """Also in doubt."""
        self.wait(3)
        self.session.peer_refused(PEER, errno.ECONNREFUSED)
        self.assertIsInstance(self.reason(), SessionRefused)

    def test_passing_trouble(self) -> None:
        """A way that is gone may come back: the silence decides."""
        for error in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENOBUFS, 0):
            self.session.peer_refused(PEER, error)
        self.assertEqual(self.session.state, "established")

    def test_link_lost(self) -> None:
        """A link that ends by itself takes the session along, and says why."""
        self.session.link_lost(Failure(OSError("unplugged")))
        reason = self.reason()
        self.assertIsInstance(reason, SessionError)
        self.assertIn("unplugged", str(reason))

    def test_close(self) -> None:
        """Our own end has no reason, and waits until the port is gone."""
        self.link.gone = Deferred()
        ended, closed = self.session.when_closed(), self.session.close()
        self.assertIsNone(self.successResultOf(ended))
        self.assertEqual(self.session.state, "closed")
        self.assertNoResult(closed)
        self.link.gone.callback(None)
        self.assertIsNone(self.successResultOf(closed))

    def test_close_while_probing(self) -> None:
        """Also in doubt."""
        self.wait(4)
        self.successResultOf(self.session.close())
        self.assertIsNone(self.reason())

    def test_close_twice(self) -> None:
        """The second time changes nothing, and is answered like the first."""
        first, second = self.session.close(), self.session.close()
        self.assertIsNone(self.successResultOf(first))
        self.assertIsNone(self.successResultOf(second))
        self.assertIsNone(self.reason())

    def test_close_after_loss(self) -> None:
        """A session that was lost stays lost, with its reason."""
        self.wait(7)
        self.successResultOf(self.session.close())
        self.assertEqual(self.session.state, "lost")
        self.assertIsInstance(self.reason(), SessionLost)

    def test_many_waiters(self) -> None:
        """Everybody who asks is told the same, before the end and after it."""
        before = [self.session.when_closed() for _ in range(3)]
        for waiter in before:
            self.assertNoResult(waiter)
        self.hear(Close())
        after = [self.session.when_closed() for _ in range(3)]
        (reason,) = {self.successResultOf(waiter) for waiter in before + after}
        self.assertIsInstance(reason, SessionClosedByPeer)

    def test_cancelled_waiter(self) -> None:
        """Who asks no more disturbs nobody."""
        first, second = self.session.when_closed(), self.session.when_closed()
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.hear(Close())
        self.assertIsInstance(self.successResultOf(second), SessionClosedByPeer)

    def test_waiter_closes(self) -> None:
        """A waiter may close what has ended."""
        closing = self.session.when_closed().addCallback(lambda _: self.session.close())
        self.wait(7)
        self.assertIsNone(self.successResultOf(closing))

    def test_final(self) -> None:
        """Whatever a link still has to say after the end, it is over, and nothing is sent."""
        for end in (lambda: self.hear(Close()), lambda: self.wait(7)):
            link = self.restart()
            end()
            state, reason, sent = self.session.state, self.reason(), list(link.sent)
            self.hear(Alive(), READY, drw(0), Close())
            self.session.peer_refused(PEER, errno.ECONNREFUSED)
            self.session.link_lost(Failure(OSError("unplugged")))
            self.assertEqual(self.session.state, state)
            self.assertIs(self.reason(), reason)
            self.assertEqual(link.sent, sent)

    def test_closed_before_it_began(self) -> None:
        """A CLOSE that waited in the link ends the session while it is being made."""
        link = self.restart(drw(0), Close(), drw(1))
        self.assertEqual((self.session.state, link.abandoned), ("closed", 1))
        self.assertIsInstance(self.reason(), SessionClosedByPeer)

    def test_link_abandoned_below(self) -> None:
        """When somebody ends the link behind its back, the session notices when it speaks."""
        self.link.abandon()
        self.wait(0.875)
        self.assertEqual(self.session.state, "established")
        self.wait(0.125)
        self.assertEqual(self.session.state, "lost")
        reason = self.reason()
        self.assertIsInstance(reason, SessionRefused)
        self.assertIn("this link is closed", str(reason))

    def test_dead_link(self) -> None:
        """A link that is over before the session begins is not our own end either."""
        self.successResultOf(self.session.close())
        self.link = QuietLink(self.clock)
        self.link.kept = [READY]
        self.link.abandoned = 1
        self.session = Session(self.clock, self.link)
        self.assertEqual(self.session.state, "lost")
        self.assertIsInstance(self.reason(), SessionRefused)

    def test_link_abandoned_before_doubt(self) -> None:
        """Also when it speaks because it doubts."""
        self.wait(1.875)
        self.link.abandon()
        self.wait(0.125)
        self.assertEqual(self.session.state, "lost")

    def test_send_after_the_end(self) -> None:
        """Nothing can be sent any more."""
        self.successResultOf(self.session.close())
        self.assertRaises(LinkClosed, self.session.send, drw(0))
