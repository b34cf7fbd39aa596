"""
Channel 0: numbered commands, and the answers that belong to them.

Protocol: the application layer, commands and answers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from zope.interface import implementer

from trailcam.artemis.commands import CommandID, command_name, decode_body, encode_body
from trailcam.artemis.record import Record, RecordDecoder, RecordKind
from trailcam.camera.answers import U32
from trailcam.camera.greeting import Greeting
from trailcam.errors import ChannelClosed, CommandTimeout, SessionError, TrailcamError, WireError
from trailcam.interfaces import IChannel, IChannelReader

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: Seconds that a camera may take to greet.
GREETING_TIMEOUT = 5.0

#: Seconds that it may take to answer, counted from sending.
COMMAND_TIMEOUT = 10.0

#: Commands that may wait for their answers at once; more wait to be sent.
MOST_IN_FLIGHT = 20


@attrs.define(eq=False)
class _Command:
    """
    One command on its way.

    :ivar octets: its record.
    :ivar timeout: seconds from sending.
    """

    number: int
    sequence: int
    octets: bytes
    timeout: float
    answer: Deferred[dict[str, Any]]
    timer: IDelayedCall | None = None


@implementer(IChannelReader)
class ControlChannel:
    """
    Sends commands once the camera has greeted, and gives each its answer.

    :ivar token: what goes with every command but a login, as its last member.
    :ivar malformed: records that could not be read.
    :ivar unmatched: answers that nobody waits for.
    """

    def __init__(self, reactor: IReactorTime, channel: IChannel, first: int = 1) -> None:
        """
        Listen on ``channel``.

        :param first: the number of the first command's record.
        """
        self.token: int | None = None
        self.malformed = 0
        self.unmatched = 0
        self._log = Logger()
        self._reactor = reactor
        self._channel = channel
        self._first = self._next = first & U32
        self._greeting = Greeting()
        self._greeted = False
        self._greeting_timer: IDelayedCall | None = None
        self._decoder = RecordDecoder()
        self._waiting: deque[_Command] = deque()
        self._flying: dict[int, _Command] = {}
        self._over: SessionError | None = None
        channel.attach(self)

    def ask(
        self, number: int, members: Mapping[str, Any], timeout: float = COMMAND_TIMEOUT
    ) -> Deferred[dict[str, Any]]:
        """
        Send a command, or keep it until it can be sent.

        The Deferred fires with the answer, whatever that says.  It fails with
        :class:`~trailcam.errors.CommandTimeout`, or with a :class:`~trailcam.errors.SessionError`;
        when it is cancelled the answer is dropped.

        :raises WireError: the members cannot be written.
        """
        if self._over is not None:
            return fail(self._over)
        body = {"cmdId": int(number), **members}
        if self.token is not None and number != CommandID.LOGIN:
            body["token"] = self.token
        sequence = self._next
        octets = encode_body(RecordKind.COMMAND, sequence, body).to_bytes()
        self._next = (sequence + 1) & U32
        answer: Deferred[dict[str, Any]] = Deferred(lambda _: self._given_up(command))
        command = _Command(number, sequence, octets, timeout, answer)
        self._waiting.append(command)
        self._pump()
        return answer

    def write(self, octets: bytes) -> None:
        """Send a record that has no answer; raises :class:`~trailcam.errors.ChannelClosed`."""
        self._channel.write(octets)

    def data_received(self, data: bytes) -> None:
        """Called by the channel."""
        octets = self._greeting.feed(data)
        refused = self._decoder.refused
        records = self._decoder.feed(octets)
        self.malformed += self._decoder.refused - refused
        # A camera that answers has been there all along, whatever became of its banner.
        if self._greeting.heard or records:
            self._greeted_now()
        for record in records:
            self._record(record)

    def channel_closed(self, reason: SessionError | None) -> None:
        """Called at the session's end, by whoever hears of it: nothing will be answered."""
        if self._over is not None:
            return
        self._over = reason or ChannelClosed("the session is closed")
        for command in [*self._flying.values(), *self._waiting]:
            self._fail(command, self._over)
        self._stop_greeting_timer()

    def _record(self, record: Record) -> None:
        if record.kind != RecordKind.ANSWER:
            self.unmatched += 1
            return
        try:
            answer = decode_body(record)
        except WireError as error:
            self.malformed += 1
            tell = self._log.warn if self.malformed == 1 else self._log.debug
            tell("unreadable answer {n}: {error}", n=record.sequence, error=error)
            return
        command = self._asked(record.sequence, answer.get("cmdId"))
        if command is None:
            self.unmatched += 1
            self._log.debug("nobody asked for {name}", name=command_name(answer))
            return
        self._forget(command)
        command.answer.callback(answer)
        self._pump()

    def _asked(self, sequence: int, number: object) -> _Command | None:
        """The command that an answer belongs to: by its record's number, else by its cmdId."""
        command = self._flying.get(sequence)
        if command is not None and number in (None, command.number):
            return command
        if command is None and self._used(sequence):
            return None  # an answer that comes late is not one to a later command
        return next((each for each in self._flying.values() if each.number == number), None)

    def _used(self, sequence: int) -> bool:
        return (sequence - self._first) & U32 < (self._next - self._first) & U32

    def _pump(self) -> None:
        """Send what may be sent."""
        if self._waiting and not self._greeted:
            self._await_greeting()
            return
        while self._waiting and len(self._flying) < MOST_IN_FLIGHT:
            self._send(self._waiting.popleft())

    def _send(self, command: _Command) -> None:
        self._flying[command.sequence] = command
        command.timer = self._reactor.callLater(command.timeout, self._too_late, command)
        try:
            self._channel.write(command.octets)
        except SessionError as error:
            self._fail(command, error)

    def _await_greeting(self) -> None:
        if self._greeting_timer is None:
            self._greeting_timer = self._reactor.callLater(GREETING_TIMEOUT, self._ungreeted)

    def _greeted_now(self) -> None:
        if not self._greeted:
            self._greeted = True
            self._stop_greeting_timer()
            self._pump()

    def _stop_greeting_timer(self) -> None:
        if self._greeting_timer is not None:
            self._greeting_timer.cancel()
            self._greeting_timer = None

    def _ungreeted(self) -> None:
        self._greeting_timer = None
        late = CommandTimeout(f"the camera did not greet within {GREETING_TIMEOUT:.0f} s")
        for command in list(self._waiting):
            self._fail(command, late)

    def _too_late(self, command: _Command) -> None:
        command.timer = None
        name = command_name({"cmdId": int(command.number)})
        self._fail(
            command,
            CommandTimeout(f"the camera did not answer {name} within {command.timeout:g} s"),
        )
        self._pump()

    def _given_up(self, command: _Command) -> None:
        """Somebody cancelled it; its Deferred is called by Twisted."""
        self._forget(command)
        if not self._waiting:
            self._stop_greeting_timer()
        self._pump()

    def _fail(self, command: _Command, error: TrailcamError) -> None:
        self._forget(command)
        if not command.answer.called:  # whoever heard of another one may have cancelled this one
            command.answer.errback(error)

    def _forget(self, command: _Command) -> None:
        self._flying.pop(command.sequence, None)
        if command in self._waiting:
            self._waiting.remove(command)
        if command.timer is not None:
            command.timer.cancel()
            command.timer = None
