"""A simulated camera on real or pretended UDP ports."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from trailcam.interfaces import Address
from trailcam.simulator.behaviour import Behaviour, Door
from trailcam.simulator.camera import Camera
from trailcam.simulator.card import Card
from trailcam.simulator.counters import Counters
from trailcam.simulator.firmware import Firmware
from trailcam.simulator.impairment import ImpairedPath
from trailcam.simulator.manners import Manners
from trailcam.simulator.protocol import CameraPorts, OnCameraPorts
from trailcam.simulator.settings import Settings
from trailcam.wire.constants import LAN_SEARCH_PORT, SESSION_PORT
from trailcam.wire.sockaddr import SocketAddress


class SimulatedCamera(OnCameraPorts):
    """
    A camera that can be found, punched and kept alive.

    It can be started again after it was stopped; the counters go on.

    :param reactor: provides ``IReactorTime`` and ``IReactorUDP``.
    :param behaviour: what it does; by default what the recordings of real cameras show.
    :param rng: decides everything that is left to chance; by default the same in each run.
    :param card: makes the card, when the first client asks for something.
    :param manners: how its firmware behaves.
    :ivar counters: what happened so far.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        behaviour: Behaviour | None = None,
        *,
        rng: random.Random | None = None,
        card: Callable[[], Card] = Card.generated,
        manners: Manners | None = None,
    ) -> None:
        self._reactor = reactor
        self._behaviour = Behaviour.recorded() if behaviour is None else behaviour
        self._rng = random.Random(0) if rng is None else rng
        self.counters = Counters()
        self._ports = CameraPorts(reactor, self._hear)
        self._path = ImpairedPath(reactor, self._behaviour, self._rng, self.counters)
        self._make_card = cache(card)
        self._manners = Manners() if manners is None else manners
        self._settings = Settings(reactor, self._manners)
        self._camera = Camera(
            reactor, self._behaviour, self._say, self._rng, self.counters, self._firmware
        )

    @property
    def answer_port(self) -> int:
        """Number of the port that sends, and has the sessions; 0 before the start."""
        return self._ports.answer_port

    @property
    def open_sessions(self) -> int:
        """Slots taken."""
        return self._camera.open_sessions

    def start(
        self,
        interface: str = "127.0.0.1",
        search_port: int = LAN_SEARCH_PORT,
        session_port: int = SESSION_PORT,
    ) -> None:
        """
        Open the ports and wait for clients.  The TCP port of the offers is not opened.

        :param interface: IPv4 literal to listen on; an empty one is all interfaces, and the only
            one that hears broadcasts.
        :param search_port: where searches are heard; 0 is any free port.
        :param session_port: where searches and sessions are heard; 0 is any free port.
        :raises RuntimeError: when it runs, or has not stopped yet.
        :raises twisted.internet.error.CannotListenError: when a port is taken; none is open then.
        """
        self._ports.open(interface, search_port, session_port, self._behaviour.answer_port)
        self._path.start()
        self._camera.located_at(SocketAddress(interface or "0.0.0.0", self.answer_port))
        self._log.info(
            "simulated camera {did}: search port {search}, session port {session}",
            did=str(self._behaviour.did),
            search=self.search_port,
            session=self.answer_port,
        )

    def stop(self) -> Deferred[None]:
        """
        Send CLOSE to every client and close the ports.

        :return: fires with ``None`` when the ports are gone; nothing is left to come then.
        """
        self._path.stop()
        self._camera.stop()
        return self._ports.close()

    @property
    def card(self) -> Card:
        """The card in the camera, which all sessions share."""
        return self._make_card()

    def _firmware(self, write: Callable[[int, bytes], None]) -> Firmware:
        return Firmware(self._reactor, self.card, write, self._manners, self._rng, self._settings)

    def _hear(self, datagram: bytes, client: Address, door: Door) -> None:
        self._path.carry(partial(self._camera.received, datagram, client, door))

    def _say(self, datagram: bytes, client: Address) -> None:
        self._path.carry(partial(self._send, datagram, client))

    def _send(self, datagram: bytes, client: Address) -> None:
        if not self._ports.send(datagram, client):
            self.counters.unsendable += 1
