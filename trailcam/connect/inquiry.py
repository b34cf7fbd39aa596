"""
One question to several rendezvous servers at once, without any IO.

See :doc:`/explain/servers`, "Rendezvous".
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from errno import ECONNREFUSED

from trailcam.interfaces import Address
from trailcam.wire.constants import HELLO_ROOM
from trailcam.wire.messages import Hello, HelloAck, Message

_HELLO = Hello(bytes(HELLO_ROOM))

#: HELLOs of a server that are answered between two rounds: one that never believes a proof would
#: otherwise keep us busy as fast as the network allows.
_MOST_DOUBTS = 3


class Inquiry:
    """
    Shows each server that we receive at our address, and then asks it.

    HELLO is answered by HELLO_ACK; the same HELLO_ACK goes back as a proof, and the question with
    it.  Nothing is repeated but by :meth:`again`.

    :ivar servers: those that are asked.
    :ivar heard: those that have said anything.
    :ivar public: our address as the last HELLO_ACK has it.
    """

    def __init__(
        self,
        servers: Iterable[Address],
        question: Message,
        send: Callable[[Message, Address], None],
        answer: Callable[[Message, Address], None],
    ) -> None:
        """
        :param send: sends a message to a server.
        :param answer: is told what a server says beyond HELLO and HELLO_ACK, and which server.
        """
        self.servers = tuple(dict.fromkeys(servers))
        self.heard: set[Address] = set()
        self.public: Address | None = None
        self._question = question
        self._send = send
        self._answer = answer
        self._proofs: dict[Address, HelloAck] = {}
        self._settled: set[Address] = set()
        self._troubles: dict[Address, int] = {}
        self._doubts: Counter[Address] = Counter()

    def start(self) -> None:
        """Say HELLO to all."""
        for server in self.servers:
            self._send(_HELLO, server)

    def add(self, server: Address) -> None:
        """Say HELLO to one more, whose address has become known only now."""
        if server not in self.servers:
            self.servers += (server,)
            self._send(_HELLO, server)

    def again(self) -> None:
        """Repeat what is not settled: the question where we have proved ourselves, else HELLO."""
        self._doubts.clear()
        for server in self.servers:
            if server not in self._settled:
                self._ask(server)

    def settle(self, server: Address) -> None:
        """Ask ``server`` no more."""
        self._settled.add(server)

    def refused(self, server: Address, error: int) -> bool:
        """
        A datagram to ``server`` was refused.

        :return: whether nobody listens there: it is asked no more.  Other troubles may pass.
        """
        if server not in self.servers or server in self.heard:
            return False
        if error == ECONNREFUSED:
            self.settle(server)
            return True
        self._troubles[server] = error
        return False

    @property
    def trouble(self) -> str:
        """What stood in the way to servers that were never heard; empty if nothing is known."""
        return ", ".join(
            f"{host}:{port}: {os.strerror(error)}"
            for (host, port), error in self._troubles.items()
            if (host, port) not in self.heard
        )

    @property
    def settled(self) -> bool:
        """Whether nobody is left to ask."""
        return self._settled.issuperset(self.servers)

    def message_received(self, message: Message, peer: Address) -> bool:
        """Take a message; ``False`` when ``peer`` is none of the servers."""
        if peer not in self.servers:
            return False
        self.heard.add(peer)
        if isinstance(message, HelloAck):
            self._proofs[peer] = message
            self.public = message.address.host, message.address.port
            if peer not in self._settled:
                self._ask(peer)
        elif isinstance(message, Hello):
            self._prove(peer)
        else:
            self._answer(message, peer)
        return True

    def _ask(self, server: Address) -> None:
        proof = self._proofs.get(server)
        if proof is None:
            self._send(_HELLO, server)
        else:
            self._send(proof, server)
            self._send(self._question, server)

    def _prove(self, server: Address) -> None:
        """The server wants to know whether we are there; its last token may have expired."""
        self._doubts[server] += 1
        if self._doubts[server] > _MOST_DOUBTS:
            return
        proof = self._proofs.pop(server, None)
        if proof is not None:
            self._send(proof, server)
        self._send(_HELLO, server)
