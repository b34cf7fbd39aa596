"""The options of a simulated camera, and what it counts."""

from __future__ import annotations

import json
import math

import attrs
from twisted.trial.unittest import SynchronousTestCase

from trailcam.simulator import Behaviour, Counters, Door
from trailcam.wire.constants import MessageType
from trailcam.wire.did import TRAILCAM_DID, DeviceID


class BehaviourTests(SynchronousTestCase):
    """A frozen, checked value."""

    def test_recorded(self) -> None:
        """The default is what the recordings show."""
        self.assertEqual(Behaviour(), Behaviour.recorded())
        behaviour = Behaviour()
        self.assertEqual((behaviour.did, behaviour.offers, behaviour.slots), (TRAILCAM_DID, 51, 4))
        self.assertEqual((behaviour.timeout, behaviour.alive_interval), (7.3, 1.03))
        self.assertEqual(behaviour.answers_to, {Door.SEARCH, Door.SESSION})
        self.assertFalse(behaviour.impaired)

    def test_prompt(self) -> None:
        """Prompt is recorded without the waiting."""
        waits = {"offers": 0, "banner_delay": 0.0, "ack_delay": 0.0}
        self.assertEqual(Behaviour.prompt(), attrs.evolve(Behaviour.recorded(), **waits))

    def test_changes(self) -> None:
        """Both take changes, which win."""
        self.assertEqual(Behaviour.recorded(slots=1).slots, 1)
        self.assertEqual(Behaviour.prompt(slots=1, offers=3).offers, 3)

    def test_did_as_text(self) -> None:
        """The id may be text."""
        self.assertEqual(Behaviour(did="abc-000012-xyz").did, DeviceID("ABC", 12, "XYZ"))

    def test_frozen(self) -> None:
        """It does not change."""
        with self.assertRaises(attrs.exceptions.FrozenInstanceError):
            Behaviour().slots = 5  # type: ignore[misc]

    def test_impaired(self) -> None:
        """Each kind of accident makes the path impaired."""
        for name in ("loss", "delay", "jitter", "reorder", "duplicate"):
            self.assertTrue(Behaviour(**{name: 0.5}).impaired, name)

    def test_refused(self) -> None:
        """A wrong value is refused in words that name the option."""
        wrong = {
            "slots": [-1, 1.5, "4"],
            "offers": [-1],
            "answer_port": [-1, 65536],
            "repeat_interval": [0, -1.0, math.inf],
            "answers_to": [{"search"}, "search", 5, [[]], None],
            "did": [12, None],
            "deaf": ["no", 1],
            "banner_delay": [-0.1, math.nan, "1", None],
            "ack_delay": [-0.1, math.inf],
            "alive_interval": [0.0, math.nan],
            "timeout": [0.0],
            "silent_after": [-1.0],
            "close_after": [-1.0, math.nan],
            "loss": [-0.1, 1.1, math.nan, "0.5"],
            "delay": [-0.1],
            "jitter": [math.inf],
            "reorder": [2.0],
            "duplicate": [-1.0],
        }
        for name, values in wrong.items():
            for value in values:
                with self.assertRaises(ValueError, msg=f"{name}={value}") as caught:
                    Behaviour(**{name: value})
                self.assertIn(name, str(caught.exception))

    def test_refused_in_words(self) -> None:
        """What is said names what would be right, and what was given."""
        with self.assertRaises(ValueError) as caught:
            Behaviour(slots=1.5)
        expected = "slots must be a whole number of 0 or more, not 1.5"
        self.assertEqual(str(caught.exception), expected)

    def test_refused_id(self) -> None:
        """A text that is no id."""
        with self.assertRaises(ValueError):
            Behaviour(did="nonsense")


class CountersTests(SynchronousTestCase):
    """Totals."""

    def test_as_dict(self) -> None:
        """All totals, with names for the types of messages, fit into JSON."""
        counters = Counters(searches=2)
        counters.received[MessageType.LAN_SEARCH] += 2
        counters.received[MessageType.HELLO] += 1
        totals = json.loads(json.dumps(counters.as_dict()))
        self.assertEqual(totals["searches"], 2)
        self.assertEqual(totals["received"], {"HELLO": 1, "LAN_SEARCH": 2})
        self.assertEqual(set(totals), {field.name for field in attrs.fields(Counters)})

    def test_own_copy(self) -> None:
        """The dict is a picture: it does not move with the counters."""
        counters = Counters()
        before = counters.as_dict()
        counters.received[MessageType.ALIVE] += 1
        counters.malformed += 1
        self.assertEqual((before["malformed"], before["received"]), (0, {}))
