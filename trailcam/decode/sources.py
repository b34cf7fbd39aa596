"""What kind of recording a file is, and the packets in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import attrs

from trailcam.decode.jsonl import read_jsonl
from trailcam.decode.packets import Item
from trailcam.decode.pcap import BYTE_ORDERS, PCAPNG_MAGIC, read_pcap
from trailcam.decode.printable import printable
from trailcam.errors import CaptureError

#: Octets of a file that are looked at to find its kind.
_GLANCE = 1024


@attrs.frozen
class Recording:
    """
    An open recording.

    :ivar kind: ``jsonl`` or ``pcap``.
    :ivar unit: what one packet is called in it: ``line`` or ``frame``.
    """

    kind: str
    unit: str
    items: Iterator[Item]


@contextlib.contextmanager
def open_recording(path: Path) -> Iterator[Recording]:
    """
    Open a recording for as long as the context lasts; it is read once, from front to back.

    :raises CaptureError: from here or from the ``with`` block, when the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield _identify(file, path.suffix.lower())
    except OSError as error:
        raise CaptureError(printable(f"cannot read {path}: {error.strerror or error}")) from error
    except CaptureError as error:
        raise CaptureError(printable(f"cannot read {path}: {error}")) from error


def _identify(file: BinaryIO, suffix: str) -> Recording:
    glance = file.peek(_GLANCE)[:_GLANCE]  # type: ignore[attr-defined]  # buffered files have it
    if not glance:
        raise CaptureError("it is empty")
    if glance[:4] in BYTE_ORDERS:
        return Recording("pcap", "frame", read_pcap(file))
    if glance[:4] == PCAPNG_MAGIC:
        raise CaptureError("it is a pcapng file; convert it with: editcap -F pcap IN OUT")
    if suffix == ".jsonl" or glance.lstrip().startswith(b"{"):
        return Recording("jsonl", "line", read_jsonl(file))
    raise CaptureError("it is neither a pcap file nor lines of JSON (.jsonl)")
