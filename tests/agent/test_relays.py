"""Tests of where the agent goes to meet clients, and where not."""

from __future__ import annotations

from typing import Any

from twisted.logger import LogLevel

from tests.agent.rig import DID, IDENTITY, RELAY, AgentTestCase
from trailcam.agent.relays import MOST_JOINS, REMEMBERED_FOR, Relays
from trailcam.connect.relay_address import RelayAddress
from trailcam.wire.constants import RELAY_PORT
from trailcam.wire.messages import RlyPkt, RlyRdy, TcpRsStart
from trailcam.wire.sockaddr import SocketAddress

LITERAL = RelayAddress(RELAY, RELAY_PORT)
NAMED = RelayAddress("relay.example", RELAY_PORT)
MAGIC = 7


class RelaysTests(AgentTestCase):
    """Calls to a relay's data port."""

    def setUp(self) -> None:
        """Open the data port."""
        super().setUp()
        self.data = self.data_port()
        self.data.answer = lambda connection, message: connection.send(RlyRdy(DID))
        self.arrived: list[Any] = []

    def relays(self, *given: RelayAddress) -> Any:
        """Started; the links that it makes are abandoned in the end."""
        service = self.started(Relays(self.host, IDENTITY, given, self.arrived.append))
        self.closers.append(lambda: [link.abandon() for link in self.arrived])
        return service

    @property
    def address(self) -> SocketAddress:
        """Where the data port is."""
        return SocketAddress(RELAY, self.data.number)

    def start(self, host: str, magic: int = MAGIC) -> TcpRsStart:
        """What a relay says when a client waits there."""
        return TcpRsStart(DID, magic, SocketAddress(host, self.data.number))

    def test_called(self) -> None:
        """A rendezvous server calls to a relay that was given: the client is met there."""
        self.relays(LITERAL).called(self.address, MAGIC)
        self.turn()
        self.assertEqual(self.data.heard, [RlyPkt(MAGIC, DID, is_device=True)])
        self.assertEqual(len(self.arrived), 1)
        self.assertEqual(self.log.lines(LogLevel.info), [f"called to relay {self.address}"])

    def test_called_to_a_stranger(self) -> None:
        """Nobody else's address is dialled."""
        self.relays(NAMED).called(self.address, MAGIC)
        self.turn()
        self.assertEqual(self.data.connections, [])
        [line] = self.log.lines()
        self.assertIn(f"{RELAY} sends: a relay that is not ours", line)

    def test_listed(self) -> None:
        """A relay that one of our servers lists is ours, while it lists it."""
        relays = self.relays()
        relays.listed("a", [SocketAddress(RELAY, RELAY_PORT)])
        relays.listed("b", [])
        relays.called(self.address, MAGIC)
        self.turn()
        self.assertEqual(len(self.arrived), 1)
        relays.listed("a", [])
        relays.called(self.address, MAGIC + 1)
        self.turn()
        self.assertEqual(len(self.arrived), 1)

    def test_named(self) -> None:
        """A relay given by name is known by the address that its control connection found."""
        relays = self.relays(NAMED)
        relays.reached(NAMED, RELAY)
        relays.called(self.address, MAGIC)
        self.turn()
        self.assertEqual(len(self.arrived), 1)

    def test_announced(self) -> None:
        """A relay itself calls: to the host that it is connected as, whatever its name."""
        for magic, host in enumerate((RELAY, "0.0.0.0")):
            self.relays(NAMED).announced(NAMED, RELAY, self.start(host, magic))
        self.turn()
        self.assertEqual(len(self.arrived), 2)

    def test_announced_elsewhere(self) -> None:
        """A relay may call to another one that is ours, and to no other."""
        other = RelayAddress("198.51.100.3", RELAY_PORT)
        self.relays(other).announced(other, other.host, self.start(RELAY, 1))
        self.relays(other, LITERAL).announced(other, other.host, self.start(RELAY, 2))
        self.turn()
        self.assertEqual([m.magic for m in self.data.heard if isinstance(m, RlyPkt)], [2])

    def test_tls(self) -> None:
        """Where TLS was given, the data port is dialled with TLS, under the relay's name."""
        dialled: list[tuple[Any, ...]] = []

        class Spy(RelayAddress):
            def endpoint(self, *args: Any, **kwargs: Any) -> Any:
                dialled.append((str(self), *args[1:], kwargs))
                return LITERAL.endpoint(*args, **kwargs)

        relay = Spy("relay.example", RELAY_PORT, "")
        relays = self.relays(relay)
        relays.reached(relay, RELAY)
        relays.listed("a", [SocketAddress(RELAY, RELAY_PORT)])
        relays.called(self.address, MAGIC)
        self.turn()
        expected = (f"tls:relay.example:{RELAY_PORT}", self.data.number, {"host": RELAY})
        self.assertEqual(dialled, [expected])

    def test_no_port(self) -> None:
        """Port 0 leads nowhere."""
        self.relays(LITERAL).called(SocketAddress(RELAY, 0), MAGIC)
        self.turn()
        self.assertEqual(self.log.lines(LogLevel.info), [])

    def test_repeated(self) -> None:
        """A call that comes again, or on another way, is answered once."""
        relays = self.relays(LITERAL)
        for _ in range(3):
            relays.called(self.address, MAGIC)
            relays.announced(LITERAL, RELAY, self.start("0.0.0.0"))
        self.turn()
        relays.called(self.address, MAGIC)
        self.turn()
        self.assertEqual(len(self.data.connections), 1)
        self.turn(REMEMBERED_FOR)
        relays.called(self.address, MAGIC)
        self.turn()
        self.assertEqual(len(self.data.connections), 2)

    def test_flood(self) -> None:
        """Of many calls at once only some are answered, and there is room again later."""
        self.data.answer = lambda connection, message: None
        relays = self.relays(LITERAL)
        for magic in range(1000):
            relays.called(self.address, magic)
        self.turn()
        self.assertEqual(len(self.data.connections), MOST_JOINS)
        self.turn(REMEMBERED_FOR)
        relays.called(self.address, 2000)
        self.turn()
        self.assertEqual(len(self.data.connections), MOST_JOINS + 1)

    def test_one_after_the_other(self) -> None:
        """Clients that come and go in quick succession are all met."""
        relays = self.relays(LITERAL)
        for magic in range(100):
            relays.called(self.address, magic)
            self.turn()
            self.arrived[-1].abandon()
            self.turn()
        self.assertEqual(len(self.arrived), 100)

    def test_nobody_there(self) -> None:
        """When nobody is met, the log says why."""
        self.relays(LITERAL).called(SocketAddress(RELAY, 1), MAGIC)
        self.turn()
        _, line = self.log.lines(LogLevel.info)
        self.assertIn(f"met nobody at relay {RELAY}:1: no connection: ", line)

    def test_stop(self) -> None:
        """Whatever is under way is given up."""
        self.data.answer = lambda connection, message: None
        relays = self.relays(LITERAL)
        relays.called(self.address, MAGIC)
        self.turn()
        relays.called(self.address, MAGIC + 1)
        stopping = relays.stopService()
        self.turn()
        self.successResultOf(stopping)
        self.assertEqual(list(self.host.tcp.streams), [])
        relays.called(self.address, MAGIC + 2)
        self.turn()
        self.assertEqual(len(self.data.connections), 1)

    def test_bug(self) -> None:
        """A receiver that raises is a bug, and is told as one."""

        def arrive(link: Any) -> None:
            self.arrived.append(link)
            raise RuntimeError("broken")

        relays = self.started(Relays(self.host, IDENTITY, [LITERAL], arrive))
        self.closers.append(lambda: self.arrived[0].abandon())
        relays.called(self.address, MAGIC)
        self.turn()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
