"""Rounds, spreads and ratios."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from benchmarks.measure import Spread, interleaved, percentile, ratios, spread


class SpreadTests(SynchronousTestCase):
    """How values lie."""

    def test_values(self) -> None:
        """The median, the ends, and a tenth from each."""
        self.assertEqual(spread([11.0, *range(1, 11)]), Spread(6.0, 1.0, 2.0, 10.0, 11.0))

    def test_between_two(self) -> None:
        """Where no value is at the place, it is taken between its neighbours."""
        self.assertAlmostEqual(percentile([1.0, 2.0], 0.1), 1.1)
        self.assertAlmostEqual(percentile([1.0, 2.0, 4.0], 0.75), 3.0)

    def test_nothing(self) -> None:
        """Rounds that brought nothing are left out; without any there is no spread."""
        self.assertEqual(spread([None, 3.0, None]), Spread(3.0, 3.0, 3.0, 3.0, 3.0))
        self.assertIsNone(spread([None, None]))
        self.assertIsNone(spread([]))

    @given(st.lists(st.floats(-1e6, 1e6), min_size=1))
    def test_order(self, values: list[float]) -> None:
        """Nothing is out of order, whatever the values."""
        lying = spread(values)
        assert lying is not None
        ordered = [lying.minimum, lying.p10, lying.median, lying.p90, lying.maximum]
        for low, high in itertools.pairwise(ordered):
            self.assertLessEqual(low, high + 1e-6)


class RatioTests(SynchronousTestCase):
    """Two contenders, round by round."""

    def test_by_round(self) -> None:
        """Each value by the other's of the same round, not of the median."""
        self.assertEqual(ratios([2.0, 30.0, 4.0], [1.0, 10.0, 4.0]), (2.0, 3.0, 1.0))

    def test_nothing(self) -> None:
        """A round in which one of them brought nothing has no ratio."""
        self.assertEqual(
            ratios([None, 1.0, 1.0, 6.0], [1.0, None, 0.0, 2.0]), (None, None, None, 3.0)
        )


class InterleavedTests(SynchronousTestCase):
    """Whose turn it is."""

    def test_order(self) -> None:
        """Each has one turn a round, and each begins once."""
        said: list[str] = []

        def contender(name: str) -> int:
            said.append(name)
            return len(said)

        taken = interleaved({name: lambda name=name: contender(name) for name in "abc"}, 3)
        self.assertEqual("".join(said), "abcbcacab")
        self.assertEqual(taken, {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]})

    def test_nobody(self) -> None:
        """Without contenders nothing is measured."""
        self.assertEqual(interleaved({}, 3), {})
