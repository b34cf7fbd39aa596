"""
Requests that a rendezvous server answers.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.bench import Bench, Case, Key, series
from benchmarks.contenders.registering import HELLO, P2P_REQ, Device, device
from benchmarks.measure import interleaved
from benchmarks.processes import LOOPBACK, free_ports, module, program, twist
from benchmarks.results import Result
from benchmarks.workers import Worker, worker

ECHO, TWISTED, COTURN = "bare echo", "DatagramProtocol echo", "coturn STUN"
HELLOS, REQUESTS = "trailcam HELLO", "trailcam P2P_REQ"

_FLYING: Final = 64
_CONDITION: Final = f"{_FLYING} in flight"

#: A STUN binding request and what its answer begins with; likewise for the package.
_BINDING: Final = (bytes.fromhex("000100002112a442") + bytes(12), "0101")
_GREETING: Final = (HELLO, "f101")
_QUESTION: Final = (P2P_REQ, "f121")

_NOTES = (
    f"One process asks, with {_FLYING} requests in flight, and counts answers.  The bare echo is "
    "the ceiling of the one that asks: a plain socket that answers many at a time.",
    "The echo of a Twisted DatagramProtocol that does nothing else is what the reactor allows.",
    "Beside its acknowledgment, a P2P_REQ has PUNCH_TO sent to client and device; only the "
    "acknowledgment counts.",
)

Load = Callable[[], dict[str, Any]]


def run(bench: Bench) -> Result:
    """Everybody who is there."""
    bench.tell("rendezvous")
    with contextlib.ExitStack() as stack:
        loads = _loads(bench, stack)
        taken: dict[Key, list[dict[str, Any]]] = interleaved(loads, bench.choose(7, 2))
    names = [name for _, name in loads]
    return Result(
        case="rendezvous",
        title="Rendezvous",
        baseline=COTURN if COTURN in names else ECHO,
        series=tuple(series("answers", "1000/s", taken, lambda one: one["per_second"] / 1e3)),
        missing=bench.missing({"coturn": bench.peers.turnserver}),
        notes=_NOTES,
    )


def _loads(bench: Bench, stack: contextlib.ExitStack) -> dict[Key, Load]:
    asking = stack.enter_context(worker("load", module("benchmarks.peers.udp_load")))
    ask = partial(_ask, asking, bench.choose(2.0, 0.5))
    loads: dict[str, Load] = {
        ECHO: partial(ask, _echo(stack), HELLO, "f100"),
        TWISTED: partial(ask, _echo(stack, "--twisted"), HELLO, "f100"),
    }
    if bench.peers.turnserver is not None:
        loads[COTURN] = partial(ask, _coturn(bench.peers.turnserver, stack), *_BINDING)
    port = ours(stack)
    registered = stack.enter_context(device(port))
    loads[HELLOS] = partial(ask, port, *_GREETING)
    loads[REQUESTS] = partial(_after_login, registered, partial(ask, port, *_QUESTION, prove=True))
    return {(_CONDITION, name): one for name, one in loads.items()}


def _ask(
    asking: Worker, seconds: float, port: int, request: bytes, answer: str, prove: bool = False
) -> dict[str, Any]:
    return asking.ask(
        "load",
        host=LOOPBACK,
        port=port,
        request=request.hex(),
        answer=answer,
        seconds=seconds,
        flying=_FLYING,
        prove=prove,
    )


def _after_login(registered: Device, load: Load) -> dict[str, Any]:
    """A login lasts a minute: less than a run."""
    registered.login()
    return load()


def _echo(stack: contextlib.ExitStack, *options: str) -> int:
    running = stack.enter_context(program(ECHO, module("benchmarks.peers.echo", *options)))
    running.until(lambda: running.said("\n"), "port")
    return int(json.loads(running.output())["port"])


def _coturn(binary: str, stack: contextlib.ExitStack) -> int:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    port = free_ports(1)[0]
    command = [binary, "-n", "--listening-ip", LOOPBACK, "--listening-port", str(port)]
    command += ["--no-tls", "--no-dtls", "--no-cli", "--no-auth", "--log-file", os.devnull]
    command += ["--pidfile", str(folder / "pid"), "--db", str(folder / "db")]
    running = stack.enter_context(program(COTURN, command))
    running.until(lambda: _answers(port, _BINDING[0]), f"answer at port {port}")
    return port


def _answers(port: int, request: bytes) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.connect((LOOPBACK, port))
        with contextlib.suppress(OSError):
            bound.send(request)
            return bool(select.select([bound], [], [], 0.1)[0]) and bool(bound.recv(2048))
    return False


def ours(stack: contextlib.ExitStack) -> int:
    """This package's rendezvous server; its port."""
    port = free_ports(1)[0]
    options = ["--open", "--interface", LOOPBACK, "--port", port]
    running = stack.enter_context(program("trailcam rendezvous", twist("rendezvous", *options)))
    running.until(lambda: _answers(port, HELLO), f"answer at port {port}")
    return port


CASE = Case("rendezvous", "requests answered per second, beside coturn", run)
