"""
Who is served: as many clients at a time as the camera's few session slots allow.
"""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from trailcam.agent.visit import Connect, Visit, guest
from trailcam.interfaces import ILink
from trailcam.model import ConnectionMode
from trailcam.waiting import settle_all
from trailcam.wire.did import DeviceID

#: Clients that are served at a time when nobody says otherwise.
DEFAULT_CLIENTS = 4

_WAYS = {ConnectionMode.P2P: "punch", ConnectionMode.RELAY: "relay"}


class Doorkeeper(Service):
    """Serves every client that arrives, while there is room; the others get CLOSE at once."""

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        did: DeviceID,
        camera_did: DeviceID,
        connect: Connect,
        max_clients: int = DEFAULT_CLIENTS,
    ) -> None:
        """
        :param reactor: provides IReactorTime.
        :param did: the device id that clients ask for.
        :param camera_did: the camera's own.
        :param connect: opens a session with the camera.
        """
        self._reactor = reactor
        self._did = did
        self._camera_did = camera_did
        self._connect = connect
        self._max_clients = max_clients
        self._visits: dict[Visit, Deferred[None]] = {}
        self._leaving: set[Deferred[None]] = set()

    @property
    def clients(self) -> int:
        """How many are being served."""
        return len(self._visits)

    def arrived(self, client: ILink) -> None:
        """Serve ``client``, or send it away."""
        if not self.running or len(self._visits) >= self._max_clients:
            self._send_away(client)
            return
        self._log.info(
            "client {client} connected by {way}", client=guest(client), way=_WAYS[client.mode]
        )
        visit = Visit(self._reactor, client, self._did, self._camera_did, self._connect)
        self._visits[visit] = work = visit.run()
        work.addBoth(self._left, visit)

    def stopService(self) -> Deferred[None]:
        """End all visits, with CLOSE to both sides; fires when all is released."""
        super().stopService()  # type: ignore[no-untyped-call]
        for visit in tuple(self._visits):
            visit.end("the agent stops")
        return Deferred.fromCoroutine(settle_all([*self._visits.values(), *self._leaving]))

    def _left(self, result: object, visit: Visit) -> None:
        del self._visits[visit]
        if isinstance(result, Failure):
            self._log.failure("bug: a visit broke", failure=result)

    def _send_away(self, client: ILink) -> None:
        self._log.info(
            "client {client} sent away: {clients} are served already",
            client=guest(client),
            clients=self.clients,
        )
        leaving = client.abandon()
        self._leaving.add(leaving)
        leaving.addBoth(self._gone, leaving)

    def _gone(self, _: object, leaving: Deferred[None]) -> None:
        self._leaving.discard(leaving)
