"""
The least that a server can do: it sends every datagram back.

By a plain socket that answers many at a time, to show how fast can be asked; and by Twisted with a
protocol that does nothing else, to show what its reactor allows.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import sys
from itertools import groupby
from typing import Any

from benchmarks.peers.datagrams import TRAIN, Address, send_all, udp_socket, waiting


def plain(bound: socket.socket) -> None:
    """Serve for ever."""
    while True:
        select.select([bound], [], [])
        come = list(waiting(bound, TRAIN))
        for address, said in groupby(come, key=lambda pair: pair[1]):
            send_all(bound, [datagram for datagram, _ in said], address, TRAIN)


def by_twisted() -> None:
    """Serve for ever, on any port."""
    from twisted.internet import reactor as global_reactor
    from twisted.internet.protocol import DatagramProtocol

    class Echo(DatagramProtocol):
        """One datagram in, one out."""

        def datagramReceived(self, datagram: bytes, addr: Address) -> None:
            """The same again."""
            assert self.transport is not None
            self.transport.write(datagram, addr)

    reactor: Any = global_reactor
    _tell(reactor.listenUDP(0, Echo(), interface="127.0.0.1").getHost().port)
    reactor.run()


def _tell(port: int) -> None:
    sys.stdout.write(json.dumps({"port": port}) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--twisted", action="store_true", help="by Twisted's reactor")
    if parser.parse_args().twisted:
        by_twisted()
    bound = udp_socket(("127.0.0.1", 0))
    _tell(bound.getsockname()[1])
    plain(bound)


if __name__ == "__main__":
    main()
