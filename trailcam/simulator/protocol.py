"""The UDP ports of a simulated camera."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.protocol import DatagramProtocol

from trailcam.interfaces import Address
from trailcam.simulator.behaviour import Door


class CameraPort(DatagramProtocol):
    """
    One UDP port.

    :param door: which of the camera's ports this is.
    :param received: ``received(datagram, address, door)`` is told what comes.
    """

    noisy = False

    def __init__(self, door: Door, received: Callable[[bytes, Address, Door], object]) -> None:
        self._door = door
        self._received = received

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Pass on what came."""
        self._received(datagram, addr, self._door)


class OnCameraPorts:
    """What every kind of camera says of its ports."""

    _ports: CameraPorts

    @property
    def search_port(self) -> int:
        """Number of the port that hears searches; 0 before the start."""
        return self._ports.search_port

    @property
    def session_port(self) -> int:
        """Number of the port that hears everything; 0 before the start."""
        return self._ports.session_port


class CameraPorts:
    """
    The UDP ports of one camera, opened and closed together.

    Everything is sent from one of them: the answer port where there is one, else the session port.

    :param reactor: provides ``IReactorUDP``.
    :param received: ``received(datagram, address, door)`` is told what comes to any port.
    :ivar search_port: number of the port that hears searches; 0 before :meth:`open`, as the others.
    :ivar session_port: number of the port that hears everything.
    :ivar answer_port: number of the port that everything is sent from.
    """

    def __init__(self, reactor: Any, received: Callable[[bytes, Address, Door], object]) -> None:
        self._reactor = reactor
        self._received = received
        self._open: list[Any] = []
        self._speaker: Any = None
        self._closing = False
        self._waiting: list[Deferred[None]] = []
        self.search_port = self.session_port = self.answer_port = 0

    def open(
        self, interface: str, search_port: int, session_port: int, answer_port: int | None = None
    ) -> None:
        """
        Open the ports; 0 is any free one.

        :param interface: IPv4 literal to listen on; an empty one is all interfaces, and the only
            one that hears broadcasts.
        :param answer_port: a port of its own to send from, ``None`` for the session port.
        :raises RuntimeError: when they are open, or not closed yet.
        :raises twisted.internet.error.CannotListenError: when one is taken; none is open then.
        """
        if self._open or self._closing:
            raise RuntimeError("the camera runs, or has not stopped yet")
        try:
            self.search_port = self._listen(Door.SEARCH, search_port, interface)
            self.session_port = self._listen(Door.SESSION, session_port, interface)
            self.answer_port = self.session_port
            if answer_port is not None:
                self.answer_port = self._listen(Door.SESSION, answer_port, interface)
        except BaseException:
            self.close()
            raise
        self._speaker = self._open[-1]

    def send(self, datagram: bytes, address: Address) -> bool:
        """Send; false when the system refuses, as it does for a forged port 0."""
        try:
            self._speaker.write(datagram, address)
        except OSError:
            return False
        return True

    def close(self) -> Deferred[None]:
        """Close the ports.  Fires with ``None`` when they are gone; may be called again."""
        waiter: Deferred[None] = Deferred()
        self._waiting.append(waiter)
        if not self._closing:
            self._closing = True
            ports, self._open = self._open, []
            gone = DeferredList([maybeDeferred(port.stopListening) for port in ports])
            gone.addCallback(self._closed)
        return waiter

    def _closed(self, _results: object) -> None:
        self._closing = False
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(None)

    def _listen(self, door: Door, number: int, interface: str) -> int:
        protocol = CameraPort(door, self._received)
        port = self._reactor.listenUDP(number, protocol, interface=interface)
        self._open.append(port)
        actual: int = port.getHost().port
        return actual
