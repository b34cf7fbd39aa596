"""
The agent's UDP socket: logged in at rendezvous servers, and shared by all clients that come
through the NATs.

See :doc:`/explain/servers`, "Agent".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.agent.candidates import Candidates
from trailcam.agent.identity import Identity
from trailcam.agent.punched import PunchedLink
from trailcam.agent.registration import Registration
from trailcam.errors import LinkUnavailable
from trailcam.interfaces import Address, ILink, IMessageReceiver
from trailcam.link.addresses import address_towards, may_be_punched
from trailcam.link.datagram import DatagramLink
from trailcam.model import ConnectionMode
from trailcam.wire.messages import ListReqAck, Message, P2PRdy, PunchPkt, PunchTo, RlyTo
from trailcam.wire.sockaddr import SocketAddress

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall

#: Addresses of clients at a time, those that have just left included.
MOST_CLIENTS = 64
#: Seconds after the end of a client's link in which what still comes from it is no new client.
LINGER = 1.0

_REOPEN_AFTER = 5.0


@implementer(IMessageReceiver)
class Presence(Service):
    """
    Where servers and punching clients reach the agent.

    A client is who sends PUNCH_PKT or P2P_RDY with our id from the host of a candidate, whatever
    the port.  It may knock from several ports: while one of them waits for the camera, the others
    are not heard.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        identity: Identity,
        servers: Sequence[Address],
        *,
        arrived: Callable[[ILink], None],
        called: Callable[[SocketAddress, int], None],
        listed: Callable[[str, Sequence[SocketAddress]], None],
        local_address: Callable[[str], str] = address_towards,
    ) -> None:
        """
        :param reactor: provides IReactorTime, IReactorUDP and, for host names,
            IReactorPluggableNameResolver.
        :param servers: hosts, possibly names, and ports of rendezvous servers.
        :param arrived: is given the link of each new client.
        :param called: is told the address and the magic of a RLY_TO.
        :param listed: is told a server's name, and the relays that it knows.
        :param local_address: our own address on the way to a host.
        """
        self._reactor = reactor
        self._did = identity.did
        self._arrived = arrived
        self._called = called
        self._listed = listed
        self._local_address = local_address
        self._socket = self._new_socket()
        self._candidates = Candidates(reactor, self._punch)
        self._clients: dict[Address, PunchedLink] = {}
        self._reopening: IDelayedCall | None = None
        self._registrations = [
            Registration(reactor, server, identity, self._send, self._local, self._told)
            for server in servers
        ]

    def startService(self) -> None:
        """Open the socket and log in."""
        super().startService()  # type: ignore[no-untyped-call]
        self._open()

    def stopService(self) -> Deferred[None]:
        """Close the socket; fires when it is gone.  Clients have been told before."""
        super().stopService()  # type: ignore[no-untyped-call]
        self._fall_silent()
        if self._reopening is not None:
            self._reopening.cancel()
            self._reopening = None
        return self._socket.abandon()

    def message_received(self, message: Message, peer: Address) -> None:
        """A client's, a server's, or a knock at the door; anything else is noise."""
        client = self._clients.get(peer)
        if client is not None and client.left is None:
            client.hear(message)
        elif not any(server.takes(message, peer) for server in self._registrations):
            self._knocked(message, peer)

    def peer_refused(self, peer: Address, error: int) -> None:
        """Pass on to whom it concerns; a candidate's NAT may refuse until it is punched."""
        client = self._clients.get(peer)
        if client is not None:
            client.refused(error)
        for server in self._registrations:
            if server.address == peer:
                server.refused(error)

    def link_lost(self, reason: Failure) -> None:
        """The system took our socket: its clients are lost, and another one is opened."""
        self._log.error("the UDP socket was lost: {reason}", reason=reason.getErrorMessage())
        self._fall_silent()
        clients = list(self._clients.values())
        self._clients.clear()
        for client in clients:
            client.lost(reason)
        self._reopen_later()

    def _open(self) -> None:
        self._reopening = None
        self._socket = self._new_socket()
        try:
            self._socket.open()
        except LinkUnavailable as problem:
            self._log.error("{problem}", problem=str(problem), code=problem.code)
            self._reopen_later()
            return
        self._socket.attach(self)
        for server in self._registrations:
            server.start()

    def _reopen_later(self) -> None:
        self._reopening = self._reactor.callLater(_REOPEN_AFTER, self._open)

    def _new_socket(self) -> DatagramLink:
        return DatagramLink(self._reactor, ConnectionMode.P2P)

    def _fall_silent(self) -> None:
        for server in self._registrations:
            server.stop()
        self._candidates.clear()

    def _send(self, message: Message, peer: Address) -> None:
        self._socket.send_to(message, peer)

    def _punch(self, peer: Address) -> None:
        self._send(PunchPkt(self._did), peer)

    def _local(self, host: str) -> Address:
        return self._local_address(host), self._socket.local[1]

    # What servers say

    def _told(self, message: Message, server: Registration) -> None:
        if isinstance(message, PunchTo):
            self._introduced((message.address.host, message.address.port), server)
        elif isinstance(message, RlyTo):
            self._called(message.address, message.magic)
        elif isinstance(message, ListReqAck):
            self._listed(server.server, message.relays)

    def _introduced(self, candidate: Address, server: Registration) -> None:
        assert server.address is not None
        client = self._clients.get(candidate)
        if client is not None and client.left is None:
            return
        is_new = not self._candidates.expects(candidate[0])
        if not may_be_punched(candidate, server.address[0]):
            self._socket.noise.note(server.address, "a candidate that nobody can be")
        elif not self._candidates.introduce(candidate):
            self._socket.noise.note(server.address, "too many candidates")
        elif is_new:
            host, port = candidate
            self._log.info("introduced to a client at {host}:{port}", host=host, port=port)

    # What clients say

    def _knocked(self, message: Message, peer: Address) -> None:
        self._forget_who_has_left()
        if peer in self._clients:
            return  # what was on its way when the link ended
        if not isinstance(message, PunchPkt | P2PRdy):
            self._socket.noise.note(peer, "not from a client")
        elif message.did != self._did:
            self._socket.noise.note(peer, "another device id")
        elif not self._candidates.expects(peer[0]):
            self._socket.noise.note(peer, "not introduced")
        elif self._has_room(peer[0]):
            self._enter(message, peer)

    def _forget_who_has_left(self) -> None:
        now = self._reactor.seconds()
        for address, client in list(self._clients.items()):
            if client.left is not None and now >= client.left + LINGER:
                del self._clients[address]

    def _has_room(self, host: str) -> bool:
        waiting = (c for c in self._clients.values() if c.left is None and not c.settled)
        is_first = all(client.peer[0] != host for client in waiting)
        return is_first and len(self._clients) < MOST_CLIENTS

    def _enter(self, message: Message, peer: Address) -> None:
        self._candidates.arrived(peer)
        client = self._clients[peer] = PunchedLink(self._socket, peer, self._reactor.seconds)
        client.hear(message)
        self._arrived(client)
