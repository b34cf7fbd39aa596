"""
A camera of plain sockets, for every contender alike.

It answers LAN_SEARCH and PUNCH_PKT, keeps sessions, and pours out as many octets as it is told to.
It prints the port that it has, as JSON, and serves until it is ended.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import sys
import time
from collections.abc import Sequence

from benchmarks.peers import pppp
from benchmarks.peers.content import Content
from benchmarks.peers.datagrams import TRAIN, Address, send_all, udp_socket, waiting
from benchmarks.peers.outflow import Outflow

#: Seconds after which a silent client is forgotten.
_SILENCE = 10.0

#: Datagrams read in one go.
_AT_ONCE = 256


class Client:
    """One session: what was heard on its channel of commands, and what flows to it."""

    def __init__(self, window: int) -> None:
        self.heard = 0.0
        self.channel = 0
        self.flow: Outflow | None = None
        self._window = window
        self._next_command = 0
        self._next_index: dict[int, int] = {}

    def is_news(self, index: int) -> bool:
        """Whether this is the next command, and not a copy."""
        news = index == self._next_command
        self._next_command += news
        return news

    def pour(self, channel: int, contents: Content, octets: int) -> Outflow:
        """Begin to send so many octets."""
        first = self._claim(channel, contents.packets(octets))

        def datagram(number: int) -> bytes:
            return pppp.drw(channel, number, contents.payload(number - first, octets))

        self.channel = channel
        self.flow = Outflow(datagram, first, contents.packets(octets), self._window)
        return self.flow

    def tell(self, payload: bytes) -> Outflow:
        """Begin to send a word on the channel of commands."""
        first = self._claim(pppp.COMMANDS, 1)
        self.channel = pppp.COMMANDS
        self.flow = Outflow(lambda n: pppp.drw(pppp.COMMANDS, n, payload), first, 1, 1)
        return self.flow

    def _claim(self, channel: int, packets: int) -> int:
        first = self._next_index.get(channel, 0)
        self._next_index[channel] = first + packets
        return first


class Camera:
    """All sessions on one socket."""

    def __init__(self, bound: socket.socket, window: int, train: int) -> None:
        """
        :param window: packets that may be unacknowledged.
        :param train: packets that may be handed to the system at once.
        """
        self._socket = bound
        self._window = window
        self._train = train
        self._clients: dict[Address, Client] = {}
        self._contents: dict[int, Content] = {}

    def serve(self) -> None:
        """Answer for ever."""
        while True:
            select.select([self._socket], [], [], self._wait(time.monotonic()))
            now = time.monotonic()
            for datagram, address in waiting(self._socket, _AT_ONCE):
                self.heard(datagram, address, now)
            self._pour_on(now)

    def heard(self, datagram: bytes, address: Address, now: float) -> None:
        """One datagram has come."""
        kind = datagram[1] if len(datagram) > 1 else None
        if kind == pppp.LAN_SEARCH:
            self._answer(pppp.message(pppp.PUNCH_PKT, pppp.DID), address)
        elif kind in (pppp.PUNCH_PKT, pppp.P2P_RDY):
            self._clients.setdefault(address, Client(self._window)).heard = now
            self._answer(pppp.message(pppp.P2P_RDY, pppp.DID), address)
        client = self._clients.get(address)
        if client is not None:
            client.heard = now
            self._in_session(kind, datagram, address, client, now)

    def _in_session(
        self, kind: int | None, datagram: bytes, address: Address, client: Client, now: float
    ) -> None:
        if kind == pppp.DRW_ACK:
            if client.flow is not None and datagram[5] == client.channel:
                indexes = pppp.acknowledged(datagram)
                self._send(client.flow.acknowledged(indexes, now), address)
        elif kind == pppp.DRW:
            self._commanded(datagram, address, client, now)
        elif kind == pppp.ALIVE:
            self._answer(pppp.message(pppp.ALIVE_ACK), address)
        elif kind == pppp.CLOSE:
            del self._clients[address]

    def _commanded(self, datagram: bytes, address: Address, client: Client, now: float) -> None:
        channel, index = datagram[5], int.from_bytes(datagram[6:8], "big")
        self._answer(pppp.drw_ack(channel, [index]), address)
        order = pppp.poured(datagram[pppp.DRW_HEAD :])
        if channel == pppp.COMMANDS and client.is_news(index) and order is not None:
            flowing, chunk, octets = order
            flow = client.pour(flowing, self._content(chunk), octets)
            self._send(flow.launch(now), address)

    def _content(self, chunk: int) -> Content:
        if chunk not in self._contents:
            self._contents[chunk] = Content(chunk)
        return self._contents[chunk]

    def _pour_on(self, now: float) -> None:
        """Send again what is due, say which streams are over, forget who has gone."""
        for address, client in tuple(self._clients.items()):
            flow = client.flow
            if flow is None:
                if client.heard < now - _SILENCE:
                    del self._clients[address]
            elif flow.done:
                over = client.channel == pppp.COMMANDS
                client.flow = None if over else client.tell(pppp.POURED)
                if client.flow is not None:
                    self._send(client.flow.launch(now), address)
            elif client.heard < now - _SILENCE:
                del self._clients[address]
            elif (due := flow.wake_at) is not None and due <= now:
                self._send(flow.due(now), address)

    def _wait(self, now: float) -> float:
        flows = [client.flow for client in self._clients.values() if client.flow is not None]
        due = [flow.wake_at for flow in flows]
        return max(0.0, min((at - now for at in due if at is not None), default=_SILENCE))

    def _answer(self, datagram: bytes, address: Address) -> None:
        self._send([datagram], address)

    def _send(self, datagrams: Sequence[bytes], address: Address) -> None:
        send_all(self._socket, datagrams, address, self._train)


def main() -> None:
    """Serve on the port that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="UDP port; 0 is any")
    parser.add_argument("--window", type=int, default=64, help="packets in flight")
    parser.add_argument("--trains", action="store_true", help="hand many packets over at once")
    options = parser.parse_args()
    bound = udp_socket((options.host, options.port))
    sys.stdout.write(json.dumps({"port": bound.getsockname()[1]}) + "\n")
    sys.stdout.flush()
    Camera(bound, options.window, TRAIN if options.trains else 1).serve()


if __name__ == "__main__":
    main()
