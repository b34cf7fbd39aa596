"""Tests for :mod:`trailcam.link.receivebuffer`."""

from __future__ import annotations

import socket
from typing import Any

from twisted.logger import LogLevel
from twisted.trial.unittest import SynchronousTestCase

from tests.connect.logs import LogCapture
from trailcam.link import receivebuffer
from trailcam.link.receivebuffer import WANTED, enlarge_receive_buffer


class Socket:
    """A socket whose system has a limit."""

    def __init__(self, limit: int, force: bool) -> None:
        self.size = 200_000
        self._limit = limit
        self._force = force

    def setsockopt(self, _level: int, option: int, size: int) -> None:
        """Give what is allowed."""
        if option == socket.SO_RCVBUF:
            self.size = min(size, self._limit) * 2
        elif self._force:
            self.size = size * 2
        else:
            raise PermissionError

    def getsockopt(self, _level: int, _option: int) -> int:
        """What there is."""
        return self.size


class Port:
    """A port with a socket."""

    def __init__(self, skt: Any) -> None:
        self.socket = skt


class EnlargeTests(SynchronousTestCase):
    """More room."""

    def setUp(self) -> None:
        """Nothing was said yet."""
        self.patch(receivebuffer, "_told", set())
        self.log = LogCapture(self)

    def enlarge(self, limit: int, force: bool = False) -> int:
        """The size after it."""
        skt = Socket(limit, force)
        enlarge_receive_buffer(Port(skt))  # type: ignore[arg-type]
        return skt.size

    def test_allowed(self) -> None:
        """A system that allows it gives it, and nothing is said."""
        self.assertEqual((self.enlarge(WANTED), self.log.lines(LogLevel.info)), (WANTED * 2, []))

    def test_administrator(self) -> None:
        """Who may go beyond the limit does."""
        self.assertEqual(
            (self.enlarge(212_992, force=True), self.log.lines(LogLevel.info)), (WANTED * 2, [])
        )

    def test_refused(self) -> None:
        """Otherwise it is said once what would help."""
        self.assertEqual([self.enlarge(212_992), self.enlarge(212_992)], [425_984] * 2)
        [line] = self.log.lines(LogLevel.info)
        self.assertIn("416 KiB, 4096 would be better: 'sysctl -w net.core.rmem_max=4194304'", line)

    def test_in_memory(self) -> None:
        """A port without a socket is left alone."""
        enlarge_receive_buffer(object())  # type: ignore[arg-type]
        self.assertEqual(self.log.lines(LogLevel.info), [])

    def test_real(self) -> None:
        """A real socket gets no smaller."""
        skt = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(skt.close)
        before = skt.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        enlarge_receive_buffer(Port(skt))  # type: ignore[arg-type]
        self.assertGreaterEqual(skt.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF), before)
