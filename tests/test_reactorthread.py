"""Tests for :mod:`trailcam.reactorthread`, on a reactor without a loop."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import ReactorNotRestartable, ReactorNotRunning
from twisted.python import threadable
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from trailcam import reactorthread
from trailcam.errors import CalledFromReactorThread, ReactorUnavailable
from trailcam.interfaces import IRuntime
from trailcam.reactorthread import ReactorThread
from trailcam.testing import MemoryNetwork


class HandReactor:
    """
    A reactor without a loop: what comes from threads is done at once.

    :ivar running: what it says of itself.
    :ivar interruption: raised, once, by the next call from a thread.
    """

    def __init__(self) -> None:
        self._host = MemoryNetwork().host("10.0.0.1")
        self.addSystemEventTrigger = self._host.addSystemEventTrigger
        self.removeSystemEventTrigger = self._host.removeSystemEventTrigger
        self.running = True
        self.stops = 0
        self.interruption: BaseException | None = None

    def callFromThread(self, function: Callable[..., Any], *args: Any) -> None:
        """Do it, unless interrupted."""
        interruption, self.interruption = self.interruption, None
        if interruption is not None:
            raise interruption
        function(*args)

    def callWhenRunning(self, function: Callable[..., Any]) -> None:
        """Remember it."""
        self.when_running = function

    def run(self, installSignalHandlers: bool) -> None:
        """Begin and end."""
        assert not installSignalHandlers
        self.running = True
        self.when_running()

    def stop(self) -> None:
        """Count; a second time is a mistake."""
        self.stops += 1
        if self.stops > 1:
            raise ReactorNotRunning

    def fire(self) -> None:
        """What happens when it stops."""
        self._host.fireSystemEvent("shutdown")
        self.running = False


class BusyFuture(Future):  # type: ignore[type-arg]
    """
    While somebody waits for it, something happens.

    :ivar meanwhile: what; may raise, as a signal's handler does.
    :ivar afterwards: what happens while somebody waits for its end alone.
    """

    meanwhile: Callable[[], object]
    afterwards: Callable[[], object]

    def result(self, timeout: float | None = None) -> Any:
        """Wait."""
        self.meanwhile()
        return super().result(10)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait."""
        self.afterwards()
        return super().exception(10)


class HandTestCase(SynchronousTestCase):
    """A runtime on a reactor by hand; this thread is not the reactor's."""

    def setUp(self) -> None:
        """Make them."""
        self.patch(threadable, "ioThread", None)
        self.reactor = HandReactor()
        self.runtime = ReactorThread(lambda: self.reactor)

    def tearDown(self) -> None:
        """Only the runtime's own trigger may be left."""
        self.assertLessEqual(len(self.reactor._host._events._triggers), 1)

    def meanwhile(
        self, happens: Callable[[], object], finally_: Callable[[], object] = lambda: None
    ) -> None:
        """Let something happen while a call waits, and while it waits for an interrupted end."""

        class Future(BusyFuture):
            meanwhile = staticmethod(happens)
            afterwards = staticmethod(finally_)

        self.patch(reactorthread, "Future", Future)


class CallTests(HandTestCase):
    """Running something over there."""

    def test_interface(self) -> None:
        """It is what it says."""
        verifyObject(IRuntime, self.runtime)
        self.runtime.ensure_running()
        self.assertIs(self.runtime.reactor, self.reactor)

    def test_results(self) -> None:
        """Values, Deferreds and coroutines all give their result."""

        async def coroutine() -> int:
            return await succeed(3)

        self.assertEqual(self.runtime.call(lambda: 1), 1)
        self.assertEqual(self.runtime.call(lambda: succeed(2)), 2)
        self.assertEqual(self.runtime.call(coroutine), 3)

    def test_exceptions(self) -> None:
        """What is raised over there is raised here."""

        async def coroutine() -> None:
            raise KeyError("late")

        self.assertRaises(ZeroDivisionError, self.runtime.call, lambda: 1 // 0)
        self.assertRaises(KeyError, self.runtime.call, coroutine)

    def test_own_cancellation(self) -> None:
        """A cancellation that nobody here asked for is passed on as it is."""
        work: Deferred[None] = Deferred()
        self.meanwhile(work.cancel)
        self.assertRaises(CancelledError, self.runtime.call, lambda: work)

    def test_interrupted(self) -> None:
        """An interruption cancels the work, and waits until it has let go of everything."""
        released: list[str] = []
        letting_go: Deferred[None] = Deferred()

        async def work() -> None:
            try:
                await Deferred()
            finally:
                await letting_go
                released.append("released")

        def interrupt() -> None:
            raise KeyboardInterrupt

        self.meanwhile(interrupt, lambda: letting_go.callback(None))
        self.assertRaises(KeyboardInterrupt, self.runtime.call, work)
        self.assertEqual(released, ["released"])

    def test_interrupted_by_anything(self) -> None:
        """A handler of a signal may raise what it likes."""
        cancelled: list[object] = []

        def alarm() -> None:
            raise TimeoutError

        self.meanwhile(alarm)
        self.assertRaises(TimeoutError, self.runtime.call, lambda: Deferred(cancelled.append))
        self.assertEqual(len(cancelled), 1)

    def test_interrupted_too_late(self) -> None:
        """When the work is done already, there is nothing to cancel."""

        def interrupt() -> None:
            raise KeyboardInterrupt

        self.meanwhile(interrupt)
        self.assertRaises(KeyboardInterrupt, self.runtime.call, lambda: 1)

    def test_interrupted_too_early(self) -> None:
        """When the work was not begun, it is not begun any more."""
        begun: list[int] = []
        self.runtime.ensure_running()
        self.reactor.interruption = KeyboardInterrupt()
        self.assertRaises(KeyboardInterrupt, self.runtime.call, lambda: begun.append(1))
        self.assertEqual(begun, [])

    def test_many_triggers(self) -> None:
        """Calls that are over leave nothing behind in the reactor."""
        for _ in range(5):
            self.runtime.call(lambda: None)
        self.assertEqual(len(self.reactor._host._events._triggers), 1)


class StopTests(HandTestCase):
    """The application stops its reactor."""

    def test_midway(self) -> None:
        """Who waits is told why nothing comes; the work is cancelled first."""
        cancelled: list[object] = []
        self.meanwhile(self.reactor.fire)
        work: Deferred[None] = Deferred(cancelled.append)
        problem = self.assertRaises(ReactorUnavailable, self.runtime.call, lambda: work)
        self.assertIn("stopped", str(problem))
        self.assertEqual(cancelled, [work])

    def test_work_is_waited_for(self) -> None:
        """The reactor stops when the work has let go of everything, not before."""
        order: list[str] = []
        letting_go: Deferred[None] = Deferred()

        async def work() -> None:
            try:
                await Deferred()
            finally:
                await letting_go
                order.append("released")

        def stop() -> None:
            self.reactor.addSystemEventTrigger("during", "shutdown", order.append, "stopped")
            self.reactor.fire()
            letting_go.callback(None)

        self.meanwhile(stop)
        self.assertRaises(ReactorUnavailable, self.runtime.call, work)
        self.assertEqual(order, ["released", "stopped"])

    def test_just_in_time(self) -> None:
        """Work that comes to its end all the same gives its result."""
        self.meanwhile(self.reactor.fire)
        work: Deferred[str] = Deferred(lambda work: work.callback("done"))
        self.assertEqual(self.runtime.call(lambda: work), "done")

    def test_too_late(self) -> None:
        """Work that begins while the reactor stops has nobody to end it: its caller is told."""
        self.meanwhile(self.reactor.fire)
        deaf = SimpleNamespace(withdraw=lambda: None)
        self.patch(reactorthread, "BeforeShutdown", lambda reactor, action: deaf)
        work: Deferred[None] = Deferred()
        problem = self.assertRaises(ReactorUnavailable, self.runtime.call, lambda: work)
        self.assertIn("stopped", str(problem))
        work.callback(None)  # nobody waits for that any more

    def test_afterwards(self) -> None:
        """Nothing can be done any more."""
        self.runtime.ensure_running()
        self.reactor.fire()
        self.assertRaises(ReactorUnavailable, self.runtime.ensure_running)
        self.assertRaises(ReactorUnavailable, self.runtime.call, lambda: 1)

    def test_between(self) -> None:
        """A reactor that stops after it was asked for, and before it is used, is noticed."""
        self.runtime.ensure_running()
        self.patch(self.runtime, "ensure_running", self.reactor.fire)
        self.assertRaises(ReactorUnavailable, self.runtime.call, lambda: 1)


class ForkTests(HandTestCase):
    """A process forked from one that runs the reactor."""

    def test_refused(self) -> None:
        """Its reactor's thread did not come along: it would wait for ever."""
        self.runtime.ensure_running()
        self.patch(os, "getpid", lambda: -1)
        problem = self.assertRaises(ReactorUnavailable, self.runtime.call, lambda: 1)
        self.assertIn("forked", str(problem))


class ThreadTests(HandTestCase):
    """On which thread a call is made."""

    def test_own_thread(self) -> None:
        """On the reactor's own thread a call would wait for itself; it says what to use instead."""
        self.patch(threadable, "ioThread", threadable.getThreadID())
        for call in (self.runtime.ensure_running, lambda: self.runtime.call(lambda: 1)):
            problem = self.assertRaises(CalledFromReactorThread, call)
            self.assertIn("trailcam.Connector", str(problem))

    def test_former_thread(self) -> None:
        """The thread of a reactor that has ended is a thread like any other."""
        self.patch(threadable, "ioThread", threadable.getThreadID())
        self.patch(atexit, "register", lambda *args: None)
        self.patch(reactorthread, "_log_to_stdlib", lambda: None)
        self.reactor.running = False
        self.patch(self.reactor, "run", self.not_restartable)
        self.assertRaises(ReactorUnavailable, self.runtime.ensure_running)

    @staticmethod
    def not_restartable(installSignalHandlers: bool) -> None:
        """What a reactor does that has run before."""
        raise ReactorNotRestartable


class StartTests(HandTestCase):
    """Starting the reactor."""

    def setUp(self) -> None:
        """The reactor does not run yet."""
        super().setUp()
        self.reactor.running = False
        self.exits: list[Any] = []
        self.logs: list[str] = []
        self.patch(atexit, "register", lambda *call: self.exits.append(call))
        self.patch(reactorthread, "_log_to_stdlib", lambda: self.logs.append("begun"))

    def test_once(self) -> None:
        """It is started for the first who asks, on a thread of its own, and ended at the exit."""
        seen: list[threading.Thread] = []
        original = self.reactor.run

        def run(installSignalHandlers: bool) -> None:
            seen.append(threading.current_thread())
            original(installSignalHandlers)

        self.patch(self.reactor, "run", run)
        self.runtime.ensure_running()
        self.runtime.ensure_running()
        (thread,) = seen
        self.assertTrue(thread.daemon)
        self.assertEqual((thread.name, self.logs), ("trailcam-reactor", ["begun"]))
        (leave,) = self.exits
        leave[0](*leave[1:])
        leave[0](*leave[1:])  # a reactor that was stopped before does not mind
        self.assertEqual(self.reactor.stops, 2)

    def test_interrupted(self) -> None:
        """Who is interrupted while the reactor starts finds it started the next time."""
        begun: Future[None] = Future()
        starts: list[object] = []

        def start(reactor: object) -> Any:
            starts.append(reactor)
            return begun

        self.patch(reactorthread, "_start", start)
        self.patch(begun, "result", self.interrupt)
        self.assertRaises(KeyboardInterrupt, self.runtime.ensure_running)
        del begun.result
        begun.set_result(None)
        self.runtime.ensure_running()
        self.assertEqual(starts, [self.reactor])

    def test_no_thread(self) -> None:
        """Where no thread can be started, that is said."""

        def refuse(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        self.patch(threading.Thread, "start", refuse)
        problem = self.assertRaises(ReactorUnavailable, self.runtime.ensure_running)
        self.assertIn("can't start new thread", str(problem))

    @staticmethod
    def interrupt() -> None:
        """What Ctrl-C does."""
        raise KeyboardInterrupt

    def test_running_already(self) -> None:
        """The application's own reactor is neither started nor ended, nor its log touched."""
        self.reactor.running = True
        self.runtime.ensure_running()
        self.assertEqual((self.exits, self.logs), ([], []))

    def test_not_restartable(self) -> None:
        """A reactor that has run before cannot run again; the reason is kept."""
        self.patch(self.reactor, "run", ThreadTests.not_restartable)
        problem = self.assertRaises(ReactorUnavailable, self.runtime.ensure_running)
        self.assertIsInstance(problem.__cause__, ReactorNotRestartable)
        self.assertEqual(self.logs, [])

    def test_breaks_later(self) -> None:
        """What ends the reactor after its start is not for the one who started it."""
        hooked: list[threading.ExceptHookArgs] = []
        ended = threading.Event()

        def hook(args: threading.ExceptHookArgs) -> None:
            hooked.append(args)
            ended.set()

        def run(installSignalHandlers: bool) -> None:
            self.reactor.running = True
            self.reactor.when_running()
            raise ZeroDivisionError

        self.patch(threading, "excepthook", hook)
        self.patch(self.reactor, "run", run)
        self.runtime.ensure_running()
        self.assertTrue(ended.wait(10))
        self.assertEqual([args.exc_type for args in hooked], [ZeroDivisionError])
