"""
Octets from one connection into another, as fast as they go, with back pressure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import IPullProducer
from zope.interface import implementer

_READ_SIZE = 128 * 1024  # octets of one read, and of one write


def pipe(source: Any, target: Any) -> Callable[[bytes], None]:
    """
    A function that writes to ``target`` what ``source`` received, and lets ``source`` wait.

    Whatever else is to be written to ``target`` has to go through it, too.

    :param source: a transport; it is paused when ``target`` has enough.
    :param target: a transport without a producer and with nothing left to write; call its
        ``unregisterProducer`` before closing it.
    """
    if isinstance(source, FileDescriptor) and isinstance(target, FileDescriptor):
        source.bufferSize = _READ_SIZE
        return _Lane(source, target).write
    target.registerProducer(source, True)
    write: Callable[[bytes], None] = target.write
    return write


@implementer(IPullProducer)
class _Lane:
    """
    From socket to socket: the system gets the octets at once, and only what it does not take is
    buffered, while the source waits.  That saves a turn of the reactor and two system calls for
    every read, and half of the memory when the reader is slow.
    """

    __slots__ = ("_congested", "_source", "_target")

    def __init__(self, source: FileDescriptor, target: FileDescriptor) -> None:
        self._congested = False
        self._source = source
        self._target = target
        target.registerProducer(self, False)

    def write(self, data: bytes) -> None:
        """Write all of it, now or later."""
        if not self._congested:
            taken = self._target.writeSomeData(data)
            if taken == len(data):
                return
            self._congested = True
            self._source.pauseProducing()
            if isinstance(taken, int):  # else an error, which the reactor will meet and report
                data = data[taken:]
        self._target.write(data)

    def resumeProducing(self) -> None:
        """The target's buffer is empty."""
        self._congested = False
        self._source.resumeProducing()

    def stopProducing(self) -> None:
        """The target is gone: its protocol tells those whom it concerns."""
