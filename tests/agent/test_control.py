"""Tests of staying logged in at a relay."""

from __future__ import annotations

from typing import Any
from unittest import mock

from twisted.internet.address import IPv6Address
from twisted.internet.testing import StringTransport
from twisted.logger import LogLevel

from tests.agent.rig import DID, IDENTITY, RELAY, AgentTestCase, ScriptedPort, acknowledgement
from trailcam.agent.control import ALIVE_EVERY, LOST_AFTER, Control, ControlConnection
from trailcam.agent.identity import Identity
from trailcam.agent.standing import REFUSED_PAUSE
from trailcam.connect.relay_address import RelayAddress
from trailcam.errors import WireError
from trailcam.wire.constants import LOGIN_KEY, RELAY_PORT, Result
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.login import DSK_LOGIN
from trailcam.wire.messages import Alive, AliveAck, Close, DevLgnDsk, TcpRsStart
from trailcam.wire.sockaddr import UNSPECIFIED, SocketAddress
from trailcam.wire.stream import ClearFraming, FrameDecoder

RETRY = 2.0
PLACE = RelayAddress(RELAY, RELAY_PORT)
NAMED = RelayAddress("relay.example", RELAY_PORT)


class ControlTests(AgentTestCase):
    """One relay and one agent."""

    def setUp(self) -> None:
        """Nothing was announced yet."""
        super().setUp()
        self.reached: list[tuple[RelayAddress, str]] = []
        self.announced: list[tuple[RelayAddress, str, TcpRsStart]] = []
        self.retries: list[int] = []

    def control(self, place: RelayAddress = PLACE) -> Any:
        """A control connection that has been started."""
        return self.started(
            Control(
                self.host,
                place,
                IDENTITY,
                reached=lambda relay, host: self.reached.append((relay, host)),
                announced=lambda *call: self.announced.append(call),
                retry_policy=self.retry,
            )
        )

    def retry(self, failures: int) -> float:
        """How long to wait."""
        self.retries.append(failures)
        return RETRY

    def registered(self) -> ScriptedPort:
        """A relay at which the agent is registered."""
        relay = self.relay()
        self.service = self.control()
        self.turn()
        self.assertTrue(self.service.standing.registered)
        return relay

    def test_login(self) -> None:
        """It logs in with the secret and the address of this end."""
        relay = self.registered()
        [login] = relay.heard
        assert isinstance(login, DevLgnDsk)
        local = SocketAddress(*relay.last.peer)
        self.assertEqual(DSK_LOGIN.open(login, LOGIN_KEY).address, local)
        self.assertEqual(
            self.log.lines(LogLevel.info),
            [f"registered as MYCAM-000001-ABCDE at relay {RELAY}:{RELAY_PORT}"],
        )
        self.assertEqual(self.reached, [(PLACE, RELAY)])

    def test_name(self) -> None:
        """A relay given by name is told with the address that it has."""
        self.relay()
        self.control(NAMED)
        self.turn()
        self.assertEqual(self.reached, [(NAMED, RELAY)])

    def test_announced(self) -> None:
        """Each TCP_RS_START for our id is passed on, others are not."""
        relay = self.registered()
        call = TcpRsStart(DID, 5, SocketAddress("0.0.0.0", 50000))
        relay.last.send(call)
        relay.last.send(TcpRsStart(TRAILCAM_DID, 5, SocketAddress("0.0.0.0", 50000)))
        relay.last.send(Close())
        self.turn()
        self.assertEqual(self.announced, [(PLACE, RELAY, call)])

    def test_keeps_alive(self) -> None:
        """ALIVE goes out every 10 s, the connection stays."""
        relay = self.registered()
        self.turn(10 * ALIVE_EVERY)
        self.assertEqual(relay.count(Alive), 10)
        self.assertEqual(len(relay.connections), 1)

    def test_answers_alive(self) -> None:
        """A relay that wants to know whether we are there is told."""
        relay = self.registered()
        relay.last.send(Alive())
        self.turn()
        self.assertEqual(relay.count(AliveAck), 1)

    def test_silent_relay(self) -> None:
        """A relay that says nothing for 20 s is gone, and connected anew."""
        relay = self.registered()
        mend = self.network.cut(self.host, self.relay_host)
        self.turn(LOST_AFTER + 0.1)
        self.assertFalse(self.service.standing.registered)
        self.assertEqual(
            self.log.lines(),
            [
                f"not registered: relay {RELAY}:{RELAY_PORT} is lost: "
                "it has been silent for 20 s; trying on"
            ],
        )
        mend()
        self.turn(RETRY)
        self.assertTrue(self.service.standing.registered)
        self.assertEqual(len(relay.connections), 2)

    def test_relay_restarts(self) -> None:
        """A connection that ends is made again, later and later while there is no success."""
        relay = self.registered()
        relay.close()
        self.turn(3 * RETRY + 0.1)
        self.assertFalse(self.service.standing.registered)
        self.assertEqual(self.retries, [1, 2, 3, 4])
        self.assertEqual(len(self.log.lines()), 2)  # lost; then refused, told once
        self.relay()
        self.turn(RETRY)
        self.assertTrue(self.service.standing.registered)

    def test_hangs_up_at_once(self) -> None:
        """A relay that hangs up again and again counts as one that fails."""
        relay = self.relay()
        relay.answer = lambda connection, message: connection.transport.loseConnection()
        self.control()
        self.turn(3 * RETRY + 0.1)
        self.assertEqual(self.retries, [1, 2, 3, 4])

    def test_refused(self) -> None:
        """A wrong secret is an error in the log, and tried again after a minute only."""
        relay = self.relay(Result.INVALID_DSK)
        self.control()
        self.turn(REFUSED_PAUSE - 1)
        self.assertEqual(relay.count(DevLgnDsk), 1)
        [line] = self.log.lines(LogLevel.error)
        self.assertIn(f"relay {RELAY}:{RELAY_PORT} refused the login", line)
        self.assertEqual(self.log.lines(), [])
        self.turn(2)
        self.assertEqual(relay.count(DevLgnDsk), 2)

    def test_replaced(self) -> None:
        """Another agent took over: told, disconnected, and tried again after a minute."""
        relay = self.registered()
        relay.last.send(acknowledgement(Result.REPLACED))
        self.turn()
        [line] = self.log.lines(LogLevel.error)
        self.assertTrue(line.startswith(f"another agent with the id {DID} took over at relay"))
        self.assertEqual(list(self.host.tcp.streams), [])
        self.turn(REFUSED_PAUSE - 1)
        self.assertEqual(len(relay.connections), 1)
        self.turn(1)
        self.assertTrue(self.service.standing.registered)
        self.assertEqual(self.retries, [])

    def test_nonsense(self) -> None:
        """What is no relay is named as such."""
        relay = self.relay()
        relay.answer = lambda connection, message: connection.transport.write(b"SSH-2.0-x\r\n")
        self.control()
        self.turn()
        self.assertIn("is lost: ", self.log.lines()[-1])

    def test_cannot_log_in(self) -> None:
        """A login that cannot be written ends the connection, is told, and tried again."""
        relay = self.relay()
        with mock.patch.object(Identity, "login", side_effect=WireError("no place for that")):
            service = self.control()
            self.turn(RETRY + 0.1)
        self.assertEqual(len(relay.connections), 2)
        self.assertEqual(
            self.log.lines(),
            [f"not registered: relay {RELAY}:{RELAY_PORT} is lost: no place for that; trying on"],
        )
        self.turn(RETRY)
        self.assertTrue(service.standing.registered)

    def test_ipv6(self) -> None:
        """At a relay that is reached over IPv6 it logs in without a local address."""
        connection = ControlConnection(
            self.host, IDENTITY, lambda result, host: True, lambda message, host: None
        )
        transport: Any = StringTransport(
            IPv6Address("TCP", "::1", 5000), IPv6Address("TCP", "::1", RELAY_PORT)
        )
        transport.setTcpNoDelay = lambda enabled: None
        connection.makeConnection(transport)
        [login] = FrameDecoder(ClearFraming()).feed(transport.value())
        assert isinstance(login, DevLgnDsk)
        self.assertEqual(DSK_LOGIN.open(login, LOGIN_KEY).address, UNSPECIFIED)
        connection.connectionLost()

    def test_name_unknown(self) -> None:
        """A name without an address is told."""
        self.control(RelayAddress("nowhere.example", 1))
        self.turn()
        self.assertIn("no connection to relay nowhere.example:1: ", self.log.lines()[0])

    def test_stop(self) -> None:
        """The connection is closed, and not made again."""
        relay = self.registered()
        stopping = self.service.stopService()
        self.turn()
        self.successResultOf(stopping)
        self.turn(100.0)
        self.assertEqual(len(relay.connections), 1)
        self.assertEqual(self.log.lines(), [])

    def test_stop_when_nothing_moves(self) -> None:
        """A relay that takes nothing more off our hands does not hold us for longer than 1 s."""
        relay = self.registered()
        self.network.cut(self.host, self.relay_host)
        self.service._connection.transport.write(b"x" * 1_000_000)
        stopping = self.service.stopService()
        self.turn(0.5)
        self.assertNoResult(stopping)
        self.turn(0.6)
        self.successResultOf(stopping)
        relay.close()

    def test_stop_while_connecting(self) -> None:
        """Stopped before there is a connection, it says nothing."""
        service = self.control()
        self.successResultOf(service.stopService())
        self.turn()
        self.assertEqual(self.log.lines(), [])

    def test_stop_while_waiting(self) -> None:
        """Stopped between two tries, it leaves nothing behind."""
        service = self.control()
        self.turn(1)
        self.successResultOf(service.stopService())
        self.assertEqual(self.network.delayed_calls(), [])

    def test_default_policy(self) -> None:
        """Without a policy of ours it waits half a minute at most."""
        service = Control(
            self.host,
            PLACE,
            IDENTITY,
            reached=lambda relay, host: None,
            announced=lambda relay, host, message: None,
        )
        self.assertTrue(30 <= service._delay(100) <= 31)
