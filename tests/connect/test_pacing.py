"""Tests of the intervals between resends."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trailcam.connect.pacing import Pace, measured_pace


class PaceTests(SynchronousTestCase):
    """Growing intervals."""

    def test_default(self) -> None:
        """100 ms, then a fifth more each time, up to a quarter of a second."""
        intervals = [Pace().interval(resends) for resends in range(7)]
        expected = [0.1, 0.12, 0.144, 0.1728, 0.20736, 0.248832, 0.25]
        for interval, value in zip(intervals, expected, strict=True):
            self.assertAlmostEqual(interval, value, places=9)

    def test_ceiling(self) -> None:
        """However often: never more than the ceiling, and no overflow."""
        self.assertEqual(Pace().interval(10**9), 0.25)
        self.assertEqual(Pace(first=1.0, factor=2.0, ceiling=3.0).interval(5), 3.0)


class MeasuredPaceTests(SynchronousTestCase):
    """RFC 6298 by hand."""

    def test_no_samples(self) -> None:
        """Without measurements it is the default itself."""
        default = Pace(first=0.3)
        self.assertIs(measured_pace([], default), default)

    def test_one_sample(self) -> None:
        """SRTT = R, RTTVAR = R/2, so RTO = R + 4 R/2 = 3 R."""
        self.assertAlmostEqual(measured_pace([0.05], Pace()).first, 0.15, places=12)

    def test_two_samples(self) -> None:
        """RTTVAR = 3/4 * 0.05 + 1/4 * 0.1 = 0.0625; SRTT = 7/8 * 0.1 + 1/8 * 0.2 = 0.1125."""
        pace = measured_pace([0.1, 0.2], Pace())
        self.assertAlmostEqual(pace.first, 0.1125 + 4 * 0.0625, places=12)

    def test_three_samples(self) -> None:
        """The variation is updated before the mean: 0.05 and 0.1109375 after a third of 0.1."""
        variation = 0.75 * 0.0625 + 0.25 * abs(0.1125 - 0.1)
        smoothed = 0.875 * 0.1125 + 0.125 * 0.1
        self.assertAlmostEqual(variation, 0.05, places=12)
        self.assertAlmostEqual(smoothed, 0.1109375, places=12)
        pace = measured_pace([0.1, 0.2, 0.1], Pace())
        self.assertAlmostEqual(pace.first, smoothed + 4 * variation, places=12)

    def test_granularity(self) -> None:
        """A steady round trip still gets the clock's granularity of 1 ms on top."""
        pace = measured_pace([0.1] * 100, Pace())
        self.assertAlmostEqual(pace.first, 0.101, places=9)

    def test_bounds(self) -> None:
        """Never under 20 ms, never over a second."""
        self.assertEqual(measured_pace([0.0], Pace()).first, 0.02)
        self.assertEqual(measured_pace([0.001], Pace()).first, 0.02)
        self.assertEqual(measured_pace([60.0], Pace()).first, 1.0)

    def test_ceiling(self) -> None:
        """A slow camera gets a ceiling of twice its first interval; a fast one the default's."""
        self.assertEqual(measured_pace([60.0], Pace()).ceiling, 2.0)
        self.assertEqual(measured_pace([0.001], Pace()).ceiling, 0.25)

    def test_factor_stays(self) -> None:
        """The growth is the default's."""
        self.assertEqual(measured_pace([0.1], Pace(factor=1.5)).factor, 1.5)

    @settings(max_examples=100, deadline=None, derandomize=True)
    @given(st.lists(st.floats(0, 100), max_size=100))
    def test_always_usable(self, samples: list[float]) -> None:
        """Whatever was measured: intervals grow, from 20 ms to 1 s, up to 2 s at most."""
        pace = measured_pace(samples, Pace())
        self.assertTrue(0.02 <= pace.first <= 1.0)
        intervals = [pace.interval(resends) for resends in range(100)]
        self.assertEqual(intervals, sorted(intervals))
        self.assertLessEqual(intervals[-1], 2.0)
