"""
Where the recorded packets are, for the tests that use them as the referee.

They are not part of the project; tests that need them are skipped, saying so, where they are not.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

CAPTURES = Path(
    os.environ.get("TRAILCAM_CAPTURES", Path(__file__).resolve().parents[2] / "shared" / "captures")
)

#: For the ``skip`` attribute of a test: a reason, or ``None`` when the recordings are here.
MISSING = (
    None
    if (CAPTURES / "expected.json").is_file()
    else f"no recordings in {CAPTURES} (set TRAILCAM_CAPTURES)"
)


def recording(name: str) -> list[dict[str, Any]]:
    """The packets of one recording: ``t``, ``dir``, ``peer_port``, ``hex``."""
    with (CAPTURES / name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def datagrams(name: str, direction: str | None = None) -> list[bytes]:
    """The UDP payloads of one recording, of one direction (``camera``, ``client``) or of both."""
    packets = recording(name)
    return [bytes.fromhex(p["hex"]) for p in packets if direction in (None, p["dir"])]
