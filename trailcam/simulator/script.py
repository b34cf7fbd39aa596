"""
A recording, made into a script for a camera: what to send, and what to wait for.

The recordings are JSON lines ``{"t", "dir", "peer_port", "hex"}``.  Many of them lack the times
and every client message without body.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from trailcam.errors import CaptureError, WireError
from trailcam.wire.codec import decode
from trailcam.wire.constants import LAN_SEARCH_PORT, SESSION_PORT, MessageType

#: Seconds before a packet of a recording without times.
PACE: Final = 0.004

#: The same between two LAN_TCP_OFFER: 51 of them take 325 ms.
OFFER_PACE: Final = 0.325 / 50

#: What a client says to servers, so that no camera ever hears it.
_TO_SERVERS: Final = frozenset({MessageType.HELLO, MessageType.REPORT_SESSION_READY})
_CAMERA_PORTS: Final = frozenset({None, SESSION_PORT, LAN_SEARCH_PORT})

Packet: TypeAlias = "Mapping[str, Any]"
Recording: TypeAlias = "str | os.PathLike[str] | Iterable[Packet]"


@attrs.frozen
class Line:
    """
    A datagram for the camera to send.

    :ivar pause: seconds to wait before.
    """

    datagram: bytes
    pause: float


@attrs.frozen
class Barrier:
    """What follows waits until the client has sent a message of this kind."""

    kind: MessageType


Step: TypeAlias = "Line | Barrier"


def read_script(recording: Recording) -> tuple[Step, ...]:
    """
    Make a script.

    A packet of the client becomes a barrier, unless it went elsewhere or is no message.

    :param recording: the path of a file of JSON lines, or the packets themselves.
    :raises CaptureError: when it cannot be read.
    """
    if isinstance(recording, (str, os.PathLike)):
        recording = _packets(Path(recording))
    try:
        return tuple(_steps(recording))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CaptureError(f"not a recording: {error!r}") from error


def _packets(path: Path) -> list[Packet]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise CaptureError(f"cannot read the recording {path}: {error}") from error


def _steps(packets: Iterable[Packet]) -> Iterator[Step]:
    before: Packet = {}
    for packet in packets:
        datagram = bytes.fromhex(packet["hex"])
        kind = _kind(datagram)
        if packet["dir"] == "camera":
            yield Line(datagram, _pause(before, packet, kind))
        elif kind is None or kind in _TO_SERVERS or packet.get("peer_port") not in _CAMERA_PORTS:
            continue
        else:
            yield Barrier(kind)
        before = packet


def _kind(datagram: bytes) -> MessageType | None:
    try:
        return decode(datagram).type
    except WireError:
        return None


def _pause(before: Packet, packet: Packet, kind: MessageType | None) -> float:
    """Seconds from the packet before to this one: as recorded, or at the usual pace."""
    earlier, now = before.get("t"), packet.get("t")
    if earlier is not None and now is not None:
        return max(0.0, float(now) - float(earlier))
    return OFFER_PACE if kind is MessageType.LAN_TCP_OFFER else PACE
