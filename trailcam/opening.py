"""
From a wish to a camera: the race, the session, the login.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from trailcam.camera.camera import Camera
from trailcam.connect.events import Observer, ignore
from trailcam.session.session import Session
from trailcam.waiting import settle

if TYPE_CHECKING:
    from trailcam.connect.request import Request
    from trailcam.model import Credentials


def open_camera(
    reactor: Any, request: Request, credentials: Credentials, observer: Observer = ignore
) -> Deferred[Camera]:
    """
    Connect, and log in.

    :param reactor: see :class:`~trailcam.connect.connector.Connector`.
    :param observer: is told the events of the race.
    :return: fires with the camera, which the caller has to close; fails with
        :class:`~trailcam.errors.AllAttemptsFailed`, :class:`~trailcam.errors.CameraError` or
        :class:`~trailcam.errors.SessionError`, when nothing of it is left.  May be cancelled.
    """
    return Deferred.fromCoroutine(_open(reactor, request, credentials, observer))


async def _open(
    reactor: Any, request: Request, credentials: Credentials, observer: Observer
) -> Camera:
    link, _ = await request.connector(reactor, observer).connect(request.modes)
    camera = Camera(reactor, Session(reactor, link))
    try:
        await camera.login(credentials)
    except BaseException:  # cancelled, too
        await settle(camera.close())
        raise
    return camera
