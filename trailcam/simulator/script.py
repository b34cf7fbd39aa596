"""
A recording, made into a script for a camera: what to send, and what to wait for.

The recordings are JSON lines ``{"t", "dir", "peer_port", "hex"}``.  Many of them lack the times
and every client message without body.
"""

from __future__ import annotations

import io
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

#: Octets of the longest file, and of the longest line in it.
MAX_FILE: Final = 64 * 1024 * 1024
MAX_LINE: Final = 64 * 1024

#: Seconds from one packet to the next that no recording has; a reactor cannot wait for ever.
MAX_PAUSE: Final = 86_400.0

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
    :raises CaptureError: when it cannot be read, or is empty.
    """
    if isinstance(recording, (str, os.PathLike)):
        return _read_file(Path(recording))
    return _script(recording)


def _read_file(path: Path) -> tuple[Step, ...]:
    try:
        return _script(_packets(path))
    except (CaptureError, OSError) as error:
        why = getattr(error, "strerror", None) or error
        raise CaptureError(f"cannot read the recording {str(path)!r}: {why}") from error


def _packets(path: Path) -> Iterator[Packet]:
    """The packets in a file; a blank line is none."""
    with path.open("rb") as file:
        octets = file.read(MAX_FILE + 1)
    if len(octets) > MAX_FILE:
        raise CaptureError(f"it is longer than {MAX_FILE} octets")
    for number, line in enumerate(io.BytesIO(octets), 1):
        if not line.isspace():
            yield _parsed(number, line)


def _parsed(number: int, line: bytes) -> Any:
    if len(line) > MAX_LINE:
        raise CaptureError(f"line {number} is longer than {MAX_LINE} octets")
    try:
        return json.loads(line)
    except (ValueError, RecursionError, MemoryError) as error:
        raise CaptureError(f"line {number} is not JSON") from error


def _script(packets: Iterable[Packet]) -> tuple[Step, ...]:
    try:
        return tuple(_steps(packets))
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise CaptureError(f"not a recording: {error!r}") from error


def _steps(packets: Iterable[Packet]) -> Iterator[Step]:
    packet: Packet | None = None
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
    if packet is None:
        raise CaptureError("not a recording: there is no packet in it")


def _kind(datagram: bytes) -> MessageType | None:
    try:
        return decode(datagram).type
    except WireError:
        return None


def _pause(before: Packet, packet: Packet, kind: MessageType | None) -> float:
    """Seconds from the packet before to this one: as recorded, or at the usual pace."""
    earlier, now = before.get("t"), packet.get("t")
    if earlier is not None and now is not None:
        pause = float(now) - float(earlier)
        if not pause <= MAX_PAUSE:
            raise ValueError(f"a packet comes {pause:g} s after the one before")
        return max(0.0, pause)
    return OFFER_PACE if kind is MessageType.LAN_TCP_OFFER else PACE
