"""
One stream of octets through a relay.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.bench import Bench, Case, Key, series
from benchmarks.contenders import relaying
from benchmarks.errors import BenchmarkError
from benchmarks.measure import interleaved
from benchmarks.peers import haproxy
from benchmarks.processes import LOOPBACK, accepts, free_ports, program, twist
from benchmarks.results import Result
from benchmarks.streams import dial, listener, pump

DIRECT, HAPROXY, TRANSIT, OURS = "direct TCP", "HAProxy", "transit-relay", "trailcam relay"

_CONDITION: Final = "one stream"
_OCTETS, _FEW_OCTETS = 1_000_000_000, 100_000_000

_NOTES = (
    "Sender and reader are two threads of one process; HAProxy has one thread, as the others.",
    "One gigabyte a round.  The connections are made before the clock starts.",
)

#: Makes the two ends of a stream, and hands what is to be closed to the stack.
Ends = Callable[[contextlib.ExitStack], tuple[socket.socket, socket.socket]]


def run(bench: Bench) -> Result:
    """Everybody who is there."""
    bench.tell("relay")
    octets = bench.choose(_OCTETS, _FEW_OCTETS)
    with contextlib.ExitStack() as stack:
        ways = _ways(bench, stack)
        taken: dict[Key, list[dict[str, Any]]] = interleaved(
            {(_CONDITION, name): partial(carried, ends, octets) for name, ends in ways.items()},
            bench.choose(7, 2),
        )
    return Result(
        case="relay",
        title="Relay",
        baseline=HAPROXY if HAPROXY in ways else DIRECT,
        series=tuple(series("goodput", "MB/s", taken, lambda one: one["rate"])),
        missing=bench.missing(
            {"HAProxy": bench.peers.haproxy, "transit-relay": bench.peers.transit}
        ),
        notes=_NOTES,
    )


def carried(ends: Ends, octets: int) -> dict[str, Any]:
    """So many octets over a new stream, in MB/s."""
    with contextlib.ExitStack() as stack:
        source, sink = ends(stack)
        return {"rate": octets / pump(source, sink, octets) / 1e6}


def _ways(bench: Bench, stack: contextlib.ExitStack) -> dict[str, Ends]:
    listening = stack.enter_context(listener())
    port = listening.getsockname()[1]
    ways: dict[str, Ends] = {DIRECT: partial(_dialled, listening, port)}
    if bench.peers.haproxy is not None:
        own = _haproxy(bench.peers.haproxy, port, stack)
        ways[HAPROXY] = partial(_dialled, listening, own)
    if bench.peers.transit is not None:
        ways[TRANSIT] = partial(_introduced, _transit(bench.peers.transit, stack))
    ways[OURS] = partial(relaying.pair, ours(stack))
    return ways


def _haproxy(binary: str, to: int, stack: contextlib.ExitStack) -> int:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    own = free_ports(1, socket.SOCK_STREAM)[0]
    file = folder / "haproxy.cfg"
    file.write_text(haproxy.configuration(own, to), encoding="ascii")
    running = stack.enter_context(program(HAPROXY, [binary, "-f", str(file), "-db"]))
    # To look whether it accepts would be a connection on to ours: its own table has to do.
    running.until(lambda: _listens(own), f"port {own}")
    return own


def _listens(port: int) -> bool:
    rows = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    return any(row.split()[1].endswith(f":{port:04X}") and row.split()[3] == "0A" for row in rows)


def _transit(command: tuple[str, ...], stack: contextlib.ExitStack) -> int:
    port = free_ports(1, socket.SOCK_STREAM)[0]
    where = f"tcp:{port}:interface={LOOPBACK}"
    running = stack.enter_context(program(TRANSIT, [*command, "transitrelay", "--port", where]))
    running.until(lambda: accepts(port), f"port {port}")
    return port


def ours(stack: contextlib.ExitStack) -> int:
    """This package's relay; its control port."""
    port, *data = free_ports(9, socket.SOCK_STREAM)
    ports = f"{min(data)}-{max(data)}"
    options = ["--open", "--interface", LOOPBACK, "--port", port, "--data-ports", ports]
    running = stack.enter_context(program(OURS, twist("relay", *options)))
    running.until(lambda: accepts(port), f"port {port}")
    return port


def _dialled(
    listening: socket.socket, port: int, stack: contextlib.ExitStack
) -> tuple[socket.socket, socket.socket]:
    """Somebody, or nobody, stands between the port and our listener."""
    source = stack.enter_context(dial(port))
    sink = stack.enter_context(listening.accept()[0])
    return source, sink


def _introduced(port: int, stack: contextlib.ExitStack) -> tuple[socket.socket, socket.socket]:
    """
    Two who show the same token are joined.

    :raises BenchmarkError: they are not.
    """
    ends = stack.enter_context(dial(port)), stack.enter_context(dial(port))
    token = os.urandom(32).hex()
    for end, side in zip(ends, "ab", strict=True):
        end.sendall(f"please relay {token} for side {side * 16}\n".encode())
    for end in ends:
        with end.makefile("rb", buffering=0) as said:
            if said.readline() != b"ok\n":
                raise BenchmarkError("the transit relay does not join the two")
    return ends


CASE = Case("relay", "goodput of a relayed stream, beside HAProxy and transit-relay", run)
