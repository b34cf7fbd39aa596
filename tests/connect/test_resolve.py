"""Tests of the way from a host name to an address."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IResolutionReceiver
from zope.interface.verify import verifyObject

from tests.connect.cameras import NetworkTestCase
from tests.connect.servers import SLOW, SlowNames
from trailcam.connect.resolve import Lookups, resolve, resolve_each
from trailcam.interfaces import Address


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


class ManyTests(NetworkTestCase):
    """Many names at once, one of which nobody ever resolves."""

    wanted = ((SLOW, 1), ("camera.lan", 2), ("nobody.lan", 3), ("10.1.2.3", 4))

    def setUp(self) -> None:
        """Only one name is known."""
        super().setUp()
        self.network.name("camera.lan", "10.0.0.7")
        SlowNames(self.client)
        self.told: list[tuple[Address, str | None]] = []

    def begin(self) -> Deferred[None]:
        """Look all up, for at most two seconds each."""

        def found(wanted: Address, host: str | None) -> None:
            self.told.append((wanted, host))

        return Deferred.fromCoroutine(resolve_each(self.client, self.wanted, 2.0, found))

    def test_each_at_once(self) -> None:
        """Each is told as soon as it is known; the slowest ends it."""
        looking = self.begin()
        self.assertEqual(self.told, [(("10.1.2.3", 4), "10.1.2.3")])
        self.network.advance(0.1)
        self.assertEqual(
            self.told[1:], [(("camera.lan", 2), "10.0.0.7"), (("nobody.lan", 3), None)]
        )
        self.assertNoResult(looking)
        self.network.advance(2.0)
        self.successResultOf(looking)
        self.assertEqual(self.told[3:], [((SLOW, 1), None)])

    def test_each_cancelled(self) -> None:
        """Nothing is told after that."""
        looking = self.begin()
        looking.cancel()
        self.failureResultOf(looking, CancelledError)
        self.network.advance(3.0)
        self.assertEqual(len(self.told), 1)

    def test_each_with_a_bug(self) -> None:
        """What the listener raises is not swallowed."""

        def found(wanted: Address, host: str | None) -> None:
            raise ZeroDivisionError

        work = resolve_each(self.client, self.wanted[3:], 2.0, found)
        self.failureResultOf(Deferred.fromCoroutine(work), ZeroDivisionError)

    def first(self, *wanted: Address) -> Deferred[None]:
        """Begin to look up servers."""
        self.lookups = Lookups(self.client, wanted)
        self.found: list[Address] = []
        self.ends: list[bool] = []
        self.lookups.found = self.found.append
        self.lookups.over = lambda: self.ends.append(self.lookups.pending)
        return Deferred.fromCoroutine(self.lookups.first(2.0))

    def test_first(self) -> None:
        """The first is enough; the others follow, and the end."""
        first = self.first((SLOW, 1), ("camera.lan", 2), ("10.1.2.3", 4))
        self.successResultOf(first)
        self.assertEqual(self.lookups.known, [("10.1.2.3", 4)])
        self.network.advance(0.1)
        self.assertEqual(self.found, [("10.1.2.3", 4), ("10.0.0.7", 2)])
        self.assertEqual((self.lookups.pending, self.ends), (True, []))
        self.network.advance(2.0)
        self.assertEqual((self.lookups.known, self.ends), (self.found, [False]))

    def test_first_of_none(self) -> None:
        """Nobody waits for what cannot come."""
        first = self.first(("nobody.lan", 1))
        self.network.advance(0.1)
        self.successResultOf(first)
        self.assertEqual((self.lookups.known, self.ends), ([], [False]))

    def test_first_cancelled(self) -> None:
        """Cancelled, it has stopped."""
        first = self.first((SLOW, 1))
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertEqual((self.lookups.pending, self.ends), (False, []))

    def test_stop(self) -> None:
        """Nothing is told of an end that was asked for."""
        self.successResultOf(self.first((SLOW, 1), ("10.1.2.3", 4)))
        self.lookups.stop()
        self.lookups.stop()
        self.assertEqual((self.lookups.pending, self.ends), (False, []))
