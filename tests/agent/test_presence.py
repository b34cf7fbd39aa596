"""Tests of the agent's socket: who gets in, and who does not."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.logger import LogLevel
from twisted.python.failure import Failure

from tests.agent.rig import (
    AGENT,
    CLIENT,
    DID,
    IDENTITY,
    OTHER_CLIENT,
    SERVER,
    AgentTestCase,
)
from tests.link.rig import Peer, Receiver, drw
from trailcam.agent.presence import LINGER, MOST_CLIENTS, Presence
from trailcam.agent.registration import LOGIN_EVERY
from trailcam.interfaces import ILink
from trailcam.testing import MemoryHost
from trailcam.wire.constants import RENDEZVOUS_PORT
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import Alive, Close, DevLgnDsk, P2PRdy, P2PReqAck, PunchPkt, PunchTo
from trailcam.wire.sockaddr import SocketAddress

PUNCH, READY = PunchPkt(DID), P2PRdy(DID)


class PresenceTestCase(AgentTestCase):
    """A server, the agent's socket, and a client."""

    def setUp(self) -> None:
        """Start all, and let the agent log in."""
        super().setUp()
        self.server = self.rendezvous()
        self.arrived: list[Any] = []
        self.calls: list[tuple[SocketAddress, int]] = []
        self.lists: list[tuple[str, Sequence[SocketAddress]]] = []
        self.presence = self.started(self.make((SERVER, RENDEZVOUS_PORT)))
        self.client = self.peer()
        self.turn()
        self.log.clear()

    def make(self, *servers: tuple[str, int]) -> Presence:
        """A socket that is not open yet."""
        return Presence(
            self.host,
            IDENTITY,
            servers,
            arrived=self.arrive,
            called=lambda address, magic: self.calls.append((address, magic)),
            listed=lambda server, relays: self.lists.append((server, relays)),
            local_address=lambda host: AGENT,
        )

    def arrive(self, link: ILink) -> None:
        """A client came."""
        self.arrived.append(link)

    def knock(self, client: Peer, *messages: Any) -> None:
        """A client says something to the agent's socket."""
        client.say((AGENT, self.server.agent[1]), *(messages or (PUNCH,)))
        self.turn()

    def enter(self, client: Peer | None = None) -> Any:
        """A client is introduced and comes; the result is its link."""
        client = client or self.client
        self.server.introduce(client.address)
        self.turn()
        self.knock(client)
        return self.arrived[-1]

    def noise(self) -> list[str]:
        """What was ignored."""
        return [line.split(": ")[-1] for line in self.log.lines()]


class ServerTests(PresenceTestCase):
    """What servers say."""

    def test_introduced(self) -> None:
        """The candidates are punched, with our id, from the socket that is logged in."""
        local = self.peer(self.network.host("10.0.0.5"))
        self.server.introduce(self.client.address, local.address)
        self.turn(1.0)
        for peer in (self.client, local):
            self.assertGreater(len(peer.heard), 3)
            self.assertEqual(set(peer.heard), {PUNCH})
        host, port = self.client.address
        self.assertEqual(
            self.log.lines(LogLevel.info)[0], f"introduced to a client at {host}:{port}"
        )

    def test_punching_ends(self) -> None:
        """After 5 s it is over."""
        self.server.introduce(self.client.address)
        self.turn(5.0)
        punches = len(self.client.heard)
        self.turn(20.0)
        self.assertEqual(len(self.client.heard), punches)

    def test_called(self) -> None:
        """RLY_TO is passed on."""
        self.server.call(("198.51.100.2", 50000), 77)
        self.turn()
        self.assertEqual(self.calls, [(SocketAddress("198.51.100.2", 50000), 77)])

    def test_listed(self) -> None:
        """The relays of each server are passed on, with every login."""
        self.server.relays = (SocketAddress("198.51.100.2", 65527),)
        self.turn(LOGIN_EVERY)
        name = f"{SERVER}:{RENDEZVOUS_PORT}"
        self.assertEqual(self.lists, [(name, ()), (name, self.server.relays)])

    def test_something_else(self) -> None:
        """What a server has no reason to say is ignored."""
        self.server.tell(P2PReqAck(0), Alive(), PUNCH)
        self.turn()
        self.assertEqual((self.calls, self.arrived, self.client.heard), ([], [], []))

    def test_nobody_else_introduces(self) -> None:
        """PUNCH_TO from anywhere else is noise."""
        victim = self.peer(self.network.host("10.0.0.5"))
        self.knock(self.client, PunchTo(SocketAddress(*victim.address)))
        self.turn(1.0)
        self.assertEqual(victim.heard, [])
        self.assertEqual(self.noise(), ["not from a client"])

    def test_impossible_candidates(self) -> None:
        """Nobody is punched at an address that is none."""
        before = len(self.network.log)
        self.server.introduce(("224.0.0.1", 5), ("255.255.255.255", 5), ("203.0.113.7", 0))
        self.turn(1.0)
        self.assertEqual(len(self.network.log), before + 3)
        self.assertEqual(self.noise(), ["a candidate that nobody can be"])

    def test_too_many_candidates(self) -> None:
        """A server that floods us makes no flood of ours."""
        self.server.introduce(*((f"10.0.{n // 250}.{n % 250 + 1}", 5) for n in range(300)))
        self.turn(30.0)
        punched = {d.destination for d in self.network.log if d.destination[0].startswith("10.0")}
        self.assertEqual(len(punched), 64)
        self.assertEqual(self.noise(), ["too many candidates"])

    def test_several_servers(self) -> None:
        """It is logged in at all of them, by the same socket; one being away disturbs no other."""
        other = self.rendezvous(self.network.host("198.51.100.8"))
        both = (("198.51.100.8", RENDEZVOUS_PORT), ("198.51.100.9", RENDEZVOUS_PORT))
        self.started(self.make((SERVER, RENDEZVOUS_PORT), *both))
        self.turn()
        self.assertEqual(other.agent, self.server.agent)
        self.assertEqual(other.count(DevLgnDsk), 1)
        other.introduce(self.client.address)
        self.turn()
        self.assertIn(PUNCH, self.client.heard)

    def test_closed_server(self) -> None:
        """The refusal of a server is its own trouble."""
        self.server.port.stopListening()
        self.turn(LOGIN_EVERY)
        [line] = self.log.lines()
        self.assertIn(f"nothing listens at {SERVER}:{RENDEZVOUS_PORT} (ICMP)", line)


class ClientTests(PresenceTestCase):
    """Who is let in."""

    def test_enters(self) -> None:
        """A PUNCH_PKT from a candidate makes a link, which hears it and what follows."""
        link = self.enter()
        receiver = Receiver()
        link.attach(receiver)
        self.knock(self.client, drw(1))
        self.assertEqual(receiver.told, [PUNCH, drw(1)])
        self.assertEqual(link.peer, self.client.address)
        self.assertEqual(link.local[1], self.server.agent[1])

    def test_enters_by_ready(self) -> None:
        """So does a P2P_RDY: who was punched first answers with it."""
        self.server.introduce(self.client.address)
        self.turn()
        self.knock(self.client, READY)
        self.assertEqual(len(self.arrived), 1)

    def test_punched_no_more(self) -> None:
        """Who has come is not punched any more, even when introduced again."""
        self.enter()
        self.client.heard.clear()
        self.server.introduce(self.client.address)
        self.turn(5.0)
        self.assertEqual(self.client.heard, [])

    def test_other_port(self) -> None:
        """The NAT of a client may have chosen another port than the server saw."""
        self.server.introduce((CLIENT, 1))
        self.turn()
        self.knock(self.client)
        self.assertEqual([link.peer for link in self.arrived], [self.client.address])

    def test_not_introduced(self) -> None:
        """Who was not introduced is not let in, nor one whose introduction is long ago."""
        self.knock(self.client)
        self.assertEqual(self.noise(), ["not introduced"])
        self.server.introduce(self.client.address)
        self.turn(31.0)
        self.knock(self.client)
        self.assertEqual(self.arrived, [])

    def test_wrong_id(self) -> None:
        """Nor is who asks for another device."""
        self.server.introduce(self.client.address)
        self.turn()
        self.knock(self.client, PunchPkt(TRAILCAM_DID))
        self.assertEqual((self.arrived, self.noise()), ([], ["another device id"]))

    def test_something_else(self) -> None:
        """Nor who begins with anything but a punch."""
        self.server.introduce(self.client.address)
        self.turn()
        self.knock(self.client, Alive(), drw(1), Close(), b"nonsense")
        self.assertEqual(self.arrived, [])
        self.assertEqual(self.noise(), ["not from a client", "bad_magic"])

    def test_knocks_again(self) -> None:
        """Who knocks again has his link already."""
        link = self.enter()
        link.attach(receiver := Receiver())
        self.knock(self.client, PUNCH, READY)
        self.assertEqual(len(self.arrived), 1)
        self.assertEqual(receiver.told, [PUNCH, PUNCH, READY])

    def test_several_ports(self) -> None:
        """A client that knocks from several ports comes in by one; the rest may wait."""
        self.enter()
        second = self.peer()
        self.knock(second)
        self.assertEqual(len(self.arrived), 1)

    def test_second_client_behind_the_same_nat(self) -> None:
        """Once the first is settled, the next one from its host gets in."""
        self.enter()
        self.knock(self.client, Alive())
        second = self.peer()
        self.knock(second)
        self.assertEqual(
            [link.peer for link in self.arrived], [self.client.address, second.address]
        )

    def test_next_client_when_the_first_has_left(self) -> None:
        """A link that has ended stands in nobody's way."""
        self.enter().abandon()
        second = self.peer()
        self.knock(second)
        self.assertEqual(len(self.arrived), 2)

    def test_two_hosts(self) -> None:
        """Clients on different hosts come at the same time, and are told apart by address."""
        other = self.peer(self.network.host(OTHER_CLIENT))
        links = [self.enter(), self.enter(other)]
        receivers = [Receiver(), Receiver()]
        for link, receiver in zip(links, receivers, strict=True):
            link.attach(receiver)
        self.knock(other, drw(2))
        self.assertEqual([r.told for r in receivers], [[PUNCH], [PUNCH, drw(2)]])

    def test_strays_of_who_has_left(self) -> None:
        """What was on its way when a link ended makes no new one; a real return does."""
        self.enter().abandon()
        self.knock(self.client)
        self.assertEqual(len(self.arrived), 1)
        self.turn(LINGER)
        self.knock(self.client)
        self.assertEqual(len(self.arrived), 2)

    def test_refused(self) -> None:
        """A client's closed port is told to its link, and to no other."""
        link = self.enter()
        link.attach(receiver := Receiver())
        self.client.port.stopListening()
        self.turn()
        link.send(drw(1))
        self.turn()
        self.assertEqual(receiver.refusals, [(self.client.address, errno.ECONNREFUSED)])

    def test_table_is_bounded(self) -> None:
        """One host with many ports fills a bounded table, and for a second only."""
        peers = [self.peer() for _ in range(MOST_CLIENTS + 5)]
        self.server.introduce((CLIENT, 1))
        self.turn()
        for peer in peers:
            peer.say((AGENT, self.server.agent[1]), PUNCH, Alive())
        self.turn()
        self.assertEqual(len(self.arrived), MOST_CLIENTS)
        for link in self.arrived:
            link.abandon()
        self.turn(LINGER)
        self.knock(self.peer())
        self.assertEqual(len(self.arrived), MOST_CLIENTS + 1)


class SocketTests(PresenceTestCase):
    """Losing the socket, and closing it."""

    def test_lost(self) -> None:
        """When the system takes the socket, its clients are lost and another one logs in."""
        link = self.enter()
        link.attach(receiver := Receiver())
        before = self.server.agent
        self.log.clear()
        [port] = self.host.ports()
        port.stopListening()
        self.turn(6.0)
        self.assertEqual(len(receiver.losses), 1)
        self.assertIn("the UDP socket was lost", self.log.lines(LogLevel.error)[0])
        self.assertNotEqual(self.server.agent, before)
        self.assertEqual(self.server.count(DevLgnDsk), 2)

    def test_stopped_without_socket(self) -> None:
        """It may be stopped while it waits for a new one."""
        [port] = self.host.ports()
        port.stopListening()
        self.turn(1.0)
        self.presence.stopService()
        self.turn(10.0)
        self.assertEqual(list(self.host.ports()), [])

    def test_no_socket_to_be_had(self) -> None:
        """When the system gives no socket, it is tried again."""
        host = NoPorts.on(self.network.host("192.168.43.21"))
        self.host = host
        presence = self.make((SERVER, RENDEZVOUS_PORT))
        logins = self.server.count(DevLgnDsk)
        self.started(presence)
        self.turn(4.0)
        self.assertIn("cannot open a UDP port", self.log.lines(LogLevel.error)[0])
        host.__class__ = MemoryHost
        self.turn(2.0)
        self.assertEqual(self.server.count(DevLgnDsk), logins + 1)

    def test_stop(self) -> None:
        """Nothing is left, nothing is punched, nobody is heard."""
        self.server.introduce(self.client.address)
        self.turn(0.2)
        stopping = self.presence.stopService()
        self.turn()
        self.successResultOf(stopping)
        heard = len(self.client.heard)
        self.knock(self.client)
        self.turn(10.0)
        self.assertEqual(len(self.client.heard), heard)
        self.assertEqual(self.arrived, [])

    def test_late_words(self) -> None:
        """What is said on a closed socket is lost, and no failure."""
        self.presence.stopService()
        self.presence.peer_refused((SERVER, RENDEZVOUS_PORT), errno.ECONNREFUSED)
        self.turn()

    def test_links_of_a_lost_socket_end_quietly(self) -> None:
        """A link may be abandoned after its socket was lost."""
        link = self.enter()
        self.presence.link_lost(Failure(OSError("gone")))
        self.successResultOf(link.abandon())


class NoPorts(MemoryHost):
    """A machine whose system has no UDP port left."""

    @classmethod
    def on(cls, host: MemoryHost) -> MemoryHost:
        """Take the ports of a machine away."""
        host.__class__ = cls
        return host

    def listenUDP(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse."""
        raise CannotListenError("", 0, OSError(errno.EMFILE, "Too many open files"))
