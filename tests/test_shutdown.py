"""Tests for :mod:`trailcam.shutdown`."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.scripts import ScriptTestCase
from trailcam.shutdown import BeforeShutdown
from trailcam.testing import MemoryHost, MemoryNetwork


class BeforeShutdownTests(SynchronousTestCase):
    """On a host in memory, which is as strict about triggers as it can be."""

    def setUp(self) -> None:
        """Make the host."""
        self.reactor: MemoryHost = MemoryNetwork().host("10.0.0.1")
        self.fired: list[str] = []

    def fire(self) -> None:
        """Stop the reactor."""
        self.reactor.fireSystemEvent("shutdown")

    def trigger(self, name: str = "") -> BeforeShutdown:
        """A trigger that notes its firing."""
        return BeforeShutdown(self.reactor, lambda: self.fired.append(name))

    def test_fires_once(self) -> None:
        """It fires at the first shutdown, and not at another."""
        self.trigger()
        self.assertEqual(self.fired, [])
        self.fire()
        self.fire()
        self.assertEqual(self.fired, [""])

    def test_waited_for(self) -> None:
        """A Deferred holds the shutdown up."""
        leaving: Deferred[None] = Deferred()
        BeforeShutdown(self.reactor, lambda: leaving)
        self.reactor.addSystemEventTrigger("after", "shutdown", self.fired.append, "after")
        self.fire()
        self.assertEqual(self.fired, [])
        leaving.callback(None)
        self.assertEqual(self.fired, ["after"])

    def test_withdrawn(self) -> None:
        """Withdrawn, it does nothing; it may be withdrawn again."""
        trigger = self.trigger()
        trigger.withdraw()
        trigger.withdraw()
        self.fire()
        trigger.withdraw()
        self.assertEqual(self.fired, [])

    def test_withdrawn_after_firing(self) -> None:
        """What has fired can be withdrawn: nobody has to know whether it has."""
        trigger = self.trigger()
        self.fire()
        trigger.withdraw()
        self.assertEqual(self.fired, [""])

    def test_withdrawn_while_firing(self) -> None:
        """The action may withdraw its own trigger, and others."""
        triggers: list[BeforeShutdown] = []

        def act() -> None:
            self.fired.append("first")
            for trigger in triggers:
                trigger.withdraw()

        triggers.append(BeforeShutdown(self.reactor, act))
        triggers.append(self.trigger("second"))
        self.fire()
        self.assertEqual(self.fired, ["first"])


REAL_REACTOR = """
import json, warnings
warnings.simplefilter("error")
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from trailcam.shutdown import BeforeShutdown

fired = []
triggers = []

def act():
    fired.append(("act", reactor.running))
    for trigger in triggers:
        trigger.withdraw()
    done = Deferred()
    reactor.callLater(0, done.callback, None)
    return done.addCallback(lambda _: fired.append(("done", reactor.running)))

early = BeforeShutdown(reactor, lambda: fired.append("withdrawn early"))
triggers.append(BeforeShutdown(reactor, act))
triggers.append(BeforeShutdown(reactor, lambda: fired.append("withdrawn late")))
early.withdraw()
reactor.callWhenRunning(reactor.stop)
reactor.run()
for trigger in triggers:
    trigger.withdraw()
print(json.dumps(fired))
"""


class RealReactorTests(ScriptTestCase):
    """On the process's reactor, which warns of what it does not like."""

    async def test_shutdown(self) -> None:
        """Triggers fire while the reactor still runs, and are withdrawn without a warning."""
        fired = await self.run_script(REAL_REACTOR)
        self.assertEqual(fired, [["act", True], ["done", True]])
