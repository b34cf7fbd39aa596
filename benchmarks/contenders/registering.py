"""
A device that is logged in at this package's rendezvous server, and what a client asks for it.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Final

from benchmarks.contenders.relaying import DEVICE, NOWHERE
from benchmarks.errors import BenchmarkError
from benchmarks.processes import LOOPBACK
from trailcam.wire.codec import decode, encode
from trailcam.wire.constants import HELLO_ROOM
from trailcam.wire.messages import DevLgn, DevLgnAck, HelloAck, P2PReq

#: Octets of a HELLO that has room for its answer, and of a request for the device.
HELLO: Final = b"\xf1\x00" + HELLO_ROOM.to_bytes(2, "big") + bytes(HELLO_ROOM)
P2P_REQ: Final = encode(P2PReq(DEVICE, NOWHERE))

_PATIENCE: Final = 2.0


class Device:
    """
    Its socket, which reads nothing of what it is told later.

    :param port: the server's.
    """

    def __init__(self, bound: socket.socket, port: int) -> None:
        self._socket = bound
        self._server = (LOOPBACK, port)

    def login(self) -> None:
        """
        Prove the address, and log in, for a minute or so.

        :raises BenchmarkError: the server does not answer.
        """
        self._socket.sendto(HELLO, self._server)
        proof = self._hear(HelloAck)
        self._socket.sendto(proof, self._server)
        self._socket.sendto(encode(DevLgn(DEVICE, 0, bytes(3), NOWHERE)), self._server)
        self._hear(DevLgnAck)

    def _hear(self, kind: type[HelloAck] | type[DevLgnAck]) -> bytes:
        with contextlib.suppress(TimeoutError):
            while True:
                datagram = self._socket.recv(2048)
                if isinstance(decode(datagram), kind):
                    return datagram
        raise BenchmarkError(f"the rendezvous server does not say {kind.__name__}")


@contextlib.contextmanager
def device(port: int) -> Iterator[Device]:
    """A device for the server with this port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind((LOOPBACK, 0))
        bound.settimeout(_PATIENCE)
        yield Device(bound, port)
