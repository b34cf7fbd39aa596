"""
Tests for the names that a network knows.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IResolutionReceiver,
)
from zope.interface import implementer
from zope.interface.verify import verifyObject

from tests.testing.case import A, B, NetworkTestCase


@implementer(IResolutionReceiver)
class Answer:
    """Keeps what a resolver says."""

    def __init__(self) -> None:
        self.began: IHostResolution | None = None
        self.addresses: list[IAddress] = []
        self.completed = 0

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Keep the resolution."""
        self.began = resolutionInProgress

    def addressResolved(self, address: IAddress) -> None:
        """Keep an address."""
        self.addresses.append(address)

    def resolutionComplete(self) -> None:
        """Count the ends."""
        self.completed += 1


class ResolverTests(NetworkTestCase):
    """Tests for names."""

    def setUp(self) -> None:
        """Have a host that asks."""
        super().setUp()
        self.host = self.network.host(A)
        self.answer = Answer()

    def ask(self, name: str, types: Sequence[type[IAddress]] | None = None) -> list[IAddress]:
        """Ask for port 9 over UDP and wait for the end."""
        self.host.nameResolver.resolveHostName(self.answer, name, 9, types, "UDP")
        self.network.advance(1.0)
        self.assertEqual(self.answer.completed, 1)
        return self.answer.addresses

    def test_interfaces(self) -> None:
        """The resolver and its resolutions provide Twisted's interfaces."""
        resolver = self.host.nameResolver
        verifyObject(IHostnameResolver, resolver)
        resolution = resolver.resolveHostName(self.answer, "camera.local")
        verifyObject(IHostResolution, resolution)
        self.assertIs(self.answer.began, resolution)
        self.assertEqual(resolution.name, "camera.local")

    def test_taught(self) -> None:
        """A taught name has its addresses, in any case of letters."""
        self.network.name("Camera.local", "10.0.0.5", "10.0.0.6")
        self.assertEqual(
            self.ask("camera.LOCAL"),
            [IPv4Address("UDP", "10.0.0.5", 9), IPv4Address("UDP", "10.0.0.6", 9)],
        )

    def test_tcp(self) -> None:
        """The addresses are for what was asked, which is TCP unless said otherwise."""
        self.host.nameResolver.resolveHostName(self.answer, "10.0.0.5")
        self.network.advance(1.0)
        self.assertEqual(self.answer.addresses, [IPv4Address("TCP", "10.0.0.5", 0)])

    def test_host_name(self) -> None:
        """The name of a host is known."""
        self.network.host(B, name="camera")
        self.assertEqual(self.ask("camera"), [IPv4Address("UDP", B, 9)])

    def test_unknown(self) -> None:
        """Another name has no addresses."""
        self.assertEqual(self.ask("camera"), [])

    def test_forgotten(self) -> None:
        """A name can be taken back."""
        self.network.name("camera", B)
        self.network.name("camera")
        self.assertEqual(self.ask("camera"), [])

    def test_address(self) -> None:
        """An address is its own name."""
        self.assertEqual(self.ask("10.9.8.7"), [IPv4Address("UDP", "10.9.8.7", 9)])

    def test_types(self) -> None:
        """Only the wanted kinds of addresses are told."""
        self.network.name("camera", B)
        self.assertEqual(self.ask("camera", [IPv6Address]), [])
        self.answer = Answer()
        self.assertEqual(len(self.ask("camera", [IPv6Address, IPv4Address])), 1)

    def test_latency(self) -> None:
        """The answer takes the latency of the network, and a question under way is not quiet."""
        self.network.latency = 0.5
        self.host.nameResolver.resolveHostName(self.answer, "10.0.0.5")
        self.network.advance(0.49)
        self.assertEqual((self.answer.addresses, self.answer.completed), ([], 0))
        self.assertRaises(AssertionError, self.network.assert_quiet)
        self.network.advance(0.01)
        self.assertEqual(self.answer.completed, 1)
        self.network.assert_quiet()

    def test_cancel(self) -> None:
        """After cancelling nothing comes; cancelling late or twice does no harm."""
        resolution = self.host.nameResolver.resolveHostName(self.answer, "10.0.0.5")
        resolution.cancel()
        resolution.cancel()
        self.network.assert_quiet()
        self.network.advance(1.0)
        self.assertEqual((self.answer.addresses, self.answer.completed), ([], 0))
        self.ask("10.0.0.5")
        assert self.answer.began is not None
        self.answer.began.cancel()

    def test_cancel_at_the_beginning(self) -> None:
        """A receiver may cancel as soon as it hears of the resolution."""

        class Hasty(Answer):
            def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
                resolutionInProgress.cancel()

        answer = Hasty()
        self.host.nameResolver.resolveHostName(answer, "10.0.0.5")
        self.network.advance(1.0)
        self.assertEqual((answer.addresses, answer.completed), ([], 0))
        self.network.assert_quiet()

    def test_install(self) -> None:
        """Another resolver can be installed."""
        mine = self.network.host(B).nameResolver
        previous = self.host.nameResolver
        self.assertIs(self.host.installNameResolver(mine), previous)
        self.assertIs(self.host.nameResolver, mine)
