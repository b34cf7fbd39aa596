"""The options of the firmware."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from trailcam.simulator import Manners, Quirk


class MannersTests(SynchronousTestCase):
    """One frozen value."""

    def test_default(self) -> None:
        """What was recorded: admin, no delay, one event after 40 ms."""
        manners = Manners()
        self.assertEqual((manners.username, manners.password), ("admin", "admin"))
        self.assertEqual(manners.events, ((0.040, 4),))
        self.assertNotIn("password", repr(manners))

    def test_delays(self) -> None:
        """A command has its own delay, or that of all."""
        manners = Manners(delay=1, delays={512: 0.5})
        self.assertEqual((manners.delay_of(512), manners.delay_of(768)), (0.5, 1))

    def test_wrong(self) -> None:
        """A wrong value is refused by its name."""
        wrong: dict[str, Any] = {
            "username": 7,
            "password": None,
            "logins": -1,
            "checks_token": 1,
            "delay": -0.1,
            "delays": {1: "x"},
            "results": {"1": 1},
            "answers": {1: "text"},
            "unanswered": ["x"],
            "events": [(-1, 4)],
            "quirks": {1: "gone"},
            "thumbnail_quirks": {"1": Quirk.GONE},
            "stall": float("nan"),
            "speed": 0,
            "battery": 101,
        }
        for name, value in wrong.items():
            error = self.assertRaises((ValueError, TypeError), Manners, **{name: value})
            self.assertIn(name, str(error))
