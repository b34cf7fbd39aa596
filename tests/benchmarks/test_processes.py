"""Programs beside the measuring one."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.answering import answered
from benchmarks.errors import BenchmarkError
from benchmarks.processes import LOOPBACK, accepts, free_ports, module, program
from benchmarks.workers import worker


def python(source: str) -> list[str]:
    """The command that runs a program."""
    return [sys.executable, "-c", source]


def is_there(pid: int) -> bool:
    """Whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class ProgramTests(SynchronousTestCase):
    """Start, wait, end."""

    def test_ends(self) -> None:
        """It runs as long as the context lasts."""
        with program("waiting", python("print('here'); input()"), stdin=-1) as running:
            running.until(lambda: running.said("here"))
            self.assertTrue(is_there(running.pid))
        self.assertFalse(is_there(running.pid))

    def test_ends_after_failure(self) -> None:
        """Whatever goes wrong meanwhile: KeyboardInterrupt is what Ctrl-C raises."""
        for failure in (ZeroDivisionError, KeyboardInterrupt, SystemExit):
            pids = []
            waiting = program("waiting", python("input()"), stdin=-1)
            with self.assertRaises(failure), waiting as running:
                pids.append(running.pid)
                raise failure
            self.assertEqual([is_there(pid) for pid in pids], [False])

    def test_deaf(self) -> None:
        """One that does not heed SIGTERM is killed."""
        self.patch(sys.modules["benchmarks.processes"], "_END", 0.05)
        deaf = "import signal; signal.signal(15, signal.SIG_IGN); print('here'); signal.pause()"
        with program("deaf", python(deaf)) as running:
            running.until(lambda: running.said("here"))
        self.assertEqual(running.process.returncode, -9)

    def test_ended_too_early(self) -> None:
        """What it said last is shown."""
        dying = program("dying", python("raise SystemExit('no luck')"))
        with dying as running, self.assertRaises(BenchmarkError) as caught:
            running.until(lambda: False)
        self.assertIn("dying: ended with 1\nno luck", str(caught.exception))

    def test_not_ready(self) -> None:
        """Waiting has an end."""
        slow = program("slow", python("input()"), stdin=-1)
        with slow as running, self.assertRaises(BenchmarkError) as caught:
            running.until(lambda: False, "port", seconds=0.0)
        self.assertEqual(str(caught.exception), "slow: no port within 0 s")

    def test_no_program(self) -> None:
        """It is named."""
        nothing = program("nothing", ["/there/is/no/such"])
        with self.assertRaises(BenchmarkError) as caught, nothing:
            self.fail("it was started")
        self.assertIn("nothing: ", str(caught.exception))


ECHO = """
from benchmarks.answering import serve
serve({"double": lambda number: {"double": 2 * number}, "end": lambda: exit(3)})
"""


class WorkerTests(SynchronousTestCase):
    """Questions and answers."""

    def test_answers(self) -> None:
        """As often as asked."""
        with worker("echo", python(ECHO)) as echo:
            answers = [echo.ask("double", number=number)["double"] for number in (1, 21)]
            self.assertEqual(answers, [2, 42])
        self.assertFalse(is_there(echo.pid))

    def test_trouble(self) -> None:
        """What it cannot do is an error here, and it goes on."""
        with worker("echo", python(ECHO)) as echo:
            with self.assertRaises(BenchmarkError) as caught:
                echo.ask("double", number=None)
            self.assertIn("echo: double: TypeError: ", str(caught.exception))
            self.assertEqual(echo.ask("double", number=4), {"double": 8})

    def test_gone(self) -> None:
        """One that ends instead of answering."""
        with worker("echo", python(ECHO)) as echo:
            with self.assertRaises(BenchmarkError) as caught:
                echo.ask("end")
            self.assertIn("echo: ended during 'end'", str(caught.exception))

    def test_silent(self) -> None:
        """One that does not answer in time."""
        silent = worker("mute", python("input(); input()"))
        with silent as mute, self.assertRaises(BenchmarkError) as caught:
            mute.ask("anything", patience=0.05)
        self.assertIn("mute: no answer to 'anything'", str(caught.exception))

    def test_unknown(self) -> None:
        """A question that nobody knows is answered, too."""
        answer = answered({}, '{"task": "sing"}')
        self.assertEqual(answer, {"error": "KeyError: 'sing'"})


class PortTests(SynchronousTestCase):
    """Ports of loopback."""

    def test_free(self) -> None:
        """Different ones, which can be had."""
        ports = free_ports(6)
        self.assertEqual(len(set(ports)), 6)
        for port in ports:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
                bound.bind((LOOPBACK, port))

    def test_accepts(self) -> None:
        """Only where somebody listens."""
        with socket.socket() as listening:
            listening.bind((LOOPBACK, 0))
            port = listening.getsockname()[1]
            self.assertFalse(accepts(port))
            listening.listen()
            self.assertTrue(accepts(port))

    def test_module(self) -> None:
        """All arguments are text."""
        command: list[Any] = module("there", "--port", 7, python="py")
        self.assertEqual(command, ["py", "-m", "there", "--port", "7"])
