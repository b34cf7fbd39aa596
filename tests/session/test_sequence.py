"""Tests for :mod:`trailcam.session.sequence`."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trailcam.session.sequence import unwrapped, wrapped


class SequenceTests(SynchronousTestCase):
    """Numbers on the wire, and what they stand for."""

    @given(st.integers(0, 1 << 40), st.integers(-0x8000, 0x7FFF))
    def test_closest(self, near: int, distance: int) -> None:
        """Anything within half of the range is found again, however often the index wrapped."""
        self.assertEqual(unwrapped(wrapped(near + distance), near), near + distance)

    def test_wrap(self) -> None:
        """After 65535 comes 65536, which is 0 on the wire."""
        self.assertEqual(wrapped(65536), 0)
        self.assertEqual([unwrapped(0, 65535), unwrapped(65535, 65536)], [65536, 65535])

    def test_before_the_first(self) -> None:
        """A number from before the beginning is negative: nobody can have sent it."""
        self.assertEqual(unwrapped(65535, 0), -1)
