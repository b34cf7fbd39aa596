"""Tests for :mod:`trailcam.session.ondemand`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trailcam.session.ondemand import OnDemand


class OnDemandTests(SynchronousTestCase):
    """A dictionary that makes what it lacks."""

    def test_made_once(self) -> None:
        """What was asked for stays; what was not is not made."""
        made: list[int] = []

        def make(number: int) -> list[int]:
            made.append(number)
            return [number]

        lists = OnDemand(make)
        self.assertEqual((dict(lists), made), ({}, []))
        self.assertIs(lists[3], lists[3])
        self.assertEqual((dict(lists), made), ({3: [3]}, [3]))

    def test_looking_makes_nothing(self) -> None:
        """Only who asks by index gets a new one."""
        lists = OnDemand(lambda number: [number])
        self.assertIsNone(lists.get(3))
        self.assertNotIn(3, lists)
        self.assertEqual(list(lists.values()), [])
