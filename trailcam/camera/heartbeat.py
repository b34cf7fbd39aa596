"""
The heartbeat: command 525, without token and without answer.

Protocol: the application layer, commands and answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.task import LoopingCall

from trailcam.artemis.commands import CommandID, encode_body
from trailcam.artemis.record import RecordKind
from trailcam.camera.answers import U32
from trailcam.errors import SessionError

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime

#: Seconds from the login to the first one, and between two.
INTERVAL = 3.0

FIRST_NUMBER = 0x00010001


class Heartbeat:
    """Writes a heartbeat every 3 s; its records have numbers of their own."""

    def __init__(self, reactor: IReactorTime, write: Callable[[bytes], None]) -> None:
        """:param write: takes the octets of a record; may raise a SessionError."""
        self._write = write
        self._next = FIRST_NUMBER
        self._loop = LoopingCall(self._beat)
        self._loop.clock = reactor

    def start(self) -> None:
        """Send the first one in 3 s."""
        self.stop()
        self._loop.start(INTERVAL, now=False)

    def stop(self) -> None:
        """Send no more.  May be called at any time."""
        if self._loop.running:
            self._loop.stop()

    def _beat(self) -> None:
        record = encode_body(RecordKind.COMMAND, self._next, {"cmdId": int(CommandID.HEARTBEAT)})
        self._next = (self._next + 1) & U32
        try:
            self._write(record.to_bytes())
        except SessionError:
            self.stop()
