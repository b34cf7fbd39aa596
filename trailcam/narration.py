"""
A race told in the words of the log: the lines that scripts of the original project expect.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from trailcam.connect.events import (
    HeatAborted,
    HeatFailed,
    HeatStarted,
    HeatWon,
    Observer,
    ProbeSent,
    RaceEvent,
    RaceFinished,
    RaceStarted,
)
from trailcam.model import ConnectionMode

_KIND = {
    ConnectionMode.P2P: "P2P direct",
    ConnectionMode.LAN: "LAN direct",
    ConnectionMode.RELAY: "relay",
}

#: Writes one line: level, format, arguments, as :meth:`logging.Logger.log` does.
Write = Callable[..., None]


def narrator(logger: logging.Logger) -> Observer:
    """An observer that tells each event to ``logger``, once."""

    def tell(event: RaceEvent) -> None:
        line = _LINES.get(type(event))
        if line is not None:
            line(logger.log, event)

    return tell


def _race_started(write: Write, event: Any) -> None:
    write(logging.INFO, "[CONNECT] Starting parallel connection attempt...")


def _heat_started(write: Write, event: Any) -> None:
    mode: ConnectionMode = event.mode
    write(logging.DEBUG, "[CONNECT] Started thread: %s", mode.thread_name)
    write(logging.DEBUG, "[%s] Starting %s connection thread", mode.label, _KIND[mode])


def _probe_sent(write: Write, event: Any) -> None:
    write(
        logging.DEBUG,
        "[%s] Attempt %d: local_port=%d, dest_port=%d",
        event.mode.label,
        event.number,
        event.local_port,
        event.destination_port,
    )


def _heat_won(write: Write, event: Any) -> None:
    write(
        logging.INFO,
        "[%s] ✓ %s connection succeeded: port=%d, dest_port=%d, time=%.2fs",
        event.mode.label,
        event.mode.label,
        event.local_port,
        event.destination_port,
        event.elapsed,
    )


def _heat_failed(write: Write, event: Any) -> None:
    label = event.mode.label
    write(logging.WARNING, "[%s] ✗ %s connection failed: %s", label, label, event.error)


def _heat_aborted(write: Write, event: Any) -> None:
    label = event.mode.label
    if event.winner is None:
        write(logging.DEBUG, "[%s] Cancelled, aborting %s attempts", label, label)
        return
    write(
        logging.DEBUG,
        "[%s] Another thread succeeded (%s), aborting %s attempts",
        label,
        event.winner.thread_name,
        label,
    )


def _race_finished(write: Write, event: Any) -> None:
    write(
        logging.INFO,
        "[CONNECT] Parallel connection attempt completed in %.2fs",
        event.report.elapsed,
    )


_LINES: dict[type[RaceEvent], Callable[[Write, Any], None]] = {
    RaceStarted: _race_started,
    HeatStarted: _heat_started,
    ProbeSent: _probe_sent,
    HeatWon: _heat_won,
    HeatFailed: _heat_failed,
    HeatAborted: _heat_aborted,
    RaceFinished: _race_finished,
}
