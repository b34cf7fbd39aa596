"""
Runs one coroutine on a reactor: to its end, or to the first SIGINT or SIGTERM.

:func:`twisted.internet.task.react` stops the reactor on a signal and leaves the work to its fate.
Here the work is cancelled and waited for, because a camera wants to be told CLOSE.

The waiting has an end: a name resolver that hangs is left behind, and a second signal, or time,
ends the process at once.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

#: Ends the reactor's work: what a coroutine of a command looks like.  Returns the exit status.
Work = Callable[[Any], Coroutine[Any, Any, int]]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE = 0.8  # seconds that cancelled work may take
_INSISTENCE = 0.01  # seconds between two cancellations
_LIMIT = 1.5  # seconds from a signal to the end of the process, whatever hangs
_FAREWELL = 0.05  # seconds that each idle thread may take to end


def run(reactor: Any, work: Work) -> int:
    """
    Run ``work(reactor)``.

    :param reactor: provides IReactorCore, IReactorTime and IReactorThreads; not yet running.
    :return: the status that ``work`` returned, or 128 and the signal's number; a second signal
        ends the process with that status.
    :raises BaseException: what ``work`` raised.
    """
    return _Run(reactor, work).to_the_end()


class _Run:
    """One run of the reactor."""

    def __init__(self, reactor: Any, work: Work) -> None:
        self._reactor = reactor
        self._work = work
        self._working: Deferred[int] = Deferred()
        self._outcome: int | Failure | None = None
        self._signal: int | None = None
        self._first_signal: int | None = None

    def to_the_end(self) -> int:
        self._reactor.callWhenRunning(self._start)
        self._reactor.addSystemEventTrigger("before", "shutdown", self._wind_up)
        self._reactor.getThreadPool().threadFactory = _ThreadToLeave
        try:
            self._reactor.run()
        finally:
            self._disarm()
        if self._signal is not None:
            return 128 + self._signal
        if isinstance(self._outcome, Failure):
            self._outcome.raiseException()
        assert isinstance(self._outcome, int)  # only work and signals stop this reactor
        return self._outcome

    def _start(self) -> None:
        # Not earlier: the reactor takes SIGTERM for itself while it starts.
        for number in _SIGNALS:
            signal.signal(number, self._signalled)
        self._working = Deferred.fromCoroutine(self._work(self._reactor))
        self._working.addBoth(self._ended)

    def _ended(self, outcome: int | Failure) -> None:
        self._outcome = outcome
        if self._signal is None:
            self._reactor.stop()

    def _signalled(self, number: int, _frame: object) -> None:
        if self._first_signal is not None:
            os._exit(128 + self._first_signal)  # all that was said is flushed already
        self._first_signal = number
        self._arm()
        self._reactor.callFromThread(self._interrupt, number)

    def _interrupt(self, number: int) -> None:
        if self._signal is None and self._outcome is None:
            self._signal = number
            self._reactor.stop()

    def _arm(self) -> None:
        """Have an alarm be the second signal: it comes even if the reactor's thread is blocked."""
        if hasattr(signal, "setitimer"):  # not on Windows
            signal.signal(signal.SIGALRM, self._signalled)
            signal.setitimer(signal.ITIMER_REAL, _LIMIT)

    def _disarm(self) -> None:
        if self._first_signal is not None and hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _wind_up(self) -> Deferred[None]:
        """Runs when the reactor is about to stop, which waits for it."""
        return Deferred.fromCoroutine(self._cancel())

    async def _cancel(self) -> None:
        """
        Cancel the work until it ends.

        Once is not enough: a race that is decided already hands out its winner all the same, and
        the work goes on to its next step.
        """
        deadline = self._reactor.seconds() + _PATIENCE
        while self._outcome is None and self._reactor.seconds() < deadline:
            self._working.cancel()
            await deferLater(self._reactor, _INSISTENCE)


class _ThreadToLeave(threading.Thread):
    """
    A thread that neither the reactor nor the interpreter waits for.

    The reactor resolves names in threads.  A resolver cannot be cancelled, and may hang long.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "daemon": True})

    def join(self, timeout: float | None = _FAREWELL) -> None:
        """Wait a moment."""
        super().join(timeout)
