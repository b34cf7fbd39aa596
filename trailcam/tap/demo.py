"""
A camera to try things with, when there is none at hand.
"""

from __future__ import annotations

from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from trailcam.connect.request import Request
from trailcam.connect.target import Target
from trailcam.simulator.behaviour import Behaviour
from trailcam.simulator.card import Card, Contents
from trailcam.simulator.simulated import SimulatedCamera

_LOOPBACK = "127.0.0.1"
_WIFI_DELAY = 0.015  # seconds one way, so that the modes can be seen side by side


# Enough to see how it goes, and small enough to be there in a moment.
_CARD = Contents(photos=10, videos=2, photo_size=150_000, frames=30, frame_size=8000)


def demo_card() -> Card:
    """The card in the camera of the demonstration."""
    return Card.generated(_CARD)


class Demo(Service):
    """
    A simulated camera on free ports of this machine, as slow as a real one on Wi-Fi.

    A punch opens its session at once; who searches has to wait for 51 offers first.
    """

    def __init__(self, reactor: Any) -> None:
        """:param reactor: provides IReactorTime and IReactorUDP."""
        self._reactor = reactor
        behaviour = Behaviour.recorded(delay=_WIFI_DELAY)
        self.camera = SimulatedCamera(reactor, behaviour, card=demo_card)

    def startService(self) -> None:
        """Open the camera's ports."""
        super().startService()  # type: ignore[no-untyped-call]
        self.camera.start(_LOOPBACK, 0, 0)

    def stopService(self) -> Deferred[None]:
        """Close them; fires when they are gone."""
        super().stopService()  # type: ignore[no-untyped-call]
        # What is on its way still arrives: the camera shall hear that we leave.
        wait: Deferred[None] = deferLater(self._reactor, 2 * _WIFI_DELAY)
        return wait.addCallback(lambda _: self.camera.stop())

    def aim(self, request: Request) -> Request:
        """``request``, for this camera; after the start."""
        ports = (self.camera.session_port, self.camera.search_port)
        return attrs.evolve(request, target=Target(_LOOPBACK, ports))

    def introduction(self) -> str:
        """What is there, in one line; after the start."""
        return (
            f"a simulated camera listens on {_LOOPBACK}: "
            f"session port {self.camera.session_port}, search port {self.camera.search_port}"
        )

    def farewell(self) -> str:
        """What the camera saw, in one line."""
        seen = self.camera.counters
        return (
            f"the camera counted: searches {seen.searches}, punches {seen.punches}, "
            f"sessions opened {seen.sessions_opened}, "
            f"of these closed by us {seen.sessions_closed_by_client}"
        )
