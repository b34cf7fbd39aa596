"""
The least that a client can do: a plain socket, no objects, nothing kept.

It shows what the camera, the system and the interpreter allow; nothing that does more is faster.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterable
from typing import Any

from benchmarks.answering import cpu_seconds, serve
from benchmarks.peers import pppp
from benchmarks.peers.datagrams import udp_socket

#: Seconds until a question is asked again.
_AGAIN = 0.1

#: Seconds that an acknowledgment may wait for others.
_TICK = 0.01

_CLOSE = pppp.message(pppp.CLOSE)


def start(host: str, ports: list[int], seconds: float) -> dict[str, Any]:
    """From the first search to P2P_RDY; ``seconds`` is ``None`` when that does not come in time."""
    began = time.perf_counter()
    with udp_socket(("", 0)) as bound:
        peer = _session(bound, [(host, port) for port in ports], seconds)
        elapsed = time.perf_counter() - began
        if peer is None:
            return {"seconds": None}
        bound.sendto(_CLOSE, peer)
    return {"seconds": elapsed}


def _session(
    bound: socket.socket, peers: Iterable[tuple[str, int]], seconds: float
) -> tuple[str, int] | None:
    """Search everywhere at once, punch who answers, and wait until it is ready."""
    asked = [(pppp.message(pppp.LAN_SEARCH), peer) for peer in peers]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for datagram, peer in asked:
            bound.sendto(datagram, peer)
        again = min(deadline, time.monotonic() + _AGAIN)
        while (left := again - time.monotonic()) > 0 and select.select([bound], [], [], left)[0]:
            answer, peer = bound.recvfrom(2048)
            if answer[1] == pppp.P2P_RDY:
                return str(peer[0]), int(peer[1])
            if answer[1] == pppp.PUNCH_PKT:
                asked = [(answer, peer)]
                bound.sendto(answer, peer)
    return None


def download(
    host: str, port: int, octets: int, chunk: int, batch: int, seconds: float
) -> dict[str, Any]:
    """
    Receive a number of octets, and keep none of them.

    :param batch: pieces in one acknowledgment.
    """
    with udp_socket(("", 0)) as bound:
        peer = _session(bound, [(host, port)], seconds)
        if peer is None:
            raise TimeoutError("no session")
        bound.connect(peer)
        began, used = time.perf_counter(), cpu_seconds()
        _command(bound, pppp.pour(1, chunk, octets))
        got = _receive(bound, octets, chunk, batch, seconds)
        elapsed, used = time.perf_counter() - began, cpu_seconds() - used
        _linger(bound)
    return {"octets": got, "seconds": elapsed, "cpu": used}


def _command(bound: socket.socket, payload: bytes) -> None:
    """Send a command until it is acknowledged, or more than that comes."""
    while True:
        bound.send(pppp.drw(pppp.COMMANDS, 0, payload))
        while select.select([bound], [], [], _AGAIN)[0]:
            if bound.recv(2048)[1] in (pppp.DRW_ACK, pppp.DRW):
                return


class Acks:
    """
    Acknowledgments that wait for others.

    :ivar due: when they are to go at the latest; ``None`` when there are none.
    """

    def __init__(self, bound: socket.socket, batch: int) -> None:
        self.due: float | None = None
        self._socket = bound
        self._batch = batch
        self._pending: list[int] = []

    def note(self, index: int) -> None:
        """A piece came."""
        if self.due is None:
            self.due = time.monotonic() + _TICK
        self._pending.append(index)
        if len(self._pending) >= self._batch:
            self.flush()

    def flush(self) -> None:
        """Send what there is."""
        if self.due is not None:
            self._socket.send(pppp.drw_ack(1, self._pending))
            self._pending.clear()
            self.due = None

    def pause(self, deadline: float) -> bool:
        """Wait until something comes; whether the deadline has not passed."""
        now = time.monotonic()
        if self.due is not None and now >= self.due:
            self.flush()
        until = deadline if self.due is None else self.due
        select.select([self._socket], [], [], max(0.0, until - now))
        return now < deadline


def _receive(bound: socket.socket, octets: int, chunk: int, batch: int, seconds: float) -> int:
    missing = -(-octets // chunk)
    seen = bytearray(missing)
    got, highest = 0, -1
    acks = Acks(bound, batch)
    deadline = time.monotonic() + seconds
    while missing:
        try:
            datagram = bound.recv(2048)
        except BlockingIOError:
            if not acks.pause(deadline):
                break
            continue
        if datagram[1] != pppp.DRW or datagram[5] != 1:
            continue
        index = datagram[6] << 8 | datagram[7]
        acks.note(index)
        number = pppp.unwrapped(index, highest)
        highest = max(highest, number)
        if not seen[number]:
            seen[number] = 1
            missing -= 1
            got += len(datagram) - pppp.DRW_HEAD
    acks.flush()
    return got


def _linger(bound: socket.socket) -> None:
    """Acknowledge what is sent again, until the camera says that it has everything."""
    while select.select([bound], [], [], 1.0)[0]:
        datagram = bound.recv(2048)
        if datagram[1] == pppp.DRW:
            bound.send(pppp.drw_ack(datagram[5], [datagram[6] << 8 | datagram[7]]))
            if datagram[pppp.DRW_HEAD :] == pppp.POURED:
                break
    bound.send(_CLOSE)


if __name__ == "__main__":
    serve({"start": start, "download": download})
