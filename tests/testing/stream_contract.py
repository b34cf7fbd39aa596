"""
The base of the tests that run on a host in memory and on the real reactor alike.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.error import NotConnectingError
from twisted.internet.interfaces import (
    IConnector,
    IReactorTCP,
    IReactorTime,
)
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.testing.streams import Event, Maker, Talker
from trailcam.testing import MemoryListener, MemoryNetwork

if TYPE_CHECKING:
    Base = TestCase
else:
    Base = object

T = TypeVar("T")
LOOPBACK = "127.0.0.1"


def fail(talker: Talker) -> None:
    """What a protocol with a mistake does."""
    raise KeyError("missing")


class StreamBase(Base):
    """Ways to connect; subclasses say on which reactor, and how time passes."""

    reactor: IReactorTCP

    def happen(self, result: Deferred[T]) -> Deferred[T]:
        """Let what is under way happen."""
        raise NotImplementedError

    def listen(self, factory: Maker, port: int = 0, interface: str = LOOPBACK) -> MemoryListener:
        """Open a port that is closed after the test."""
        opened = self.reactor.listenTCP(port, factory, interface=interface)  # type: ignore[arg-type]
        # For the type checker only: both kinds have these methods.
        opened = cast(MemoryListener, opened)
        self.addCleanup(self.hang_up, factory)
        self.addCleanup(self.close, opened)
        return opened

    async def close(self, port: MemoryListener) -> None:
        """Close a port and wait until it is."""
        if (stopped := port.stopListening()) is not None:
            await self.happen(stopped)

    async def connect(
        self, client: Talker | None = None, server: Talker | None = None
    ) -> tuple[Talker, Talker]:
        """Connect two talkers; what is left of them is torn down after the test."""
        client, server = client or Talker(), server or Talker()
        self.dial(self.listen(Maker(server)), Maker(client))
        both = gatherResults([end.story.reached("made") for end in (client, server)])
        await self.happen(both)
        return client, server

    def dial(self, port: MemoryListener, factory: Maker) -> IConnector:
        """Connect a factory to a port."""
        connector = self.reactor.connectTCP(LOOPBACK, port.getHost().port, factory)
        self.addCleanup(self.hang_up, factory)
        self.addCleanup(self.give_up, connector)
        return connector

    def give_up(self, connector: IConnector) -> None:
        """Stop connecting, if that goes on."""
        with contextlib.suppress(NotConnectingError):
            connector.stopConnecting()

    async def hang_up(self, factory: Maker) -> None:
        """Abort what a factory still has open, and wait until that is over."""
        for talker in factory.made:
            if isinstance(talker, Talker) and talker.transport and not talker.lost:
                talker.transport.abortConnection()
                await self.happen(talker.story.when(partial(getattr, talker, "lost")))

    async def ends(self, client: Talker, *events: Event) -> None:
        """Wait until an end has this story."""
        await self.happen(client.story.told(*events))


class MemoryBase(StreamBase):
    """Runs a contract on a host in memory."""

    def setUp(self) -> None:
        """Make a network of one host."""
        self.network = MemoryNetwork()
        self.reactor = self.network.host("10.0.0.1")
        self.addCleanup(self.network.assert_quiet)

    def happen(self, result: Deferred[T]) -> Deferred[T]:
        """Five seconds are enough for everything, and cost nothing."""
        self.network.advance(5.0)
        self.assertTrue(result.called, "that did not happen")
        return result


class RealBase(StreamBase):
    """Runs a contract on the reactor that runs the tests."""

    timeout = 5

    def setUp(self) -> None:
        """Use the reactor that is there."""
        from twisted.internet import reactor

        self.reactor = IReactorTCP(reactor)

    def happen(self, result: Deferred[T]) -> Deferred[T]:
        """Time passes by itself; the test goes on in a turn of its own."""
        clock = IReactorTime(self.reactor)

        def later(value: T) -> Deferred[T]:
            return deferLater(clock, 0, lambda: value)

        return result.addCallback(later)
