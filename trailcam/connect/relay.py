"""
The relay mode.  Not available in this version: it says so when it is asked for.
"""

from __future__ import annotations

from typing import Any

from trailcam.connect.impossible import ImpossibleAttempt
from trailcam.connect.target import Target
from trailcam.interfaces import IAttempt
from trailcam.model import ConnectionMode


def relay_attempt(reactor: Any, target: Target, **options: Any) -> IAttempt:
    """An attempt that fails at once, naming what is missing."""
    if target.relay is None:
        reason = "no relay server was given"
    else:
        reason = "this version of trailcam cannot connect through a relay yet"
    return ImpossibleAttempt(ConnectionMode.RELAY, reason)
