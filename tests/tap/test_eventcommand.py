"""
The command that is run for each event.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.connect.logs import LogCapture
from tests.tap.processes import Processes
from trailcam.tap.eventcommand import COUNTING, PATIENCE, EventCommand, check_command

WORDS = ("/usr/bin/tell", "me")


class CheckTests(SynchronousTestCase):
    """What is a command."""

    def test_words(self) -> None:
        """The words are told apart as a shell does it, and the program is found."""
        self.assertEqual(
            check_command("--x", f"{sys.executable} -c 'print(1)' \"a b\""),
            (sys.executable, "-c", "print(1)", "a b"),
        )
        found = check_command("--x", "python3 -V")
        self.assertTrue(os.path.isabs(found[0]) and os.access(found[0], os.X_OK))

    def test_mistakes(self) -> None:
        """What is none is refused in one line, by name."""
        plain = Path(self.mktemp()).resolve()
        plain.write_text("no program")
        for text, complaint in {
            "": "a command is wanted, got ''",
            "  ": "a command is wanted, got '  '",
            "'' x": "a command is wanted, got \"'' x\"",
            "'half": '"\'half" cannot be cut into words: No closing quotation',
            "no-such-program-here -x": "'no-such-program-here' is not a program that can be run "
            "here",
            "a\0b": "'a\\x00b' is not a program that can be run here",
            f"{plain}": f"'{plain}' is not a program that can be run here",
            f"{plain.parent}": f"'{plain.parent}' is not a program that can be run here",
        }.items():
            problem = self.assertRaises(ValueError, check_command, "--on-event", text)
            self.assertEqual(str(problem), f"--on-event: {complaint}")


class CommandTests(SynchronousTestCase):
    """Processes in memory: two at a time, and three events that wait."""

    def setUp(self) -> None:
        """Start."""
        self.reactor = Processes()
        self.log = LogCapture(self)
        self.command = EventCommand(self.reactor, WORDS, most_running=2, most_waiting=3)
        self.command.startService()

    def tearDown(self) -> None:
        """Nothing is left."""
        self.successResultOf(self.command.stopService())
        self.assertEqual((self.reactor.running(), self.reactor.getDelayedCalls()), ([], []))

    def hear(self, *numbers: int) -> None:
        """Events come."""
        for number in numbers:
            self.command.heard({"evtId": number})

    def started(self) -> list[str]:
        """The numbers that processes were started for."""
        return [process.environment["TRAILCAM_EVENT"] for process in self.reactor.all]

    def test_event(self) -> None:
        """It gets the event on its standard input and its number in the environment."""
        self.command.heard({"evtId": 4, "who": "a d\u00e9er"})
        [process] = self.reactor.all
        self.assertEqual(process.words, WORDS)
        self.assertEqual(process.written, b'{"evtId": 4, "who": "a d\\u00e9er"}\n')
        self.assertEqual(process.environment, {**os.environ, "TRAILCAM_EVENT": "4"})
        self.assertFalse(process.stdin_open)

    def test_event_without_number(self) -> None:
        """What is no number is none."""
        for number in ("x\0y", 1.5, True, None, [1]):
            self.command.heard({"evtId": number})
            self.reactor.all[-1].end()
        self.command.heard({})
        self.assertEqual(self.started(), [""] * 6)

    def test_bounded(self) -> None:
        """So many run, so many wait for them, in their order."""
        self.hear(1, 2, 3, 4)
        self.assertEqual(self.started(), ["1", "2"])
        self.reactor.all[1].end()
        self.assertEqual(self.started(), ["1", "2", "3"])
        self.assertTrue(self.reactor.all[1].lost)
        self.reactor.all[0].end()
        self.assertEqual(self.started(), ["1", "2", "3", "4"])
        self.assertEqual(self.log.lines(), [])

    def test_dropped(self) -> None:
        """More are dropped, and counted in one line for ten seconds of them."""
        self.hear(*range(7))
        self.reactor.advance(COUNTING / 2)
        self.hear(7)
        self.assertEqual(self.log.lines(), [])
        self.reactor.advance(COUNTING / 2)
        self.assertEqual(
            self.log.lines(), ["events dropped because /usr/bin/tell was busy with others: 3"]
        )
        self.reactor.advance(COUNTING)
        self.hear(8)
        self.reactor.advance(COUNTING)
        self.assertTrue(self.log.lines()[1].endswith(": 1"))
        for process in self.reactor.all:
            process.end()
        self.assertEqual(self.started(), ["0", "1", "2", "3", "4"])

    def test_status(self) -> None:
        """How it ended is told when that was not well, once for each event."""
        self.hear(1)
        self.reactor.all[0].end()
        self.hear(2)
        self.reactor.all[1].end(status=3)
        self.hear(3)
        self.reactor.all[2].end(signal=9)
        self.assertEqual(
            self.log.lines(),
            [
                "/usr/bin/tell for event 2 ended with status 3",
                "/usr/bin/tell for event 3 ended with signal 9",
            ],
        )

    def test_cannot_be_started(self) -> None:
        """A system that is exhausted costs an event, and no more."""
        self.reactor.problem = OSError(11, "Resource temporarily unavailable")
        self.hear(1, 2, 3)
        self.reactor.problem = None
        self.hear(4)
        self.assertEqual(self.started(), ["4"])
        self.assertEqual(
            self.log.lines()[0],
            "/usr/bin/tell cannot be started for event 1: Resource temporarily unavailable",
        )

    def test_stop(self) -> None:
        """What runs is ended and waited for, what waits is dropped, without more words."""
        self.hear(1, 2, 3)
        self.reactor.all[1].stubborn = True
        stopping = self.command.stopService()
        self.hear(4)
        self.assertEqual([process.signals for process in self.reactor.all], [["TERM"], ["TERM"]])
        self.reactor.advance(PATIENCE - 0.1)
        self.assertNoResult(stopping)
        self.reactor.advance(0.1)
        self.successResultOf(stopping)
        self.assertEqual(self.reactor.all[1].signals, ["TERM", "KILL"])
        self.assertEqual(self.started(), ["1", "2"])
        self.assertEqual(
            self.log.lines(), ["events dropped because /usr/bin/tell was busy with others: 1"]
        )

    def test_stop_foreign(self) -> None:
        """One that may not be ended, as under sudo, keeps nobody from ending, nor the others."""
        self.hear(1, 2)
        foreign, other = self.reactor.all
        foreign.foreign = True
        stopping = self.command.stopService()
        self.successResultOf(stopping)
        self.assertEqual((other.signals, other.over), (["TERM"], True))
        self.assertEqual(
            self.log.lines(), ["/usr/bin/tell for event 1 may not be ended, and is left to itself"]
        )
        foreign.end()

    def test_foreign_in_the_end(self) -> None:
        """Also when it becomes another's after SIGTERM."""
        self.hear(1, 2)
        late, other = self.reactor.all
        late.stubborn = other.stubborn = True
        stopping = self.command.stopService()
        late.foreign = True
        self.reactor.advance(PATIENCE)
        self.assertEqual(other.signals, ["TERM", "KILL"])
        self.assertNoResult(stopping)
        late.end()
        self.successResultOf(stopping)

    def test_stop_while_counting(self) -> None:
        """What was dropped is told at the latest in the end."""
        self.hear(*range(6))
        for process in self.reactor.all:
            process.end()
        self.successResultOf(self.command.stopService())
        [line] = self.log.lines()
        self.assertTrue(line.endswith(": 1"), line)

    def test_ends_by_itself_when_stopped(self) -> None:
        """A process that has just ended needs no signal."""
        self.hear(1, 2)
        stubborn = self.reactor.all[0]
        stubborn.stubborn = True
        stopping = self.command.stopService()
        stubborn.end()
        self.successResultOf(stopping)
        self.assertEqual(stubborn.signals, ["TERM"])

    def test_not_running(self) -> None:
        """Before the start and after the end nothing is run."""
        idle = EventCommand(self.reactor, WORDS)
        idle.heard({"evtId": 1})
        self.successResultOf(idle.stopService())
        self.assertEqual(self.reactor.all, [])


#: Appends what it was told to the file that its argument names, and ends with status 3.
TELL = """
import json, os, sys
with open(sys.argv[1], "a") as file:
    file.write(json.dumps([os.environ["TRAILCAM_EVENT"], json.load(sys.stdin)]) + "\\n")
sys.exit(3)
"""

#: Says that it is there, and stays, whatever SIGTERM says.
STAY = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").close()
while True:
    time.sleep(1)
"""


class ProcessTests(TestCase):
    """Processes for real."""

    timeout = 30.0

    def begin(self, program: str) -> EventCommand:
        """Start, with a program and a file for it."""
        self.path = Path(self.mktemp()).resolve()
        words = (sys.executable, "-c", program, str(self.path))
        command = EventCommand(global_reactor, words)
        command.startService()
        return command

    async def until(self, true: Any) -> None:
        """Look again and again."""
        while not true():
            await deferLater(global_reactor, 0.01)

    async def test_told(self) -> None:
        """A process gets each event wholly, and how it ends is seen."""
        log, command = LogCapture(self), self.begin(TELL)
        events = [{"evtId": number, "more": "x" * 60_000} for number in range(3)]
        for event in events:
            command.heard(event)
        await self.until(lambda: len(log.lines()) == 3)
        told = [json.loads(line) for line in self.path.read_text().splitlines()]
        self.assertEqual(sorted(told), [[str(each["evtId"]), each] for each in events])
        self.assertTrue(all(line.endswith("ended with status 3") for line in log.lines()))
        await command.stopService()

    async def test_stubborn(self) -> None:
        """One that does not want to end is killed."""
        self.patch(sys.modules["trailcam.tap.eventcommand"], "PATIENCE", 0.1)
        command = self.begin(STAY)
        command.heard({"evtId": 1})
        await self.until(self.path.exists)
        stopping: Deferred[None] = command.stopService()
        self.assertNoResult(stopping)
        await stopping
        self.assertEqual(command._running, set())
