"""
What a port that hears refusals must do on every reactor: played on real sockets, on loopback.

Each scenario is a coroutine that gives a JSON-able verdict; ``SCENARIOS`` has the right ones.
``python -c "from tests.link.scenarios import main; main('select')"`` plays them all.
"""

from __future__ import annotations

import errno
import json
import socket
import struct
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from importlib import import_module
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.protocol import DatagramProtocol

from trailcam.interfaces import Address
from trailcam.link.errorqueue import listen_udp

LOOPBACK = "127.0.0.1"
_PATIENCE = 10.0


class Ear(DatagramProtocol):
    """
    Remembers what it hears.

    :ivar on_refusal: called after each refusal.
    """

    noisy = False
    transport: Any

    def __init__(self, on_refusal: Callable[[], object] = lambda: None) -> None:
        self.heard: list[tuple[bytes, Address]] = []
        self.refusals: list[tuple[Address, int]] = []
        self.stops = 0
        self.on_refusal = on_refusal
        self._waiting: list[tuple[int, int, Deferred[None]]] = []

    @property
    def address(self) -> Address:
        """Where it listens."""
        host = self.transport.getHost()
        return host.host, host.port

    def when(self, reactor: Any, *, heard: int = 0, refusals: int = 0) -> Deferred[None]:
        """Fires when at least so many datagrams and refusals were heard; fails after 10 s."""
        waiter: Deferred[None] = Deferred()
        self._waiting.append((heard, refusals, waiter))
        self._look()
        return waiter.addTimeout(_PATIENCE, reactor)

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Keep it."""
        self.heard.append((datagram, addr))
        self._look()

    def refused(self, address: Address, error: int) -> None:
        """Keep it."""
        self.refusals.append((address, error))
        self.on_refusal()
        self._look()

    def stopProtocol(self) -> None:
        """Count the ends: there is one."""
        self.stops += 1

    def _look(self) -> None:
        for waiting in tuple(self._waiting):
            heard, refusals, waiter = waiting
            if len(self.heard) >= heard and len(self.refusals) >= refusals:
                self._waiting.remove(waiting)
                waiter.callback(None)


class Bench:
    """Ports on loopback that are all closed in the end."""

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self._ports: list[Any] = []
        self._reserved: list[socket.socket] = []

    def ear(self, **options: Any) -> Ear:
        """A port that hears refusals."""
        ear = Ear(**options)
        self._ports.append(listen_udp(self.reactor, ear, (LOOPBACK, 0)))
        return ear

    def closed_port(self) -> Address:
        """
        An address where nobody listens, and nobody can begin to.

        Its number is taken by a socket that is connected elsewhere: the system refuses for it.
        """
        reserved = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._reserved.append(reserved)
        reserved.bind((LOOPBACK, 0))
        reserved.connect((LOOPBACK, 9))
        address: Address = reserved.getsockname()
        return address

    async def turns(self, count: int) -> None:
        """Let the reactor turn at least so many times."""
        ping, pong = self.ear(), self.ear()
        for number in range(1, count + 1):
            ping.transport.write(b"ping", pong.address)
            await pong.when(self.reactor, heard=number)

    async def close(self) -> None:
        """Close everything."""
        for reserved in self._reserved:
            reserved.close()
        await gatherResults([maybeDeferred(port.stopListening) for port in self._ports])


def forge_icmp(code: int, victim: Address, destination: Address) -> None:
    """
    Send ``victim`` the ICMP message "destination unreachable".

    :param code: 1 says that the host is out of reach, 4 that the datagram was too large.
    :raises PermissionError: where only the administrator may do that.
    """
    inner = struct.pack(
        ">BBHHHBBH4s4s",
        *(0x45, 0, 28, 1, 0, 64, socket.IPPROTO_UDP, 0),
        socket.inet_aton(victim[0]),
        socket.inet_aton(destination[0]),
    ) + struct.pack(">HHHH", victim[1], destination[1], 8, 0)
    head = struct.pack(">BBHHH", 3, code, 0, 0, 1400 if code == 4 else 0)
    total = sum(struct.unpack(f">{len(head + inner) // 2}H", head + inner))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    message = head[:2] + struct.pack(">H", total ^ 0xFFFF) + head[4:] + inner
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.sendto(message, (victim[0], 0))


async def refusal(bench: Bench) -> Any:
    """A closed port is heard of, once, under the address that was written to."""
    ear, closed = bench.ear(), bench.closed_port()
    ear.transport.write(b"anybody?", closed)
    await ear.when(bench.reactor, refusals=1)
    await bench.turns(3)
    return [[address == closed, errno.errorcode[error]] for address, error in ear.refusals]


async def other_port(bench: Bench) -> Any:
    """An answer from another port than the one that was asked is heard."""
    ear, asked, answering = bench.ear(), bench.ear(), bench.ear()
    ear.transport.write(b"anybody?", asked.address)
    await asked.when(bench.reactor, heard=1)
    answering.transport.write(b"me", asked.heard[0][1])
    await ear.when(bench.reactor, heard=1)
    return [[datagram.decode(), peer == answering.address] for datagram, peer in ear.heard]


async def _alternate(bench: Bench, closed_first: bool) -> Any:
    ear = bench.ear()
    camera = [bench.ear() for _ in range(3)]
    shut = [bench.closed_port() for _ in range(3)]
    pairs = list(zip(shut, [each.address for each in camera], strict=True))
    for refusing, open_address in pairs:
        pair = (refusing, open_address) if closed_first else (open_address, refusing)
        for destination in pair:
            ear.transport.write(b"probe", destination)
    for each in camera:
        await each.when(bench.reactor, heard=1)
    await ear.when(bench.reactor, refusals=3)
    await bench.turns(3)
    return {
        "probes at open ports": [len(each.heard) for each in camera],
        "refusals": [address in shut for address, _ in ear.refusals],
    }


async def six_probes(bench: Bench) -> Any:
    """Of six probes in a row, to closed and open ports in turn, each open port gets the first."""
    return await _alternate(bench, closed_first=True)


async def six_probes_open_first(bench: Bench) -> Any:
    """The same, an open port first."""
    return await _alternate(bench, closed_first=False)


async def wake_ups(bench: Bench) -> Any:
    """A refusal wakes the port once; then it lies still, however often the reactor turns."""
    ear = bench.ear()
    port = ear.transport
    calls: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        original = getattr(port, name)

        def call(*args: Any) -> Any:
            calls.append(name)
            return original(*args)

        return call

    port.doRead, port.readConnectionLost = counted("doRead"), counted("readConnectionLost")
    port.write(b"anybody?", bench.closed_port())
    await ear.when(bench.reactor, refusals=1)
    await bench.turns(20)
    return len(calls)


async def survival(bench: Bench) -> Any:
    """Hundreds of refusals in one turn are all heard, and the port goes on."""
    ear, friend, closed = bench.ear(), bench.ear(), bench.closed_port()
    for _ in range(300):
        ear.transport.write(b"anybody?", closed)
    await ear.when(bench.reactor, refusals=300)
    friend.transport.write(b"still there?", ear.address)
    await ear.when(bench.reactor, heard=1)
    return [len(ear.refusals), len(ear.heard), ear.stops]


async def full_queue(bench: Bench) -> Any:
    """A queue that is longer than what one turn takes out is emptied in several."""
    ear, friend, closed = bench.ear(), bench.ear(), bench.closed_port()
    sent = 0
    while sent < 150:
        with suppress(ConnectionRefusedError):  # only says that the queue is not empty
            sent += ear.transport.socket.sendto(b"!", closed)
    await ear.when(bench.reactor, refusals=150)
    friend.transport.write(b"still there?", ear.address)
    await ear.when(bench.reactor, heard=1)
    return [len(ear.refusals), len(ear.heard), ear.stops]


async def stop_inside(bench: Bench) -> Any:
    """A protocol may close its port when it is refused: while it writes, and in a later turn."""
    verdict = []
    for writes in (1, 2):  # the second write meets the refusal of the first
        ended: Deferred[None] = Deferred()
        ear = Ear()
        port: Any = listen_udp(bench.reactor, ear, (LOOPBACK, 0))

        def stop(port: Any = port, ear: Ear = ear, ended: Deferred[None] = ended) -> None:
            ear.on_refusal = lambda: None
            port.stopListening().chainDeferred(ended)

        ear.on_refusal = stop
        closed = bench.closed_port()
        for _ in range(writes):
            port.write(b"anybody?", closed)
        await ended.addTimeout(_PATIENCE, bench.reactor)
        verdict.append([ear.stops, port in bench.reactor.getReaders()])
    return verdict


async def out_of_reach(bench: Bench) -> Any:
    """
    Whatever a router says of one destination, the port lives and reaches the others.

    The verdict is ``None`` where such a message cannot be forged.
    """
    ear, friend, gone = bench.ear(), bench.ear(), ("127.0.0.2", 9)
    try:
        for code in (1, 4):
            forge_icmp(code, ear.address, gone)
            ear.transport.write(b"hello", friend.address)
    except PermissionError:
        return None
    await friend.when(bench.reactor, heard=2)
    friend.transport.write(b"hello", ear.address)  # an error and a datagram at the same time
    forge_icmp(1, ear.address, gone)
    await ear.when(bench.reactor, heard=1, refusals=3)
    return [
        [[address == gone, errno.errorcode[error]] for address, error in ear.refusals],
        len(friend.heard),
        len(ear.heard),
        ear.stops,
    ]


_UNREACHABLE = [True, "EHOSTUNREACH"]
_ALL_ARRIVED = {"probes at open ports": [1, 1, 1], "refusals": [True, True, True]}

SCENARIOS: dict[str, tuple[Callable[[Bench], Coroutine[Any, Any, Any]], list[Any]]] = {
    "refusal": (refusal, [[[True, "ECONNREFUSED"]]]),
    "other_port": (other_port, [[["me", True]]]),
    "six_probes": (six_probes, [_ALL_ARRIVED]),
    "six_probes_open_first": (six_probes_open_first, [_ALL_ARRIVED]),
    "wake_ups": (wake_ups, [1]),
    "survival": (survival, [[300, 1, 0]]),
    "full_queue": (full_queue, [[150, 1, 0]]),
    "stop_inside": (stop_inside, [[[1, False], [1, False]]]),
    "out_of_reach": (
        out_of_reach,
        [None, [[_UNREACHABLE, [True, "EMSGSIZE"], _UNREACHABLE], 2, 1, 0]],
    ),
}
"""Each scenario by name, with the verdicts that are right."""


async def play(reactor: Any, name: str) -> Any:
    """Play one scenario; the result is its verdict."""
    bench = Bench(reactor)
    try:
        return await SCENARIOS[name][0](bench)
    finally:
        await bench.close()


def main(reactor_name: str) -> None:
    """Play all scenarios on a reactor of a kind, and print the verdicts as JSON."""
    import_module(f"twisted.internet.{reactor_name}reactor").install()
    from twisted.internet import task

    async def all_of_them(reactor: Any) -> None:
        verdicts = {name: await play(reactor, name) for name in SCENARIOS}
        json.dump({"reactor": type(reactor).__name__, **verdicts}, sys.stdout)

    task.react(lambda reactor: Deferred.fromCoroutine(all_of_them(reactor)))
