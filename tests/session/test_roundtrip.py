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
        """When all measurements are alike, the timeout comes down to them and a tick."""
        trip = RoundTrip()
        for _ in range(100):
            trip.measured(0.25)
        self.assertAlmostEqual(trip.timeout, 0.26, places=3)

    def test_missed(self) -> None:
        """Three misses are loss, more make it half as long again; a measurement makes up for it."""
        trip = RoundTrip()
        timeouts = []
        for _ in range(5):
            trip.missed()
            timeouts.append(round(trip.timeout, 3))
        self.assertEqual(timeouts, [0.1, 0.1, 0.1, 0.15, 0.225])
        trip.measured(0.02)
        self.assertAlmostEqual(trip.timeout, 0.06)
        trip.missed()
        self.assertAlmostEqual(trip.timeout, 0.06)

    def test_as_cameras_do(self) -> None:
        """Without patience silence changes nothing; but what came twice was sent too early."""
        trip = RoundTrip(0.041, patient=False)
        for _ in range(50):
            trip.missed()
        self.assertEqual(trip.timeout, 0.041)
        trip.hasty()
        self.assertAlmostEqual(trip.timeout, 0.0451)

    @given(st.lists(st.one_of(st.none(), st.just("hasty"), st.floats(0, 1000))))
    def test_bounds(self, events: list[float | str | None]) -> None:
        """Whatever happens, it stays within its bounds."""
        trip = RoundTrip()
        for seconds in events:
            if seconds is None:
                trip.missed()
            elif isinstance(seconds, str):
                trip.hasty()
            else:
                trip.measured(seconds)
            self.assertTrue(FLOOR <= trip.timeout <= CEILING)
