"""
Recordings as lines of JSON.

One packet is one object: ``t`` (seconds or null), ``dir`` (who sent it: ``camera`` or ``client``)
and ``hex`` (the datagram).  Other members are not looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from trailcam.decode.packets import Endpoint, Item, Packet, Unreadable

#: Octets of the longest line that is parsed.
MAX_LINE = 64 * 1024

#: Seconds that no clock shows; all that is less can be subtracted and written.
_NEVER = 2**53

_BYTE_ORDER_MARK = "\ufeff"

_OTHER = {"camera": "client", "client": "camera"}


def read_jsonl(file: BinaryIO) -> Iterator[Item]:
    """The packets of a recording; a blank line is none."""
    for number, line in enumerate(_lines(file), 1):
        if not line.isspace():
            yield _item(number, line)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, those that are too long cut to :data:`MAX_LINE` octets."""
    while line := file.readline(MAX_LINE):
        yield line
        while len(line) == MAX_LINE and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE)


def _item(number: int, line: bytes) -> Item:
    if len(line) == MAX_LINE:
        return Unreadable(number, f"longer than {MAX_LINE} octets")
    try:
        entry = json.loads(str(line, "utf-8").removeprefix(_BYTE_ORDER_MARK))
    except (ValueError, RecursionError):
        return Unreadable(number, "not JSON")
    if not isinstance(entry, dict):
        return Unreadable(number, "not a JSON object")
    return _packet(number, entry)


def _packet(number: int, entry: dict[str, Any]) -> Item:
    sender, text, time = entry.get("dir"), entry.get("hex"), entry.get("t")
    if not isinstance(sender, str) or sender not in _OTHER:
        return Unreadable(number, 'its "dir" is neither "camera" nor "client"')
    if not _is_time(time):
        return Unreadable(number, 'its "t" is neither a number of seconds nor null')
    try:
        data = bytes.fromhex(text)  # type: ignore[arg-type]  # what is no text is refused too
    except (TypeError, ValueError):
        return Unreadable(number, 'its "hex" is no hexadecimal text')
    return Packet(number, time, Endpoint(sender), Endpoint(_OTHER[sender]), data)


def _is_time(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and abs(value) < _NEVER)
