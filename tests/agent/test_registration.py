"""Tests of staying logged in at a rendezvous server."""

from __future__ import annotations

import errno
from unittest import mock

from twisted.logger import LogLevel

from tests.agent.rig import AGENT, IDENTITY, SERVER, AgentTestCase
from trailcam.agent.identity import Identity
from trailcam.agent.registration import LOGIN_EVERY, PATIENCE, Registration
from trailcam.agent.standing import REFUSED_PAUSE
from trailcam.connect.inquiry import Inquiry
from trailcam.interfaces import Address
from trailcam.link.datagram import DatagramLink
from trailcam.model import ConnectionMode
from trailcam.wire.constants import LOGIN_KEY, RENDEZVOUS_PORT, Result
from trailcam.wire.login import DSK_LOGIN
from trailcam.wire.messages import (
    DevLgnDsk,
    Hello,
    HelloAck,
    ListReq,
    ListReqAck,
    Message,
    PunchTo,
)
from trailcam.wire.sockaddr import SocketAddress

NAME = ("meet.example", RENDEZVOUS_PORT)
PLACE = f"{SERVER}:{RENDEZVOUS_PORT}"


class Ears:
    """The owner of the socket: passes on what the server says."""

    def __init__(self) -> None:
        self.registration: Registration | None = None
        self.strange: list[Message] = []

    def message_received(self, message: Message, peer: Address) -> None:
        """Pass on, or keep."""
        assert self.registration is not None
        if not self.registration.takes(message, peer):
            self.strange.append(message)

    def peer_refused(self, peer: Address, error: int) -> None:
        """Pass on."""
        assert self.registration is not None
        self.registration.refused(error)

    def link_lost(self, reason: object) -> None:
        """Not in these tests."""
        raise AssertionError(reason)


class RegistrationTests(AgentTestCase):
    """One server and one agent."""

    def setUp(self) -> None:
        """Open a socket."""
        super().setUp()
        self.socket = DatagramLink(self.host, ConnectionMode.P2P)
        self.socket.open()
        self.closers.append(self.socket.abandon)
        self.ears = Ears()
        self.socket.attach(self.ears)
        self.told: list[Message] = []

    def registration(self, server: Address = (SERVER, RENDEZVOUS_PORT)) -> Registration:
        """A registration that has been started."""
        registration = Registration(
            self.host,
            server,
            IDENTITY,
            self.socket.send_to,
            lambda host: (f"{AGENT}", self.socket.local[1]),
            lambda message, _: self.told.append(message),
        )
        self.ears.registration = registration
        registration.start()
        self.closers.append(registration.stop)
        return registration

    def test_login(self) -> None:
        """It proves its address, logs in, and asks for relays."""
        server = self.rendezvous()
        registration = self.registration()
        self.turn()
        self.assertEqual(server.kinds(), ["HELLO", "HELLO_ACK", "DEV_LGN_DSK", "LIST_REQ"])
        self.assertTrue(registration.standing.registered)
        login = server.heard[2]
        assert isinstance(login, DevLgnDsk)
        local = SocketAddress(AGENT, self.socket.local[1])
        self.assertEqual(DSK_LOGIN.open(login, LOGIN_KEY).address, local)
        self.assertEqual(
            self.log.lines(LogLevel.info), [f"registered as MYCAM-000001-ABCDE at {PLACE}"]
        )

    def test_stays_logged_in(self) -> None:
        """It logs in again every 20 s, with its proof, and tells of it once."""
        server = self.rendezvous()
        self.registration()
        self.turn(3 * LOGIN_EVERY + 1)
        self.assertEqual(server.count(DevLgnDsk), 4)
        self.assertEqual(server.count(Hello), 1)
        self.assertEqual(server.count(HelloAck), 4)
        self.assertEqual(len(self.log.lines(LogLevel.info)), 1)

    def test_lost_datagrams(self) -> None:
        """A lost HELLO or login is said again soon."""
        server = self.rendezvous()
        registration = self.registration()
        restore = self.network.drop(lambda datagram: True)
        self.turn(0.4)
        restore()
        self.turn(0.4)
        self.assertTrue(registration.standing.registered)
        self.assertEqual(server.count(DevLgnDsk), 1)

    def test_proof_has_expired(self) -> None:
        """A server that wants another proof gets it, and the login after it."""
        server = self.rendezvous()
        self.registration()
        self.turn(1.0)
        server.proven = False
        server.tell(Hello())
        self.turn()
        self.assertTrue(server.proven)
        self.assertEqual(server.count(DevLgnDsk), 2)
        self.assertEqual(server.kinds()[4:7], ["HELLO_ACK", "HELLO", "HELLO_ACK"])

    def test_flood_of_greetings(self) -> None:
        """Whoever forges the server's greetings does not make a flood of ours."""
        server = self.rendezvous()
        self.registration()
        self.turn(1.0)
        server.heard.clear()
        for _ in range(100):
            server.tell(*[Hello(), HelloAck(SocketAddress(AGENT, 1), b"12345678")] * 10)
            self.turn(0.001)
        self.assertLess(len(server.heard), 20)
        self.turn(1.0)
        server.heard.clear()
        self.turn(2 * LOGIN_EVERY)
        self.assertIn("DEV_LGN_DSK", server.kinds())
        self.assertTrue(server.proven)

    def test_what_else_it_says(self) -> None:
        """Everything beyond the login is passed on, and nobody else's words are."""
        server = self.rendezvous()
        self.registration()
        self.turn()
        punch = PunchTo(SocketAddress("203.0.113.7", 5))
        server.tell(punch)
        self.peer(number=RENDEZVOUS_PORT).say(server.agent, punch)
        self.turn()
        self.assertEqual(self.told, [ListReqAck(()), punch])
        self.assertEqual(self.ears.strange, [punch])

    def test_name(self) -> None:
        """A name is resolved."""
        self.rendezvous()
        registration = self.registration(NAME)
        self.turn()
        self.assertEqual(registration.address, (SERVER, RENDEZVOUS_PORT))
        self.assertTrue(registration.standing.registered)

    def test_name_unknown(self) -> None:
        """A name without an address is told once, and tried again."""
        self.network.name("meet.example")
        registration = self.registration(NAME)
        self.turn(3 * LOGIN_EVERY)
        self.assertEqual(
            self.log.lines(),
            ["not registered: the name meet.example has no IPv4 address here; trying on"],
        )
        self.network.name("meet.example", SERVER)
        self.rendezvous()
        self.turn(LOGIN_EVERY + 1)
        self.assertTrue(registration.standing.registered)

    def test_name_never_resolved(self) -> None:
        """A resolver that does not answer is no reason to stop."""
        self.network.latency = 3600.0
        self.registration(NAME)
        self.turn(11.0)
        self.assertEqual(len(self.log.lines()), 1)
        self.network.latency = 0.001
        self.rendezvous()
        self.turn(LOGIN_EVERY)
        self.assertEqual(len(self.log.lines(LogLevel.info)), 1)
        self.network.clock.advance(3600.0)  # the late answer

    def test_server_moves(self) -> None:
        """When the server falls silent, its name is looked up again."""
        server = self.rendezvous()
        registration = self.registration(NAME)
        self.turn()
        server.port.stopListening()
        self.network.name("meet.example", "198.51.100.9")
        moved = self.rendezvous(self.network.host("198.51.100.9"))
        self.turn(LOGIN_EVERY + sum(PATIENCE) + 1)
        self.assertEqual(registration.address, ("198.51.100.9", RENDEZVOUS_PORT))
        self.assertTrue(registration.standing.registered)
        self.assertEqual(moved.count(DevLgnDsk), 1)

    def test_silent_server(self) -> None:
        """No answer at all: told once, asked on, and registered when the server is back."""
        self.server_host.silent = True
        registration = self.registration()
        self.turn(100.0)
        trouble = f"not registered: no answer from {PLACE} within 16 s; trying on"
        self.assertEqual(self.log.lines(), [trouble])
        self.rendezvous()
        self.turn(max(PATIENCE) + 1)
        self.assertTrue(registration.standing.registered)
        self.assertEqual(len(self.log.lines(LogLevel.info)), 1)

    def test_trouble_again(self) -> None:
        """The same trouble is told again when it comes back."""
        server = self.rendezvous()
        self.registration()
        self.turn()
        for _ in range(2):
            server.result = None
            self.turn(LOGIN_EVERY + sum(PATIENCE))
            server.result = Result.OK
            self.turn(LOGIN_EVERY)
        self.assertEqual(len(self.log.lines()), 2)
        self.assertEqual(len(self.log.lines(LogLevel.info)), 3)

    def test_closed_port(self) -> None:
        """A server that does not run is named by what the system says."""
        self.registration()
        self.turn()
        self.assertEqual(
            self.log.lines(), [f"not registered: nothing listens at {PLACE} (ICMP); trying on"]
        )
        self.rendezvous()
        self.turn(1)
        self.assertEqual(len(self.log.lines(LogLevel.info)), 1)

    def test_closed_port_for_long(self) -> None:
        """Refusal and silence take turns then, and each is told once, until we are registered."""
        registration = self.registration()
        troubles = [
            f"not registered: nothing listens at {PLACE} (ICMP); trying on",
            f"not registered: no answer from {PLACE} within 16 s; trying on",
        ]
        self.turn(600.0)
        self.assertEqual(self.log.lines(), troubles)
        server = self.rendezvous()
        self.turn(max(PATIENCE) + 1)
        self.assertTrue(registration.standing.registered)
        server.port.stopListening()
        self.turn(600.0)
        self.assertEqual(self.log.lines(), troubles * 2)

    def test_many_troubles(self) -> None:
        """However many there are, the log does not grow without end."""
        registration = self.registration()
        for number in range(1, 200):
            registration.refused(number)
        self.assertLess(len(self.log.lines()), 20)

    def test_no_way(self) -> None:
        """A network that is away is named by what the system says."""
        self.host.write_error = OSError(errno.ENETUNREACH, "Network is unreachable")
        registration = self.registration()
        self.turn(30)
        self.assertIn(f"{PLACE} cannot be reached: Network is unreachable", self.log.lines()[0])
        self.assertLessEqual(len(self.log.lines()), 4)
        self.host.write_error = None
        self.rendezvous()
        self.turn(max(PATIENCE) + 1)
        self.assertTrue(registration.standing.registered)

    def test_broken(self) -> None:
        """What nobody expected is told once, and is not the end: it tries again after 20 s."""
        server = self.rendezvous()
        with mock.patch.object(Identity, "login", side_effect=ZeroDivisionError):
            registration = self.registration()
            self.turn(2.5 * LOGIN_EVERY)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(server.heard, [])
        self.turn(LOGIN_EVERY)
        self.assertTrue(registration.standing.registered)

    def test_broken_later(self) -> None:
        """Nor is what breaks when it was registered already."""
        server = self.rendezvous()
        registration = self.registration()
        self.turn()
        with mock.patch.object(Inquiry, "again", side_effect=OSError(24, "Too many open files")):
            self.turn(LOGIN_EVERY + 1)
            self.assertFalse(registration.standing.registered)
        [failure] = self.flushLoggedErrors(OSError)
        self.assertIn("Too many open files", failure.getErrorMessage())
        [line] = self.log.lines(LogLevel.critical)
        self.assertEqual(line, f"bug: no login at {PLACE}; trying on")
        self.turn(LOGIN_EVERY)
        self.assertTrue(registration.standing.registered)
        self.assertEqual(server.count(DevLgnDsk), 2)

    def test_refused(self) -> None:
        """A wrong secret is an error in the log, and tried again after a minute only."""
        server = self.rendezvous()
        server.result = Result.INVALID_DSK
        registration = self.registration()
        self.turn(REFUSED_PAUSE - 1)
        self.assertEqual(server.count(DevLgnDsk), 1)
        self.assertEqual(server.count(ListReq), 0)
        self.assertFalse(registration.standing.registered)
        [line] = self.log.lines(LogLevel.error)
        self.assertIn(f"{PLACE} refused the login of MYCAM-000001-ABCDE: it wants a secret", line)
        self.assertIn("trying again in 60 s", line)
        server.result = Result.OK
        self.turn(2)
        self.assertTrue(registration.standing.registered)

    def test_replaced(self) -> None:
        """Another agent took over: told, and tried again after a minute."""
        server = self.rendezvous()
        registration = self.registration()
        self.turn()
        server.result = Result.REPLACED
        self.turn(LOGIN_EVERY)
        [line] = self.log.lines(LogLevel.error)
        self.assertTrue(line.startswith("another agent with the id MYCAM-000001-ABCDE took over"))
        self.assertFalse(registration.standing.registered)
        self.turn(REFUSED_PAUSE)
        self.assertEqual(server.count(DevLgnDsk), 3)

    def test_stop(self) -> None:
        """Stopped in any phase, it leaves nothing behind and says nothing more."""
        server = self.rendezvous()
        registrations = [self.registration(NAME) for _ in range(4)]
        registrations[0].stop()
        self.turn(0.0015)
        registrations[1].stop()
        self.turn(0.002)
        registrations[2].stop()
        self.turn()
        registrations[3].stop()
        said = len(server.heard)
        self.turn(3600)
        self.assertEqual(len(server.heard), said)

    def test_never_started(self) -> None:
        """To stop what was not started does nothing."""
        Registration(
            self.host,
            NAME,
            IDENTITY,
            self.socket.send_to,
            lambda host: (host, 1),
            lambda message, server: None,
        ).stop()
