"""Tests of joining a client on the data port of a relay."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint
from twisted.internet.testing import StringTransport

from tests.agent.rig import DID, RELAY, AgentTestCase, ScriptedPort
from tests.link.rig import Receiver, drw
from trailcam.agent.joining import JOIN_LIMIT, _Joining, join
from trailcam.errors import RelayEnded, RelayUnreachable
from trailcam.link.framed import FramedConnection
from trailcam.link.relayed import RelayLink
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import Close, Message, RlyPkt, RlyRdy

MAGIC = 0x01020304


class JoinTests(AgentTestCase):
    """One try to join."""

    def setUp(self) -> None:
        """Open the relay's data port."""
        super().setUp()
        self.data = self.data_port()

    def join(self, number: int | None = None) -> Deferred[RelayLink]:
        """Begin."""
        endpoint = TCP4ClientEndpoint(self.host, RELAY, number or self.data.number)
        return join(self.host, endpoint, MAGIC, DID)

    def failure(self, joining: Deferred[RelayLink], *kinds: type[Exception]) -> Any:
        """Why it failed; nothing may be left of it at this moment."""
        problem = self.failureResultOf(joining, *kinds).value
        self.assertEqual(list(self.host.tcp.streams), [])
        self.assertEqual(self.network.delayed_calls(), [])
        return problem

    def test_joined(self) -> None:
        """It says who it is, as the device; when the client is there, there is a link."""
        joining = self.join()
        self.turn()
        self.assertEqual(self.data.heard, [RlyPkt(MAGIC, DID, is_device=True)])
        self.assertNoResult(joining)
        self.data.last.send(RlyRdy(DID))
        self.turn()
        link = self.successResultOf(joining)
        self.assertEqual(link.peer, (RELAY, self.data.number))
        link.send(drw(1))
        self.turn()
        self.assertEqual(self.data.heard[1:], [drw(1)])
        self.successResultOf(self.closed(link.abandon()))

    def test_nothing_is_lost(self) -> None:
        """What the client says in the same breath waits for who takes the link."""
        joining = self.join()
        self.turn()
        self.data.last.send(RlyRdy(DID))
        self.data.last.send(drw(1))
        self.data.last.send(drw(2))
        self.turn()
        link = self.successResultOf(joining)
        link.attach(receiver := Receiver())
        self.assertEqual(receiver.told, [drw(1), drw(2)])
        link.abandon()

    def test_not_ours(self) -> None:
        """Other words and other devices are no answer."""
        joining = self.join()
        self.turn()
        for message in (drw(1), RlyRdy(TRAILCAM_DID), Close()):
            self.data.last.send(message)
        self.turn()
        self.assertNoResult(joining)
        joining.cancel()
        self.closed(joining)
        self.failure(joining, CancelledError)

    def test_refused(self) -> None:
        """Nobody listens there."""
        joining = self.join(1)
        self.turn()
        self.assertIn("no connection: ", str(self.failure(joining, RelayUnreachable)))

    def test_name_unknown(self) -> None:
        """There is no such name."""
        joining = join(self.host, HostnameEndpoint(self.host, b"nowhere.example", 1), MAGIC, DID)
        self.turn()
        self.assertIn("nowhere.example", str(self.failure(joining, RelayUnreachable)))

    def test_ended(self) -> None:
        """The relay hangs up: the magic was not good."""
        self.data.answer = hang_up
        joining = self.join()
        self.turn()
        self.assertIn("the relay ended the connection", str(self.failure(joining, RelayEnded)))

    def test_nonsense(self) -> None:
        """What answers is no relay."""
        joining = self.join()
        self.turn()
        self.data.last.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.turn()
        self.failure(joining, RelayEnded)

    def test_out_of_time(self) -> None:
        """When the client does not come within 10 s, that is the end."""
        joining = self.join()
        self.turn(JOIN_LIMIT - 0.1)
        self.assertNoResult(joining)
        self.turn(0.2)
        self.assertEqual(str(self.failure(joining, RelayEnded)), "nobody joined within 10 s")

    def test_never_connected(self) -> None:
        """The limit counts from the start, not from the connection."""
        self.network.cut(self.host, self.relay_host)
        joining = self.join()
        self.turn(JOIN_LIMIT + 0.1)
        self.failure(joining, RelayEnded)

    def test_cancel_while_connecting(self) -> None:
        """Cancelled before there is a connection."""
        joining = self.join()
        joining.cancel()
        self.turn()
        self.failure(joining, CancelledError)
        self.assertEqual(self.data.heard, [])

    def test_cancel_while_waiting(self) -> None:
        """Cancelled while it waits for the client: it settles when the connection is gone."""
        joining = self.join()
        self.turn()
        joining.cancel()
        self.assertNoResult(joining)
        self.turn()
        self.failure(joining, CancelledError)

    def test_cancel_twice(self) -> None:
        """The second time changes nothing."""
        joining = self.join()
        self.turn()
        joining.cancel()
        joining.cancel()
        self.turn()
        self.failure(joining, CancelledError)

    def test_thrown_away(self) -> None:
        """What is thrown away half-way, as an interpreter does that ends, does not wait."""
        transport: Any = StringTransport()
        transport.setTcpNoDelay = lambda enabled: None

        class Endpoint:
            def connect(self, factory: Any) -> Deferred[Any]:
                protocol = factory.buildProtocol(None)
                protocol.makeConnection(transport)
                return succeed(protocol)

        joining = _Joining(self.host, RlyPkt(MAGIC, DID, is_device=True))
        work = joining._join(Endpoint())  # type: ignore[arg-type]
        work.send(None)
        self.assertNotEqual(transport.value(), b"")
        work.close()
        joining._connection.connectionLost()
        self.failureResultOf(joining._joined, RelayEnded)

    def closed(self, work: Deferred[Any]) -> Deferred[Any]:
        """Let a connection close."""
        self.turn()
        return work


def hang_up(connection: FramedConnection, message: Message) -> None:
    """How a relay answers a magic that is not good."""
    connection.close()


class ScriptedPortTests(AgentTestCase):
    """The stand-in itself."""

    def test_counts(self) -> None:
        """It tells what it heard."""
        data: ScriptedPort = self.data_port()
        joining = join(self.host, TCP4ClientEndpoint(self.host, RELAY, data.number), MAGIC, DID)
        self.turn()
        self.assertEqual((data.kinds(), data.count(RlyPkt)), (["RLY_PKT"], 1))
        joining.cancel()
        self.turn()
        self.failureResultOf(joining, CancelledError)
