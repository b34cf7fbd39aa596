"""
Room for what a camera sends in one burst.

The default of most systems holds some two hundred datagrams, less than a camera may have on its way
while we are busy; what does not fit is lost, and sent again a good while later.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from twisted.logger import Logger

if TYPE_CHECKING:
    from twisted.internet.interfaces import IListeningPort

#: Octets that are asked for.
WANTED: Final = 4 * 1024 * 1024

_SO_RCVBUFFORCE = 33  # asm-generic/socket.h: beyond the system's limit, for the administrator
_log = Logger()
_told: set[int] = set()


def enlarge_receive_buffer(port: IListeningPort) -> None:
    """Ask for :data:`WANTED`; when there is less, the log says so, once in a process."""
    skt: Any = getattr(port, "socket", None)
    if skt is None:
        return  # a port in memory
    with suppress(OSError):
        skt.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WANTED)
    granted = _granted(skt)
    if granted < WANTED:
        with suppress(OSError):
            skt.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, WANTED)
            granted = _granted(skt)
    if granted < WANTED and not _told:
        _told.add(granted)
        _log.info(
            "this system allows a receive buffer of {granted} KiB, {wanted} would be better: "
            "'sysctl -w net.core.rmem_max={octets}'",
            granted=granted // 1024,
            wanted=WANTED // 1024,
            octets=WANTED,
        )


def _granted(skt: socket.socket) -> int:
    """What the kernel uses for itself is counted, too: twice what was asked for."""
    return skt.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
