"""
The command ``trailcam`` as a process: its exit status, its signals, its streams.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time

from tests.commands import Command, CommandTestCase, Finished
from trailcam.cli import Commands

#: What takes long to load, and only work needs.
HEAVY = [
    "asyncio",
    "automat",
    "av",
    "cryptography",
    "OpenSSL",
    "tqdm",
    "treq",
    "trailcam.connect.connector",
    "twisted.internet.defer",
    "twisted.internet.reactor",
    "twisted.internet.ssl",
    "twisted.logger",
    "twisted.web",
    "zope.interface",
]


class ProcessTests(CommandTestCase):
    """The command as a process."""

    def test_help_is_quick(self) -> None:
        """The help of all commands loads nothing that connects, and no reactor above all."""
        script = (
            "import json, sys; from trailcam.cli import main; heavy = json.loads(sys.argv[1]); "
            "statuses = [main(words.split()) for words in sys.argv[2:]]; "
            "print(json.dumps([[name for name in heavy if name in sys.modules], statuses]))"
        )
        commands = [name for name, *_ in Commands().subCommands]
        words = ["--help", "--version", *(f"{name} --help" for name in commands), "--nonsense"]
        finished = self.start("-c", script, json.dumps(HEAVY), *words).finish()
        verdict = json.loads(finished.output.splitlines()[-1])
        self.assertEqual(verdict, [[], [0] * (len(words) - 1) + [2]], finished)

    def test_demo(self) -> None:
        """The demonstration works out of the box."""
        finished = self.trailcam("connect", "--demo")
        self.assertEqual((finished.status, finished.errors), (0, ""), finished)
        self.assertIn("connected over P2P in ", finished.output)
        self.assertIn("LAN    cancelled", finished.output)

    def test_demo_told_step_by_step(self) -> None:
        """With -v each step is on standard error, and the result where it was."""
        finished = self.trailcam("connect", "--demo", "--json", "-v")
        self.assertEqual(json.loads(finished.output)["mode"], "p2p")
        for step in ("[INFO] [CONNECT] Starting parallel", "[DEBUG] [LAN] Attempt 1: "):
            self.assertIn(step, finished.errors)
        self.assertNotIn("Traceback", finished.errors)

    def test_all_refused(self) -> None:
        """When every port is closed it is over at once."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        finished = self.trailcam("connect", "--camera=127.0.0.1", f"--port={port}", "--json")
        info = json.loads(finished.output)
        self.assertEqual(finished.status, 1)
        self.assertLess(info["elapsed_time"], 1.0)
        self.assertEqual(info["threads_info"]["p2pConnectThread"]["code"], "refused")
        self.assertEqual(
            finished.errors, "trailcam: could not connect (P2P: refused, LAN: refused)\n"
        )

    def test_wrong_usage(self) -> None:
        """Wrong usage is status 2, one line, and no traceback."""
        finished = self.trailcam("connect", "--port=70000")
        self.assertEqual(
            (finished.status, finished.output, finished.errors),
            (2, "", "trailcam: --port: port 70000 is outside 1..65535\n"),
        )

    def test_output_closed_early(self) -> None:
        """When nobody reads on, it ends without a word."""
        for words in (["connect", "--demo"], ["--help"]):
            reader, writer = os.pipe()
            os.close(reader)
            with os.fdopen(writer, "wb") as closed:
                finished = self.start("-m", "trailcam", *words, stdout=closed).finish()
            self.assertEqual((finished.status, finished.errors), (1, ""), words)


#: Resolving ``hang.test`` takes longer than anybody waits; every other name is as usual.
HANGING_RESOLVER = """
import socket, sys, time
resolve = socket.getaddrinfo

def getaddrinfo(host, *args, **options):
    if host == "hang.test":
        print("resolving", flush=True)
        time.sleep(50)
    return resolve(host, *args, **options)

socket.getaddrinfo = getaddrinfo
from trailcam.cli import main
sys.exit(main(sys.argv[1:]))
"""

#: Ctrl-C comes while the command is being loaded.
INTERRUPTED_IMPORT = """
import os, runpy, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "twisted.python.usage":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
runpy.run_module("trailcam", run_name="__main__")
"""


class SignalTests(CommandTestCase):
    """Ctrl-C and SIGTERM."""

    def setUp(self) -> None:
        """A port that hears everything and answers nothing."""
        self.silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.silent.bind(("127.0.0.1", 0))
        self.silent.settimeout(10.0)
        self.addCleanup(self.silent.close)

    def ended(self, command: Command, number: signal.Signals) -> Finished:
        """It ends soon, with the signal's status, and without a traceback."""
        command.signal(number)
        began = time.monotonic()
        finished = command.finish()
        self.assertEqual(finished.status, 128 + number, finished)
        self.assertNotIn("Traceback", finished.errors)
        # A second is enough, on a machine that has nothing else to do.
        self.assertLess(time.monotonic() - began, 5.0)
        return finished

    def test_in_a_race(self) -> None:
        """A race is given up, and whoever may have opened a session is told CLOSE."""
        for number in (signal.SIGINT, signal.SIGTERM):
            port = self.silent.getsockname()[1]
            words = ("connect", "--camera=127.0.0.1", f"--port={port}", "--no-lan", "-v")
            command = self.start("-m", "trailcam", *words)
            command.wait_for("Attempt 1", "stderr")
            finished = self.ended(command, number)
            self.assertTrue(finished.errors.endswith("\ntrailcam: interrupted\n"), finished)
            self.hear_close()

    def test_while_holding(self) -> None:
        """A session is closed: the simulated camera counts it."""
        for number in (signal.SIGINT, signal.SIGTERM):
            command = self.start("-m", "trailcam", "connect", "--demo", "--hold")
            command.wait_for("holding the session")
            finished = self.ended(command, number)
            self.assertEqual(finished.errors, "")
            self.assertIn("closed by us 1", finished.output)

    def test_while_loading(self) -> None:
        """Before anything is loaded it ends as well, without a word."""
        finished = self.start("-c", INTERRUPTED_IMPORT).finish()
        self.assertEqual((finished.status, finished.errors), (130, ""), finished)

    def test_hanging_resolver(self) -> None:
        """A resolver that hangs holds up neither the end of a race nor that of the process."""
        words = ("-c", HANGING_RESOLVER, "connect", "--camera=hang.test")
        began = time.monotonic()
        finished = self.start(*words, "--max-time=0.2").finish()
        self.assertEqual(finished.status, 1, finished)
        self.assertLess(time.monotonic() - began, 10.0)
        self.assertIn("P2P: unresolved", finished.errors)
        command = self.start(*words)
        command.wait_for("resolving")
        self.assertEqual(self.ended(command, signal.SIGINT).errors, "trailcam: interrupted\n")

    def test_blocked_output(self) -> None:
        """Who is blocked by output that nobody takes is ended by an alarm."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"x" * 4096)
        os.set_blocking(writer, True)
        with os.fdopen(writer, "wb") as full:
            command = self.start("-m", "trailcam", "connect", "--demo", "-v", stdout=full)
            command.wait_for("simulated camera", "stderr")
            self.ended(command, signal.SIGTERM)

    def hear_close(self) -> None:
        """Wait for a CLOSE; fails when it does not come."""
        while self.silent.recv(2048)[:2] != b"\xf1\xf0":
            pass
