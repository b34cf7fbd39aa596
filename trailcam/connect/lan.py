"""
The LAN mode: search the camera at its address, or by broadcast, as its own app does.

Protocol: sequence "LAN, as recorded".
"""

from __future__ import annotations

from typing import Any

from trailcam.connect.attempt import DatagramAttempt
from trailcam.connect.handshake import lan_dialect
from trailcam.connect.target import Target
from trailcam.interfaces import IAttempt


def lan_attempt(reactor: Any, target: Target, **options: Any) -> IAttempt:
    """
    LAN_SEARCH to every port of ``target.host``, and by broadcast to port 32108 of every interface
    when there is no host or ``target.broadcast`` asks for it.

    :param options: see :class:`~trailcam.connect.attempt.DatagramAttempt`.
    """
    return DatagramAttempt(reactor, lan_dialect(target.did), target, **options)
