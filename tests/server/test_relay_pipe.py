"""
Octets from one connection into another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.error import ConnectionLost
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from trailcam.server.relay_pipe import pipe


class Socket(FileDescriptor):
    """
    A descriptor whose system call takes as much as there is room for.

    :ivar room: octets that the system takes.
    :ivar sent: what it took.
    :ivar broken: the system call fails.
    """

    def __init__(self) -> None:
        reactor: Any = object()
        super().__init__(reactor)
        self.connected = 1
        self.room = 0
        self.sent = b""
        self.broken = False
        self.reading = True
        self.writing = False

    def writeSomeData(self, data: bytes) -> int | Exception:
        """Take what there is room for."""
        if self.broken:
            return CONNECTION_LOST
        taken = bytes(data)[: self.room]
        self.sent += taken
        self.room -= len(taken)
        return len(taken)

    def drain(self, room: int) -> Exception | None:
        """There is room again: the reactor writes, if that is wanted."""
        self.room += room
        result: Exception | None = self.doWrite() if self.writing else None
        return result

    def startReading(self) -> None:
        """Note it."""
        self.reading = True

    def stopReading(self) -> None:
        """Note it."""
        self.reading = False

    def startWriting(self) -> None:
        """Note it."""
        self.writing = True

    def stopWriting(self) -> None:
        """Note it."""
        self.writing = False


class LaneTests(SynchronousTestCase):
    """From socket to socket."""

    def setUp(self) -> None:
        """A pipe between two."""
        self.source, self.target = Socket(), Socket()
        self.write: Callable[[bytes], None] = pipe(self.source, self.target)

    @property
    def buffered(self) -> int:
        """What waits in the target's buffer."""
        left: int = len(self.target.dataBuffer) - self.target.offset + self.target._tempDataLen
        return left

    def test_room(self) -> None:
        """What the system takes goes there at once; nothing is buffered, nobody waits."""
        self.target.room = 100
        self.write(b"a" * 60)
        self.write(b"b" * 40)
        self.assertEqual(self.target.sent, b"a" * 60 + b"b" * 40)
        self.assertEqual(
            (self.source.reading, self.target.writing, self.buffered), (True, False, 0)
        )

    def test_no_room(self) -> None:
        """The rest is buffered, and the source waits until that is gone."""
        self.target.room = 10
        self.write(b"0123456789abcdef")
        self.assertEqual(
            (self.source.reading, self.target.writing, self.buffered), (False, True, 6)
        )
        self.target.drain(4)
        self.assertEqual((self.target.sent, self.source.reading), (b"0123456789abcd", False))
        self.target.drain(100)
        self.assertEqual(self.target.sent, b"0123456789abcdef")
        self.assertEqual((self.source.reading, self.target.writing), (True, False))

    def test_order(self) -> None:
        """What comes while something is buffered stays behind it, although there is room."""
        self.write(b"first")
        self.target.room = 100
        self.write(b"second")
        self.assertEqual(self.target.sent, b"")
        self.target.drain(0)
        self.assertEqual(self.target.sent, b"firstsecond")
        self.write(b"third")
        self.assertEqual(self.target.sent, b"firstsecondthird")

    def test_again(self) -> None:
        """That can happen any number of times."""
        octets = bytes(range(250))
        for start in range(0, 250, 50):
            self.target.room = 20
            self.write(octets[start : start + 50])
            self.assertFalse(self.source.reading)
            self.target.drain(30)
            self.assertTrue(self.source.reading)
        self.assertEqual(self.target.sent, octets)

    def test_broken(self) -> None:
        """The error of the system call is left to the reactor, which finds it when it writes."""
        self.target.broken = True
        self.write(b"x")
        self.assertTrue(self.target.writing)
        self.assertIs(self.target.drain(0), CONNECTION_LOST)

    def test_target_lost(self) -> None:
        """That the target is gone is its protocol's business: the source is left alone."""
        self.target.connectionLost(Failure(ConnectionLost()))
        self.assertEqual((self.source.disconnecting, self.source.reading), (0, True))

    def test_closing(self) -> None:
        """When the pipe is taken away, what is buffered is still written, then it closes."""
        self.write(b"rest")
        self.target.unregisterProducer()
        self.target.loseConnection()
        closed = self.target.drain(10)
        self.assertEqual(self.target.sent, b"rest")
        self.assertIsNotNone(closed)


class OtherTransportTests(SynchronousTestCase):
    """From and to what is no socket, such as TLS."""

    def test_streaming(self) -> None:
        """The source is the target's producer, as Twisted has it."""
        for source, target in (
            (StringTransport(), StringTransport()),
            (Socket(), StringTransport()),
        ):
            write = pipe(source, target)
            write(b"octets")
            self.assertEqual(target.value(), b"octets")
            self.assertIs(target.producer, source)
            self.assertTrue(target.streaming)
