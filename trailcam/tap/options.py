"""
The options of a connection, the same for ``trailcam connect`` and ``twist trailcam-connect``.

Whatever is wrong is one :class:`~twisted.python.usage.UsageError` of one line that names the
option and says what would be right.
"""

from __future__ import annotations

import contextlib
import difflib
import getopt
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from twisted.python import usage

from trailcam.connect.relay_address import check_relay
from trailcam.connect.target import (
    DEFAULT_MAX_TIME,
    DEFAULT_PORTS,
    Target,
    check_address,
    check_did,
    check_host,
    check_ports,
    check_seconds,
    check_secret,
    check_url,
    check_weights,
)
from trailcam.model import ConnectionMode
from trailcam.tap.secretfile import read_secret
from trailcam.wire.did import TRAILCAM_DID, DeviceID

if TYPE_CHECKING:
    from trailcam.connect.request import Request

#: Options that say which camera to take; the demonstration brings its own.
_ABOUT_THE_CAMERA = (
    "camera",
    "uid",
    "port",
    "broadcast",
    "relay",
    "relay-directory",
    "rendezvous",
    "secret-file",
)

#: The environment variable that may hold the secret.
SECRET_VARIABLE = "TRAILCAM_SECRET"

#: Numbers as people write them; Python itself also reads ``4_0``, spaces and foreign digits.
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9.]+(e[+-]?[0-9]+)?|inf|nan)", re.ASCII | re.IGNORECASE)

#: As long as anything that is asked for may take: a year.
MOST_SECONDS = 366 * 86400.0


class HelpfulOptions(usage.Options):
    """Options that guess what a mistyped option was meant to be."""

    optParameters: Sequence[Any] = []
    optFlags: Sequence[Any] = []

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse; :raises UsageError: a line that says what is wrong, with a suggestion."""
        try:
            super().parseOptions(options)  # type: ignore[no-untyped-call]
        except usage.UsageError as problem:
            cause = problem.__context__
            if not isinstance(cause, getopt.GetoptError):
                raise
            names = [name.removesuffix("=") for name in self.longOpt]
            hint = suggestion(cause.opt, names, "--")
            raise usage.UsageError(f"{cause.msg}{hint}") from problem

    opt_h = usage.Options.opt_help

    def seconds(self, option: str) -> float:
        """The value of an option; :raises UsageError: it is no number of seconds."""
        value = number(self[option])
        if not isinstance(value, int | float) or not 0 < value <= MOST_SECONDS:
            raise usage.UsageError(
                f"--{option}: expected seconds, at most a year of them, got {self[option]!r}"
            )
        return float(value)


def suggestion(word: str, known: Iterable[str], prefix: str = "") -> str:
    """``"; did you mean ...?"`` with those of ``known`` that look like ``word``, or nothing."""
    names = sorted(set(known))  # an option that several bases have is known several times
    likely = [name for name in names if word and name.startswith(word)]
    likely = likely or difflib.get_close_matches(word, names)
    if not likely or word in names:
        return ""
    return f"; did you mean {' or '.join(prefix + name for name in likely)}?"


@contextlib.contextmanager
def usage_errors() -> Iterator[None]:
    """Turn the :class:`ValueError` of a check into wrong usage."""
    try:
        yield
    except ValueError as problem:
        raise usage.UsageError(str(problem)) from problem


def number(text: str) -> Any:
    """The integer or the float that ``text`` spells; otherwise ``text``, for a check to refuse."""
    for form, kind in ((_INTEGER, int), (_FLOAT, float)):
        if form.fullmatch(text):
            with contextlib.suppress(ValueError):
                return kind(text)
    return text


def check_login_key(name: str, text: str) -> str:
    """The key text of logins; :raises ValueError: when it is none, beginning with ``name``."""
    if not (text and text.isascii() and text.isprintable()):
        raise ValueError(f"{name}: the key is written in visible ASCII characters")
    return text


def own_did(name: str, did: DeviceID) -> DeviceID:
    """
    An id that servers can tell from every other; returns it.

    :param name: what it was given as, for the error.
    :raises ValueError: for the one that every TrailCam has.
    """
    if did == TRAILCAM_DID:
        raise ValueError(f"{name}: every TrailCam has the id {did}; choose one of your own")
    return did


class ConnectOptions(HelpfulOptions):
    """
    Which camera, by which modes, for how long.

    After parsing, :meth:`request` is the checked wish.

    :ivar target: the camera.
    :ivar modes: the modes that are enabled.
    """

    synopsis = "[options]"

    optParameters = [
        [
            "camera",
            "c",
            None,
            "IPv4 address or host name; without it, search by broadcast, "
            "or not at all where servers are given with a --uid of one's own.",
        ],
        ["uid", "u", None, "Device id it must have; default: the one that every TrailCam has."],
        ["max-time", "t", str(DEFAULT_MAX_TIME), "Seconds that one race may take."],
        ["relay", None, None, "HOST:PORT or tls:HOST:PORT[:trustRoots=FOLDER] of a relay server."],
        ["relay-directory", None, None, "URL of a list of relays."],
        ["secret-file", None, None, f"File with the camera's secret; or set {SECRET_VARIABLE}."],
    ]

    optFlags = [
        ["no-p2p", None, "Do not punch the camera at its address."],
        ["no-lan", None, "Do not search the camera as its own app does."],
        ["no-relay", None, "Do not use the relays that rendezvous servers list."],
        ["adaptive-timeout", None, "Learn times from this camera's past, kept on disk."],
        ["broadcast", "b", "Search by broadcast although the address, or a server, is known."],
        ["demo", None, "Connect to a simulated camera inside this process."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self.update({"port": [], "rendezvous": [], "weight": []})
        self.target = Target()
        self.modes: frozenset[ConnectionMode] = frozenset()
        self._weights: dict[ConnectionMode, float] = {}
        self._max_time = DEFAULT_MAX_TIME

    def opt_port(self, text: str) -> None:
        """UDP port to try, the preferred one first; may be repeated."""
        self["port"].append(text)

    opt_p = opt_port

    def opt_rendezvous(self, text: str) -> None:
        """HOST:PORT of a rendezvous server; may be repeated."""
        self["rendezvous"].append(text)

    def opt_weight(self, text: str) -> None:
        """MODE=W, such as lan=0.8: heavier modes start earlier, 0 is off; may be repeated."""
        self["weight"].append(text)

    opt_w = opt_weight

    def getUsage(self, width: int | None = None) -> str:
        """The help; it names the ports that are tried when none is given."""
        text = super().getUsage(width)
        ports = ", ".join(map(str, DEFAULT_PORTS))
        return f"{text}\nWithout --port these are tried: {ports}.\n"

    def parseArgs(self, *args: str) -> None:
        """No argument has a meaning of its own."""
        if args:
            raise usage.UsageError(
                f"unexpected argument {args[0]!r}; a camera is named by --camera ADDRESS"
            )

    def postOptions(self) -> None:
        """Check everything; :raises UsageError: for the first mistake."""
        with usage_errors():
            self._max_time = check_seconds("--max-time", number(self["max-time"]))
            self._weights = check_weights("--weight", dict(map(_weight, self["weight"])))
            self.target = self._checked_target()
            self.modes = self._checked_modes()
            self._refuse_contradictions()

    def request(self) -> Request:
        """The checked wish."""
        from trailcam.connect.request import Request  # loads much: not for --help

        return Request(
            target=self.target,
            max_time=self._max_time,
            modes=self.modes,
            weights=self._weights,
            adaptive=bool(self["adaptive-timeout"]),
        )

    def _checked_target(self) -> Target:
        camera, relay, directory = self["camera"], self["relay"], self["relay-directory"]
        return Target(
            host=None if camera is None else check_host("--camera", camera),
            ports=check_ports(
                "--port", map(_port, self["port"]) if self["port"] else DEFAULT_PORTS
            ),
            did=check_did("--uid", self["uid"]),
            broadcast=bool(self["broadcast"]),
            rendezvous=tuple(check_address("--rendezvous", text) for text in self["rendezvous"]),
            relay=None if relay is None else check_relay("--relay", relay),
            relay_directory=None
            if directory is None
            else check_url("--relay-directory", directory),
            secret=self._checked_secret(),
        )

    def _checked_secret(self) -> bytes | None:
        if self["demo"]:
            return None
        if self["secret-file"] is not None:
            return read_secret(self["secret-file"])
        text = os.environ.get(SECRET_VARIABLE)
        return check_secret(SECRET_VARIABLE, text) if text else None

    def _checked_modes(self) -> frozenset[ConnectionMode]:
        wanted = {
            ConnectionMode.P2P: not self["no-p2p"] and self._can_punch(),
            ConnectionMode.LAN: not self["no-lan"] and self._may_be_near(),
            ConnectionMode.RELAY: not self["no-relay"] and self._may_find_a_relay(),
        }
        modes = {mode for mode, enabled in wanted.items() if enabled}
        if not modes:
            raise ValueError(self._nothing_left())
        if all(self._weights.get(mode) == 0 for mode in modes):
            raise ValueError("--weight: 0 turns every enabled mode off; give one of them more")
        return frozenset(modes)

    def _nothing_left(self) -> str:
        """Blame the options that turned off what could have been tried."""
        could = {
            "no-p2p": self._can_punch(),
            "no-lan": self._may_be_near(),
            "no-relay": self._may_find_a_relay(),
        }
        blamed = " ".join(
            f"--{name}" for name, possible in could.items() if possible and self[name]
        )
        if not self._may_be_near():
            return f"{blamed}: nothing is left to try; leave one out, or let --broadcast search"
        if blamed == "--no-lan":
            return f"{blamed}: without a search the camera's --camera address or a server is needed"
        return f"{blamed}: nothing is left to try; leave one of them out"

    def _may_be_near(self) -> bool:
        """Nobody on the LAN has an id of one's own: who asks servers for one is not searched."""
        target = self.target
        far = bool(target.rendezvous or target.relay or target.relay_directory)
        own = target.did != TRAILCAM_DID
        return target.broadcast or target.host is not None or not (own and far)

    def _can_punch(self) -> bool:
        """Without an address, only who names a rendezvous server asks for P2P."""
        return bool(self["demo"] or self.target.host is not None or self.target.rendezvous)

    def _may_find_a_relay(self) -> bool:
        """Rendezvous servers list relays, too."""
        target = self.target
        return bool(target.relay or target.relay_directory or target.rendezvous)

    def _refuse_contradictions(self) -> None:
        for name in ("relay", "relay-directory") if self["no-relay"] else ():
            if self[name] is not None:
                raise ValueError(f"--no-relay: leave it or --{name} out")
        if self["broadcast"] and self["no-lan"]:
            raise ValueError("--broadcast: it is the LAN mode that searches; leave --no-lan out")
        for name in _ABOUT_THE_CAMERA if self["demo"] else ():
            if self[name]:
                raise ValueError(f"--demo: brings its own camera; leave --{name} out")


def _port(text: str) -> Any:
    port = number(text)
    if isinstance(port, float):
        raise ValueError(f"--port: expected a whole number, got {port}")
    return port


def _weight(text: str) -> tuple[str, Any]:
    mode, equals, weight = text.partition("=")
    if not equals:
        raise ValueError(f"--weight: expected MODE=W such as lan=0.8, got {text!r}")
    return mode, number(weight)
