"""
One stream of octets over TCP, from one socket to another, as fast as it goes.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Final

from benchmarks.errors import BenchmarkError
from benchmarks.processes import LOOPBACK

_WRITE: Final = 65536
_READ: Final = 262_144

#: Seconds without any progress.
_STUCK: Final = 20.0


def dial(port: int) -> socket.socket:
    """A connection to a port of loopback."""
    made = socket.create_connection((LOOPBACK, port), _STUCK)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


@contextlib.contextmanager
def listener() -> Iterator[socket.socket]:
    """A listening socket."""
    with socket.socket() as listening:
        listening.bind((LOOPBACK, 0))
        listening.listen(5)
        listening.settimeout(_STUCK)
        yield listening


def pump(source: socket.socket, sink: socket.socket, octets: int) -> float:
    """
    Send so many octets into the one, and read them from the other; the seconds that it took.

    :raises BenchmarkError: not all of them arrived.
    """
    got = [0]
    reader = threading.Thread(target=_read, args=(sink, octets, got))
    began = time.perf_counter()
    reader.start()
    with contextlib.suppress(OSError):
        _write(source, octets)
    reader.join()
    elapsed = time.perf_counter() - began
    if got[0] != octets:
        raise BenchmarkError(f"{octets} octets were sent, and {got[0]} arrived")
    return elapsed


def _write(source: socket.socket, octets: int) -> None:
    piece = memoryview(bytes(_WRITE))
    sent = 0
    while sent < octets:
        sent += source.send(piece[: min(_WRITE, octets - sent)])


def _read(sink: socket.socket, octets: int, got: list[int]) -> None:
    room = bytearray(_READ)
    with contextlib.suppress(OSError):
        while got[0] < octets:
            count = sink.recv_into(room)
            if not count:
                return
            got[0] += count
