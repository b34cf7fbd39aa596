"""
Peers that may be installed on this machine, or not.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass

from benchmarks.processes import environment

#: Seconds that a peer may take to show that it is there.
_PATIENCE = 20.0


@dataclass(frozen=True)
class Peers:
    """
    What starts each peer; ``None`` where it is missing.

    :ivar aiopppp: a Python that has the package.
    :ivar transit: a ``twist`` that has magic-wormhole's transit relay.
    """

    aiopppp: str | None
    haproxy: str | None
    turnserver: str | None
    transit: tuple[str, ...] | None


#: What would put a missing one right.
REMEDIES = {
    "aiopppp": "pip install aiopppp, or --aiopppp-python",
    "HAProxy": "apt install haproxy",
    "coturn": "apt install coturn",
    "transit-relay": "pip install magic-wormhole-transit-relay, or --transit-twist",
}


def find(aiopppp_python: str | None = None, transit_twist: str | None = None) -> Peers:
    """
    Look for them.

    :param aiopppp_python: another Python than this one.
    :param transit_twist: another ``twist`` than the one of this Python.
    """
    python = aiopppp_python or sys.executable
    twist = [transit_twist] if transit_twist else [sys.executable, "-m", "twisted"]
    has_aiopppp = _says([python, "-c", "import aiopppp; print('yes')"], "yes")
    has_transit = _says([*twist, "--help"], "transitrelay")
    return Peers(
        aiopppp=python if has_aiopppp else None,
        haproxy=shutil.which("haproxy"),
        turnserver=shutil.which("turnserver"),
        transit=tuple(twist) if has_transit else None,
    )


def _says(command: list[str], word: str) -> bool:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, env=environment()
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return word in done.stdout
