"""
Many datagrams at a time: a peer must not be what limits the one that is measured.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

Address = tuple[str, int]

#: Octets of a socket's buffers.
BUFFER: Final = 4 * 1024 * 1024

#: linux/udp.h: the system cuts one long datagram into many; four times as fast as one by one.
_SOL_UDP, _UDP_SEGMENT = 17, 103
_MOST_OCTETS = 65_000

#: Datagrams of the longest train that every system takes.
TRAIN: Final = 60

_SO_RCVBUFFORCE = 33  # asm-generic/socket.h: beyond the system's limit, for the administrator


def udp_socket(local: Address) -> socket.socket:
    """A socket that does not block, with large buffers."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        made.setsockopt(socket.SOL_SOCKET, option, BUFFER)
    with contextlib.suppress(OSError):
        made.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER)
    made.setblocking(False)
    made.bind(local)
    return made


def waiting(bound: socket.socket, most: int) -> Iterator[tuple[bytes, Address]]:
    """What has come to a socket, at most so many datagrams."""
    for _ in range(most):
        try:
            yield bound.recvfrom(2048)
        except BlockingIOError:
            return
        except OSError:
            continue  # somebody's port is closed


def send_all(
    bound: socket.socket,
    datagrams: Sequence[bytes],
    peer: Address | None = None,
    most: int = 1,
) -> None:
    """
    Send them in order.  What does not fit into the system's buffers is lost, as on a wire.

    :param peer: nobody for a socket that is connected.
    :param most: datagrams of equal length that may be handed to the system as one train.
    """
    to = () if peer is None else (peer,)
    for length, equal in groupby(datagrams, len):
        train = list(equal)
        cars = max(1, min(most, _MOST_OCTETS // max(1, length)))
        for first in range(0, len(train), cars):
            _send(bound, train[first : first + cars], length, to)


def _send(bound: socket.socket, train: list[bytes], length: int, to: tuple[Any, ...]) -> None:
    if len(train) > 1:
        cut = [(_SOL_UDP, _UDP_SEGMENT, struct.pack("H", length))]
        with contextlib.suppress(OSError):
            bound.sendmsg(train, cut, 0, *to)
            return
    for datagram in train:
        with contextlib.suppress(OSError):
            bound.sendmsg([datagram], [], 0, *to)
