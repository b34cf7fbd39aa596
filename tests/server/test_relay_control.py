"""
Control connections of the relay: what clients and devices ask, and what they hear.
"""

from __future__ import annotations

from unittest import mock

from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure

from tests.server.relay_rig import (
    CLIENT,
    CONTROL,
    DEVICE,
    DID,
    DSK,
    OTHER_DID,
    READY,
    Party,
    RelayCase,
    frame,
    login,
    pair_lines,
    request,
)
from trailcam.server import relay_control
from trailcam.server.relay_control import MOST_MESSAGES, ControlConnection
from trailcam.server.relay_ports import Place
from trailcam.wire.constants import LOGIN_KEY, Result
from trailcam.wire.did import DeviceID
from trailcam.wire.login import LOGIN
from trailcam.wire.messages import (
    Alive,
    AliveAck,
    Close,
    DevLgn,
    DevLgnAck,
    DevLgnAckCrc,
    RlyHello,
    RlyHelloAck,
    RlyPort,
    RlyPortAck,
    TcpRlyReqAck,
    TcpRlyReqDsk,
    TcpRsStart,
)
from trailcam.wire.sockaddr import UNSPECIFIED, SocketAddress

FULL = RlyPortAck(0, 0)
PLAIN_LOGIN = DevLgn(DID, 0, bytes(3), UNSPECIFIED)


def request_dsk(dsk: bytes = DSK) -> TcpRlyReqDsk:
    """A client asks for a device and shows a secret."""
    return TcpRlyReqDsk(DID, UNSPECIFIED, 0, bytes(3), 0, dsk)


class ClientTests(RelayCase):
    """A client asks."""

    def test_hello(self) -> None:
        """The relay is there."""
        self.ask(self.dial(self.client_host), RlyHello(), RlyHelloAck)

    def test_port(self) -> None:
        """A client gets a magic and a port of its own, in the range, that is open."""
        _, first = self.offered()
        _, second = self.offered()
        self.assertEqual((first.port, second.port), (61000, 61001))
        self.assertNotEqual(first.magic, second.magic)
        self.assertFalse(self.refused(self.device_host, first.port))

    def test_device_told(self) -> None:
        """The device hears of the client, with the address that stands for the relay's own."""
        device = self.logged_in()
        client, offer = self.offered()
        answer = self.ask(client, request(), TcpRlyReqAck)
        self.assertEqual(answer.result, Result.OK)
        start = TcpRsStart(DID, offer.magic, SocketAddress("0.0.0.0", offer.port))
        self.assertEqual(self.heard(device), [start])

    def test_device_told_once(self) -> None:
        """However often the client asks, the device hears of it once."""
        device = self.logged_in()
        client, _ = self.offered()
        self.say(client, *[request()] * 5)
        self.assertEqual(self.heard(client), [TcpRlyReqAck(Result.OK)] * 5)
        self.assertEqual(len(self.heard(device)), 1)

    def test_several_clients(self) -> None:
        """A device hears of each client."""
        device = self.logged_in()
        magics = []
        for _ in range(3):
            client, offer = self.offered()
            self.ask(client, request(), TcpRlyReqAck)
            magics.append(offer.magic)
        heard = [each.magic for each in self.heard(device) if isinstance(each, TcpRsStart)]
        self.assertEqual(heard, magics)

    def test_offline(self) -> None:
        """The client hears that the device is not here, and the pairing waits."""
        client, offer = self.offered()
        answer = self.ask(client, request(), TcpRlyReqAck)
        self.assertEqual(answer.result, Result.DEVICE_OFFLINE)
        self.assertFalse(self.refused(self.device_host, offer.port))

    def test_came_online(self) -> None:
        """When the device has come, asking again reaches it."""
        client, _ = self.named()
        device = self.logged_in()
        self.assertEqual(self.ask(client, request(), TcpRlyReqAck).result, Result.OK)
        self.assertEqual(len(self.heard(device)), 1)

    def test_another_one(self) -> None:
        """A client changes its mind about the device: that is the end."""
        client, offer = self.named()
        answer = self.ask(client, request(OTHER_DID), TcpRlyReqAck)
        self.assertEqual(answer.result, Result.INVALID_ID)
        self.ends(client)
        self.assertTrue(self.refused(self.device_host, offer.port))

    def test_out_of_turn(self) -> None:
        """A request without a port, or a second port while one waits, ends the connection."""
        client = self.dial(self.client_host)
        self.say(client, request())
        self.ends(client)
        client, offer = self.offered()
        self.say(client, RlyPort())
        self.ends(client)
        self.assertEqual(self.heard(client), [])
        self.assertTrue(self.refused(self.device_host, offer.port))
        self.assertEqual(self.count("out of turn"), 2)

    def test_next_pairing(self) -> None:
        """When both have joined, the client may have another pairing on the same connection."""
        device = self.logged_in()
        client, offer = self.offered()
        self.ask(client, request(), TcpRlyReqAck)
        parties = [self.join(offer, is_device) for is_device in (False, True)]
        again = self.ask(client, RlyPort(), RlyPortAck)
        self.assertNotIn(again.port, (0, offer.port))
        self.ask(client, request(), TcpRlyReqAck)
        self.assertEqual(len(self.heard(device)), 2)
        self.assertEqual([party.take() for party in parties], [READY, READY])

    def test_control_lost(self) -> None:
        """When the client's control connection ends too early, so does the pairing."""
        client, offer = self.named()
        party = self.join(offer, is_device=False)
        with capturedLogs() as events:
            self.hang_up(client)
        self.ends(party)
        self.assertTrue(self.refused(self.device_host, offer.port))
        [line] = pair_lines(events)
        self.assertIn("expired", line)
        self.assertIn("the client's control connection ended", line)

    def test_full(self) -> None:
        """
        When there is no room, the port is 0, and that is all; when there is room again, it is not.
        """
        self.start(pairs=1)
        first, _ = self.offered()
        second = self.dial(self.stranger_host)
        self.assertEqual(self.ask(second, RlyPort(), RlyPortAck), FULL)
        self.ends(second)
        self.hang_up(first)
        self.network.advance(2.1)
        third = self.dial(self.stranger_host)
        self.assertNotEqual(self.ask(third, RlyPort(), RlyPortAck), FULL)

    def test_at_once(self) -> None:
        """Who lets go of pairings as fast as he asks for them does not get more for that."""
        self.start(pairs_per_address=2)
        for _ in range(2):
            self.hang_up(self.offered()[0])
        third = self.dial(self.client_host)
        self.assertEqual(self.ask(third, RlyPort(), RlyPortAck), FULL)

    def test_too_many_messages(self) -> None:
        """Who says much keeps others from being heard, and has to go."""
        client = self.dial(self.client_host)
        self.say(client, frame(RlyHello()) * (MOST_MESSAGES + 1))
        self.ends(client)
        self.assertEqual(client.data, frame(RlyHelloAck()) * MOST_MESSAGES)

    def test_pairs_per_address(self) -> None:
        """One address does not take everything."""
        self.start(pairs_per_address=2)
        clients = [self.dial(self.client_host) for _ in range(3)]
        offers = [self.ask(client, RlyPort(), RlyPortAck) for client in clients]
        self.assertEqual([offer == FULL for offer in offers], [False, False, True])
        self.offered(self.stranger_host)

    def test_no_number_left(self) -> None:
        """When all data ports are taken, the relay is full."""
        self.start(place=Place(CONTROL, range(61000, 61002)))
        for _ in range(2):
            self.offered()
        client = self.dial(self.client_host)
        with capturedLogs() as events:
            self.assertEqual(self.ask(client, RlyPort(), RlyPortAck), FULL)
        [line] = pair_lines(events)
        self.assertIn("refused", line)
        self.assertEqual(self.count("pairs_refused"), 1)


class ClosedRelayTests(RelayCase):
    """A relay that wants secrets."""

    def answer(self, *, shown: bytes | None) -> tuple[Party, int]:
        """A client with a secret, or none, and the result of its request."""
        client, _ = self.offered()
        message = request() if shown is None else request_dsk(shown)
        return client, self.ask(client, message, TcpRlyReqAck).result

    def test_secret(self) -> None:
        """Who shows the secret is told of the device."""
        self.closed_relay()
        device = self.logged_in()
        client, result = self.answer(shown=DSK)
        self.assertEqual(result, Result.OK)
        self.assertEqual(len(self.heard(device)), 1)
        self.assertIsNone(client.lost)

    def test_no_secret(self) -> None:
        """Who shows none, or a wrong one, hears so, and the device hears nothing."""
        self.closed_relay()
        device = self.logged_in()
        for shown in (None, bytes(24)):
            client, result = self.answer(shown=shown)
            self.assertEqual(result, Result.INVALID_DSK)
            self.ends(client)
        self.assertEqual(self.heard(device), [])
        self.assertEqual(self.count("pairs_refused"), 2)

    def test_unknown(self) -> None:
        """Nobody is connected with a device that the relay does not know."""
        self.closed_relay()
        client, offer = self.offered()
        answer = self.ask(client, request(OTHER_DID), TcpRlyReqAck)
        self.assertEqual(answer.result, Result.INVALID_ID)
        self.ends(client)
        self.assertTrue(self.refused(self.client_host, offer.port))

    def test_clients_without_secret(self) -> None:
        """If the relay says so, only devices need the secret."""
        self.closed_relay(clients_show_secret=False)
        device = self.logged_in()
        _, result = self.answer(shown=None)
        self.assertEqual(result, Result.OK)
        self.assertEqual(len(self.heard(device)), 1)

    def test_devices(self) -> None:
        """A device with a wrong secret, without one, or with an unknown id is sent away."""
        self.closed_relay()
        crc = LOGIN.close(PLAIN_LOGIN, LOGIN_KEY)
        for message, result in (
            (login(dsk=bytes(24)), Result.INVALID_DSK),
            (crc, Result.INVALID_DSK),
            (login(OTHER_DID), Result.INVALID_ID),
        ):
            device = self.dial(self.device_host)
            self.assertEqual(self.result(self.ask(device, message, DevLgnAckCrc)), result)
            self.ends(device)
        device = self.dial(self.device_host)
        answer = self.ask(device, PLAIN_LOGIN, DevLgnAck)
        self.assertEqual(answer, DevLgnAck(Result.INVALID_DSK))
        self.ends(device)
        self.assertEqual(self.count("login refused"), 4)

    def test_offline_for_everybody(self) -> None:
        """After refused logins the device is not there."""
        self.closed_relay()
        self.say(self.dial(self.device_host), login(dsk=bytes(24)))
        _, result = self.answer(shown=DSK)
        self.assertEqual(result, Result.DEVICE_OFFLINE)


class DeviceTests(RelayCase):
    """A device logs in, and stays."""

    def test_forms(self) -> None:
        """Each form of login is answered in kind."""
        device = self.dial(self.device_host)
        self.assertEqual(self.ask(device, PLAIN_LOGIN, DevLgnAck), DevLgnAck(Result.OK))
        crc = LOGIN.close(DevLgn(OTHER_DID, 0, bytes(3), UNSPECIFIED), LOGIN_KEY)
        other = self.dial(self.device_host)
        self.assertEqual(self.result(self.ask(other, crc, DevLgnAckCrc)), Result.OK)
        third = self.dial(self.device_host)
        answer = self.ask(third, login(DeviceID("MYCAM", 3, "ABCDE")), DevLgnAckCrc)
        self.assertEqual(self.result(answer), Result.OK)

    def test_another_key(self) -> None:
        """A login under another key is refused like a wrong secret."""
        device = self.dial(self.device_host)
        answer = self.ask(device, login(key="another key"), DevLgnAckCrc)
        self.assertEqual(self.result(answer), Result.INVALID_DSK)
        self.ends(device)

    def test_again(self) -> None:
        """A device may log in again, under the same id."""
        device = self.logged_in()
        self.assertEqual(self.result(self.ask(device, login(), DevLgnAckCrc)), Result.OK)
        self.say(device, login(OTHER_DID))
        self.ends(device)

    def test_again_and_again(self) -> None:
        """However often it does so, the log says so once."""
        with capturedLogs() as events:
            device = self.logged_in()
            for _ in range(100):
                self.say(device, login())
        self.assertEqual(len(self.heard(device)), 100)
        lines = [formatEvent(event) for event in events]
        self.assertEqual(lines.count(f"device {DID} logged in from {DEVICE}"), 1)
        self.assertLess(len(lines), 5)

    def test_kept_alive(self) -> None:
        """With ALIVE it stays for as long as it likes."""
        device = self.logged_in()
        for _ in range(8):
            self.network.advance(15.0)
            self.ask(device, Alive(), AliveAck)
        self.assertIsNone(device.lost)

    def test_silent(self) -> None:
        """Without, it is dropped after 45 s, and is offline."""
        device = self.logged_in()
        self.network.advance(44.0)
        self.assertIsNone(device.lost)
        self.network.advance(2.5)
        self.ends(device)
        client, _ = self.offered()
        answer = self.ask(client, request(), TcpRlyReqAck)
        self.assertEqual(answer.result, Result.DEVICE_OFFLINE)

    def test_log(self) -> None:
        """The log says who has come, and no secret."""
        with capturedLogs() as events:
            self.logged_in()
        lines = [formatEvent(event) for event in events]
        self.assertIn(f"device {DID} logged in from 192.0.2.40", lines)
        self.assertNotIn("a-secret", repr(events))


class TakeoverTests(RelayCase):
    """Two devices with one id."""

    def start_taking_over(self) -> tuple[Party, Party]:
        """A device, and another one that logs in under its id."""
        older = self.logged_in()
        newer = self.dial(self.stranger_host)
        self.say(newer, login())
        self.assertEqual(self.heard(older), [Alive()])
        self.assertEqual(self.heard(newer), [])
        return older, newer

    def accepted(self, party: Party) -> bool:
        """Whether it has heard just now that it has the id."""
        return [self.result(ack) for ack in self.heard(party)] == [Result.OK]  # type: ignore[arg-type]

    def told(self) -> Party:
        """A client that asks for the device."""
        client, _ = self.offered()
        self.assertEqual(self.ask(client, request(), TcpRlyReqAck).result, Result.OK)
        return client

    def test_alive(self) -> None:
        """The older one is alive: it hears that it was replaced, and the newer one wins at once."""
        older, newer = self.start_taking_over()
        self.say(older, AliveAck())
        self.assertEqual([self.result(ack) for ack in self.heard(older)], [Result.REPLACED])  # type: ignore[arg-type]
        self.ends(older)
        self.assertTrue(self.accepted(newer))
        self.told()
        self.assertEqual(len(self.heard(newer)), 1)

    def test_dead(self) -> None:
        """The older one does not answer: the newer one wins after a second."""
        older, newer = self.start_taking_over()
        mend = self.network.cut(self.host, self.device_host)
        self.network.advance(0.7)
        self.assertFalse(self.accepted(newer))
        self.network.advance(0.3)
        self.assertTrue(self.accepted(newer))
        self.told()
        self.assertEqual(len(self.heard(newer)), 1)
        mend()
        self.ends(older)
        self.assertEqual(self.heard(older), [])

    def test_still_the_older_ones(self) -> None:
        """Until that is decided, clients reach the older one."""
        older, newer = self.start_taking_over()
        self.told()
        self.assertEqual([type(each) for each in self.heard(older)], [TcpRsStart])
        self.assertEqual(self.heard(newer), [])

    def test_older_leaves(self) -> None:
        """When the older one goes, the newer one has the id."""
        older, newer = self.start_taking_over()
        self.hang_up(older)
        self.assertTrue(self.accepted(newer))
        self.network.advance(2.0)
        self.assertIsNone(newer.lost)

    def test_newer_leaves(self) -> None:
        """When the newer one goes, everything stays as it was."""
        older, newer = self.start_taking_over()
        self.hang_up(newer)
        self.say(older, AliveAck())
        self.network.advance(2.0)
        self.assertIsNone(older.lost)
        self.told()
        self.assertEqual(len(self.heard(older)), 1)

    def test_newer_insists(self) -> None:
        """Logging in again while waiting changes nothing, and the older one is asked once."""
        older, newer = self.start_taking_over()
        self.say(newer, login())
        self.assertEqual(self.heard(older), [])
        self.network.advance(0.5)
        self.say(newer, AliveAck())  # nobody asked it
        self.assertFalse(self.accepted(newer))
        self.network.advance(0.5)
        self.assertTrue(self.accepted(newer))
        self.ends(older)

    def test_third(self) -> None:
        """A third one takes the place of the second."""
        older, newer = self.start_taking_over()
        third = self.dial(self.client_host)
        self.say(third, login())
        self.assertEqual([self.result(ack) for ack in self.heard(newer)], [Result.REPLACED])  # type: ignore[arg-type]
        self.ends(newer)
        self.say(older, AliveAck())
        self.assertTrue(self.accepted(third))
        self.ends(older)

    def test_relay_stops_meanwhile(self) -> None:
        """The relay can stop while it waits for an answer."""
        older, newer = self.start_taking_over()
        self.stop()
        self.ends(older, newer)


class ConnectionTests(RelayCase):
    """What holds for every control connection."""

    def test_silent(self) -> None:
        """Who says nothing for 10 s is dropped; a client that says something is not."""
        mute, client = self.dial(self.client_host), self.dial(self.client_host)
        self.network.advance(8.0)
        self.ask(client, RlyHello(), RlyHelloAck)
        self.network.advance(3.0)
        self.ends(mute)
        self.assertIsNone(client.lost)
        self.network.advance(9.0)
        self.ends(client)

    def test_silent_while_waiting(self) -> None:
        """A client may be silent for as long as its pairing waits, and then for 10 s."""
        self.start(wait=60.0)
        client, _ = self.named()
        self.network.run_until(lambda: self.count("pairs_expired"), 62.0)
        self.network.advance(8.0)
        self.assertIsNone(client.lost)
        self.network.advance(4.0)
        self.ends(client)

    def test_slow(self) -> None:
        """Octets that make no message are no sign of life."""
        client = self.dial(self.client_host)
        octets = frame(RlyHello())
        for octet in octets[:11]:
            self.say(client, bytes([octet]))
            self.network.advance(1.0)
        self.ends(client)
        self.assertEqual(client.take(), b"")

    def test_in_pieces(self) -> None:
        """Frames may come in pieces, and several at once."""
        client = self.dial(self.client_host)
        octets = frame(RlyHello()) * 2
        for octet in octets:
            self.say(client, bytes([octet]))
        self.say(client, RlyHello(), RlyHello())
        self.assertEqual(self.heard(client), [RlyHelloAck()] * 4)

    def test_garbage(self) -> None:
        """Octets that are no frames end the connection, and are named once in the log."""
        with capturedLogs() as events:
            for _ in range(3):
                client = self.dial(self.client_host)
                self.say(client, b"GET / HTTP/1.1\r\n\r\n")
                self.ends(client)
        self.assertEqual(self.count("bad_magic"), 3)
        told = [e for e in events if "bad_magic" in formatEvent(e) and CLIENT in formatEvent(e)]
        self.assertEqual(len(told), 1)

    def test_unknown_message(self) -> None:
        """A frame in order with something unknown in it is left out."""
        client = self.dial(self.client_host)
        unknown = bytes.fromhex("0004 6800 0000 0000 f1aa0000")
        self.say(client, unknown, RlyHello())
        self.assertEqual(self.heard(client), [RlyHelloAck()])
        self.assertEqual(self.count("unknown_message"), 1)

    def test_unexpected(self) -> None:
        """What has no place here is left out, and is no sign of life."""
        client = self.dial(self.client_host)
        for _ in range(11):
            self.say(client, Close(), Alive(), RlyHelloAck())
            self.network.advance(1.0)
        self.ends(client)
        self.assertEqual(client.take(), b"")
        self.assertEqual(self.count("unexpected") % 3, 0)

    def test_one_role(self) -> None:
        """A client does not log in, a device asks for nobody."""
        client, device = self.dial(self.client_host), self.logged_in()
        self.ask(client, RlyHello(), RlyHelloAck)
        self.say(client, login(OTHER_DID))
        self.say(device, RlyPort(), request())
        self.assertEqual((self.heard(client), self.heard(device)), ([], []))
        self.assertEqual(self.count("unexpected"), 3)

    def test_after_the_end(self) -> None:
        """What follows in the same octets as the offence is not heard."""
        client = self.dial(self.client_host)
        self.say(client, request(), RlyPort(), RlyHello())
        self.ends(client)
        self.assertEqual(client.take(), b"")
        self.assertEqual(self.count("pairs_waiting"), 0)

    def test_after_the_octets_of_the_end(self) -> None:
        """Nor is what a transport delivers while it is being closed, as TLS may do."""
        [port] = self.host.tcp.listeners()
        connection = port.factory.buildProtocol(port.getHost())
        assert connection is not None
        transport = StringTransport()
        connection.makeConnection(transport)
        connection.dataReceived(frame(request()))
        self.assertTrue(transport.disconnecting)
        connection.dataReceived(frame(RlyHello()))
        self.assertEqual(transport.value(), b"")
        connection.connectionLost(Failure(ConnectionDone()))

    def test_too_many(self) -> None:
        """An address has so many connections, all have so many, and no more."""
        self.start(controls=3, controls_per_address=2)
        first = [self.dial(self.client_host) for _ in range(3)]
        self.assertEqual([party.lost is None for party in first], [True, True, False])
        device, late = self.dial(self.device_host), self.dial(self.stranger_host)
        self.assertEqual([device.lost is None, late.lost is None], [True, False])
        self.hang_up(first[0])
        late = self.dial(self.stranger_host)
        self.ask(late, RlyHello(), RlyHelloAck)
        self.assertEqual(self.count("too many control connections"), 2)

    def test_answers_not_read(self) -> None:
        """Who does not read the answers is not heard, and what is kept for him is bounded."""
        self.patch(relay_control, "MOST_MESSAGES", 1_000_000)
        client = self.dial(self.client_host)
        assert client.transport is not None
        client.transport.pauseProducing()  # type: ignore[attr-defined]
        for _ in range(100):
            self.say(client, frame(RlyHello()) * 1000)
        [stream] = self.host.tcp.streams
        kept = len(stream.dataBuffer) + stream._tempDataLen
        self.assertLess(kept, 2 * stream.bufferSize)
        self.network.advance(20.0)
        self.assertEqual(list(self.host.tcp.streams), [])
        client.transport.abortConnection()  # type: ignore[attr-defined]

    def test_answers_read_at_last(self) -> None:
        """Who reads them when the relay has given up gets them all, and then the end."""
        self.patch(relay_control, "MOST_MESSAGES", 1_000_000)
        client = self.dial(self.client_host)
        assert client.transport is not None
        client.transport.pauseProducing()  # type: ignore[attr-defined]
        for _ in range(12):
            self.say(client, frame(RlyHello()) * 1000)
        [stream] = self.host.tcp.streams
        self.network.run_until(lambda: stream.disconnecting, 30.0)
        client.transport.resumeProducing()  # type: ignore[attr-defined]
        self.network.advance(1.0)
        self.ends(client)
        self.assertEqual(len(client.data) % len(frame(RlyHelloAck())), 0)

    def test_sweep_fails(self) -> None:
        """A bug in what ends the silent ones stops neither that for good nor the stopping."""
        client = self.dial(self.client_host)
        with mock.patch.object(ControlConnection, "check", side_effect=ZeroDivisionError):
            self.network.advance(3.0)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.network.advance(20.0)
        self.ends(client)
