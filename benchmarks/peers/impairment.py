"""
A bad network between clients and a camera: it loses datagrams, by chance but with a seed, and
delays them.

Every client has a socket of its own towards the camera, which so tells them apart.  It prints the
port that it has, as JSON, and serves until it is ended.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import random
import selectors
import socket
import sys
import time
from collections.abc import Sequence

from benchmarks.peers.datagrams import Address, send_all, udp_socket, waiting

#: Datagrams read in one go.
_AT_ONCE = 128

#: Seconds after which a silent client is forgotten, and between two looks for them.
_SILENCE, _LOOK = 15.0, 1.0


class Line:
    """What one client says, and what it is told."""

    def __init__(self, client: Address) -> None:
        self.client = client
        self.socket = udp_socket(("127.0.0.1", 0))
        self.heard = time.monotonic()


class Network:
    """
    All lines to one camera.

    :param delay: seconds that each datagram takes, in either direction.
    """

    def __init__(
        self, front: socket.socket, camera: Address, loss: float, delay: float, seed: int
    ) -> None:
        self._front = front
        self._camera = camera
        self._loss = loss
        self._delay = delay
        self._chance = random.Random(seed).random
        self._lines: dict[Address, Line] = {}
        self._travelling: list[tuple[float, int, socket.socket, Address, list[bytes]]] = []
        self._numbers = itertools.count()
        self._look_at = 0.0
        self._selector = selectors.DefaultSelector()
        self._selector.register(front, selectors.EVENT_READ)

    def serve(self) -> None:
        """Carry for ever."""
        while True:
            for key, _ in self._selector.select(self._wait()):
                if key.data is None:
                    self._from_clients()
                else:
                    self._from_camera(key.data)
            self._arrive(time.monotonic())

    def _wait(self) -> float:
        if not self._travelling:
            return _LOOK
        return max(0.0, self._travelling[0][0] - time.monotonic())

    def _from_clients(self) -> None:
        come = list(waiting(self._front, _AT_ONCE))
        for client, said in itertools.groupby(come, key=lambda pair: pair[1]):
            line = self._line(client)
            self._carry(line.socket, self._camera, [datagram for datagram, _ in said])

    def _from_camera(self, line: Line) -> None:
        said = [datagram for datagram, _ in waiting(line.socket, _AT_ONCE)]
        self._carry(self._front, line.client, said)

    def _line(self, client: Address) -> Line:
        line = self._lines.get(client)
        if line is None:
            line = self._lines[client] = Line(client)
            self._selector.register(line.socket, selectors.EVENT_READ, line)
        line.heard = time.monotonic()
        return line

    def _carry(self, out: socket.socket, to: Address, datagrams: Sequence[bytes]) -> None:
        kept = list(datagrams)
        if self._loss:
            kept = [datagram for datagram in datagrams if self._chance() >= self._loss]
        if not self._delay:
            send_all(out, kept, to)
        elif kept:
            at = time.monotonic() + self._delay
            heapq.heappush(self._travelling, (at, next(self._numbers), out, to, kept))

    def _arrive(self, now: float) -> None:
        while self._travelling and self._travelling[0][0] <= now:
            _, _, out, to, datagrams = heapq.heappop(self._travelling)
            send_all(out, datagrams, to)
        if now >= self._look_at:
            self._look_at = now + _LOOK
            self._forget(now - _SILENCE)

    def _forget(self, before: float) -> None:
        for client, line in tuple(self._lines.items()):
            if line.heard < before:
                del self._lines[client]
                self._selector.unregister(line.socket)
                line.socket.close()


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--camera", type=int, required=True, help="the camera's port on loopback")
    parser.add_argument("--loss", type=float, default=0.0, help="chance, 0 to 1, each way")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds, each way")
    parser.add_argument("--seed", type=int, default=1, help="of all chance")
    options = parser.parse_args()
    front = udp_socket(("127.0.0.1", 0))
    sys.stdout.write(json.dumps({"port": front.getsockname()[1]}) + "\n")
    sys.stdout.flush()
    camera = ("127.0.0.1", options.camera)
    Network(front, camera, options.loss, options.delay, options.seed).serve()


if __name__ == "__main__":
    main()
