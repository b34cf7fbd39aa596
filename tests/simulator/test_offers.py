"""How the copies of LAN_TCP_OFFER are spread."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trailcam.simulator.offers import bursts


class BurstTests(SynchronousTestCase):
    """Bursts of 1 to 5, 15 to 35 ms apart."""

    @given(st.integers(1, 500), st.integers())
    def test_bounds(self, total: int, seed: int) -> None:
        """Any number of copies is spread within the bounds; only after the last is no pause."""
        laid_out = bursts(total, random.Random(seed))
        self.assertEqual(sum(burst.copies for burst in laid_out), total)
        self.assertTrue(all(1 <= burst.copies <= 5 for burst in laid_out))
        self.assertTrue(all(0.015 <= burst.pause <= 0.035 for burst in laid_out[:-1]))
        self.assertEqual(laid_out[-1].pause, 0)

    @given(st.integers())
    def test_recorded(self, seed: int) -> None:
        """51 copies take 325 ms, whatever the dice say."""
        self.assertAlmostEqual(sum(b.pause for b in bursts(51, random.Random(seed))), 0.325)

    def test_dice(self) -> None:
        """The same seed gives the same bursts, another one others."""
        self.assertEqual(bursts(51, random.Random(1)), bursts(51, random.Random(1)))
        self.assertNotEqual(bursts(51, random.Random(1)), bursts(51, random.Random(2)))
