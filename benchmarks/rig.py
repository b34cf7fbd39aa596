"""
The camera, the bad network, and the contenders that talk to them: what several cases need.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from benchmarks.processes import module, program
from benchmarks.workers import Worker, worker

BARE, API, FACADE, AIOPPPP = "bare socket", "trailcam API", "trailcam facade", "aiopppp"


@contextlib.contextmanager
def camera(window: int = 64, trains: bool = False, port: int = 0) -> Iterator[int]:
    """
    A camera on loopback; its port.

    :param window: packets in flight.
    :param trains: whether packets are handed to the system many at once.
    :param port: the port to take; 0 is any.
    """
    options = ["--window", window, "--port", port, *(["--trains"] if trains else [])]
    with _serving("camera", "fakecamera", *options) as own:
        yield own


@contextlib.contextmanager
def impaired(port: int, loss: float = 0.0, delay: float = 0.0) -> Iterator[int]:
    """
    A bad network before the camera with this port; the port where clients find it.

    :param loss: chance that a datagram is lost, either way.
    :param delay: seconds that it takes, either way.
    """
    options = ["--camera", port, "--loss", loss, "--delay", delay]
    with _serving("impairment", "impairment", *options) as own:
        yield own


@contextlib.contextmanager
def _serving(name: str, script: str, *options: object) -> Iterator[int]:
    with program(name, module(f"benchmarks.peers.{script}", *options)) as running:
        running.until(lambda: running.said("\n"), "port")
        yield int(json.loads(running.output())["port"])


def bare() -> contextlib.AbstractContextManager[Worker]:
    """The plain socket."""
    return worker(BARE, module("benchmarks.peers.baresocket"))


def api() -> contextlib.AbstractContextManager[Worker]:
    """This package's Deferred API."""
    return worker(API, module("benchmarks.contenders.api"))


def facade() -> contextlib.AbstractContextManager[Worker]:
    """This package's blocking manager."""
    return worker(FACADE, module("benchmarks.contenders.facade"))


def aiopppp(python: str) -> contextlib.AbstractContextManager[Worker]:
    """The package from PyPI, in a Python that has it."""
    return worker(AIOPPPP, module("benchmarks.peers.aiopppp_client", python=python))
