"""
One moment of a kept connection, as a value.
"""

from __future__ import annotations

import enum
from typing import Any

import attrs

from trailcam.model import ConnectionMode


class State(enum.Enum):
    """What a service that keeps a connection is doing."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    STOPPED = "stopped"


@attrs.frozen(kw_only=True)
class Snapshot:
    """
    How a kept connection stands.

    :ivar since: when this state began, in seconds since 1970.
    :ivar mode: the mode that won, while connected; so too the next three.
    :ivar peer: the camera's address as ``host:port``.
    :ivar local_port: our UDP port.
    :ivar silent_for: seconds since the camera was last heard.
    :ivar reconnects: sessions after the first one.
    :ivar last_loss: why the last session ended, in words; ``None`` when none was lost yet.
    :ivar last_report: the last race: ``winner``, ``elapsed_time``, ``threads_info``.
    :ivar next_try_in: seconds until the next race, while waiting for it.
    :ivar sync: the folder of pictures: ``new``, ``present``, ``failed``, ``problem``; ``None``
        where none is kept.
    """

    state: State
    since: float
    mode: ConnectionMode | None = None
    peer: str | None = None
    local_port: int | None = None
    silent_for: float | None = None
    reconnects: int = 0
    last_loss: str | None = None
    last_report: dict[str, Any] | None = None
    next_try_in: float | None = None
    sync: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """The same in values that :mod:`json` can write."""
        picture = attrs.asdict(self, recurse=False)
        return {key: value.value if _is_enum(value) else value for key, value in picture.items()}


def _is_enum(value: object) -> bool:
    return isinstance(value, enum.Enum)
