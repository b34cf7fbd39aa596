"""
The application side of a simulated camera, for one client: commands in, answers and media out.

Octets in order come in by :meth:`Firmware.received` and go out by a function; carrying them
reliably is somebody else's work.  Protocol: the application layer.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import attrs
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from trailcam.artemis.commands import CommandID, decode_body, encode_body
from trailcam.artemis.record import Record, RecordDecoder, RecordKind
from trailcam.errors import WireError
from trailcam.simulator.card import Card
from trailcam.simulator.liveview import LiveView
from trailcam.simulator.manners import Manners
from trailcam.simulator.orders import REFUSED, UNKNOWN, Answer, Body, Orders, refused
from trailcam.simulator.outlet import Outlet
from trailcam.simulator.settings import Settings
from trailcam.simulator.timer import Timer

#: The channels, by what they carry.
COMMANDS: Final = 0
LIVE: Final = 1
PLAYBACK: Final = 2
FILES: Final = 3
THUMBNAILS: Final = 4
EVENTS: Final = 6

#: Commands that wait for their answer, at most; the app lets 20 wait.
MAX_COMMANDS: Final = 64

#: ``result`` of a login.
WRONG_CREDENTIALS: Final = -1
TOO_MANY: Final = -2

_TOKEN_BITS = 27


@attrs.define
class Tally:
    """
    What one client sent.

    :ivar performed: commands done, by ``cmdId``.
    :ivar refused: commands not done: of an unknown kind, or by the manners.
    :ivar unauthorised: logins refused, and commands without the right token.
    :ivar malformed: records that hold no command, and records of other kinds.
    :ivar dropped: commands that found too many others waiting.
    :ivar ignored: octets on channels on which a camera hears nothing.
    """

    performed: Counter[int] = attrs.field(factory=Counter)
    refused: int = 0
    unauthorised: int = 0
    malformed: int = 0
    dropped: int = 0
    ignored: int = 0


@attrs.frozen
class _Command:
    number: int
    sequence: int
    body: Body


@implementer(IPushProducer)
class Firmware:
    """
    What a camera says to one client.

    It produces what is large (live view, playback, photos, thumbnails) record by record, so that
    :meth:`pauseProducing` keeps it from filling the memory; answers and events are never held up.

    :param clock: where time comes from.
    :param card: the camera's card, shared by its sessions.
    :param write: ``write(channel, octets)``, taken in order and lost never.
    :param manners: how to behave.
    :param rng: makes the tokens.
    :param settings: what the camera remembers, shared by its sessions; ``None`` makes new ones.
    :ivar tally: what the client sent.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        card: Card,
        write: Callable[[int, bytes], object],
        manners: Manners,
        rng: random.Random,
        settings: Settings | None = None,
    ) -> None:
        self._clock = clock
        self._write = write
        self._manners = manners
        self._rng = rng
        self._settings = Settings(clock, manners) if settings is None else settings
        self.tally = Tally()
        live = LiveView(clock, card.live, partial(write, LIVE))
        outlets = {
            number: Outlet(clock, partial(write, number))
            for number in (PLAYBACK, FILES, THUMBNAILS)
        }
        self._producers: dict[int, LiveView | Outlet] = {LIVE: live, **outlets}
        self._orders = Orders(
            clock,
            card,
            self._settings,
            manners,
            live=live,
            playing=outlets[PLAYBACK],
            photos=outlets[FILES],
            thumbnails=outlets[THUMBNAILS],
        )
        self._decoder = RecordDecoder()
        self._waiting: deque[_Command] = deque()
        self._answering = Timer(clock, self._answer_next)
        self._events: list[IDelayedCall] = []
        self._event_number = 0
        self._token: int | None = None
        self._stopped = False

    @property
    def logged_in(self) -> bool:
        """Whether the client is logged in."""
        return self._token is not None

    def received(self, channel: int, data: bytes) -> None:
        """Take the next octets of a channel.  Never raises."""
        if self._stopped:
            return
        if channel != COMMANDS:
            self.tally.ignored += len(data)
            return
        for record in self._decoder.feed(data):
            self._record_received(record)

    def producer(self, channel: int) -> IPushProducer:
        """Who produces on channel 1, 2, 3 or 4, to be paused without the others."""
        return self._producers[channel]

    def pauseProducing(self) -> None:
        """Produce nothing on any channel until :meth:`resumeProducing`."""
        for producer in self._producers.values():
            producer.pauseProducing()

    def resumeProducing(self) -> None:
        """Produce again, on all channels."""
        for producer in self._producers.values():
            producer.resumeProducing()

    def stopProducing(self) -> None:
        """The same as :meth:`stop`."""
        self.stop()

    def stop(self) -> None:
        """The session has ended: write nothing any more, let go of everything."""
        self._stopped = True
        self._log_out()
        self._waiting.clear()
        self._answering.stop()
        for producer in self._producers.values():
            producer.stopProducing()

    # Commands in, one after the other

    def _record_received(self, record: Record) -> None:
        try:
            body = decode_body(record) if record.kind == RecordKind.COMMAND else {}
        except WireError as error:
            if not self.tally.malformed:  # once
                self._log.warn("a command is malformed: {error}", error=str(error))
            body = {}
        number = body.get("cmdId")
        if type(number) is not int:
            self.tally.malformed += 1
        elif number == CommandID.HEARTBEAT:
            self.tally.performed[number] += 1  # the DRW_ACK is answer enough
        elif len(self._waiting) >= MAX_COMMANDS:
            self.tally.dropped += 1
        else:
            self._waiting.append(_Command(number, record.sequence, body))
            if len(self._waiting) == 1:
                self._serve_next()

    def _serve_next(self) -> None:
        """Answer the commands up to one that takes its time."""
        while self._waiting:
            delay = self._manners.delay_of(self._waiting[0].number)
            if delay:
                self._answering.start(delay)
                return
            self._answer(self._waiting.popleft())

    def _answer_next(self) -> None:
        self._answer(self._waiting.popleft())
        self._serve_next()

    def _answer(self, command: _Command) -> None:
        answer: Any = self._perform(command)
        if command.number in self._manners.unanswered:
            return
        answer = self._manners.answers.get(command.number, answer)
        if isinstance(answer, bytes):
            record = Record(RecordKind.ANSWER, command.sequence, answer)
        else:
            record = encode_body(RecordKind.ANSWER, command.sequence, answer)
        self._write(COMMANDS, record.to_bytes())

    def _perform(self, command: _Command) -> Answer:
        number = command.number
        if number in self._manners.results:
            self.tally.refused += 1
            return refused(number, "Refused", self._manners.results[number])
        if number == CommandID.LOGIN:
            return self._log_in(command.body)
        if self._manners.checks_token and not self._authorised(command.body):
            self.tally.unauthorised += 1
            return refused(number, "Wrong token", REFUSED)
        if number == CommandID.LOGOUT:
            self._log_out()
            answer = refused(number, "Success", 0)
        else:
            answer = self._orders.perform(number, command.body, command.sequence)
        if answer["result"] == UNKNOWN:
            self.tally.refused += 1
        else:
            self.tally.performed[number] += 1
        return answer

    # Who may command

    def _authorised(self, body: Body) -> bool:
        token = body.get("token")
        return self._token is not None and type(token) is int and token == self._token

    def _log_in(self, body: Body) -> Answer:
        given = (body.get("usrName"), body.get("password"))
        if given != (self._manners.username, self._settings.password):
            self.tally.unauthorised += 1
            return _login_refused(WRONG_CREDENTIALS, "Wrong user name or password")
        if self._token is None and self._settings.logged_in >= self._manners.logins:
            self.tally.unauthorised += 1
            return _login_refused(TOO_MANY, "Too many connections")
        self._log_out()
        self._settings.logged_in += 1
        self._token = self._rng.randrange(1, 1 << _TOKEN_BITS)
        utc = body.get("utcTime")
        if type(utc) is int:
            self._settings.set_time(utc)
        self._events = [
            self._clock.callLater(delay, self._say_event, number)
            for delay, number in self._manners.events
        ]
        self.tally.performed[CommandID.LOGIN] += 1
        return {
            "cmdId": CommandID.LOGIN,
            "result": 0,
            "token": self._token,
            "bat_percent": self._manners.battery,
            "errorMsg": "Success",
        }

    def _log_out(self) -> None:
        """End what a login began; does nothing without one."""
        if self._token is not None:
            self._token = None
            self._settings.logged_in -= 1
        for event in self._events:
            if event.active():
                event.cancel()
        self._events = []

    def _say_event(self, number: int) -> None:
        self._event_number += 1
        record = encode_body(RecordKind.EVENT, self._event_number, {"evtId": number})
        self._write(EVENTS, record.to_bytes())


def _login_refused(result: int, message: str) -> Answer:
    return {"cmdId": CommandID.LOGIN, "result": result, "errorMsg": message}
