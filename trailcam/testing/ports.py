"""
Which port number of a host belongs to whom, for one transport protocol.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

ANY = "0.0.0.0"
"""The address of a port that is bound to all addresses of its host."""

EPHEMERAL = range(49152, 65536)
"""The numbers given to those who ask for port 0."""


def _round_robin(first: int) -> Iterator[int]:
    """All of :data:`EPHEMERAL` for ever, so that no number comes again before all others did."""
    while True:
        yield from range(first, EPHEMERAL.stop)
        first = EPHEMERAL.start


class PortTable(Generic[T]):
    """
    The bound ports of one host.

    :param first: where in :data:`EPHEMERAL` to begin.
    """

    def __init__(self, first: int) -> None:
        self._bound: dict[int, dict[str, T]] = {}
        self._ephemeral = _round_robin(first)

    def __iter__(self) -> Iterator[T]:
        return (port for bound in self._bound.values() for port in bound.values())

    def bind(self, port: T, address: str, number: int) -> int:
        """
        Give a number to a port.

        :param address: one of the host's addresses, or :data:`ANY`.
        :param number: the number wanted, 0 for any.
        :returns: the number.
        :raises OSError: ``EADDRINUSE``.
        """
        number = number or self._unused()
        bound = self._bound.get(number, {})
        if address in bound or ANY in bound or (bound and address == ANY):
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        self._bound.setdefault(number, {})[address] = port
        return number

    def release(self, address: str, number: int) -> None:
        """Undo :meth:`bind`."""
        del self._bound[number][address]
        if not self._bound[number]:
            del self._bound[number]

    def listener(self, address: str, number: int) -> T | None:
        """Who hears a datagram to this address and number; a broadcast reaches only :data:`ANY`."""
        bound = self._bound.get(number, {})
        return bound.get(ANY) or bound.get(address)

    def _unused(self) -> int:
        """An ephemeral number that is free, or 0 turned into ``EADDRINUSE``."""
        for _ in EPHEMERAL:
            if (number := next(self._ephemeral)) not in self._bound:
                return number
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
