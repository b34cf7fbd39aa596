"""
Running one coroutine on a reactor.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock, deferLater
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SynchronousTestCase

from trailcam import running
from trailcam.running import run
from trailcam.waiting import settle


class FakeReactor(Clock):
    """
    A reactor that runs by the book: startup, what the test wants, shutdown.

    :ivar then: what happens once it runs.
    :ivar done: what was done with it, in order.
    :ivar pool: its threads, not started.
    """

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.then = then
        self.done: list[str] = []
        self.pool = ThreadPool(0, 1)
        self.when_running: list[Callable[[], object]] = []
        self.before_shutdown: list[Callable[[], Deferred[None]]] = []

    def callWhenRunning(self, function: Callable[[], object]) -> None:
        """Keep it for the start."""
        self.when_running.append(function)

    def addSystemEventTrigger(
        self, phase: str, event: str, function: Callable[[], Deferred[None]]
    ) -> None:
        """Keep it for the end."""
        assert (phase, event) == ("before", "shutdown")
        self.before_shutdown.append(function)

    def callFromThread(self, function: Callable[..., object], *args: object) -> None:
        """Call it in the next turn."""
        self.callLater(0, function, *args)

    def getThreadPool(self) -> ThreadPool:
        """Its threads."""
        return self.pool

    def stop(self) -> None:
        """Note it."""
        self.done.append("stop")

    def run(self) -> None:
        """The whole life of a reactor; time passes only as long as somebody waits for it."""
        for function in self.when_running:
            function()
        self.then()
        self.advance(0)
        assert self.done == ["stop"], self.done
        [waiting] = [function() for function in self.before_shutdown]
        while not waiting.called:
            self.done.append("wait")
            self.advance(0.01)


async def _forever(_: Any) -> int:
    return await Deferred()


class _WithoutAlarms:
    """The module :mod:`signal` of a system that has no alarms."""

    def __init__(self, handlers: dict[int, Callable[[int, object], object]]) -> None:
        self.signal = handlers.__setitem__


class RunTests(SynchronousTestCase):
    """Its ends."""

    def setUp(self) -> None:
        """Take the place of the system's signals, and of the end of the process."""
        self.handlers: dict[int, Callable[[int, object], object]] = {}
        self.patch(running.signal, "signal", self.handlers.__setitem__)
        self.alarms: list[float] = []
        self.patch(running.signal, "setitimer", lambda _, seconds: self.alarms.append(seconds))
        self.exits: list[int] = []
        self.patch(running.os, "_exit", self.exits.append)

    def interrupt(self, number: int = signal.SIGINT) -> Callable[[], object]:
        """What sends a signal."""
        return lambda: self.handlers[number](number, None)

    def test_status(self) -> None:
        """The work's result is the status, and the reactor is stopped once."""

        async def work(reactor: Any) -> int:
            self.assertIs(reactor, script)
            return 7

        script = FakeReactor()
        self.assertEqual(run(script, work), 7)
        self.assertEqual(script.done, ["stop"])

    def test_later(self) -> None:
        """Work may take its time."""
        waiting: Deferred[int] = Deferred()

        async def work(_: Any) -> int:
            return await waiting

        self.assertEqual(run(FakeReactor(lambda: waiting.callback(3)), work), 3)

    def test_exception(self) -> None:
        """What the work raises is raised here."""

        async def work(_: Any) -> int:
            raise ZeroDivisionError("oops")

        self.assertRaises(ZeroDivisionError, run, FakeReactor(), work)

    def test_signals(self) -> None:
        """A signal cancels the work, waits for its end, and becomes the status."""
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            closed: list[str] = []

            async def work(_: Any, closed: list[str] = closed) -> int:
                try:
                    return await Deferred()
                finally:
                    closed.append("closed")

            self.assertEqual(run(FakeReactor(self.interrupt(number)), work), status)
            self.assertEqual(closed, ["closed"])

    def test_slow_goodbye(self) -> None:
        """The reactor goes on until cancelled work has cleaned up."""
        script = FakeReactor(self.interrupt())
        ends: list[float] = []

        async def work(_: Any) -> int:
            try:
                return await Deferred()
            finally:
                for _ in range(2):
                    await settle(deferLater(script, 0.1))
                ends.append(script.seconds())

        self.assertEqual(run(script, work), 130)
        self.assertEqual(len(ends), 1)
        self.assertTrue(0.2 <= script.seconds() < 0.3, script.seconds())

    def test_work_that_goes_on(self) -> None:
        """Work that swallows a cancellation is cancelled again at its next step."""

        async def work(_: Any) -> int:
            for _ in range(3):
                try:
                    await Deferred()
                except CancelledError:
                    continue
            return 0

        script = FakeReactor(self.interrupt())
        self.assertEqual(run(script, work), 130)
        self.assertEqual(script.done.count("wait"), 3)

    def test_work_that_does_not_end(self) -> None:
        """Within a second it is over, whatever the work does."""

        async def work(_: Any) -> int:
            while True:
                try:
                    await Deferred()
                except CancelledError:
                    continue

        script = FakeReactor(self.interrupt())
        self.assertEqual(run(script, work), 130)
        self.assertTrue(0.5 < script.seconds() < 1.0, script.seconds())

    def test_second_signal(self) -> None:
        """A second signal ends the process at once, with the status of the first."""

        def twice() -> None:
            self.interrupt(signal.SIGTERM)()
            self.assertEqual(self.exits, [])
            self.interrupt(signal.SIGINT)()
            self.assertEqual(self.exits, [143])

        run(FakeReactor(twice), _forever)
        self.assertEqual(self.exits, [143])

    def test_blocked_reactor(self) -> None:
        """An alarm is set to be the second signal, for a thread that cannot even cancel."""

        def blocked() -> None:
            self.interrupt(signal.SIGINT)()
            self.assertEqual(self.alarms, [1.5])
            self.interrupt(signal.SIGALRM)()

        run(FakeReactor(blocked), _forever)
        self.assertEqual(self.exits, [130])

    def test_alarm_is_called_off(self) -> None:
        """After an end in time there is no alarm."""
        self.assertEqual(run(FakeReactor(self.interrupt()), _forever), 130)
        self.assertEqual((self.alarms, self.exits), ([1.5, 0], []))

    def test_system_without_alarms(self) -> None:
        """Where there are no alarms, signals work all the same."""
        self.patch(running, "signal", _WithoutAlarms(self.handlers))
        self.assertEqual(run(FakeReactor(self.interrupt()), _forever), 130)
        self.assertEqual(self.alarms, [])
        self.assertNotIn(signal.SIGALRM, self.handlers)

    if not hasattr(signal, "setitimer"):
        test_blocked_reactor.skip = "no alarms here"  # type: ignore[attr-defined]
        test_alarm_is_called_off.skip = "no alarms here"  # type: ignore[attr-defined]

    def test_thread_that_hangs(self) -> None:
        """A thread that does not end (a name resolver, say) is left behind."""
        hanging, inside = threading.Event(), threading.Event()
        script = FakeReactor()

        def hang() -> None:
            inside.set()
            hanging.wait(30.0)

        async def work(_: Any) -> int:
            script.pool.start()
            script.pool.callInThread(hang)
            return 4

        self.addCleanup(hanging.set)
        self.assertEqual(run(script, work), 4)
        self.assertTrue(inside.wait(10.0))
        [thread] = script.pool.threads
        script.pool.stop()  # what the reactor does at its end
        self.assertFalse(hanging.is_set())
        self.assertTrue(thread.daemon)  # the interpreter does not wait for it either
        self.assertTrue(thread.is_alive())
        hanging.set()
        thread.join(10.0)
        self.assertFalse(thread.is_alive())

    def test_signal_after_the_end(self) -> None:
        """A signal that comes too late changes nothing."""

        async def work(_: Any) -> int:
            return 0

        self.assertEqual(run(FakeReactor(self.interrupt()), work), 0)

    def test_work_starts_when_the_reactor_runs(self) -> None:
        """Before that, a signal would find nobody to clean up."""
        started: list[bool] = []

        async def work(_: Any) -> int:
            started.append(bool(self.handlers))
            return 0

        run(FakeReactor(lambda: self.assertEqual(started, [True])), work)
        self.assertEqual(set(self.handlers), {signal.SIGINT, signal.SIGTERM})
