"""
Commands and answers: JSON objects, each in a record of its own.

Protocol: the application layer, commands and answers.
"""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from trailcam.artemis.crypto import Side, seal, unseal
from trailcam.artemis.record import Record, RecordKind
from trailcam.errors import WireError

#: Objects and lists within each other; the longest answer recorded has 3.
MAX_DEPTH = 32


class CommandID(enum.IntEnum):
    """The documented values of ``cmdId``."""

    LOGIN = 0
    LOGOUT = 1
    OPEN_TALK = 256
    CLOSE_TALK = 257
    START_LIVE = 258
    STOP_LIVE = 259
    START_AUDIO = 260
    STOP_AUDIO = 261
    GET_DEVICE_INFO = 512
    SET_DEVICE_INFO = 513
    CHANGE_PASSWORD = 514
    MIRROR = 515
    FLIP = 516
    FACTORY_RESET = 517
    FORMAT_SD = 518
    RED_LAMP = 522
    STREAM_TYPE = 523
    HEARTBEAT = 525
    SNAP = 641
    START_RECORD = 643
    STOP_RECORD = 644
    MEDIA_LIST = 768
    START_PLAYBACK = 769
    STOP_PLAYBACK = 770
    PLAYBACK_CONTROL = 771
    THUMBNAILS = 772
    DELETE_MEDIA = 773
    DELETE_ALL_MEDIA = 774
    FIRMWARE_UPGRADE = 1024
    SLEEP = 1281
    START_DOWNLOAD = 1285
    STOP_DOWNLOAD = 1286


_NAMES = {command.value: command.name.lower().replace("_", " ") for command in CommandID}

#: Who writes the records that carry an enciphered JSON object.
_SIDES = {RecordKind.COMMAND: Side.CLIENT, RecordKind.ANSWER: Side.CAMERA}


def command_name(body: Mapping[str, Any]) -> str:
    """What a command or answer is about, for people; an event has no ``cmdId``."""
    number = body.get("cmdId")
    if type(number) is int:
        return _NAMES.get(number, f"command {number}")
    return "event" if "evtId" in body else "unnamed"


def carries_json(kind: int) -> bool:
    """Whether records of ``kind`` carry a JSON object."""
    return kind in _SIDES or kind == RecordKind.EVENT


def encode_body(kind: RecordKind, sequence: int, body: Mapping[str, Any]) -> Record:
    """
    Make the record of a command, an answer or an event.

    :param kind: :attr:`RecordKind.COMMAND`, :attr:`RecordKind.ANSWER` or :attr:`RecordKind.EVENT`.
    :param body: the JSON object; the order of its members is kept.
    :raises WireError: a number is not finite, or a text has half of a surrogate pair.
    """
    try:
        text = json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        clear = text.encode("utf-8")
    except ValueError as error:
        raise WireError(f"the object cannot be written: {error}") from error
    payload = clear + b"\0" if kind is RecordKind.EVENT else seal(clear, _SIDES[kind])
    return Record(kind, sequence, payload)


def decode_body(record: Record) -> dict[str, Any]:
    """
    Read the JSON object in a record for which :func:`carries_json` is true.

    :raises WireError: the payload does not open, or holds no JSON object.
    """
    if record.kind == RecordKind.EVENT:
        return parse_object(record.payload.partition(b"\0")[0])
    return parse_object(unseal(record.payload))


def parse_object(clear: bytes) -> dict[str, Any]:
    """
    Parse one JSON object; octets that are no UTF-8 do not spoil the rest of it.

    :raises WireError: the octets are no JSON object, or one that cannot be written as JSON again.
    """
    try:
        text = clear.decode("utf-8", "replace")
        body = json.loads(text, parse_float=_finite, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise WireError(f"the text is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise WireError(f"the text is a JSON {type(body).__name__}, not an object")
    _check_depth(body)
    return body


def _check_depth(body: dict[str, Any]) -> None:
    """Refuse what Python can parse and, its stack being finite, not write again."""
    level: list[Any] = [body]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _members(outer)]
        if not level:
            return
    raise WireError(f"the text nests JSON deeper than {MAX_DEPTH} levels")


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_constant(text)


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not a finite number")
