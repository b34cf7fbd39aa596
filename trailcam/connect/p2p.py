"""
The P2P mode, direct: punch the camera at its address.

Protocol: sequence "Punch", from step 4.
"""

from __future__ import annotations

from typing import Any

from trailcam.connect.attempt import DatagramAttempt
from trailcam.connect.handshake import p2p_dialect
from trailcam.connect.impossible import ImpossibleAttempt
from trailcam.connect.target import Target
from trailcam.interfaces import IAttempt
from trailcam.model import ConnectionMode


def p2p_attempt(reactor: Any, target: Target, **options: Any) -> IAttempt:
    """
    PUNCH_PKT to every port of ``target.host``.

    :param options: see :class:`~trailcam.connect.attempt.DatagramAttempt`.
    """
    if target.host is None:
        return ImpossibleAttempt(ConnectionMode.P2P, _reason(target))
    return DatagramAttempt(reactor, p2p_dialect(target.did), target, **options)


def _reason(target: Target) -> str:
    if target.rendezvous:
        return "this version of trailcam cannot find a camera through rendezvous servers yet"
    return "direct P2P needs the camera's address: give it, or leave the search to LAN"
