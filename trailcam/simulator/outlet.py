"""Where large transfers leave the firmware: one after the other, record by record."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from twisted.internet.interfaces import IPushProducer, IReactorTime
from zope.interface import implementer

from trailcam.simulator.timer import Timer

#: Octets to write, or seconds to wait; infinity waits until the outlet is cleared.
Step: TypeAlias = bytes | float

#: Transfers that wait for their turn, at most.
MAX_WAITING: Final = 16


@implementer(IPushProducer)
class Outlet:
    """
    Writes the steps of its transfers, one in each turn of the reactor, unless paused.

    :param clock: where time comes from.
    :param write: takes the octets of one record, or of a part of it.
    """

    def __init__(self, clock: IReactorTime, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._transfers: deque[Iterator[Step]] = deque()
        self._turn = Timer(clock, self._step)
        self._paused = False
        self._missed = False

    @property
    def busy(self) -> bool:
        """Whether there is something to write."""
        return bool(self._transfers)

    def add(self, transfer: Iterator[Step]) -> bool:
        """
        Write this after all that is waiting.

        :return: whether there was room for it.
        """
        if len(self._transfers) >= MAX_WAITING:
            return False
        self._transfers.append(transfer)
        if len(self._transfers) == 1:
            self._turn.start(0)
        return True

    def clear(self) -> None:
        """Forget all transfers."""
        self._turn.stop()
        self._missed = False
        while self._transfers:
            _close(self._transfers.popleft())

    def pauseProducing(self) -> None:
        """Write nothing until :meth:`resumeProducing`; time goes on for what waits."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Write again."""
        self._paused = False
        if self._missed:
            self._missed = False
            self._turn.start(0)

    def stopProducing(self) -> None:
        """Forget all transfers: nobody takes them."""
        self.clear()

    def _step(self) -> None:
        if self._paused:
            self._missed = True
            return
        step = next(self._transfers[0], None)
        if step is None:
            self._transfers.popleft()
            step = 0.0
        if isinstance(step, bytes):
            self._write(step)
            step = 0.0
        # Writing may have cleared us.
        if self._transfers and step < math.inf:
            self._turn.start(step)


def _close(transfer: Iterator[Step]) -> None:
    close = getattr(transfer, "close", None)
    if close is not None:
        close()
