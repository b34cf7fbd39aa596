"""Tests of the way from a host name to an address."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IResolutionReceiver
from zope.interface.verify import verifyObject

from tests.connect.cameras import NetworkTestCase
from trailcam.connect.resolve import resolve


class ResolveTests(NetworkTestCase):
    """On the network's own resolver."""

    def test_literal(self) -> None:
        """An address is its own name, at once, without asking anybody."""
        del self.client.nameResolver
        self.assertEqual(self.successResultOf(resolve(self.client, "10.1.2.3")), "10.1.2.3")

    def test_name(self) -> None:
        """A name has an address."""
        self.network.name("camera.lan", "10.0.0.7")
        found = resolve(self.client, "camera.lan")
        self.assertNoResult(found)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(found), "10.0.0.7")

    def test_first_of_many(self) -> None:
        """Of many addresses the first is taken."""
        self.network.name("camera.lan", "10.0.0.7", "10.0.0.8")
        found = resolve(self.client, "camera.lan")
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(found), "10.0.0.7")

    def test_unknown(self) -> None:
        """A name without address is no error here."""
        found = resolve(self.client, "nobody.lan")
        self.network.advance(0.1)
        self.assertIsNone(self.successResultOf(found))

    def test_what_is_asked(self) -> None:
        """IPv4 addresses for UDP are asked for, and the receiver is a proper one."""
        questions: list[Any] = []

        class Resolver:
            def resolveHostName(self, receiver: Any, *args: Any, **kwargs: Any) -> None:
                verifyObject(IResolutionReceiver, receiver)
                questions.append((args[0], [t.__name__ for t in args[2]], kwargs))

        self.client.nameResolver = Resolver()  # type: ignore[assignment]
        found = resolve(self.client, "camera.lan")
        self.assertNoResult(found)
        expected = ("camera.lan", ["IPv4Address"], {"transportSemantics": "UDP"})
        self.assertEqual(questions, [expected])

    def test_cancelled(self) -> None:
        """Cancelling ends the waiting at once; the late answer goes nowhere."""
        self.network.name("camera.lan", "10.0.0.7")
        found = resolve(self.client, "camera.lan")
        found.cancel()
        self.failureResultOf(found, CancelledError)
        self.network.advance(0.1)
        self.assertEqual(self.flushLoggedErrors(), [])
