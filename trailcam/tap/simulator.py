"""
``twist trailcam-simulator``: a camera made of software, for tests and for trying things.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from twisted.application.service import IService
from twisted.internet.abstract import isIPAddress
from twisted.python import usage

from trailcam.errors import CaptureError
from trailcam.simulator import Behaviour, Door, ReplayedCamera, SimulatedCamera
from trailcam.simulator.card import Card
from trailcam.simulator.manners import Manners
from trailcam.simulator.script import read_script
from trailcam.tap.card import (
    CONTENTS,
    EVENT,
    FOLDER,
    MANNERS,
    QUIRK,
    card_options,
    checked_card,
    checked_manners,
)
from trailcam.tap.options import HelpfulOptions, number, usage_errors
from trailcam.tap.simulated import SimulatorService
from trailcam.wire.constants import LAN_SEARCH_PORT, SESSION_PORT
from trailcam.wire.did import DeviceID

_T = TypeVar("_T")


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def _decimal(text: str) -> float:
    value = number(text)
    if isinstance(value, str):
        raise ValueError(f"{text!r} is not a number")
    return float(value)


def _or_never(text: str) -> float | None:
    return None if text == "never" else _decimal(text)


def _doors(text: str) -> frozenset[Door]:
    try:
        return frozenset(map(Door, text.split(",")))
    except ValueError:
        known = ",".join(door.value for door in Door)
        raise ValueError(f"{text!r} is not one or more of {known}") from None


def _port(text: str) -> int:
    port = _whole(text)
    if port > 65535:
        raise ValueError(f"port {port} is outside 0..65535")
    return port


def _interface(text: str) -> str:
    if text and not isIPAddress(text):
        raise ValueError(f"{text!r} is not an IPv4 address; 0.0.0.0 is all interfaces")
    return text


_LOOPBACK = "127.0.0.1"

#: Where it listens: the short option, its spelling, the default, that of --demo, the help.
_PLACE: Mapping[str, tuple[str | None, Callable[[str], object], object, object, str]] = {
    "interface": (
        "i",
        _interface,
        _LOOPBACK,
        _LOOPBACK,
        f"IPv4 address to listen on; 0.0.0.0 hears broadcasts. [default: {_LOOPBACK}]",
    ),
    "search-port": (
        None,
        _port,
        LAN_SEARCH_PORT,
        0,
        f"UDP port for searches; 0 is any. [default: {LAN_SEARCH_PORT}]",
    ),
    "session-port": (
        None,
        _port,
        SESSION_PORT,
        0,
        f"UDP port for everything; 0 is any. [default: {SESSION_PORT}]",
    ),
}

#: The options that take a value: the field of Behaviour each one sets, its spelling, its help.
_VALUES: Mapping[str, tuple[str, Callable[[str], object], str]] = {
    "did": ("did", DeviceID.parse, "The camera's own id."),
    "answers-to": ("answers_to", _doors, "Ports that are served: search, session or both."),
    "answer-port": ("answer_port", _port, "Serve sessions from this other port; 0 is any."),
    "slots": ("slots", _whole, "Sessions at a time; one more is sent CLOSE."),
    "offers": ("offers", _whole, "LAN_TCP_OFFER before P2P_RDY, after a search."),
    "repeat-interval": ("repeat_interval", _decimal, "Seconds between two P2P_RDY, two banners."),
    "banner-delay": ("banner_delay", _decimal, "Seconds from P2P_RDY to the banner."),
    "ack-delay": ("ack_delay", _decimal, "Seconds that a DRW may wait for its DRW_ACK."),
    "window": ("window", _whole, "DRW of one channel that may be unacknowledged."),
    "alive-interval": ("alive_interval", _or_never, "Seconds of quiet until ALIVE, or never."),
    "timeout": ("timeout", _decimal, "Seconds until a silent client is sent CLOSE."),
    "silent-after": ("silent_after", _or_never, "Seconds until a session is dead, or never."),
    "close-after": ("close_after", _or_never, "Seconds until a session gets CLOSE, or never."),
    "loss": ("loss", _decimal, "Chance, 0 to 1, that a datagram is lost."),
    "delay": ("delay", _decimal, "Seconds that every datagram takes."),
    "jitter": ("jitter", _decimal, "Seconds more that a datagram may take."),
    "reorder": ("reorder", _decimal, "Chance that a datagram is overtaken."),
    "duplicate": ("duplicate", _decimal, "Chance that a datagram comes twice."),
}

#: The flags: the field each one sets, its value then, its help.
_FLAGS: Mapping[str, tuple[str, bool, str]] = {
    "deaf": ("deaf", True, "Never answer anything."),
    "never-ready": ("never_ready", True, "Answer searches, but never send P2P_RDY."),
    "no-answers-alive": ("answers_alive", False, "Do not answer ALIVE."),
}


class Options(HelpfulOptions):
    """
    Where the camera listens, and each field of :class:`~trailcam.simulator.behaviour.Behaviour`.

    :ivar behaviour: the checked behaviour.
    :ivar manners: how its firmware behaves, checked.
    :ivar place: the checked arguments of the camera's ``start``.
    """

    synopsis = "[options]"
    longdesc = (
        "Simulates a camera as the recordings of real ones show it, with the faults that are "
        "asked for, or plays a recording to the first client."
    )

    optParameters = [
        *([option, short, None, text] for option, (short, *_, text) in _PLACE.items()),
        ["replay", "r", None, "Play this recording (.jsonl) instead of following rules."],
        *([option, None, None, text] for option, (_, _, text) in _VALUES.items()),
        *card_options(),
    ]

    optFlags = [
        ["demo", None, "Listen on free ports of 127.0.0.1."],
        ["prompt", None, "Leave out the waiting that real cameras do."],
        *([option, None, text] for option, (_, _, text) in _FLAGS.items()),
    ]

    def __init__(self) -> None:
        super().__init__()
        self[EVENT] = []
        self.behaviour = Behaviour.recorded()
        self.manners = Manners()
        self.place: dict[str, Any] = {}
        self._card: Callable[[], Card] = Card.generated

    def opt_event(self, text: str) -> None:
        """SECONDS=NUMBER: an event so long after each login; may be repeated.  [default: 0.04=4]"""
        self[EVENT].append(text)

    def parseArgs(self, *args: str) -> None:
        """No argument has a meaning of its own."""
        if args:
            raise usage.UsageError(f"unexpected argument {args[0]!r}; there are only options")

    def postOptions(self) -> None:
        """Check everything; :raises UsageError: for the first mistake."""
        with usage_errors():
            self.place = self._checked_place()
            self.behaviour = self._checked_behaviour()
            if self["replay"] is not None:
                self._check_replay()
            self.manners = checked_manners(self)
            self._card = checked_card(self)

    def camera(self, reactor: Any) -> ReplayedCamera | SimulatedCamera:
        """The camera that was asked for."""
        if self["replay"] is not None:
            return ReplayedCamera(reactor, self["replay"])
        return SimulatedCamera(reactor, self.behaviour, card=self._card, manners=self.manners)

    def _checked_place(self) -> dict[str, Any]:
        place: dict[str, Any] = {}
        for option, (_, spell, usual, free, _) in _PLACE.items():
            given = self[option]
            if self["demo"] and given is not None:
                raise ValueError(f"--demo: brings its own ports; leave --{option} out")
            default = free if self["demo"] else usual
            field = option.replace("-", "_")
            place[field] = default if given is None else _spelt(option, spell, given)
        return place

    def _checked_behaviour(self) -> Behaviour:
        changes: dict[str, Any] = {
            field: value for option, (field, value, _) in _FLAGS.items() if self[option]
        }
        for option, (field, spell, _) in _VALUES.items():
            if self[option] is not None:
                changes[field] = _spelt(option, partial(_allowed, field, spell), self[option])
        return Behaviour.prompt(**changes) if self["prompt"] else Behaviour.recorded(**changes)

    def _check_replay(self) -> None:
        for option in ("prompt", *_FLAGS, *_VALUES, FOLDER, QUIRK, EVENT, *CONTENTS, *MANNERS):
            if self[option]:
                raise ValueError(f"--replay: brings its own behaviour; leave --{option} out")
        try:
            read_script(self["replay"])
        except CaptureError as problem:
            raise ValueError(f"--replay: {problem}") from problem


def makeService(options: Options) -> IService:
    """The camera that :class:`Options` describe."""
    from twisted.internet import reactor

    return SimulatorService(options.camera(reactor), options.place)


def _allowed(field: str, spell: Callable[[str], object], text: str) -> object:
    """What ``text`` spells, if a camera can have it."""
    return getattr(Behaviour.recorded(**{field: spell(text)}), field)


def _spelt(option: str, spell: Callable[[str], _T], text: str) -> _T:
    """What ``text`` spells; :raises ValueError: naming the option."""
    try:
        return spell(text)
    except ValueError as problem:
        raise ValueError(f"--{option}: {problem}") from problem
