"""
Two devices with one id.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.server.relay_rig import DID, OTHER_DID
from tests.wire.strategies import QUICK
from trailcam.server.relay_devices import Devices, Login


class DevicesTests(SynchronousTestCase):
    """Who has which id; devices are letters."""

    def setUp(self) -> None:
        """``a`` has the id."""
        self.devices: Devices[str] = Devices()
        self.assertEqual(self.devices.login(DID, "a"), Login(None, None))

    def test_one(self) -> None:
        """Whoever comes first has the id, and may log in again."""
        self.assertEqual(self.devices.login(DID, "a"), Login(None, None))
        self.assertEqual((self.devices.get(DID), len(self.devices)), ("a", 1))

    def test_others(self) -> None:
        """Other ids are none of its business."""
        self.assertIsNone(self.devices.get(OTHER_DID))
        self.assertEqual(self.devices.login(OTHER_DID, "b"), Login(None, None))
        self.assertEqual(self.devices.get(OTHER_DID), "b")

    def test_rival(self) -> None:
        """A second one waits until it is settled, and then has the id."""
        self.assertEqual(self.devices.login(DID, "b"), Login("a", None))
        self.assertEqual(self.devices.get(DID), "a")
        self.assertEqual(self.devices.settle(DID, "a"), "b")
        self.assertEqual((self.devices.get(DID), len(self.devices)), ("b", 1))

    def test_repeated(self) -> None:
        """Who waits and logs in again outbids nobody."""
        self.devices.login(DID, "b")
        self.assertEqual(self.devices.login(DID, "b"), Login("a", None))

    def test_third(self) -> None:
        """A third one takes the place of the second."""
        self.devices.login(DID, "b")
        self.assertEqual(self.devices.login(DID, "c"), Login("a", "b"))
        self.assertEqual(self.devices.settle(DID, "a"), "c")

    def test_nobody_waits(self) -> None:
        """Without a rival nothing changes."""
        self.assertIsNone(self.devices.settle(DID, "a"))
        self.assertEqual(self.devices.get(DID), "a")

    def test_only_the_holder_settles(self) -> None:
        """What others say does not count, the rival included."""
        self.devices.login(DID, "b")
        self.assertIsNone(self.devices.settle(DID, "b"))
        self.assertIsNone(self.devices.settle(DID, "x"))
        self.assertEqual(self.devices.get(DID), "a")

    def test_leave(self) -> None:
        """Who leaves is forgotten."""
        self.assertIsNone(self.devices.leave(DID, "a"))
        self.assertEqual((self.devices.get(DID), len(self.devices)), (None, 0))

    def test_holder_leaves(self) -> None:
        """Who waits has the id as soon as the holder is gone."""
        self.devices.login(DID, "b")
        self.assertEqual(self.devices.leave(DID, "a"), "b")
        self.assertEqual(self.devices.get(DID), "b")

    def test_rival_leaves(self) -> None:
        """Then nobody waits."""
        self.devices.login(DID, "b")
        self.assertIsNone(self.devices.leave(DID, "b"))
        self.assertIsNone(self.devices.settle(DID, "a"))

    def test_loser_leaves(self) -> None:
        """Who has lost the id takes nothing away when it goes."""
        self.devices.login(DID, "b")
        self.devices.settle(DID, "a")
        self.assertIsNone(self.devices.leave(DID, "a"))
        self.assertEqual(self.devices.get(DID), "b")

    @given(st.lists(st.tuples(st.sampled_from("ils"), st.sampled_from("abcd")), max_size=40))
    @QUICK
    def test_bounded(self, steps: list[tuple[str, str]]) -> None:
        """Whatever they do, who is there once is there once, and when all left nobody is."""
        devices: Devices[str] = Devices()
        for step, device in steps:
            if step == "i":
                devices.login(DID, device)
            elif step == "l":
                devices.leave(DID, device)
            else:
                devices.settle(DID, device)
            self.assertFalse(devices.get(DID) and devices.get(DID) == devices._rivals.get(DID))
        for device in "abcd":
            devices.leave(DID, device)
        self.assertEqual((devices._holders, devices._rivals), ({}, {}))
