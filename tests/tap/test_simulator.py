"""
``twist trailcam-simulator``: its options.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from trailcam.simulator import Behaviour, Door, ReplayedCamera, SimulatedCamera
from trailcam.tap.simulated import SimulatorService
from trailcam.tap.simulator import Options, makeService
from trailcam.testing.network import MemoryNetwork
from trailcam.wire.did import DeviceID

#: A value for each field of Behaviour that differs from the recorded one, as words and as value.
CHANGES: dict[str, tuple[str, object]] = {
    "did": ("--did=ABCD-000042-WXYZ", DeviceID("ABCD", 42, "WXYZ")),
    "answers_to": ("--answers-to=search", frozenset({Door.SEARCH})),
    "answer_port": ("--answer-port=0", 0),
    "deaf": ("--deaf", True),
    "never_ready": ("--never-ready", True),
    "slots": ("--slots=0", 0),
    "offers": ("--offers=3", 3),
    "repeat_interval": ("--repeat-interval=0.5", 0.5),
    "banner_delay": ("--banner-delay=1", 1.0),
    "ack_delay": ("--ack-delay=0", 0.0),
    "window": ("--window=256", 256),
    "answers_alive": ("--no-answers-alive", False),
    "alive_interval": ("--alive-interval=never", None),
    "timeout": ("--timeout=2.5", 2.5),
    "silent_after": ("--silent-after=0", 0.0),
    "close_after": ("--close-after=4", 4.0),
    "loss": ("--loss=0.25", 0.25),
    "delay": ("--delay=0.01", 0.01),
    "jitter": ("--jitter=0.02", 0.02),
    "reorder": ("--reorder=1", 1.0),
    "duplicate": ("--duplicate=0.5", 0.5),
}


def parsed(*words: str) -> Options:
    """The options that these words spell."""
    options = Options()
    options.parseOptions(list(words))
    return options


class BehaviourTests(SynchronousTestCase):
    """From options to behaviour."""

    def test_every_field_has_an_option(self) -> None:
        """Nothing that a camera can do is out of reach of the command line."""
        self.assertEqual(set(CHANGES), {field.name for field in attrs.fields(Behaviour)})

    def test_each_option_changes_its_field(self) -> None:
        """Each option changes the field of its name, and no other."""
        for field, (word, value) in CHANGES.items():
            self.assertEqual(parsed(word).behaviour, Behaviour.recorded(**{field: value}), word)

    def test_together(self) -> None:
        """All of them combine."""
        words = [word for word, _ in CHANGES.values()]
        values: dict[str, Any] = {field: value for field, (_, value) in CHANGES.items()}
        self.assertEqual(parsed(*words).behaviour, Behaviour(**values))

    def test_recorded_by_default(self) -> None:
        """Without options it does what recordings show."""
        self.assertEqual(parsed().behaviour, Behaviour.recorded())

    def test_prompt(self) -> None:
        """A prompt camera can be changed as well."""
        self.assertEqual(parsed("--prompt").behaviour, Behaviour.prompt())
        self.assertEqual(parsed("--prompt", "--offers=2").behaviour, Behaviour.prompt(offers=2))


class PlaceTests(SynchronousTestCase):
    """Where it listens."""

    def test_default(self) -> None:
        """On loopback, with the ports of a real camera."""
        place = {"interface": "127.0.0.1", "search_port": 32108, "session_port": 40611}
        self.assertEqual(parsed().place, place)

    def test_given(self) -> None:
        """Anywhere else when asked to."""
        options = parsed("-i", "0.0.0.0", "--search-port=0", "--session-port=65535")
        place = {"interface": "0.0.0.0", "search_port": 0, "session_port": 65535}
        self.assertEqual(options.place, place)

    def test_demo(self) -> None:
        """The demonstration disturbs nobody: free ports of loopback."""
        place = {"interface": "127.0.0.1", "search_port": 0, "session_port": 0}
        self.assertEqual(parsed("--demo").place, place)


class MistakeTests(SynchronousTestCase):
    """What is wrong is said in one line that names the option."""

    def refused(self, *words: str) -> str:
        """The complaint about these words."""
        complaint = str(self.assertRaises(UsageError, parsed, *words))
        self.assertNotIn("\n", complaint)
        return complaint

    def test_values(self) -> None:
        """Each value is checked."""
        for word, complaint in {
            "--search-port=70000": "--search-port: port 70000 is outside 0..65535",
            "--session-port=-1": "--session-port: '-1' is not a whole number",
            "--interface=eth0": "--interface: 'eth0' is not an IPv4 address; "
            "0.0.0.0 is all interfaces",
            "--slots=1.5": "--slots: '1.5' is not a whole number",
            "--loss=much": "--loss: 'much' is not a number",
            "--answers-to=door": "--answers-to: 'door' is not one or more of search,session",
        }.items():
            self.assertEqual(self.refused(word), complaint)

    def test_values_that_no_camera_has(self) -> None:
        """Numbers out of range are refused by their option's name."""
        for word in ("--loss=3", "--loss=nan", "--delay=-1", "--timeout=0", "--did=nonsense"):
            name = word.partition("=")[0]
            self.assertTrue(self.refused(word).startswith(f"{name}: "), word)

    def test_demo_has_its_own_place(self) -> None:
        """Where the demonstration listens is not to be chosen, sensibly or not."""
        for word in ("--interface=127.0.0.1", "--search-port=0", "--session-port=nonsense"):
            name = word.partition("=")[0]
            complaint = f"--demo: brings its own ports; leave {name} out"
            self.assertEqual(self.refused("--demo", word), complaint)

    def test_mistyped_option(self) -> None:
        """An unknown option is answered with the one that was meant."""
        self.assertTrue(self.refused("--jiter=1").endswith("did you mean --jitter?"))

    def test_argument(self) -> None:
        """There are no arguments."""
        self.assertEqual(self.refused("x"), "unexpected argument 'x'; there are only options")


class ReplayTests(SynchronousTestCase):
    """Playing a recording."""

    def recording(self, text: str = '{"t": null, "dir": "camera", "hex": "f1410000"}\n') -> str:
        """The path of a new recording."""
        path = Path(self.mktemp())
        path.write_text(text)
        return str(path)

    def test_camera(self) -> None:
        """The camera is one that plays."""
        host = MemoryNetwork().host("10.0.0.1")
        self.assertIsInstance(parsed("--deaf").camera(host), SimulatedCamera)
        options = parsed("--replay", self.recording())
        self.assertIsInstance(options.camera(host), ReplayedCamera)

    def test_behaviour_is_the_recordings(self) -> None:
        """A recording and options of behaviour exclude each other."""
        for word in ("--prompt", "--no-answers-alive", "--loss=0.5"):
            problem = str(self.assertRaises(UsageError, parsed, "--replay", self.recording(), word))
            name = word.partition("=")[0]
            self.assertEqual(problem, f"--replay: brings its own behaviour; leave {name} out")

    def test_cannot_be_read(self) -> None:
        """What is no recording is refused at once."""
        for path in (self.mktemp(), self.recording("nonsense"), self.recording("")):
            problem = str(self.assertRaises(UsageError, parsed, "--replay", path))
            self.assertTrue(problem.startswith("--replay: "), problem)
            self.assertNotIn("\n", problem)


class MakeServiceTests(SynchronousTestCase):
    """What ``twist`` gets."""

    def test_make_service(self) -> None:
        """A service, and nothing is opened before its start."""
        before = set(reactor.getReaders())
        self.assertIsInstance(makeService(parsed("--demo")), SimulatorService)
        self.assertEqual(set(reactor.getReaders()), before)
