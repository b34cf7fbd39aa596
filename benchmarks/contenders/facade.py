"""
This package through its blocking manager: starts sessions when asked.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from benchmarks.answering import serve
from trailcam import ParallelConnectionManager


def start(host: str, ports: list[int], seconds: float) -> dict[str, Any]:
    """From the call to the proven session; ``seconds`` is ``None`` when there is none in time."""
    manager = ParallelConnectionManager(host, ports, seconds)
    began = time.perf_counter()
    success, _ = manager.connect_parallel()
    elapsed = time.perf_counter() - began
    manager.close()
    return {"seconds": elapsed if success else None}


if __name__ == "__main__":
    logging.getLogger("ConnectionManager").setLevel(logging.CRITICAL)
    serve({"start": start})
