"""
Protocols and factories over TCP that remember what happened to them.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConnector, IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.testing import MemoryStream

Event = str | bytes


class Story:
    """What happened, in order, and who waits for what."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._waiting: list[tuple[Callable[[], object], Deferred[None]]] = []

    def tell(self, event: Event) -> None:
        """Note an event; octets that come in pieces are one event."""
        self.note(event)
        self.check()

    def note(self, event: Event) -> None:
        """Note an event, for :meth:`check` to come later."""
        if isinstance(event, bytes) and self.events and isinstance(self.events[-1], bytes):
            self.events[-1] += event
        else:
            self.events.append(event)

    def check(self) -> None:
        """Fire the Deferreds whose time has come."""
        ready = [entry for entry in self._waiting if entry[0]()]
        self._waiting = [entry for entry in self._waiting if entry not in ready]
        for _, waiter in ready:
            waiter.callback(None)

    def when(self, predicate: Callable[[], object]) -> Deferred[None]:
        """A Deferred that fires once ``predicate()`` is true."""
        waiter: Deferred[None] = Deferred()
        self._waiting.append((predicate, waiter))
        self.check()
        return waiter

    def told(self, *events: Event) -> Deferred[None]:
        """A Deferred that fires once exactly these things have happened."""
        return self.when(lambda: self.events == list(events))

    def reached(self, event: Event) -> Deferred[None]:
        """A Deferred that fires once something has happened, whatever happened before."""
        return self.when(lambda: event in self.events)


class Talker(Protocol):
    """
    Tells its story, and does what a test wants at each event.

    :ivar on: what to do, by event; octets are looked up as they arrive.
    """

    # A connected talker has one, and those that are not are not asked.
    transport: MemoryStream

    def __init__(self) -> None:
        self.story = Story()
        self.on: dict[Event, Callable[[Talker], object]] = {}
        self.size = 0

    @property
    def events(self) -> list[Event]:
        """What happened."""
        return self.story.events

    @property
    def lost(self) -> bool:
        """Whether the connection is over."""
        return any(str(event).startswith("lost: ") for event in self.events)

    def connectionMade(self) -> None:
        """Tell."""
        self._happened("made")

    def dataReceived(self, data: bytes) -> None:
        """Tell."""
        self.size += len(data)
        self._happened(data)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Tell the kind of the reason."""
        self._happened(f"lost: {type(reason.value).__name__}")

    def _happened(self, event: Event) -> None:
        self.story.note(event)
        try:
            if action := self.on.get(event):
                action(self)
        finally:
            self.story.check()


@implementer(IHalfCloseableProtocol)
class HalfTalker(Talker):
    """A talker that survives the end of one direction."""

    def readConnectionLost(self) -> None:
        """Tell."""
        self._happened("read end")

    def writeConnectionLost(self) -> None:
        """Tell."""
        self._happened("write end")


class Maker(ClientFactory):
    """
    A factory, for either end, that gives out prepared protocols and tells its own story.

    :ivar made: the protocols in use.
    """

    noisy = False

    def __init__(self, *prepared: Protocol | None) -> None:
        self.story = Story()
        self.prepared = list(prepared)
        self.made: list[Protocol | None] = []

    @property
    def events(self) -> list[Event]:
        """What happened."""
        return self.story.events

    def startFactory(self) -> None:
        """Tell."""
        self.story.tell("start")

    def stopFactory(self) -> None:
        """Tell."""
        self.story.tell("stop")

    def startedConnecting(self, connector: IConnector) -> None:
        """Tell."""
        self.story.tell("connecting")

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        """Tell the kind of the reason."""
        self.story.tell(f"failed: {type(reason.value).__name__}")

    def clientConnectionLost(self, connector: IConnector, reason: Failure) -> None:
        """Tell the kind of the reason."""
        self.story.tell(f"lost: {type(reason.value).__name__}")

    def buildProtocol(self, addr: object) -> Protocol | None:
        """The next protocol, a talker by default."""
        protocol = self.prepared.pop(0) if self.prepared else Talker()
        self.made.append(protocol)
        self.story.tell("build")
        return protocol


class Clumsy(Maker):
    """Fails to make a protocol."""

    def buildProtocol(self, addr: object) -> Protocol | None:
        """Tell and fail."""
        self.story.tell("build")
        raise RuntimeError("clumsy")


@implementer(IPushProducer)
class Spring:
    """
    Writes as long as it may.

    :ivar commands: what the consumer told it.
    """

    def __init__(self, consumer: Talker, size: int, total: int) -> None:
        self.commands: list[str] = []
        self.consumer = consumer
        self.size = size
        self.left = total
        self.paused = False

    def flow(self) -> None:
        """Write until told to pause, or until nothing is left; then leave the transport alone."""
        while self.left and not self.paused:
            piece = min(self.size, self.left)
            self.left -= piece
            self.consumer.transport.write(bytes(piece))
        if not self.left and self.commands[-1:] != ["done"]:
            self.commands.append("done")
            self.consumer.transport.unregisterProducer()

    def pauseProducing(self) -> None:
        """Pause."""
        self.commands.append("pause")
        self.paused = True

    def resumeProducing(self) -> None:
        """Go on."""
        self.commands.append("resume")
        self.paused = False
        self.flow()

    def stopProducing(self) -> None:
        """Give up."""
        self.commands.append("stop")
