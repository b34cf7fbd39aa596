"""
The reactor seen from threads that are not its own.

A process has one reactor.  If the application runs it already, the facade works on that one;
otherwise it is started once, on a daemon thread, and stopped when the interpreter exits.
"""

from __future__ import annotations

import atexit
import os
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.error import ReactorNotRunning
from twisted.python import threadable
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.errors import CalledFromReactorThread, ReactorUnavailable
from trailcam.interfaces import IRuntime
from trailcam.shutdown import BeforeShutdown

_JOIN_SECONDS = 5.0
_FORKED = "the reactor did not follow into this forked process; start a fresh one instead"
_STOPPED = "the process's reactor was stopped, and a reactor cannot be started twice"


def global_reactor() -> Any:
    """The process's reactor; installs the default one when none is installed."""
    from twisted.internet import reactor

    return reactor


@implementer(IRuntime)
class ReactorThread:
    """Runs functions on the process's reactor, whoever started it."""

    def __init__(self, find_reactor: Callable[[], Any] = global_reactor) -> None:
        """:param find_reactor: gives the reactor to work on; called when first needed."""
        self._find_reactor = find_reactor
        self._lock = threading.Lock()
        self._reactor: Any = None
        self._started: Future[None] | None = None
        self._stopped = False
        self._process = os.getpid()
        self._waiting: set[Future[Any]] = set()

    @property
    def reactor(self) -> Any:
        """The reactor, once :meth:`ensure_running` has returned."""
        return self._reactor

    def ensure_running(self) -> None:
        """Return when a reactor runs; see :class:`~trailcam.interfaces.IRuntime`."""
        reactor = self._find_reactor()
        # Both: the thread's mark outlives the reactor's run.
        if reactor.running and cast(Any, threadable).isInIOThread():
            raise CalledFromReactorThread(
                "a blocking call on the reactor's own thread would wait for itself; "
                "use the Deferred API there: trailcam.Connector(...).connect()"
            )
        if self._process != os.getpid():
            raise ReactorUnavailable(_FORKED)
        with self._lock:
            if self._stopped:
                raise ReactorUnavailable(_STOPPED)
            if self._reactor is None:
                self._wait_for(reactor)
                self._reactor = reactor
                reactor.callFromThread(
                    reactor.addSystemEventTrigger, "after", "shutdown", self._shut_down
                )

    def _wait_for(self, reactor: Any) -> None:
        """Start ``reactor`` unless it runs; who was interrupted here finds it under way later."""
        if self._started is None:
            if reactor.running:
                return
            self._started = _start(reactor)
        try:
            self._started.result()
        except Exception as problem:
            raise ReactorUnavailable(_STOPPED) from problem

    def call(self, function: Callable[[], Any]) -> Any:
        """Run ``function`` over there and wait; see :class:`~trailcam.interfaces.IRuntime`."""
        self.ensure_running()
        future: Future[Any] = Future()
        with self._lock:
            if self._stopped:
                raise ReactorUnavailable(_STOPPED)
            self._waiting.add(future)
        work = _Work(self._reactor, function, future)
        try:
            self._reactor.callFromThread(work.start)
            return future.result()
        except BaseException:
            if not future.done():  # it is this thread that was interrupted
                self._reactor.callFromThread(work.cancel)
                future.exception()  # waits until everything is released
            raise
        finally:
            with self._lock:
                self._waiting.discard(future)

    def _shut_down(self) -> None:
        """The reactor is stopping: nobody may wait for it any more."""
        with self._lock:
            self._stopped = True
            waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_exception(ReactorUnavailable(_STOPPED))


class _Work:
    """One call on its way through the reactor.  All methods run on the reactor's thread."""

    def __init__(self, reactor: Any, function: Callable[[], Any], future: Future[Any]) -> None:
        self._reactor = reactor
        self._function = function
        self._future = future
        self._result: Deferred[Any] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin, and stop early when the reactor does."""
        shutdown = BeforeShutdown(self._reactor, self._stop)
        self._result = maybeDeferred(self._function)
        self._result.addBoth(self._finish, shutdown)

    def cancel(self) -> None:
        """Cancel the work; the future is done when it has let go of everything."""
        if self._result is not None:
            self._result.cancel()
        else:  # interrupted before it could ask for the start
            self._future.set_exception(CancelledError())

    def _stop(self) -> Deferred[Any] | None:
        self._stopping = True
        self.cancel()
        return self._result

    def _finish(self, result: Any, shutdown: BeforeShutdown) -> None:
        shutdown.withdraw()
        if self._future.done():
            return
        if not isinstance(result, Failure):
            self._future.set_result(result)
        elif self._stopping and isinstance(result.value, CancelledError):
            self._future.set_exception(ReactorUnavailable(_STOPPED))
        else:
            self._future.set_exception(result.value)


def _start(reactor: Any) -> Future[None]:
    """Run ``reactor`` on a daemon thread; the future is done when it runs."""
    started: Future[None] = Future()

    def running() -> None:
        _log_to_stdlib()
        started.set_result(None)

    def run() -> None:
        reactor.callWhenRunning(running)
        try:
            reactor.run(installSignalHandlers=False)
        except BaseException as problem:  # told to the caller, who waits for it
            if started.done():
                raise
            started.set_exception(problem)

    thread = threading.Thread(target=run, name="trailcam-reactor", daemon=True)
    try:
        thread.start()
    except RuntimeError as problem:  # the system, or an interpreter that is about to end
        raise ReactorUnavailable(
            f"no thread for the reactor can be started: {problem}"
        ) from problem
    atexit.register(_stop, reactor, thread)
    return started


def _stop(reactor: Any, thread: threading.Thread) -> None:
    def stop() -> None:
        with suppress(ReactorNotRunning):
            reactor.stop()

    reactor.callFromThread(stop)
    thread.join(_JOIN_SECONDS)


def _log_to_stdlib() -> None:
    """
    Send Twisted's warnings and errors to the standard library's log: a program that lets us start
    the reactor has no Twisted log of its own, and never asked for the rest.
    """
    from twisted.logger import (
        FilteringLogObserver,
        LogLevel,
        LogLevelFilterPredicate,
        STDLibLogObserver,
        globalLogBeginner,
    )

    serious = LogLevelFilterPredicate(defaultLogLevel=LogLevel.warn)
    observer = FilteringLogObserver(STDLibLogObserver("twisted"), [serious])
    shown = warnings.showwarning
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)
    warnings.showwarning = shown  # how the program shows its own warnings is not ours to change


_runtime: ReactorThread | None = None
_runtime_lock = threading.Lock()


def shared_runtime() -> ReactorThread:
    """The one runtime of this process."""
    global _runtime
    with _runtime_lock:
        if _runtime is None:
            _runtime = ReactorThread()
        return _runtime
