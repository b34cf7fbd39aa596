"""Tests for whom a :mod:`trailcam.session.session` serves."""

from __future__ import annotations

from tests.session.rig import SessionTestCase, drw
from trailcam.wire.messages import Close, Message


class DeliveryTests(SessionTestCase):
    """What is not about keeping alive."""

    def setUp(self) -> None:
        """Prepare a place for what is delivered."""
        super().setUp()
        self.delivered: list[Message] = []

    def test_waits_for_a_user(self) -> None:
        """Messages wait in order, and come before what is said later."""
        self.hear(drw(0), drw(1))
        self.session.deliver_to(self.delivered.append)
        self.hear(drw(2))
        self.assertEqual(self.delivered, [drw(0), drw(1), drw(2)])

    def test_copies_wait_once(self) -> None:
        """Without acknowledgment the camera repeats itself: copies do not push others out."""
        for _ in range(100):
            self.hear(drw(0), drw(1))
        self.session.deliver_to(self.delivered.append)
        self.assertEqual(self.delivered, [drw(0), drw(1)])

    def test_bound(self) -> None:
        """The first 64 wait: the camera repeats what came later."""
        self.hear(*[drw(index) for index in range(100)])
        self.session.deliver_to(self.delivered.append)
        self.assertEqual(self.delivered, [drw(index) for index in range(64)])

    def test_copies_are_delivered(self) -> None:
        """A user that is there gets every copy: each has to be acknowledged."""
        self.session.deliver_to(self.delivered.append)
        self.hear(drw(0), drw(0))
        self.assertEqual(self.delivered, [drw(0), drw(0)])

    def test_replaced(self) -> None:
        """The user that came last is the one who gets."""
        other: list[Message] = []
        self.session.deliver_to(self.delivered.append)
        self.session.deliver_to(other.append)
        self.hear(drw(0))
        self.assertEqual((self.delivered, other), ([], [drw(0)]))

    def test_closed_by_its_user(self) -> None:
        """A user that closes while it is given what waited gets no more."""

        def deliver(message: Message) -> None:
            self.delivered.append(message)
            self.successResultOf(self.session.close())

        self.hear(drw(0), drw(1))
        self.session.deliver_to(deliver)
        self.hear(drw(2))
        self.assertEqual(self.delivered, [drw(0)])

    def test_nothing_after_the_end(self) -> None:
        """After the end nothing is delivered."""
        self.session.deliver_to(self.delivered.append)
        self.hear(Close(), drw(0))
        self.assertEqual(self.delivered, [])

    def test_delivery_keeps_alive(self) -> None:
        """What is delivered counts as a sign of life."""
        self.session.deliver_to(self.delivered.append)
        self.wait(10, drw(0))
        self.assertEqual(self.session.state, "established")
