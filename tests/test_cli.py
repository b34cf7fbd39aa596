"""
The command ``trailcam``: usage, help, how it ends, and ``trailcam decode``.
"""

from __future__ import annotations

import errno
import io
import json
import os
import runpy
import sys
import warnings
from pathlib import Path

from twisted.application.service import ServiceMaker
from twisted.logger import LogBeginner, LogPublisher

from tests.captures import CAPTURES, MISSING
from tests.scripts import ROOT
from tests.streams import Full, Streams
from trailcam import __version__, cli, stderrlog
from trailcam.cli import ConnectCommand, main
from trailcam.server.admission import Admission
from trailcam.wire.constants import Result
from trailcam.wire.did import DeviceID
from trailcam.wire.dsk import dsk_from_text

ALIVE = '{"t": 0.5, "dir": "camera", "peer_port": 40611, "hex": "f1e00000"}\n'


class UsageTests(Streams):
    """Wrong usage: status 2, and one line."""

    def refused(self, *words: str) -> str:
        """The complaint about these words."""
        self.assertEqual(main(words), 2)
        self.assertEqual(self.output.getvalue(), "")
        complaint = self.errors.getvalue()
        self.errors.seek(0)
        self.errors.truncate()
        self.assertEqual(complaint.count("\n"), 1, complaint)
        return complaint.strip()

    def test_options(self) -> None:
        """The option is named, and what is wrong with it."""
        self.assertEqual(
            self.refused("connect", "--port", "70000"),
            "trailcam: --port: port 70000 is outside 1..65535",
        )

    def test_unknown_command(self) -> None:
        """An unknown command is answered with the one that was meant, or with all."""
        self.assertEqual(
            self.refused("conect", "--json"),
            "trailcam: unknown command 'conect'; did you mean connect?",
        )
        self.assertEqual(
            self.refused("fly"),
            "trailcam: unknown command 'fly'; there are connect, decode, "
            "secret, ls, info, thumbs, get, sync, live, snap and rm",
        )

    def test_no_command(self) -> None:
        """The help is named to who gives no command."""
        self.assertIn("trailcam --help", self.refused())

    def test_mistyped_option(self) -> None:
        """Mistyped options are guessed, before the command and behind it."""
        self.assertIn("did you mean --version?", self.refused("--versoin"))
        self.assertIn("did you mean --json?", self.refused("connect", "--jsom"))

    def test_nothing_to_decode(self) -> None:
        """Decoding needs a file."""
        self.assertIn("FILE", self.refused("decode", "--json"))

    def test_secret_for_whom(self) -> None:
        """A secret needs one device, whose id is checked."""
        for words in ([], ["A-000001-B", "A-000002-B"]):
            self.assertIn("which device", self.refused("secret", *words))
        complaint = self.refused("secret", "A-1-B")
        self.assertIn("the serial number '1' is not 6 to 10 digits", complaint)
        self.assertIn(
            "DID: every TrailCam has the id LBCS-000000-CCCJJ; choose one of your own",
            self.refused("secret", "lbcs-000000-cccjj"),
        )

    def test_odd_characters(self) -> None:
        """One line stays one line, whatever was typed."""
        self.refused("--fly\nhigh")
        self.refused("connect\n")
        self.refused("connect", "--camera", "a\nb")

    def test_commands_to_the_terminal(self) -> None:
        """What would command a terminal is shown as its number; other writing as it is."""
        complaint = self.refused("connect", "--\x1b[31mré\x07\u202e\udc80")
        self.assertIn("\\x1b[31mré\\x07\\u202e\\udc80", complaint)

    def test_module(self) -> None:
        """``python -m trailcam`` is the command."""
        self.patch(sys, "argv", ["trailcam", "fly"])
        ended = self.assertRaises(SystemExit, runpy.run_module, "trailcam", None, "__main__")
        self.assertEqual(ended.code, 2)

    def test_arguments_of_the_process(self) -> None:
        """Without arguments of its own it takes those of the process."""
        self.patch(sys, "argv", ["trailcam", "fly"])
        self.assertEqual(main(), 2)
        self.assertIn("'fly'", self.errors.getvalue())


class HelpTests(Streams):
    """Help and version."""

    def test_help(self) -> None:
        """The help names the commands."""
        self.assertEqual(main(["--help"]), 0)
        text = self.told()
        self.assertTrue(text.startswith("Usage: trailcam COMMAND [options]\n"))
        self.assertIn("connect ", text)
        self.assertIn("decode ", text)
        self.assertIn("secret ", text)

    def test_help_names_plugins(self) -> None:
        """The help names each command for ``twist``, too."""
        plugins = runpy.run_path(str(ROOT / "twisted" / "plugins" / "trailcam_dropin.py"))
        names = [maker.tapname for maker in plugins.values() if isinstance(maker, ServiceMaker)]
        self.assertGreaterEqual(len(names), 5)
        main(["--help"])
        text = " ".join(self.told().split())
        for name in names:
            self.assertIn(f"'twist {name}'", text)

    def test_help_explains(self) -> None:
        """What a DID is, and the exit statuses."""
        for command, words in (
            ("secret", "The DID is an id of your own"),
            ("connect", "with 2 after a mistake in the options, and with 130 after Ctrl-C"),
        ):
            main([command, "--help"])
            self.assertIn(words, " ".join(self.told().split()))

    def test_help_of_commands(self) -> None:
        """Each command has its own, and its own first line."""
        for command, synopsis, option in (
            ("connect", "[options]", "--adaptive-timeout"),
            ("decode", "FILE... [options]", "--json"),
            ("secret", "DID [options]", "--json"),
        ):
            self.assertEqual(main([command, "--help"]), 0)
            text = self.told()
            self.assertTrue(text.startswith(f"Usage: trailcam {command} {synopsis}\n"), text)
            self.assertIn(option, text)

    def test_other_spellings(self) -> None:
        """Help is had in the other usual ways, too."""
        for words, others in (
            (["--help"], (["-h"], ["help"])),
            (["sync", "--help"], (["sync", "-h"], ["help", "sync"])),
        ):
            self.assertEqual(main(words), 0)
            wanted = self.told()
            for spelling in others:
                self.assertEqual(main(spelling), 0)
                self.assertEqual(self.told(), wanted)
        self.assertEqual(main(["help", "fly"]), 2)
        self.assertIn("unknown command 'fly'", self.errors.getvalue())

    def test_version(self) -> None:
        """The version is ours, wherever it is asked for, and so is the help on it."""
        for command in ([], *([name] for name, *_ in cli.Commands().subCommands)):
            self.assertEqual(main([*command, "--version"]), 0)
            self.assertEqual(self.told(), f"trailcam {__version__}\n")
            main([*command, "--help"])
            self.assertNotIn("Twisted version", self.told())


class MainTests(Streams):
    """How the command ends."""

    def setUp(self) -> None:
        """Let a function take the place of the connecting."""
        super().setUp()
        self.words = ["connect", "--camera=10.0.0.1"]

    def ends(self, problem: BaseException) -> int:
        """The status when the work raises ``problem``."""

        def run(_: ConnectCommand) -> int:
            raise problem

        self.patch(ConnectCommand, "run", run)
        return main(self.words)

    def test_on_the_reactor(self) -> None:
        """Connecting is run on the process's reactor, and its status is ours."""
        from twisted.internet import reactor

        from trailcam import running

        publisher = LogPublisher()
        beginner = LogBeginner(publisher, io.StringIO(), sys, warnings)
        self.patch(stderrlog, "globalLogBeginner", beginner)
        ran: list[object] = []
        self.patch(running, "run", lambda *run: ran.append(run) or 7)
        self.assertEqual(main(self.words), 7)
        [(its_reactor, work)] = ran
        self.assertIs(its_reactor, reactor)
        self.assertEqual(work.__func__, ConnectCommand.work)

    def test_interrupted(self) -> None:
        """A race that was interrupted is told; holding is meant to be ended that way."""
        from trailcam import running

        publisher = LogPublisher()
        beginner = LogBeginner(publisher, io.StringIO(), sys, warnings)
        self.patch(stderrlog, "globalLogBeginner", beginner)
        self.patch(running, "run", lambda *_: 143)
        self.assertEqual(main([*self.words, "--hold"]), 143)
        self.assertEqual(self.errors.getvalue(), "")
        self.assertEqual(main(self.words), 143)
        self.assertEqual(self.errors.getvalue(), "trailcam: interrupted\n")

    def test_bug(self) -> None:
        """A bug is one line and status 1."""
        self.assertEqual(self.ends(ZeroDivisionError("oops")), 1)
        self.assertEqual(
            self.errors.getvalue(),
            "trailcam: internal error: ZeroDivisionError('oops') (-v shows more)\n",
        )

    def test_bug_in_detail(self) -> None:
        """With -v a bug shows where it is."""
        self.words.append("-v")
        self.assertEqual(self.ends(ZeroDivisionError("oops")), 1)
        self.assertIn("Traceback", self.errors.getvalue())

    def test_our_own_errors(self) -> None:
        """What the package raises on purpose is told as it is."""
        self.assertEqual(self.ends(cli.TrailcamError("no luck")), 1)
        self.assertEqual(self.errors.getvalue(), "trailcam: no luck\n")

    def test_interrupted_while_loading(self) -> None:
        """Ctrl-C before the reactor runs is no traceback either."""
        self.assertEqual(self.ends(KeyboardInterrupt()), 130)
        self.assertEqual(self.errors.getvalue(), "")

    def test_nobody_reads_the_complaint(self) -> None:
        """Standard error may be gone as well."""
        self.patch(sys, "stderr", Full())
        self.assertEqual(self.ends(ZeroDivisionError("oops")), 1)

    def test_no_standard_error(self) -> None:
        """A process may have been started without standard error: nothing is said instead."""
        self.patch(sys, "stderr", None)
        self.assertEqual(main(["connect", "--bogus"]), 2)
        self.words.append("-v")
        self.assertEqual(self.ends(ZeroDivisionError("oops")), 1)
        self.assertEqual(self.output.getvalue(), "")

    def test_no_more_files(self) -> None:
        """When no file can be opened, not even the null device, that is told in one line."""
        exhausted = OSError(errno.EMFILE, "Too many open files")

        def refuse(*_: object, **__: object) -> None:
            raise exhausted

        cli.open = refuse  # type: ignore[attr-defined]
        self.addCleanup(delattr, cli, "open")
        self.assertEqual(self.ends(exhausted), 1)
        self.assertEqual(
            self.errors.getvalue(), f"trailcam: [Errno {errno.EMFILE}] Too many open files\n"
        )

    def test_nobody_reads_the_output(self) -> None:
        """Who closed standard output knows: nothing is said, and nothing written at the end."""
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "w") as closed:
            self.patch(sys, "stdout", closed)
            self.assertEqual(main(["--version"]), 1)
            closed.write("what the interpreter would flush")
        self.assertEqual(self.errors.getvalue(), "")

    def test_no_room_for_the_output(self) -> None:
        """Output that cannot be written for another reason is told."""
        with open("/dev/full", "w") as full:
            self.patch(sys, "stdout", full)
            self.assertEqual(main(["--version"]), 1)
        self.assertEqual(self.errors.getvalue(), "trailcam: [Errno 28] No space left on device\n")

    if not os.path.exists("/dev/full"):
        test_no_room_for_the_output.skip = "this system has no /dev/full"  # type: ignore[attr-defined]

    def test_no_output_at_all(self) -> None:
        """A process may have been started without standard output."""
        self.patch(sys, "stdout", None)
        self.assertEqual(main(["--version"]), 0)
        self.assertEqual(self.ends(OSError("odd")), 1)
        self.assertEqual(self.errors.getvalue(), "trailcam: odd\n")


class DecodeTests(Streams):
    """Recordings in clear."""

    def recording(self, text: str = ALIVE) -> str:
        """The path of a new recording."""
        path = Path(f"{self.mktemp()}.jsonl")
        path.write_text(text)
        return str(path)

    def test_for_people(self) -> None:
        """People get text."""
        path = self.recording()
        self.assertEqual(main(["decode", path]), 0)
        text = self.told()
        self.assertIn(Path(path).name, text)
        self.assertIn("ALIVE", text)
        self.assertNotIn("\x1b", text)

    def test_json(self) -> None:
        """Programs get an object for each file, wherever the option stands."""
        first, second = self.recording(), self.recording(ALIVE * 2)
        for words in ([first, second, "--json"], ["--json", first, second], [first, "-j", second]):
            self.assertEqual(main(["decode", *words]), 0)
            objects = [json.loads(line) for line in self.told().splitlines()]
            self.assertEqual([o["packets"] for o in objects], [1, 2])
            self.assertEqual(objects[0]["ops"], {"camera ALIVE": 1})

    def test_unreadable_file(self) -> None:
        """A file that cannot be read is told; the others are decoded all the same."""
        path = self.recording()
        self.assertEqual(main(["decode", "/nowhere.pcap", path, "--json"]), 1)
        self.assertEqual(json.loads(self.told())["packets"], 1)
        [line] = self.errors.getvalue().splitlines()
        self.assertTrue(line.startswith("trailcam: cannot read /nowhere.pcap"))

    def test_name_like_an_option(self) -> None:
        """Behind ``--`` everything is a file."""
        self.assertEqual(main(["decode", "--", "--json"]), 1)
        self.assertIn("cannot read --json", self.errors.getvalue())


class SecretTests(Streams):
    """Secrets for devices."""

    def fits(self, line: str, secret: str) -> bool:
        """Whether a server with this line admits a device with this secret."""
        path = Path(self.mktemp())
        path.write_text(f"{line}\n")
        did = DeviceID("MYCAM", 1, "ABCDE")
        return Admission.load(path).device(did, dsk_from_text(secret)) is Result.OK

    def test_for_people(self) -> None:
        """People get the secret, the line, and what they are for."""
        self.assertEqual(main(["secret", "mycam-000001-abcde"]), 0)
        about, secret, about_line, line = self.told().splitlines()
        self.assertIn("the agent", about)
        self.assertIn("on the servers", about_line)
        self.assertTrue(self.fits(line.strip(), secret.strip()))
        self.assertNotIn(secret.strip(), line)

    def test_json(self) -> None:
        """Programs get one object."""
        for words in (["--json", "MYCAM-000001-ABCDE"], ["MYCAM-000001-ABCDE", "-j"]):
            self.assertEqual(main(["secret", *words]), 0)
            told = json.loads(self.told())
            self.assertEqual(told["did"], "MYCAM-000001-ABCDE")
            self.assertTrue(self.fits(told["line"], told["secret"]))

    def test_each_time_another(self) -> None:
        """No two are alike, nor are their lines."""
        made = []
        for _ in range(2):
            main(["secret", "-j", "MYCAM-000001-ABCDE"])
            made.append(json.loads(self.told()))
        self.assertNotEqual(made[0]["secret"], made[1]["secret"])
        self.assertFalse(self.fits(made[0]["line"], made[1]["secret"]))


class RecordingTests(Streams):
    """Every recording there is."""

    skip = MISSING

    def test_expected(self) -> None:
        """The JSON has what an independent decoder found."""
        for expected in json.loads((CAPTURES / "expected.json").read_text()):
            [path] = CAPTURES.rglob(expected["file"])
            self.assertEqual(main(["decode", "--json", str(path)]), 0)
            found = json.loads(self.told())
            for key in ("packets", "ops", "records", "drw_distinct", "ack_max_entries"):
                self.assertEqual(found[key], expected[key], expected["file"])
