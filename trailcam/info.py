"""
The ``info`` dictionary of the facade and of ``trailcam connect --json``.
"""

from __future__ import annotations

from typing import Any

from trailcam.interfaces import ILink
from trailcam.model import AttemptReport, ConnectionMode, Report


def success_info(link: ILink, report: Report) -> dict[str, Any]:
    """What ``connect_parallel`` returns beside ``True``."""
    assert link.peer is not None  # a winner is proven
    return {
        "mode": link.mode,
        "port": link.local[1],
        "destination_port": link.peer[1],
        "elapsed_time": report.elapsed,
        "winning_thread": link.mode.thread_name,
        "threads_info": threads_info(report),
    }


def failure_info(report: Report) -> dict[str, Any]:
    """What ``connect_parallel`` returns beside ``False``."""
    return {"elapsed_time": report.elapsed, "threads_info": threads_info(report)}


def threads_info(report: Report) -> dict[str, dict[str, Any]]:
    """One entry for every mode, under its thread's name."""
    return {a.mode.thread_name: _thread(a) for a in report.attempts}


def as_json(info: dict[str, Any]) -> dict[str, Any]:
    """The same dictionary with nothing in it that JSON does not know."""
    mode = info.get("mode")
    return {**info, "mode": mode.value} if isinstance(mode, ConnectionMode) else info


def _thread(attempt: AttemptReport) -> dict[str, Any]:
    return {
        "mode": attempt.mode.value,
        "state": attempt.state.value,
        "port": attempt.port,
        "retries": attempt.retries,
        "elapsed": attempt.elapsed,
        "error": attempt.error,
        "code": attempt.code,
        "phase": attempt.phase,
    }
