"""
The relay mode: meet the device at a relay that both reach.

See :doc:`/explain/servers`.
"""

from __future__ import annotations

from typing import Any

from trailcam.connect.impossible import ImpossibleAttempt
from trailcam.connect.target import Target
from trailcam.interfaces import IAttempt
from trailcam.model import ConnectionMode


def relay_attempt(reactor: Any, target: Target, **options: Any) -> IAttempt:
    """
    Meet the device at ``target.relay``, or at a relay that the rendezvous servers or the directory
    of ``target`` list.

    :param options: see :class:`~trailcam.connect.relay_attempt.RelayAttempt`.
    """
    if target.relay is None and not target.rendezvous and target.relay_directory is None:
        reason = "no relay server was given, nor a rendezvous server or a directory that lists any"
        return ImpossibleAttempt(ConnectionMode.RELAY, reason)
    # What all this needs takes long to load: only for who wants it, and before the race begins.
    from trailcam.connect.relay_attempt import RelayAttempt

    if target.relay_directory is not None:
        import trailcam.connect.directory  # noqa: F401
    return RelayAttempt(reactor, target, **options)
