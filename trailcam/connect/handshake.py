"""
The handshake of one UDP attempt, without any IO: from the first probe to P2P_RDY.

Protocol: sequences "LAN, as recorded" and "Punch".  The LAN way opens with LAN_SEARCH and echoes
each PUNCH_PKT; the P2P way opens with PUNCH_PKT and answers PUNCH_PKT with P2P_RDY.  In both, the
camera may spend a third of a second sending LAN_TCP_OFFER (0x43) before its P2P_RDY.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import attrs
from automat import TypeMachineBuilder

from trailcam.interfaces import Address
from trailcam.model import ConnectionMode
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import LanSearch, Message, P2PRdy, PunchPkt


@attrs.frozen
class Dialect:
    """
    How one mode speaks.

    :ivar opening: what is sent to every destination until one answers.
    :ivar reply: what a PUNCH_PKT is answered with.
    :ivar nudges: what is sent to a candidate that answered and then fell silent.
    :ivar opens_sessions: whether the opening alone takes one of the camera's session slots.
    """

    mode: ConnectionMode
    opening: Message
    reply: Message
    nudges: tuple[Message, ...]
    opens_sessions: bool


def lan_dialect(did: DeviceID) -> Dialect:
    """Search, then echo the camera's PUNCH_PKT; a silent candidate is offered P2P_RDY as well."""
    punch = PunchPkt(did)
    return Dialect(ConnectionMode.LAN, LanSearch(), punch, (punch, P2PRdy(did)), False)


def p2p_dialect(did: DeviceID) -> Dialect:
    """Punch straight away, and answer a punch with P2P_RDY."""
    punch, ready = PunchPkt(did), P2PRdy(did)
    return Dialect(ConnectionMode.P2P, punch, ready, (punch, ready), True)


@dataclass
class Exchange:
    """
    What the machine works on.

    :ivar send: sends one message to one address.
    :ivar proved: is told the address that sent P2P_RDY; the last thing that happens.
    :ivar destinations: where the opening goes, preferred first; refused ones are taken out.
    :ivar phase: the name of the state, for diagnosis.
    :ivar silent_rounds: nudges sent since the candidate was last heard.
    """

    dialect: Dialect
    send: Callable[[Message, Address], None]
    proved: Callable[[Address], None]
    destinations: list[Address] = field(default_factory=list)
    phase: str = "idle"
    silent_rounds: int = 0

    def search(self) -> None:
        """There is no candidate, or no longer."""
        self.phase = "searching"
        self.silent_rounds = 0

    def probe(self) -> None:
        """Send the opening to every destination that has not refused."""
        self.search()
        for destination in tuple(self.destinations):
            self.send(self.dialect.opening, destination)

    def prove(self, peer: Address) -> None:
        """``peer`` is the camera."""
        self.phase = "ready"
        self.proved(peer)


class Handshake(Protocol):
    """What can happen to a handshake."""

    def start(self) -> None:
        """Begin: the first round of probes."""

    def punched(self, peer: Address) -> None:
        """PUNCH_PKT with the right device id came from ``peer``."""

    def offered(self, peer: Address) -> None:
        """LAN_TCP_OFFER with the right device id came from ``peer``."""

    def ready(self, peer: Address) -> None:
        """P2P_RDY with the right device id came from ``peer``."""

    def closed(self) -> None:
        """The candidate sent CLOSE."""

    def silence(self) -> None:
        """Nothing came for one interval: ask again."""

    def forget(self) -> None:
        """The candidate has been silent for too long: look again."""


def build() -> TypeMachineBuilder[Handshake, Exchange]:  # noqa: C901 (a table, no branches)
    """The machine's states and transitions; ``machine`` below is the built one."""
    builder = TypeMachineBuilder(Handshake, Exchange)

    def choose(_: Handshake, exchange: Exchange, peer: Address) -> Address:
        exchange.phase = "punching"
        exchange.silent_rounds = 0
        return peer

    idle = builder.state("idle")
    searching = builder.state("searching")
    punching = builder.state("punching", choose)
    ready = builder.state("ready")

    @idle.upon(Handshake.start).to(searching)
    @searching.upon(Handshake.silence).loop()
    def probe(_: Handshake, exchange: Exchange) -> None:
        exchange.probe()

    @punching.upon(Handshake.forget).to(searching)
    def search_again(_: Handshake, exchange: Exchange, candidate: Address) -> None:
        exchange.probe()

    @punching.upon(Handshake.closed).to(searching)
    def pause(_: Handshake, exchange: Exchange, candidate: Address) -> None:
        # A full camera would close again as fast as we ask: the next probe waits its turn.
        exchange.search()

    searching.upon(Handshake.closed).loop().returns(None)

    @searching.upon(Handshake.punched).to(punching)
    def answer(_: Handshake, exchange: Exchange, peer: Address) -> None:
        exchange.send(exchange.dialect.reply, peer)

    @punching.upon(Handshake.punched).loop()
    def answer_again(_: Handshake, exchange: Exchange, candidate: Address, peer: Address) -> None:
        # Another camera may answer a broadcast too; a reply would take one of its slots.
        if peer == candidate:
            exchange.silent_rounds = 0
            exchange.send(exchange.dialect.reply, peer)

    searching.upon(Handshake.offered).to(punching).returns(None)

    @punching.upon(Handshake.offered).loop()
    def wait(_: Handshake, exchange: Exchange, candidate: Address, peer: Address) -> None:
        if peer == candidate:
            exchange.silent_rounds = 0

    @punching.upon(Handshake.silence).loop()
    def nudge(_: Handshake, exchange: Exchange, candidate: Address) -> None:
        exchange.silent_rounds += 1
        for message in exchange.dialect.nudges:
            exchange.send(message, candidate)

    @searching.upon(Handshake.ready).to(ready)
    def prove(_: Handshake, exchange: Exchange, peer: Address) -> None:
        exchange.prove(peer)

    @punching.upon(Handshake.ready).to(ready)
    def prove_other(_: Handshake, exchange: Exchange, candidate: Address, peer: Address) -> None:
        exchange.prove(peer)

    return builder


machine = build().build()
