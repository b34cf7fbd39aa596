"""
A camera made of software, as a service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.logger import Logger

from trailcam.simulator import ReplayedCamera, SimulatedCamera


class SimulatorService(Service):
    """
    Starts a camera, whose ports the log names, and tells in the end what it counted.

    A camera that plays a recording can be started once.
    """

    _log = Logger()

    def __init__(self, camera: ReplayedCamera | SimulatedCamera, place: Mapping[str, Any]) -> None:
        """:param place: the arguments of the camera's ``start``."""
        self._camera = camera
        self._place = place

    def startService(self) -> None:
        """Open the ports; :raises SystemExit: with the reason when they cannot be had."""
        super().startService()  # type: ignore[no-untyped-call]
        try:
            self._camera.start(**self._place)
        except CannotListenError as problem:
            raise SystemExit(f"trailcam-simulator: {problem}") from problem
        if isinstance(self._camera, ReplayedCamera):
            self._announce_recording(self._camera)

    def stopService(self) -> Deferred[None]:
        """Close the ports; fires when they are gone."""
        super().stopService()  # type: ignore[no-untyped-call]
        return self._camera.stop().addCallback(self._tell_counts)

    def _announce_recording(self, camera: ReplayedCamera) -> None:
        self._log.info(
            "camera with a recording: search port {search}, session port {session}",
            search=camera.search_port,
            session=camera.session_port,
        )
        camera.finished.addCallback(self._played)

    def _played(self, to_the_end: bool) -> None:
        self._log.info("the recording {how}", how="was played" if to_the_end else "was cut short")

    def _tell_counts(self, _: None) -> None:
        counts = _counts(self._camera)
        told = ", ".join(f"{name} {value}" for name, value in counts.items() if value)
        self._log.info("counted: {told}", told=told or "nothing", counts=counts)


def _counts(camera: ReplayedCamera | SimulatedCamera) -> dict[str, Any]:
    """The camera's counts, one flat table."""
    if isinstance(camera, SimulatedCamera):
        counts = camera.counters.as_dict()
        received = counts.pop("received")
        return {**counts, **received}
    return {
        "sent": camera.sent,
        "barriers_met": camera.barriers_met,
        "barriers_missed": camera.barriers_missed,
        "strangers": camera.strangers,
    }
