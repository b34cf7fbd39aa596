"""Tests of what a session takes that is held and idle."""

from __future__ import annotations

import gc
import tracemalloc

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.session.rig import PEER, QuietLink, drw
from trailcam.session.session import Session
from trailcam.wire.messages import Alive, AliveAck

#: Octets; with everything made beforehand it would be three times as much.
_ENOUGH = 6 * 1024
_MANY = 200


class MemoryTests(SynchronousTestCase):
    """A program may hold thousands."""

    def held(self) -> Session:
        """One that has heard what every camera says, on a link that keeps nothing."""
        link = QuietLink(self.clock)
        session = Session(self.clock, link)
        for message in (drw(0), Alive(), AliveAck()):
            session.message_received(message, PEER)
        self.clock.advance(0.02)
        link.sent.clear()
        return session

    def test_small(self) -> None:
        """What is not used takes no room: of eight channels, a camera's banner is on one."""
        self.clock = Clock()
        sessions = [self.held()]  # whatever is made once is made now
        gc.collect()
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        before, _ = tracemalloc.get_traced_memory()
        sessions += [self.held() for _ in range(_MANY)]
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        self.assertLess((after - before) / _MANY, _ENOUGH)
        for session in sessions:
            self.successResultOf(session.close())
        self.assertEqual(self.clock.getDelayedCalls(), [])
