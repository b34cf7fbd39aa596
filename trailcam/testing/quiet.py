"""
What a test left behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from twisted.internet.base import DelayedCall
from twisted.internet.interfaces import IDelayedCall

from trailcam.testing.datagram import Datagram
from trailcam.testing.listener import MemoryListener
from trailcam.testing.port import MemoryPort
from trailcam.testing.stream import MemoryStream


def describe_ports(ports: Iterable[MemoryPort | MemoryListener]) -> Iterator[str]:
    """One line for each port: what it is and who opened it."""
    for port in ports:
        yield f"open port {port!r}, opened at {port.opened_by}"


def describe_streams(streams: Iterable[MemoryStream]) -> Iterator[str]:
    """One line for each end of a connection, and for each that shall become one."""
    for stream in streams:
        state = "open" if stream.connected else "pending"
        yield f"{state} connection {stream!r}, opened at {stream.opened_by}"


def describe_calls(calls: Iterable[IDelayedCall], now: float) -> Iterator[str]:
    """One line for each delayed call: what, when, and who asked for it."""
    for call in calls:
        call = cast(DelayedCall, call)
        name = getattr(call.func, "__qualname__", None) or repr(call.func)
        asked_at = call.creator[-1].strip() if call.creator else "the clock directly"
        yield f"delayed call in {call.getTime() - now:.3f} s of {name}, asked for at {asked_at}"


def describe_flights(flights: Iterable[tuple[float, Datagram]], now: float) -> Iterator[str]:
    """One line for each datagram that has not arrived."""
    for due, datagram in flights:
        (source, source_port), (host, port) = datagram.source, datagram.destination
        yield (
            f"datagram of {len(datagram.payload)} octets from {source}:{source_port} to"
            f" {host}:{port}, due in {due - now:.3f} s"
        )
