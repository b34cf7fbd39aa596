"""What the kernel knows of a process: Linux only."""

from __future__ import annotations

import os
import re
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Octets of memory that a process has."""
    return _kibibytes(Path(f"/proc/{pid}/status").read_text(encoding="ascii")) * 1024


def _kibibytes(status: str) -> int:
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) if found else 0


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, of the system's time, too."""
    return ticks(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")) / _TICKS


def ticks(stat: str) -> int:
    """
    The same, in the kernel's unit.

    :param stat: what ``/proc/PID/stat`` says; the name in it may have spaces and brackets.
    """
    fields = stat.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
