"""
One pairing at work: its data port, the connections to it, and the pipe between two of them.
"""

from __future__ import annotations

from typing import Final

from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IAddress, IListeningPort, IProtocolFactory
from twisted.logger import Logger, LogLevel
from zope.interface import implementer

from trailcam.server.relay_data import DataConnection
from trailcam.server.relay_exchange import DRAIN, Exchange
from trailcam.server.relay_ports import port_number
from trailcam.server.relay_rules import Outcome, Pairing
from trailcam.wire.messages import RlyPkt, RlyRdy
from trailcam.wire.stream import ClearFraming, encode_frame

_FRAMING: Final = ClearFraming()

_HELD_FOR = 1.0  # seconds


@implementer(IProtocolFactory)
class Pair:
    """
    The factory of a data port, and what its connections have in common.

    :ivar pairing: how it stands.
    :ivar port: the number of the data port, once it is open.
    """

    __slots__ = (
        "_connections",
        "_ended",
        "_exchange",
        "_listening",
        "_port_closed",
        "_stopping",
        "pairing",
        "port",
    )

    _log = Logger()

    def __init__(self, exchange: Exchange, pairing: Pairing) -> None:
        self.pairing = pairing
        self.port = 0
        self._exchange = exchange
        self._connections: list[DataConnection] = []
        self._listening: IListeningPort | None = None
        self._port_closed = False
        self._ended: float | None = None
        self._stopping = False
        exchange.add(self)

    @property
    def waiting(self) -> bool:
        """Whether not both parties are there, but still may come."""
        return self.pairing.outcome is Outcome.WAITING

    async def listen(self) -> bool:
        """Open the data port; whether it is open now.  Never fails."""
        try:
            self._listening = await self._exchange.ports.open(self)
        except Exception as problem:  # each kind of endpoint has its own complaints
            self._port_closed = True
            self.end(Outcome.REFUSED, f"no data port: {problem}")
            self._check_gone()
            return False
        self.port = port_number(self._listening)
        if not self.waiting:
            self._close_port()
        return self.waiting

    def end(self, outcome: Outcome, why: str) -> None:
        """
        Close the port, and the connections when what is left for them has been written.

        Only the first end counts.
        """
        if self._ended is not None:
            return
        self._ended = self._exchange.clock.seconds()
        self._exchange.rules.change(self.pairing, outcome)
        self._tell(why, self._ended - self.pairing.opened)
        self._close_port()
        for connection in tuple(self._connections):
            connection.close()
        self._check_gone()

    # of whatever is open

    def check(self, now: float) -> None:
        """End it when it is too late for what it waits for."""
        if self._ended is not None:
            if now - self._ended >= DRAIN:
                self.abort()
            self._check_gone()
        elif self.pairing.overdue(now):
            self.end(Outcome.EXPIRED, "nobody came" if self.waiting else "both were silent")

    def leave(self) -> None:
        """End it, because the relay stops."""
        self._stopping = True
        self.end(Outcome.EXPIRED if self.waiting else Outcome.FINISHED, "the relay stops")
        self._check_gone()

    def abort(self) -> None:
        """Close the connections at once."""
        for connection in tuple(self._connections):
            connection.abort()

    # IProtocolFactory

    def doStart(self) -> None:
        """The port is open."""

    def doStop(self) -> None:
        """The port is closed."""

    def buildProtocol(self, addr: IAddress) -> DataConnection:
        """Somebody came."""
        return DataConnection(self)

    # what the connections tell

    def arrived(self, connection: DataConnection) -> None:
        """
        A connection was made.

        A few may be there without having said who they are.  When there are more the oldest has
        to go: who belongs here says so at once.
        """
        self._connections.append(connection)
        if not self.waiting:
            self._send_away(connection, Outcome.REDUNDANT)
            return
        oldest, *others = self._strangers()
        if len(others) >= self._exchange.rules.limits.strangers:
            self.turn_away(oldest, "too many connections to one data port")

    def claimed(self, connection: DataConnection, packet: RlyPkt) -> None:
        """A connection says who it is."""
        now = self._exchange.clock.seconds()
        verdict = self._exchange.rules.join(self.pairing, packet, connection.host, now)
        if verdict in (Outcome.WAITING, Outcome.PAIRED):
            connection.accept(packet.is_device)
        else:
            self._exchange.noise.note((connection.host, self.port), verdict.value)
            connection.abort()
        if verdict is Outcome.PAIRED:
            self._join()

    def spoke_early(self, connection: DataConnection) -> None:
        """A party did not wait for RLY_RDY."""
        self._exchange.noise.note((connection.host, self.port), "octets before RLY_RDY")
        self.end(Outcome.REFUSED, f"the {_party(connection)} did not wait for RLY_RDY")

    def turn_away(self, connection: DataConnection, kind: str) -> None:
        """Whoever this is does not belong here; ``kind`` says what is wrong."""
        self._exchange.noise.note((connection.host, self.port), kind)
        self._send_away(connection, Outcome.REFUSED)

    def carries(self, connection: DataConnection, octets: int) -> bool:
        """Whether so many more octets from there may pass."""
        if self.pairing.carry(octets, bool(connection.is_device)):
            return True
        self.end(Outcome.FINISHED, "it carried as much as a pair may")
        return False

    def lost(self, connection: DataConnection) -> None:
        """A connection is gone."""
        self._connections.remove(connection)
        if connection.is_device is not None:
            outcome = Outcome.EXPIRED if self.waiting else Outcome.FINISHED
            self.end(outcome, f"the {_party(connection)} left")
        self._check_gone()

    def _join(self) -> None:
        """Both are there."""
        assert self.pairing.did is not None
        self._close_port()
        for stranger in self._strangers():
            self._send_away(stranger, Outcome.REDUNDANT)
        one, other = (each for each in self._connections if each.is_device is not None)
        ready = encode_frame(RlyRdy(self.pairing.did), _FRAMING)
        one.feed(other, ready)
        other.feed(one, ready)

    def _strangers(self) -> list[DataConnection]:
        """Those who have not said who they are, and may do so."""
        return [each for each in self._connections if each.is_stranger]

    def _send_away(self, connection: DataConnection, outcome: Outcome) -> None:
        self._exchange.rules.turned_away[outcome] += 1
        connection.abort()

    def _close_port(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            maybeDeferred(listening.stopListening).addBoth(self._closed)

    def _closed(self, _: object) -> None:
        self._exchange.ports.give_back(self.port)
        self._port_closed = True
        self._check_gone()

    def _check_gone(self) -> None:
        """When neither port nor connection is left, make room for another pair."""
        if self._ended is None or not self._port_closed or self._connections or self._held():
            return
        self._exchange.rules.close(self.pairing)
        self._exchange.remove(self)

    def _held(self) -> bool:
        """
        Whether its room stays taken although nothing is left of it.

        Who lets go of pairings as soon as he has them would otherwise open ports without end.
        """
        if self._stopping or self.pairing.outcome is Outcome.FINISHED:
            return False
        return self._exchange.clock.seconds() - self.pairing.opened < _HELD_FOR

    def _tell(self, why: str, seconds: float) -> None:
        """Strangers can make pairings that come to nothing: those are only counted."""
        self._log.emit(
            LogLevel.info if self.pairing.outcome is Outcome.FINISHED else LogLevel.debug,
            "pair for {did} {outcome} after {seconds:.1f} s: {why}; {from_client} octets from the "
            "client at {host}, {from_device} from the device",
            did=str(self.pairing.did or "no device"),
            outcome=self.pairing.outcome.value,
            seconds=seconds,
            why=why,
            from_client=self.pairing.from_client,
            host=self.pairing.host,
            from_device=self.pairing.from_device,
        )


def _party(connection: DataConnection) -> str:
    return "device" if connection.is_device else "client"
