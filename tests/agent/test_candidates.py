"""Tests of whom the agent punches, and for how long."""

from __future__ import annotations

import itertools

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trailcam.agent.candidates import (
    EXPECTED_FOR,
    MOST_CANDIDATES,
    MOST_PER_HOST,
    PUNCHED_FOR,
    Candidates,
)
from trailcam.interfaces import Address

HERE = ("203.0.113.7", 5000)
THERE = ("203.0.113.8", 5000)


class CandidatesTests(SynchronousTestCase):
    """A table that punches."""

    def setUp(self) -> None:
        """An empty table."""
        self.clock = Clock()
        self.punched: list[tuple[float, Address]] = []
        self.candidates = Candidates(
            self.clock, lambda peer: self.punched.append((self.clock.seconds(), peer))
        )

    def tearDown(self) -> None:
        """Nothing is left to come."""
        self.candidates.clear()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def pass_time(self, seconds: float) -> None:
        """In steps of 1/64 s, exact in floats."""
        self.clock.pump([1 / 64] * round(seconds * 64))

    def times(self, peer: Address = HERE) -> list[float]:
        """When an address was punched."""
        return [time for time, punched in self.punched if punched == peer]

    def test_punches(self) -> None:
        """At once, then every 100 ms, slower and slower up to 500 ms, for 5 s."""
        self.assertTrue(self.candidates.introduce(HERE))
        self.assertEqual(self.times(), [0.0])
        self.pass_time(20)
        times = self.times()
        gaps = [later - time for time, later in itertools.pairwise(times)]
        self.assertTrue(0.1 <= gaps[0] < 0.1 + 1 / 64, gaps)
        self.assertTrue(0.5 <= gaps[-1] < 0.5 + 1 / 64, gaps)
        self.assertEqual(gaps, sorted(gaps))
        self.assertLess(times[-1], PUNCHED_FOR)
        self.assertGreater(times[-1], PUNCHED_FOR - 0.6)
        self.assertLess(len(times), 25)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_repeated_introduction(self) -> None:
        """A repetition makes it last longer, not faster."""
        self.candidates.introduce(HERE)
        self.pass_time(4)
        before = len(self.times())
        self.candidates.introduce(HERE)
        self.assertEqual(len(self.times()), before)
        self.pass_time(20)
        self.assertGreater(self.times()[-1], 4 + PUNCHED_FOR - 0.6)
        self.assertLess(self.times()[-1], 4 + PUNCHED_FOR)

    def test_introduced_anew(self) -> None:
        """After the end it begins again, as fast as the first time."""
        self.candidates.introduce(HERE)
        self.pass_time(10)
        first = self.times()
        self.candidates.introduce(HERE)
        self.pass_time(10)
        self.assertEqual([time - 10 for time in self.times()[len(first) :]], first)

    def test_expected(self) -> None:
        """Clients come from any port of the host, for 30 s."""
        self.assertFalse(self.candidates.expects(HERE[0]))
        self.candidates.introduce(HERE)
        self.assertTrue(self.candidates.expects(HERE[0]))
        self.assertFalse(self.candidates.expects(THERE[0]))
        self.pass_time(EXPECTED_FOR - 1 / 64)
        self.assertTrue(self.candidates.expects(HERE[0]))
        self.pass_time(1 / 64)
        self.assertFalse(self.candidates.expects(HERE[0]))

    def test_arrived(self) -> None:
        """Who has come is not punched any more; others are."""
        self.candidates.introduce(HERE)
        self.candidates.introduce(THERE)
        self.candidates.arrived(HERE)
        self.candidates.arrived(("203.0.113.7", 9))  # from a port that nobody named
        self.pass_time(1)
        self.assertEqual(self.times(HERE), [0.0])
        self.assertGreater(len(self.times(THERE)), 3)
        self.assertTrue(self.candidates.expects(HERE[0]))

    def test_arrived_and_introduced_again(self) -> None:
        """After that it may be introduced again."""
        self.candidates.introduce(HERE)
        self.candidates.arrived(HERE)
        self.candidates.introduce(HERE)
        self.assertEqual(self.times(), [0.0, 0.0])

    def test_one_host_is_bounded(self) -> None:
        """One client cannot have all the room."""
        for port in range(1, MOST_PER_HOST + 1):
            self.assertTrue(self.candidates.introduce((HERE[0], port)))
        self.assertFalse(self.candidates.introduce((HERE[0], 60000)))
        self.assertTrue(self.candidates.introduce((HERE[0], 1)))
        self.assertTrue(self.candidates.introduce(THERE))

    def test_all_are_bounded(self) -> None:
        """There is a limit for all, and old ones make room."""
        for number in range(MOST_CANDIDATES):
            self.assertTrue(self.candidates.introduce((f"10.0.0.{number}", 1)))
        self.assertFalse(self.candidates.introduce(HERE))
        self.assertEqual(self.times(), [])
        self.pass_time(EXPECTED_FOR)
        self.assertTrue(self.candidates.introduce(HERE))

    def test_clear(self) -> None:
        """Nobody is punched or expected after that."""
        self.candidates.introduce(HERE)
        self.candidates.clear()
        self.pass_time(1)
        self.assertEqual(self.times(), [0.0])
        self.assertFalse(self.candidates.expects(HERE[0]))

    def test_room_for_the_next(self) -> None:
        """What is not punched any more makes room; what is, does not."""
        for port in range(1, MOST_PER_HOST + 1):
            self.assertTrue(self.candidates.introduce((HERE[0], port)))
        self.assertFalse(self.candidates.introduce((HERE[0], 60_000)))
        self.clock.pump([0.1] * round(PUNCHED_FOR / 0.1 + 10))
        self.assertTrue(self.candidates.introduce((HERE[0], 60_000)))
        self.assertTrue(self.candidates.introduce((THERE[0], 1)))
