"""
What a NAT of the laboratory does, seen from both of its sides.

Datagrams are sent, and who gets them under which address tells how the NAT maps and filters.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
from dataclasses import dataclass
from typing import Final, TypeAlias

from nat_network import AGENTS, CLIENTS, SERVER, Kind, LaboratoryError, Network, build

Address: TypeAlias = tuple[str, int]

#: Seconds after which a datagram that has not come was not let through; and that one may take.
_SILENCE = 0.3
_PATIENCE = 5.0

#: Ports of the host behind the NAT, one for each question.
_FIRST_PORT = 41000


@dataclass(frozen=True)
class Observation:
    """
    How a NAT behaves.

    :ivar mapping: which address the host has outside.
    :ivar filtering: who may answer.
    :ivar met: the port with which it meets somebody who sent to it too early.
    """

    mapping: str
    filtering: str
    met: str


EXPECTED: Final = {
    Kind.NONE: Observation("untouched", "anybody", "the same"),
    Kind.FULL_CONE: Observation("one port for all", "anybody", "the same"),
    Kind.PORT_RESTRICTED: Observation("one port for all", "same address and port", "the same"),
    Kind.SYMMETRIC: Observation("a port for each", "same address and port", "another"),
}


def observe(kind: Kind) -> Observation:
    """
    Build a NAT of this kind, and look at it.

    :raises LaboratoryError: it cannot be built, or nothing passes it.
    """
    with Network() as network, contextlib.ExitStack() as sockets:
        build(network, kind, Kind.NONE)
        address = CLIENTS.public if kind is Kind.NONE else CLIENTS.private
        return _Probe(network, sockets, address).observation()


class _Probe:
    """
    A host behind the NAT, and on the other side a server with two ports, and a third party.

    :param address: of the host.
    """

    def __init__(self, network: Network, sockets: contextlib.ExitStack, address: str) -> None:
        self._network = network
        self._sockets = sockets
        self._address = address
        self._ports = itertools.count(_FIRST_PORT)
        self._server = self._socket("server", SERVER, 7001)
        self._other_port = self._socket("server", SERVER, 7002)
        self._third_party = self._socket("agent", AGENTS.public, 7003)

    def observation(self) -> Observation:
        """All answers."""
        return Observation(self._mapping(), self._filtering(), self._met())

    def _mapping(self) -> str:
        host = self._host()
        far_ends = self._server, self._other_port, self._third_party
        seen = {_seen(host, far) for far in far_ends}
        if len(seen) > 1:
            return "a port for each"
        return "untouched" if seen == {host.getsockname()} else "one port for all"

    def _filtering(self) -> str:
        host = self._host()
        outside = _seen(host, self._server)
        answer = "nobody"
        for far, who in (
            (self._server, "same address and port"),
            (self._other_port, "same address"),
            (self._third_party, "anybody"),
        ):
            far.sendto(b"in", outside)
            answer = who if _receives(host) else answer
        return answer

    def _met(self) -> str:
        host = self._host()
        outside = _seen(host, self._server)
        self._third_party.sendto(b"early", outside)
        _receives(host)
        return "the same" if _seen(host, self._third_party) == outside else "another"

    def _host(self) -> socket.socket:
        return self._socket("client", self._address, next(self._ports))

    def _socket(self, name: str, host: str, port: int) -> socket.socket:
        with self._network.inside(name):
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sockets.enter_context(made)
        made.bind((host, port))
        return made


def _seen(host: socket.socket, far: socket.socket) -> Address:
    """The address under which a host's datagram arrives at the other end."""
    host.sendto(b"out", far.getsockname())
    far.settimeout(_PATIENCE)
    try:
        source: Address = far.recvfrom(100)[1]
    except TimeoutError as error:
        raise LaboratoryError("nothing passes from the host to the internet") from error
    return source


def _receives(host: socket.socket) -> bool:
    host.settimeout(_SILENCE)
    try:
        host.recv(100)
    except TimeoutError:
        return False
    return True
