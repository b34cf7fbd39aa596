"""
The P2P mode: punch the camera at its address, or where rendezvous servers say that it is.

Protocol: sequence "Punch".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trailcam.connect.attempt import DatagramAttempt
from trailcam.connect.handshake import p2p_dialect
from trailcam.connect.impossible import ImpossibleAttempt
from trailcam.connect.introduction import IntroducedSearch, Verdict
from trailcam.connect.several import SeveralAttempts
from trailcam.connect.target import Target
from trailcam.interfaces import IAttempt
from trailcam.link.addresses import address_towards
from trailcam.model import ConnectionMode

#: When further source ports join in, in seconds.  What stands in the way of one (a NAT that has
#: given its number away, a table entry made by a punch that came too early) rarely stands in the
#: way of all.
_FURTHER_PORTS = (1.0, 1.0, 1.0, 2.5, 2.5, 2.5)


def p2p_attempt(
    reactor: Any,
    target: Target,
    *,
    local_address: Callable[[str], str] = address_towards,
    **options: Any,
) -> IAttempt:
    """
    PUNCH_PKT to every port of ``target.host``, and to every candidate that one of
    ``target.rendezvous`` names.

    :param local_address: our own address on the way to a host; the other side of the same NAT
        may punch it.
    :param options: see :class:`~trailcam.connect.attempt.DatagramAttempt`.
    """

    def introduced() -> IAttempt:
        search = IntroducedSearch(reactor, target, verdict, local_address)
        return DatagramAttempt(reactor, dialect, target, search=search, **options)

    dialect, verdict = p2p_dialect(target.did), Verdict()
    tries: list[tuple[float, IAttempt]] = []
    if target.rendezvous:
        tries.append((0.0, introduced()))
    if target.host is not None:
        tries.append((0.0, DatagramAttempt(reactor, dialect, target, **options)))
    if target.rendezvous:
        tries += [(delay, introduced()) for delay in _FURTHER_PORTS]
    if not tries:
        return ImpossibleAttempt(ConnectionMode.P2P, _NOTHING_TO_PUNCH)
    if len(tries) == 1:
        return tries[0][1]
    return SeveralAttempts(reactor, ConnectionMode.P2P, tries)


_NOTHING_TO_PUNCH = (
    "P2P needs the camera's address or a rendezvous server: give one, or leave the search to LAN"
)
