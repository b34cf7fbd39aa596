"""Plays a script to one client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IReactorTime

from trailcam.simulator.script import Line, Step
from trailcam.simulator.timer import Timer
from trailcam.wire.constants import MessageType


class Player:
    """
    Goes through the steps in order, never back and never for ever.

    A barrier is met by a message of its kind that met none before, early ones included.

    :param clock: where time comes from.
    :param steps: the script.
    :param patience: seconds to wait at a barrier.
    :param send: sends a datagram to the client.
    :param ended: called once, after the last step.
    :ivar sent: datagrams of the script sent so far.
    :ivar met: barriers that the client met.
    :ivar missed: barriers given up.
    """

    def __init__(
        self,
        clock: IReactorTime,
        steps: Sequence[Step],
        patience: float,
        send: Callable[[bytes], object],
        ended: Callable[[], object],
    ) -> None:
        self._steps = steps
        self._patience = patience
        self._send = send
        self._ended = ended
        self._position = 0
        self._unused: Counter[MessageType] = Counter()
        self._waiting_for: MessageType | None = None
        self._step_over = Timer(clock, self._take_step)
        self.sent = 0
        self.met = 0
        self.missed = 0

    def play(self) -> None:
        """Go on as far as possible without waiting."""
        while self._position < len(self._steps):
            step = self._steps[self._position]
            if isinstance(step, Line):
                self._step_over.start(step.pause)
                return
            if not self._unused[step.kind]:
                self._waiting_for = step.kind
                self._step_over.start(self._patience)
                return
            self._unused[step.kind] -= 1
            self._position += 1
            self.met += 1
        self._ended()

    def heard(self, kind: MessageType) -> None:
        """The client sent a message of this kind."""
        self._unused[kind] += 1
        if kind is self._waiting_for:
            self._waiting_for = None
            self._step_over.stop()
            self.play()

    def stop(self) -> None:
        """Do not go on."""
        self._waiting_for = None
        self._step_over.stop()

    def _take_step(self) -> None:
        """Send the line whose pause is over, or give up the barrier."""
        step = self._steps[self._position]
        self._position += 1
        self._waiting_for = None
        if isinstance(step, Line):
            self.sent += 1
            self._send(step.datagram)
        else:
            self.missed += 1
        self.play()
