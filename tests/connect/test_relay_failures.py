"""Tests of relays that are of no use: each cause has its own code and its own words."""

from __future__ import annotations

from typing import Any
from unittest import mock

import attrs
from twisted.internet.error import CannotListenError

from tests.connect.relaying import (
    DATA_PORT,
    DID,
    MAGIC,
    OTHER_DID,
    RELAY,
    SECRET,
    TARGET,
    RelayTestCase,
)
from trailcam.connect.relay_address import RelayAddress
from trailcam.connect.relay_words import ended
from trailcam.connect.target import Target
from trailcam.errors import (
    DeviceNeverJoined,
    DeviceOffline,
    DeviceUnknown,
    RelayEnded,
    RelayFull,
    RelayNotUnderstood,
    RelayUnreachable,
    SecretRefused,
    WrongDevice,
)
from trailcam.wire.constants import RELAY_PORT, Result
from trailcam.wire.messages import (
    Close,
    P2PRdy,
    RlyHello,
    RlyHelloAck,
    RlyPkt,
    RlyPort,
    RlyPortAck,
    RlyRdy,
    TcpRlyReq,
    TcpRlyReqAck,
    TcpRlyReqDsk,
)

NAME = f"{RELAY}:{RELAY_PORT}"


class FailureTestCase(RelayTestCase):
    """Attempts that fail."""

    def check(
        self,
        kind: type[Exception],
        *words: str,
        phase: str,
        target: Target = TARGET,
        **budget: float,
    ) -> Any:
        """The attempt fails so; the text has these words, and names the relay."""
        error = self.failure(kind, target, **budget)
        for word in words:
            self.assertIn(word, str(error))
        self.assertIn(target.relay.name if target.relay else "", str(error))
        self.assertEqual(error.phase, phase)
        return error


class DiallingTests(FailureTestCase):
    """No relay answers RLY_HELLO."""

    def test_refused(self) -> None:
        """Nobody listens."""
        error = self.check(RelayUnreachable, "refused", "trailcam-relay", phase="dialling")
        self.assertLess(error.elapsed, 0.1)

    def test_no_way(self) -> None:
        """There is no route."""
        self.network.unreachable = {RELAY}
        self.check(RelayUnreachable, "cannot be reached", phase="dialling")

    def test_silent(self) -> None:
        """A firewall throws everything away: the budget ends it."""
        self.relay_host.silent = True
        error = self.check(
            RelayUnreachable, "did not accept", "within 5.0 s", phase="dialling", budget=5.0
        )
        self.assertAlmostEqual(error.elapsed, 5.0)

    def test_long_budget(self) -> None:
        """No timeout of Twisted's own ends it before the budget."""
        self.relay_host.silent = True
        error = self.check(RelayUnreachable, "within 45.0 s", phase="dialling", budget=45.0)
        self.assertAlmostEqual(error.elapsed, 45.0)

    def test_no_such_name(self) -> None:
        """The name has no address."""
        target = Target(did=DID, relay=RelayAddress("nowhere.example", 5))
        error = self.failure(RelayUnreachable, target)
        self.assertIn("the relay's name nowhere.example has no address", str(error))

    def test_endpoint_broken_meanwhile(self) -> None:
        """A folder of certificates that is gone since it was checked."""
        relay = RelayAddress(RELAY, RELAY_PORT, "trustRoots=/nonexistent")
        self.check(
            RelayUnreachable, "cannot be reached", phase="dialling", target=Target(relay=relay)
        )

    def test_mute(self) -> None:
        """It accepts the connection, and says nothing."""
        self.relay().on(RlyHello)
        self.check(
            RelayNotUnderstood,
            "accepted the connection",
            "within 2.0 s: is this the control port of a trailcam relay?",
            phase="dialling",
            budget=2.0,
        )

    def test_mute_for_long(self) -> None:
        """Something that waits for more, such as a web server, is waited for no longer than 5 s."""
        self.relay().on(RlyHello)
        error = self.check(
            RelayNotUnderstood, "within 5.0 s: is this the control port", phase="dialling"
        )
        self.assertAlmostEqual(error.elapsed, 5.0, 1)

    def test_something_else(self) -> None:
        """A web server, a mail server, garbage."""
        for banner in (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"220 mail.example ESMTP\r\n",
            bytes(64),
        ):
            relay = self.relay()
            relay.banners[RELAY_PORT] = [banner]
            self.check(RelayNotUnderstood, "does not speak as a relay does", phase="dialling")
            relay.close()
            self.network.advance(0.1)

    def test_answers_something_else(self) -> None:
        """Something that waits for us to speak first."""
        self.relay().on(RlyHello, b"HTTP/1.1 400 Bad Request\r\n\r\n", hang_up=True)
        self.check(RelayNotUnderstood, "control port?", phase="dialling")

    def test_closes_at_once(self) -> None:
        """It hangs up without a word, as a relay with TLS does."""
        self.relay().hang_up_at.add(RELAY_PORT)
        self.check(RelayEnded, "without an answer", f"write tls:{NAME}", phase="dialling")

    def test_closes_after_hello(self) -> None:
        """It hangs up when it has heard us."""
        self.relay().on(RlyHello, hang_up=True)
        self.check(RelayEnded, "without an answer", phase="dialling")


class JoiningTests(FailureTestCase):
    """The relay answers, and then something is wrong."""

    def test_full(self) -> None:
        """No port is left."""
        relay = self.relay().on(RlyPort, RlyPortAck(0, 0))
        self.check(RelayFull, "no room", phase="joining")
        self.assertEqual(relay.kinds(), ["RLY_HELLO", "RLY_PORT"])

    def test_no_port(self) -> None:
        """RLY_PORT is not answered."""
        self.relay().on(RlyPort)
        self.check(RelayNotUnderstood, "RLY_PORT within 3.0 s", phase="joining", budget=3.0)

    def test_ends_before_the_port(self) -> None:
        """It hangs up on RLY_PORT."""
        self.relay().on(RlyPort, hang_up=True)
        self.check(RelayEnded, "before the device had joined", phase="joining")

    def test_ends_with_the_hello(self) -> None:
        """It hangs up between two questions."""
        self.relay().on(RlyHello, RlyHelloAck(), hang_up=True)
        self.check(RelayEnded, "before the device had joined", phase="joining")

    def test_garbage_later(self) -> None:
        """It goes mad."""
        self.relay().on(RlyPort, b"x" * 20)
        self.check(RelayNotUnderstood, "does not speak as a relay does", phase="joining")

    def test_results(self) -> None:
        """What the relay says to TCP_RLY_REQ."""
        for result, kind, words in (
            (Result.INVALID_DSK, SecretRefused, "none was given"),
            (Result.DEVICE_OFFLINE, DeviceOffline, "is its agent running"),
            (Result.INVALID_ID, DeviceUnknown, "does not know"),
            (Result.INVALID_PREFIX, DeviceUnknown, "does not know"),
            (0x42, RelayNotUnderstood, "result 0x42"),
        ):
            relay = self.relay().on(TcpRlyReq, TcpRlyReqAck(result)).on(RlyPkt)
            error = self.check(kind, words, phase="joining")
            if kind is not RelayNotUnderstood:
                self.assertIn(str(DID), str(error))
            self.assertLess(error.elapsed, 0.1)
            relay.close()
            self.network.advance(0.1)

    def test_wrong_secret(self) -> None:
        """A secret was given, so it must be a wrong one; nobody says which."""
        self.relay().on(TcpRlyReqDsk, TcpRlyReqAck(Result.INVALID_DSK)).on(RlyPkt)
        target = attrs.evolve(TARGET, secret=SECRET)
        error = self.check(
            SecretRefused, "another one than was given", phase="joining", target=target
        )
        self.assertNotIn("correct", str(error))

    def test_no_answer_about_the_device(self) -> None:
        """TCP_RLY_REQ is not answered, and nobody comes."""
        self.relay().on(TcpRlyReq).on(RlyPkt)
        error = self.check(RelayNotUnderstood, "TCP_RLY_REQ within 9.0 s", phase="joining")
        self.assertAlmostEqual(error.elapsed, 9.0, 1)

    def test_ends_while_waiting(self) -> None:
        """It hangs up on TCP_RLY_REQ, which ends the pairing."""
        self.relay().on(TcpRlyReq, hang_up=True).on(RlyPkt)
        self.check(RelayEnded, "before the device had joined", phase="joining")

    def test_data_port_refused(self) -> None:
        """The port that it names is closed, or a firewall refuses."""
        self.relay().close(DATA_PORT)
        self.check(RelayUnreachable, f"port {DATA_PORT}", "firewall", phase="joining")

    def test_data_port_silent(self) -> None:
        """A firewall throws away what goes to the data port."""
        relay = self.relay().on(RlyPort, RlyPortAck(MAGIC, DATA_PORT))
        relay.close(DATA_PORT)
        self.relay_host.silent = True
        error = self.check(RelayUnreachable, f"port {DATA_PORT}", "within 9.0 s", phase="joining")
        self.assertAlmostEqual(error.elapsed, 9.0, 1)

    def test_data_port_of_somebody_else(self) -> None:
        """Something else answers there."""
        self.relay().banners[DATA_PORT] = [b"SSH-2.0-OpenSSH_9.2\r\n"]
        self.check(RelayNotUnderstood, "does not speak as a relay does", phase="joining")

    def test_refused_at_the_data_port_first(self) -> None:
        """Who refuses the device closes the data port; the reason comes on the other connection."""
        relay = self.relay().on(TcpRlyReq, TcpRlyReqAck(Result.INVALID_ID), after=0.5)
        relay.on(RlyPkt, hang_up=True)
        self.check(DeviceUnknown, "does not know", phase="joining")
        relay.close(DATA_PORT)
        self.check(DeviceUnknown, "does not know", phase="joining")

    def test_no_reason_for_a_closed_data_port(self) -> None:
        """A relay that never says why is not waited for longer than for anything else."""
        self.relay().on(TcpRlyReq).on(RlyPkt, hang_up=True)
        error = self.check(RelayEnded, "before the device had joined", phase="joining")
        self.assertAlmostEqual(error.elapsed, 9.0, 1)

    def test_data_connection_refused(self) -> None:
        """The relay does not take us there: a second one of us, or from another address."""
        self.relay().on(RlyPkt, hang_up=True)
        self.check(RelayEnded, "before the device had joined", phase="joining")

    def test_device_never_comes(self) -> None:
        """It was told, and does not come; the relay's patience is ten seconds, ours nine."""
        self.relay().on(RlyPkt)
        error = self.check(
            DeviceNeverJoined,
            "did not come",
            "within 9.0 s: the way there is closed to it, or its agent has stopped",
            phase="joining",
        )
        self.assertAlmostEqual(error.elapsed, 9.0, 1)

    def test_device_never_comes_in_a_short_budget(self) -> None:
        """The budget may be over before."""
        self.relay().on(RlyPkt)
        self.check(DeviceNeverJoined, "within 2.0 s", phase="joining", budget=2.0)

    def test_paired_with_another(self) -> None:
        """The relay has mixed something up."""
        self.relay().on(RlyPkt, RlyRdy(OTHER_DID))
        self.check(WrongDevice, str(OTHER_DID), str(DID), phase="joining")


class ProofTests(FailureTestCase):
    """Both are at the relay, but the camera does not prove itself."""

    def test_no_camera(self) -> None:
        """The agent does not reach its camera, and says CLOSE; so do we, since it was there."""
        relay = self.relay().on(RlyPkt, RlyRdy(DID), Close())
        self.check(DeviceNeverJoined, "does not reach its camera", phase="joining")
        self.network.advance(0.1)
        self.assertEqual(relay.kinds(DATA_PORT), ["RLY_PKT", "CLOSE"])

    def test_another_camera(self) -> None:
        """Another id comes through."""
        relay = self.relay().on(RlyPkt, RlyRdy(DID), P2PRdy(OTHER_DID))
        self.check(WrongDevice, f"{OTHER_DID} instead of {DID}", phase="joining")
        self.network.advance(0.1)
        self.assertEqual(relay.kinds(DATA_PORT), ["RLY_PKT", "CLOSE"])

    def test_silent_camera(self) -> None:
        """Nothing comes through within the budget."""
        relay = self.relay().on(RlyPkt, RlyRdy(DID))
        self.check(
            DeviceNeverJoined, "its camera did not answer within 4.0 s", phase="joining", budget=4.0
        )
        self.network.advance(0.1)
        self.assertEqual(relay.kinds(DATA_PORT), ["RLY_PKT", "CLOSE"])

    def test_relay_ends(self) -> None:
        """The relay is stopped at that moment."""
        self.relay().on(RlyPkt, RlyRdy(DID), hang_up=True)
        self.check(RelayEnded, "before the camera had answered", phase="joining")

    def test_garbage(self) -> None:
        """What comes through is out of order."""
        relay = self.relay().on(RlyPkt, RlyRdy(DID))
        trace = self.start(self.attempt())
        self.network.advance(0.1)
        relay.connections[-1].say(b"x" * 8)
        self.network.advance(0.1)
        self.assertEqual((trace.error.code, trace.open), ("relay_ended", 0))
        self.assertIn("out of order", str(trace.error))


class BrokenTests(RelayTestCase):
    """Our own mistakes are not the network's."""

    def test_bug(self) -> None:
        """An exception that nobody expects comes out as it is, when all is closed."""
        self.relay()
        for broken in ("relay_proof.Witness", "relay_trial.RlyPort", "relay_trial.RlyHello"):
            with mock.patch(f"trailcam.connect.{broken}", side_effect=ZeroDivisionError):
                self.failure(ZeroDivisionError)

    def test_no_udp_port(self) -> None:
        """The system may have no UDP port for the rendezvous servers."""
        problem = CannotListenError("", 0, OSError(24, "Too many open files"))
        with mock.patch("trailcam.link.datagram.listen_udp", side_effect=problem):
            error = self.failure(Exception, Target(did=DID, rendezvous=(("203.0.113.9", 32100),)))
        self.assertEqual(error.code, "no_local_port")
        self.assertIn("Too many open files", str(error))


class TlsWordsTests(RelayTestCase):
    """What is said of TLS; the real thing is tested with real sockets."""

    RELAY = RelayAddress("relay.example", 443, "")

    def words(self, problem: Exception) -> tuple[str, str]:
        """Code and words for what ended a connection."""
        kind, text = ended(self.RELAY, problem, greeted=False)
        return kind.code, text

    def test_no_details(self) -> None:
        """OpenSSL does not always say why."""
        from OpenSSL.SSL import Error

        for problem in (Error(), Error([])):
            code, text = self.words(problem)
            self.assertEqual(code, "relay_not_understood")
            self.assertIn("no details", text)

    def test_closed(self) -> None:
        """A connection that is merely closed is no trouble of TLS."""
        code, text = self.words(ConnectionResetError("reset"))
        self.assertEqual(code, "relay_ended")
        self.assertNotIn("write tls:", text)
