"""
Protocols that remember what happened to them.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol

from trailcam.testing import Address


class Recorder(DatagramProtocol):
    """Keeps what it hears and what is refused."""

    noisy = False

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, Address]] = []
        self.refusals: list[tuple[Address, int]] = []
        self.stops = 0
        self._waiting: list[tuple[int, Deferred[None]]] = []

    @property
    def payloads(self) -> list[bytes]:
        """What it heard, without the sources."""
        return [payload for payload, _ in self.heard]

    def when_heard(self, count: int) -> Deferred[None]:
        """A Deferred that fires once ``count`` datagrams have been heard in all."""
        waiter: Deferred[None] = Deferred()
        self._waiting.append((count, waiter))
        self._wake()
        return waiter

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Keep a datagram."""
        self.heard.append((datagram, addr))
        self._wake()

    def refused(self, addr: Address, number: int) -> None:
        """Keep a refusal."""
        self.refusals.append((addr, number))

    def stopProtocol(self) -> None:
        """Count the stops."""
        self.stops += 1

    def _wake(self) -> None:
        """Fire the Deferreds whose time has come."""
        ready = [w for w in self._waiting if w[0] <= len(self.heard)]
        self._waiting = [w for w in self._waiting if w not in ready]
        for _, waiter in ready:
            waiter.callback(None)


class Echo(Recorder):
    """Sends everything back."""

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Keep and return a datagram."""
        super().datagramReceived(datagram, addr)
        assert self.transport is not None
        self.transport.write(datagram, addr)


class Clumsy(Recorder):
    """Fails on datagrams that begin with "bad", and on every refusal, after keeping them."""

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Keep and fail."""
        super().datagramReceived(datagram, addr)
        if datagram.startswith(b"bad"):
            raise RuntimeError("clumsy")

    def refused(self, addr: Address, number: int) -> None:
        """Keep and fail."""
        super().refused(addr, number)
        raise RuntimeError("clumsy")
