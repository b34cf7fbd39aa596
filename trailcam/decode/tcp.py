"""
The frames in TCP connections: to relays, and through them.

Each direction of a connection is a stream of its own, put in order here.  Nobody sends anything
again to a reader: a stream of which octets are missing is given up where they are missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from trailcam.decode.frames import Tcp
from trailcam.decode.packets import Endpoint, Ignored, Item, Packet, Unreadable
from trailcam.errors import WireError
from trailcam.wire.stream import ClearFraming, FrameDecoder

#: Streams that are followed at a time; a new one takes the place of the longest silent.
MOST_STREAMS: Final = 1024

#: Segments, and octets, of one stream that wait for what lies before them.
MOST_WAITING: Final = 128
MOST_OCTETS_WAITING: Final = 256 * 1024

#: Sequence numbers count modulo this.
_CYCLE = 2**32

#: Octets 2 to 7 of a clear frame, behind its length.
_FRAME_HEAD = b"\x68" + bytes(5)
_HEAD_SIZE = 2 + len(_FRAME_HEAD)

_NOT_OURS = "not PPPP"
_GIVEN_UP = "behind the readable part of a TCP stream"
_GAP = "octets are missing"

_Flow: TypeAlias = tuple[Endpoint, Endpoint]


class TcpStreams:
    """The streams of a recording, by sender and receiver."""

    def __init__(self) -> None:
        self._streams: dict[_Flow, _Stream] = {}

    def take(self, number: int, time: float, segment: Tcp) -> Iterator[Item]:
        """
        Take the next segment.

        :param number: of its frame in the file.
        :param time: seconds.
        :return: what it completes: the contents of frames, each as one packet.
        """
        flow = Endpoint(*segment.source), Endpoint(*segment.destination)
        first = (segment.sequence + segment.opens) % _CYCLE
        stream = self._streams.pop(flow, None)
        if stream is not None and segment.opens and stream.first != first:
            yield from stream.end()
            stream = None
        if stream is None:
            if not (segment.opens or segment.data):
                return  # It tells nothing, and may not even be where the stream goes on.
            yield from self._make_room()
            stream = _Stream(flow, first)
        self._streams[flow] = stream
        yield from stream.take(number, time, first, segment)

    def end(self) -> Iterator[Item]:
        """No more segments will come."""
        for stream in self._streams.values():
            yield from stream.end()
        self._streams.clear()

    def _make_room(self) -> Iterator[Item]:
        # Streams are kept in the order of their last segments.
        if len(self._streams) >= MOST_STREAMS:
            yield from self._streams.pop(next(iter(self._streams))).end()


class _Stream:
    """
    One direction of one connection.

    :ivar first: the sequence number of its first octet.
    """

    def __init__(self, flow: _Flow, first: int) -> None:
        self.first = first
        self._flow = flow
        self._frames = _Frames()
        self._next = first
        self._number = 0
        self._waiting: dict[int, bytes] = {}
        self._passed_over: str | None = None

    def take(self, number: int, time: float, sequence: int, segment: Tcp) -> Iterator[Item]:
        """
        Take the next segment.

        :param sequence: the number of its first octet.
        """
        self._number = number
        if self._passed_over is None:
            self._keep(sequence, segment.data)
            yield from self._read(time)
            yield from self._look_for_gaps(segment)
        elif segment.data:
            yield Ignored(self._passed_over)

    def end(self) -> Iterator[Item]:
        """No more segments will come."""
        if self._waiting:
            yield self._give_up(_GAP)

    def _keep(self, sequence: int, data: bytes) -> None:
        ahead = self._ahead(sequence)
        if ahead < 0:
            sequence, data = self._next, data[-ahead:]
        if len(data) > len(self._waiting.get(sequence, b"")):
            self._waiting[sequence] = data

    def _read(self, time: float) -> Iterator[Item]:
        for data in self._in_order():
            for content in self._frames.take(data):
                yield Packet(self._number, time, *self._flow, content)
            if self._frames.fault is not None:
                yield self._give_up(self._frames.fault)

    def _in_order(self) -> Iterator[bytes]:
        """The octets that continue the stream; what lies behind a gap waits."""
        while self._next in self._waiting:
            data = self._waiting.pop(self._next)
            self._next = (self._next + len(data)) % _CYCLE
            yield data
            early = [sequence for sequence in self._waiting if self._ahead(sequence) < 0]
            for sequence in early:
                self._keep(sequence, self._waiting.pop(sequence))

    def _look_for_gaps(self, segment: Tcp) -> Iterator[Item]:
        octets = sum(map(len, self._waiting.values()))
        if segment.missing and self._passed_over is None:
            yield self._give_up(f"{segment.missing} octets were not recorded")
        elif len(self._waiting) > MOST_WAITING or octets > MOST_OCTETS_WAITING:
            yield self._give_up(_GAP)

    def _give_up(self, why: str) -> Item:
        """Read no more of it."""
        self._waiting.clear()
        if not self._frames.begun:
            self._passed_over = _NOT_OURS
            return Ignored(_NOT_OURS)
        self._passed_over = _GIVEN_UP
        name = "TCP {} > {}".format(*self._flow)
        return Unreadable(self._number, f"{name}: {why}; the rest of it is not read")

    def _ahead(self, sequence: int) -> int:
        """How far a sequence number is ahead of what has been read."""
        return (sequence - self._next + _CYCLE // 2) % _CYCLE - _CYCLE // 2


class _Frames:
    """
    Cuts frames from a stream, if it begins with one.

    :ivar begun: whether it began with the head of a frame.
    :ivar fault: why nothing more can be cut from it.
    """

    def __init__(self) -> None:
        self.begun = False
        self.fault: str | None = None
        self._beginning = b""
        self._contents = _Contents()
        self._decoder = FrameDecoder(self._contents)

    def take(self, data: bytes) -> list[bytes]:
        """The contents of the frames that ``data`` completes."""
        if not self.begun:
            data = self._beginning = self._beginning + data
            self._look_at(data[:_HEAD_SIZE])
        if self.begun:
            self._feed(data)
        return self._contents.drain()

    def _look_at(self, head: bytes) -> None:
        if not _FRAME_HEAD.startswith(head[2:]):
            self.fault = "it does not begin with a frame"
        self.begun = self.fault is None and len(head) == _HEAD_SIZE

    def _feed(self, data: bytes) -> None:
        try:
            self._decoder.feed(data)
        except WireError as error:
            self.fault = str(error)


class _Contents(ClearFraming):
    """Keeps what the frames hold: it goes where datagrams go, and is decoded there."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []

    def open(self, seed: bytes, check: bytes, content: bytes) -> bytes:
        """``content`` itself, which is kept."""
        self._kept.append(super().open(seed, check, content))
        return content

    def drain(self) -> list[bytes]:
        """All that is kept, once."""
        kept, self._kept = self._kept, []
        return kept
