"""
Tests for the system events of a host.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.testing.case import A
from trailcam.testing import MemoryNetwork


class EventTests(SynchronousTestCase):
    """Tests for system events."""

    def setUp(self) -> None:
        """Have a host."""
        self.host = MemoryNetwork().host(A)
        self.called: list[object] = []

    def test_phases(self) -> None:
        """Triggers run in the order of the phases, each once, and only for their event."""
        for phase in ("after", "during", "before"):
            self.host.addSystemEventTrigger(phase, "shutdown", self.called.append, phase)
        self.host.addSystemEventTrigger("before", "startup", self.called.append, "startup")
        self.host.fireSystemEvent("shutdown")
        self.host.fireSystemEvent("shutdown")
        self.assertEqual(self.called, ["before", "during", "after"])

    def test_waits(self) -> None:
        """The later phases wait for the Deferreds of the first, also for one that fails."""
        pending: Deferred[None] = Deferred()
        self.host.addSystemEventTrigger("before", "shutdown", lambda: pending)
        self.host.addSystemEventTrigger("during", "shutdown", self.called.append, "during")
        self.host.fireSystemEvent("shutdown")
        self.assertEqual(self.called, [])
        pending.errback(RuntimeError("failed to stop"))
        self.assertEqual(self.called, ["during"])

    def test_arguments(self) -> None:
        """Triggers get their arguments."""
        self.host.addSystemEventTrigger(
            "before", "shutdown", lambda *a, **kw: self.called.append((a, kw)), 1, two=2
        )
        self.host.fireSystemEvent("shutdown")
        self.assertEqual(self.called, [((1,), {"two": 2})])

    def test_removed(self) -> None:
        """A removed trigger does not run, and cannot be removed again."""
        trigger = self.host.addSystemEventTrigger("before", "shutdown", self.called.append, 1)
        self.host.removeSystemEventTrigger(trigger)
        self.host.fireSystemEvent("shutdown")
        self.assertEqual(self.called, [])
        self.assertRaises(ValueError, self.host.removeSystemEventTrigger, trigger)

    def test_invalid_phase(self) -> None:
        """There are three phases."""
        self.assertRaises(KeyError, self.host.addSystemEventTrigger, "later", "shutdown", print)

    def test_failing(self) -> None:
        """What a trigger raises is logged, and the others run."""
        self.host.addSystemEventTrigger("before", "shutdown", lambda: 1 / 0)
        self.host.addSystemEventTrigger("before", "shutdown", self.called.append, 1)
        self.host.fireSystemEvent("shutdown")
        self.assertEqual(self.called, [1])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
