"""
A pair of connections through this package's relay, made by plain sockets.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Final, TypeVar

from benchmarks.errors import BenchmarkError
from benchmarks.streams import dial
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import (
    DevLgn,
    DevLgnAck,
    Message,
    RlyHello,
    RlyHelloAck,
    RlyPkt,
    RlyPort,
    RlyPortAck,
    RlyRdy,
    TcpRlyReq,
    TcpRlyReqAck,
    TcpRsStart,
)
from trailcam.wire.sockaddr import SocketAddress
from trailcam.wire.stream import ClearFraming, FrameDecoder, encode_frame

DEVICE: Final = DeviceID.parse("BENCH-000001-ABCDE")
NOWHERE: Final = SocketAddress("127.0.0.1", 1)
_FRAMING: Final = ClearFraming()

_Kind = TypeVar("_Kind", bound=Message)


class Framed:
    """A connection that carries messages, for as long as a relay wants some."""

    def __init__(self, port: int) -> None:
        self.socket = dial(port)
        self._frames = FrameDecoder(_FRAMING)
        self._heard: list[Message] = []

    def ask(self, message: Message, kind: type[_Kind]) -> _Kind:
        """Say something, and wait for its answer."""
        self.say(message)
        return self.hear(kind)

    def say(self, message: Message) -> None:
        """Send a message."""
        self.socket.sendall(encode_frame(message, _FRAMING))

    def hear(self, kind: type[_Kind]) -> _Kind:
        """
        Wait for a message of a kind; others are thrown away.

        :raises BenchmarkError: the relay hangs up.
        """
        while True:
            for message in self._heard:
                if isinstance(message, kind):
                    self._heard.clear()
                    return message
            octets = self.socket.recv(4096)
            if not octets:
                raise BenchmarkError(f"the relay hangs up instead of saying {kind.__name__}")
            self._heard = list(self._frames.feed(octets))


def pair(port: int, stack: contextlib.ExitStack) -> tuple[socket.socket, socket.socket]:
    """
    A device's end and a client's end, which the relay has joined.

    :param port: the relay's control port.
    :param stack: closes what was opened.
    """

    def opened(to: int) -> Framed:
        framed = Framed(to)
        stack.callback(framed.socket.close)
        return framed

    device, client = opened(port), opened(port)
    device.ask(DevLgn(DEVICE, 0, bytes(3), NOWHERE), DevLgnAck)
    client.ask(RlyHello(), RlyHelloAck)
    meeting = client.ask(RlyPort(), RlyPortAck)
    client.ask(TcpRlyReq(DEVICE, NOWHERE), TcpRlyReqAck)
    device.hear(TcpRsStart)
    ends = opened(meeting.port), opened(meeting.port)
    for end, is_device in zip(ends, (True, False), strict=True):
        end.say(RlyPkt(meeting.magic, DEVICE, is_device))
    for end in ends:
        end.hear(RlyRdy)
    return ends[0].socket, ends[1].socket
