"""Tests for :mod:`trailcam.session.roundtrip`."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trailcam.session.roundtrip import CEILING, FLOOR, INITIAL, RoundTrip


class RoundTripTests(SynchronousTestCase):
    """How long to wait."""

    def test_initial(self) -> None:
        """Nothing was measured."""
        trip = RoundTrip()
        self.assertEqual((trip.timeout, trip.smoothed), (INITIAL, None))

    def test_first(self) -> None:
        """The first measurement counts, with half of it as variation."""
        trip = RoundTrip()
        trip.measured(0.25)
        self.assertEqual((trip.smoothed, trip.timeout), (0.25, 0.75))

    def test_steady(self) -> None:
        """When all measurements are alike, the timeout comes down to them."""
        trip = RoundTrip()
        for _ in range(100):
            trip.measured(0.25)
        self.assertAlmostEqual(trip.timeout, 0.25, places=3)

    def test_missed(self) -> None:
        """Each miss makes it half as long again, and the next measurement makes up for that."""
        trip = RoundTrip()
        trip.missed()
        self.assertAlmostEqual(trip.timeout, INITIAL * 1.5)
        trip.measured(0.02)
        self.assertAlmostEqual(trip.timeout, 0.06)

    @given(st.lists(st.one_of(st.none(), st.floats(0, 1000))))
    def test_bounds(self, events: list[float | None]) -> None:
        """Whatever happens, it stays within its bounds."""
        trip = RoundTrip()
        for seconds in events:
            if seconds is None:
                trip.missed()
            else:
                trip.measured(seconds)
            self.assertTrue(FLOOR <= trip.timeout <= CEILING)
