"""
The command ``trailcam``.

Results go to standard output; what went wrong goes to standard error, in one line.  The exit
status is 0 for done, 1 for could not, 2 for wrong usage, and 128 and the number of the signal that
ended the command.  Nothing heavy is loaded before it is needed: ``--help`` has to be quick.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from twisted.python import usage

from trailcam.cli_camera import COMMANDS, CameraCommand
from trailcam.cli_running import reach, run_on_reactor
from trailcam.console import COULD_NOT, DONE, SIGNALLED, VersionOption, complain, show
from trailcam.errors import AllAttemptsFailed, SessionError, TrailcamError
from trailcam.tap.options import (
    ConnectOptions,
    HelpfulOptions,
    own_did,
    suggestion,
    usage_errors,
)
from trailcam.wire.did import DeviceID

if TYPE_CHECKING:
    from trailcam.connect.request import Request
    from trailcam.interfaces import ILink, ISession
    from trailcam.model import Report

WRONG_USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run one command.

    :param argv: the command's arguments; default: those of the process.
    :return: the exit status.
    """
    _be_lenient(sys.stdout)
    command = Commands()
    try:
        status = _obey(command, sys.argv[1:] if argv is None else argv)
        print(end="", flush=True)
    except usage.UsageError as problem:
        return complain(str(problem), WRONG_USAGE)
    except TrailcamError as problem:
        return complain(str(problem), COULD_NOT)
    except KeyboardInterrupt:
        return SIGNALLED + signal.SIGINT
    except OSError as problem:
        return _cannot_write(problem)
    except Exception as bug:
        return _confess(bug, command.verbose)
    return status


def _obey(command: Commands, argv: Sequence[str]) -> int:
    try:
        command.parseOptions(argv)
    except SystemExit:  # --help and --version have said what they had to
        return DONE
    return command.run()


class Commands(VersionOption, HelpfulOptions):
    """The commands, and what is said about all of them."""

    longdesc = (
        "Reach Wi-Fi trail cameras.  'trailcam COMMAND --help' tells about one command.  "
        "To stay connected there is 'twist trailcam-connect', and to test without a camera "
        "'twist trailcam-simulator'.  To reach a camera from anywhere there are "
        "'twist trailcam-agent' beside the camera, and 'twist trailcam-rendezvous' and "
        "'twist trailcam-relay' on a machine with a public address."
    )

    @property
    def subCommands(self) -> list[tuple[str, None, Callable[[], HelpfulOptions], str]]:
        """The table that usage.Options works on."""
        return [
            ("connect", None, ConnectCommand, "Connect to a camera once, and tell how it went."),
            ("decode", None, DecodeCommand, "Show what recorded packets say."),
            ("secret", None, SecretCommand, "Make a secret for a device of yours."),
            *((name, None, command, text) for name, command, text in COMMANDS),
        ]

    def getSynopsis(self) -> str:
        """The first line of the help; a command's own follows the command's name."""
        return "Usage: trailcam" if self.subCommand else "Usage: trailcam COMMAND [options]"

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse; :raises UsageError: also for a command that is missing or unknown."""
        if options and options[0] == "help":
            options = [*options[1:], "--help"]
        names = [name for name, *_ in self.subCommands]
        word = next((option for option in options or () if not option.startswith("-")), None)
        if word is not None and word not in names:
            raise usage.UsageError(f"unknown command {word!r}{_hint(word, names)}")
        super().parseOptions(options)

    def postOptions(self) -> None:
        """A command is needed."""
        if self.subCommand is None:
            raise usage.UsageError("a command is missing; 'trailcam --help' lists them")

    @property
    def verbose(self) -> bool:
        """Whether the command was asked to tell more."""
        return bool(getattr(self, "subOptions", {}).get("verbose"))

    def run(self) -> int:
        """Run the command that was given."""
        command: ConnectCommand | DecodeCommand | SecretCommand | CameraCommand = self.subOptions
        return command.run()


def _hint(word: str, names: Sequence[str]) -> str:
    *most, last = names
    return suggestion(word, names) or f"; there are {', '.join(most)} and {last}"


class Command(VersionOption, HelpfulOptions):
    """One command's options; ``run()`` does the work and returns the exit status."""


class ConnectCommand(ConnectOptions, Command):
    """``trailcam connect``: one race, and perhaps the session after it."""

    longdesc = (
        "Races the modes, tells who won and why the others did not, and takes leave of the "
        "camera.  Exits with 0 when connected, with 1 when not, with 2 after a mistake in the "
        "options, and with 130 after Ctrl-C."
    )

    optFlags = [
        ["json", "j", "Print the result as JSON, and nothing else."],
        ["hold", None, "Stay connected until Ctrl-C, or until the session is lost."],
        ["verbose", "v", "Tell each step on standard error."],
    ]

    def run(self) -> int:
        """Run on the reactor."""
        status = run_on_reactor(self.work, verbose=bool(self["verbose"]))
        if status > SIGNALLED and not self["hold"]:
            return complain("interrupted", status)
        return status

    async def work(self, reactor: Any) -> int:
        """Connect, to the simulated camera if it was asked for; returns the exit status."""
        return await reach(reactor, self, partial(self._connect, reactor), self._say)

    async def _connect(self, reactor: Any, request: Request) -> int:
        from trailcam.narration import narrator
        from trailcam.session.session import Session
        from trailcam.stderrlog import logger
        from trailcam.waiting import settle

        connector = request.connector(reactor, narrator(logger))
        try:
            link, report = await connector.connect(request.modes)
        except AllAttemptsFailed as failed:
            return self._not_connected(failed.report)
        session = Session(reactor, link)
        try:
            self._connected(link, report)
            return await self._hold(session) if self["hold"] else DONE
        finally:
            await settle(session.close())

    async def _hold(self, session: ISession) -> int:
        self._say("\nholding the session; Ctrl-C ends it")
        reason: SessionError | None = await session.when_closed()
        return complain(f"the session ended: {reason}", COULD_NOT)

    def _connected(self, link: ILink, report: Report) -> None:
        from trailcam.info import success_info
        from trailcam.terminal import Style, connected

        if self["json"]:
            _show_json(success_info(link, report))
        self._say(connected(link, report, self.modes, Style.of(sys.stdout)))

    def _not_connected(self, report: Report) -> int:
        from trailcam.info import failure_info
        from trailcam.terminal import Style, failure_codes, not_connected

        if self["json"]:
            _show_json(failure_info(report))
        self._say(not_connected(report, self.modes, Style.of(sys.stdout)))
        return complain(f"could not connect ({failure_codes(report)})", COULD_NOT)

    def _say(self, text: str) -> None:
        """Tell people; programs have asked for JSON."""
        if not self["json"]:
            show(text)


class DecodeCommand(Command):
    """``trailcam decode``: recordings in clear."""

    synopsis = "FILE... [options]"
    longdesc = (
        "Decodes recordings (.jsonl, .pcap): packets by message, channels, every command and "
        "answer in clear, passwords included.  Exits with 1 when a file cannot be read."
    )

    optFlags = [
        ["json", "j", "Print one JSON object per file, each on its line."],
        ["verbose", "v", "When this command itself breaks, show where."],
    ]

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse; there are only flags here, which may also come behind the files."""
        super().parseOptions(sorted(options or (), key=lambda word: not word.startswith("-")))

    def parseArgs(self, *files: str) -> None:
        """The recordings."""
        if not files:
            raise usage.UsageError("which FILE is to be decoded? give one .jsonl or .pcap or more")
        self.files = tuple(map(Path, files))

    def run(self) -> int:
        """Decode one after the other; what cannot be read is told, and no reason to stop."""
        return max([self._decode(path) for path in self.files])

    def _decode(self, path: Path) -> int:
        from trailcam.decode import decode_file, render_text
        from trailcam.errors import CaptureError
        from trailcam.terminal import Style

        try:
            decoded = decode_file(path)
        except CaptureError as problem:
            return complain(str(problem), COULD_NOT)
        if self["json"]:
            show(json.dumps(decoded.as_json()))
        else:
            show(render_text(decoded, colour=Style.of(sys.stdout).colour))
        return DONE


class SecretCommand(Command):
    """``trailcam secret``: a new secret, and what the servers keep of it."""

    synopsis = "DID [options]"
    longdesc = (
        "Makes a new secret for the device with this id, and prints it with the line of the "
        "servers' file that goes with it.  It is kept nowhere else.  The DID is an id of your own "
        "for the camera, under which its agent logs in and clients ask for it (--uid): up to 7 "
        "letters, a number of 6 to 10 digits, up to 7 letters, such as MYCAM-000001-ABCDE."
    )

    optFlags = [
        ["json", "j", "Print both as JSON, and nothing else."],
        ["verbose", "v", "When this command itself breaks, show where."],
    ]

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse; there are only flags here, which may also come behind the id."""
        super().parseOptions(sorted(options or (), key=lambda word: not word.startswith("-")))

    def parseArgs(self, *words: str) -> None:
        """The device's id."""
        if len(words) != 1:
            raise usage.UsageError("which device is it for? give one DID, like MYCAM-000001-ABCDE")
        with usage_errors():
            self.did = own_did("DID", DeviceID.parse(words[0]))

    def run(self) -> int:
        """Make it and show it."""
        from secrets import token_bytes

        from trailcam.server.admission import SALT_SIZE, entry
        from trailcam.wire.dsk import new_secret

        secret = new_secret(token_bytes)
        line = entry(self.did, secret, token_bytes(SALT_SIZE))
        if self["json"]:
            show(json.dumps({"did": str(self.did), "secret": secret, "line": line}))
        else:
            show(f"The secret, for the agent beside the device and for its clients:\n  {secret}")
            show(f"The line for the file of devices on the servers, which is no secret:\n  {line}")
        return DONE


def _show_json(info: dict[str, Any]) -> None:
    from trailcam.info import as_json

    show(json.dumps(as_json(info), indent=2))


def _confess(bug: Exception, verbose: bool) -> int:
    if verbose and sys.stderr is not None:
        traceback.print_exception(bug)
    return complain(f"internal error: {bug!r} (-v shows more)", COULD_NOT)


def _be_lenient(stream: TextIO) -> None:
    """Rather show an odd character as its number than fail on it."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


def _cannot_write(problem: OSError) -> int:
    """
    Most likely standard output took no more.  Who closed it knows; anything else is told.
    """
    _forget_output()
    closed = isinstance(problem, BrokenPipeError)
    return COULD_NOT if closed else complain(str(problem), COULD_NOT)


def _forget_output() -> None:
    """Keep the interpreter from writing the rest when it exits, about which it would complain."""
    if sys.stdout is None:
        return
    with contextlib.suppress(OSError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
