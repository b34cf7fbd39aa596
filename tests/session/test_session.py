"""Tests for :mod:`trailcam.session.session`, on a link that does nothing."""

from __future__ import annotations

import errno
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.session.rig import PEER, QuietLink, Reader, SessionTestCase, drw
from trailcam.errors import (
    SessionLost,
)
from trailcam.interfaces import ILink, IMessageReceiver, ISession
from trailcam.session.session import Session
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import Alive, AliveAck, Close, Message, P2PRdy

READY = P2PRdy(TRAILCAM_DID)


class KeepAliveTests(SessionTestCase):
    """What keeps the camera's side of a session alive."""

    def test_interfaces(self) -> None:
        """A session is what it says; so is the link of these tests."""
        verifyObject(ISession, self.session)
        verifyObject(IMessageReceiver, self.session)
        verifyObject(ILink, self.link)

    def test_takes_the_link(self) -> None:
        """From the first moment, the session is who hears, and says nothing."""
        self.assertIs(self.link.receiver, self.session)
        self.assertIs(self.session.link, self.link)
        self.assertEqual((self.session.state, self.link.sent), ("established", []))

    def test_alive_every_second(self) -> None:
        """After a second of silence of our own, ALIVE goes out, and every second from then on."""
        self.wait(0.875, AliveAck())
        self.assertEqual(self.link.sent, [])
        self.wait(4.5, AliveAck())
        self.assertEqual(self.since_start(Alive), [1, 2, 3, 4, 5])
        self.assertEqual(self.session.state, "established")

    def test_own_traffic_counts(self) -> None:
        """What a user of the session sends is a sign of life: ALIVE comes a second after it."""
        self.wait(0.5)
        self.session.send(drw(0))
        self.wait(0.75, AliveAck())
        self.assertEqual(self.link.messages, [drw(0)])
        self.wait(1.5, AliveAck())
        self.assertEqual(self.since_start(Alive), [1.5, 2.5])

    def test_answers_alive(self) -> None:
        """Each ALIVE is answered with one ALIVE_ACK, at once."""
        self.hear(Alive(), Alive())
        self.assertEqual(self.link.messages, [AliveAck(), AliveAck()])

    def test_ack_is_not_answered(self) -> None:
        """ALIVE_ACK ends there."""
        self.hear(AliveAck())
        self.assertEqual(self.link.sent, [])

    def test_confirms_readiness(self) -> None:
        """Each further copy of P2P_RDY is answered with ALIVE: the camera waits for that."""
        self.hear(READY, READY, READY)
        self.assertEqual(self.link.messages, [Alive()] * 3)

    def test_answers_the_proof(self) -> None:
        """The P2P_RDY that proved the camera waits in the link; it is answered at once."""
        self.assertEqual(self.restart(READY).messages, [Alive()])

    def test_keepalive_is_not_delivered(self) -> None:
        """Who reads a channel hears nothing of it."""
        reader = Reader()
        self.session.channel(0).attach(reader)
        self.hear(Alive(), AliveAck(), READY, drw(0))
        self.assertEqual(reader.data, drw(0).payload)


class SilenceTests(SessionTestCase):
    """What happens when the camera falls silent."""

    def test_lost(self) -> None:
        """After 2 s the camera is doubted, after 7 s it is gone; it was asked every second."""
        reason = self.session.when_closed()
        self.wait(1.875)
        self.assertEqual(self.session.state, "established")
        self.wait(0.125)
        self.assertEqual(self.session.state, "probing")
        self.wait(4.875)
        self.assertEqual((self.session.state, self.link.abandoned), ("probing", 0))
        self.assertNoResult(reason)
        self.wait(0.125)
        self.assertEqual((self.session.state, self.link.abandoned), ("lost", 1))
        lost = self.successResultOf(reason)
        assert isinstance(lost, SessionLost)
        self.assertEqual((lost.silent_for, lost.code), (7.0, "session_lost"))
        self.assertIn("7.0 s", str(lost))
        self.assertEqual(self.since_start(Alive), [1, 2, 3, 4, 5, 6])

    def test_no_call_left(self) -> None:
        """A lost session does nothing any more."""
        self.wait(8)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_doubt_asks_at_once(self) -> None:
        """A camera in doubt is asked, even when we have just sent something else."""
        self.wait(1.875)
        self.session.send(drw(0))
        self.wait(0.125)
        self.assertEqual(self.since_start(Alive), [1, 2])

    def test_recovery(self) -> None:
        """Any message at all ends the doubt, and the count begins anew."""
        self.wait(6.875)
        self.assertEqual(self.session.state, "probing")
        self.hear(drw(0))
        self.assertEqual((self.session.state, self.session.silent_for), ("established", 0))
        self.wait(6.875)
        self.assertEqual((self.session.state, self.session.silent_for), ("probing", 6.875))
        self.wait(0.125)
        self.assertEqual(self.session.state, "lost")

    def test_one_sided(self) -> None:
        """A camera that talks without ever answering ALIVE is not gone."""
        self.wait(20, drw(0))
        self.assertEqual(self.session.state, "established")

    def test_rounding(self) -> None:
        """Times that no float has do not keep the clock busy."""
        start = next(t / 1000 for t in range(1, 10_000) if (t / 1000 + 1.0) - t / 1000 < 1.0)
        clock = Clock()
        clock.rightNow = start
        link = QuietLink(clock)
        calls: list[float] = []

        class Watched:
            seconds = staticmethod(clock.seconds)

            @staticmethod
            def callLater(delay: float, call: Callable[[], None]) -> object:
                calls.append(delay)
                assert len(calls) < 100, "the session spins"
                return clock.callLater(delay, call)

        session = Session(Watched(), link)  # type: ignore[arg-type]
        for _ in range(10):
            (due,) = clock.getDelayedCalls()
            clock.advance(due.getTime() - clock.seconds())
            session.message_received(AliveAck(), PEER)
        self.assertEqual(len(link.times(Alive)), 10)
        self.successResultOf(session.close())


EVENTS = st.sampled_from(
    [Alive(), AliveAck(), READY, drw(0), "send", errno.EHOSTUNREACH, 0.05, 0.3, 1.0, 1.1, 1.9, 2.5]
)
STEP = 0.01
ENDS = st.sampled_from([Close(), errno.ECONNREFUSED, "close", 7.1])


class TimerTests(SynchronousTestCase):
    """Whatever happens, two calls are enough."""

    @settings(max_examples=150, deadline=None)
    @given(
        start=st.floats(0, 1e6),
        events=st.lists(EVENTS, max_size=30),
        end=ENDS,
        more=st.lists(EVENTS),
    )
    def test_few_calls(
        self, start: float, events: list[object], end: object, more: list[object]
    ) -> None:
        """
        A session that lives has two delayed calls at most; one that has ended, none.

        While it lives, the camera hears from it at least every second.
        """
        clock = Clock()
        clock.rightNow = start
        link = QuietLink(clock)
        session = Session(clock, link)
        for event in (*events, end, *more):
            self.happen(clock, session, event)
            alive = session.state in ("established", "probing")
            # One to keep alive, and another one while the channels have something to do.
            self.assertLessEqual(len(clock.getDelayedCalls()), 2 if alive else 0)
            self.assertEqual(link.abandoned, 0 if alive else 1)
            if alive:
                spoke = [start, *(t for t, m in link.sent if type(m) is not AliveAck)]
                gaps = [b - a for a, b in zip(spoke, [*spoke[1:], clock.seconds()], strict=True)]
                self.assertLess(max(gaps), 1.0 + STEP + 1e-6)
        self.assertNotIn(session.state, ("established", "probing"))

    def happen(self, clock: Clock, session: Session, event: object) -> None:
        """Let one thing happen."""
        if isinstance(event, float):
            clock.pump([STEP] * round(event / STEP))
        elif isinstance(event, int):
            session.peer_refused(PEER, event)
        elif isinstance(event, Message):
            session.message_received(event, PEER)
        elif event == "close":
            self.successResultOf(session.close())
            session.link.abandoned = 1  # type: ignore[attr-defined]
        elif session.state in ("established", "probing"):
            session.send(drw(1))
