"""Who is introduced to whom."""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail
from twisted.logger import capturedLogs, formatEvent

from tests.server.rendezvous import (
    CLIENT,
    CLIENT_AT_HOME,
    DEVICE,
    DEVICE_AT_HOME,
    DID,
    DSK,
    OTHER_DEVICE,
    RELAY,
    UNKNOWN,
    WRONG_DSK,
    RulesTestCase,
    ask,
    ask_with_secret,
    login,
    plain_login,
    sealed_login,
)
from trailcam.errors import OfflineDevice
from trailcam.interfaces import Address
from trailcam.server.registry import DeviceRecord
from trailcam.server.rendezvous_rules import MOST_RELAYS
from trailcam.wire.codec import encode
from trailcam.wire.constants import Result
from trailcam.wire.messages import (
    ALL,
    Close,
    DevLgn,
    DevLgnCrc,
    DevLgnDsk,
    Drw,
    Hello,
    HelloAck,
    ListReq,
    ListReq1,
    ListReqAck,
    ListReqDsk,
    Message,
    P2PReq,
    P2PReqAck,
    P2PReqDsk,
    PunchPkt,
    PunchTo,
    RlyReq,
    RlyReqAck,
    RlyTo,
)
from trailcam.wire.sockaddr import SocketAddress

#: Everything that is answered.
REQUESTS: list[Message] = [
    plain_login(),
    sealed_login(),
    login(),
    ask(),
    ask_with_secret(),
    ListReq1(DID),
    ListReq(),
    ListReqDsk(DID, DSK),
    RlyReq(DID, RELAY, 42),
]

AT_RELAY = SocketAddress(RELAY.host, 50000)


class ProofTests(RulesTestCase):
    """Who may ask at all."""

    def test_every_request(self) -> None:
        """A request from an address that proved nothing is answered by HELLO, and does nothing."""
        for request in REQUESTS:
            self.assertEqual(self.say(request, CLIENT), [(Hello(), CLIENT)], request)
            self.assertLessEqual(len(encode(Hello())), len(encode(request)))
        self.assertEqual(len(self.registry), 0)
        self.assertEqual(self.rules.counts["unproven"], len(REQUESTS))

    def test_proved(self) -> None:
        """Who sends the token back may ask, from then on for two minutes."""
        self.prove(CLIENT)
        self.assertEqual(self.say(ListReq(), CLIENT), [(ListReqAck((RELAY,)), CLIENT)])
        self.now += 119.0
        self.assertEqual(self.say(ListReq(), CLIENT), [(ListReqAck((RELAY,)), CLIENT)])
        self.now += 1.0
        self.assertEqual(self.say(ListReq(), CLIENT), [(Hello(), CLIENT)])

    def test_not_for_others(self) -> None:
        """A proof is good for one host and port."""
        self.prove(CLIENT)
        neighbour = (CLIENT[0], CLIENT[1] + 1)
        self.assertEqual(self.say(ListReq(), neighbour), [(Hello(), neighbour)])

    def test_wrong_token(self) -> None:
        """A HELLO_ACK with another token is never answered, and proves nothing."""
        self.assertEqual(self.say(HelloAck(SocketAddress(*CLIENT), bytes(8)), CLIENT), [])
        self.assertEqual(self.say(ListReq(), CLIENT), [(Hello(), CLIENT)])
        self.assertEqual(self.rules.counts["not_proved"], 1)

    def test_other_messages(self) -> None:
        """What no server is asked is not answered, whoever says it."""
        self.prove(CLIENT)
        for message in (Close(), PunchPkt(DID), Drw(0, 0, b"x"), P2PReqAck(0), Hello()):
            self.assertEqual(self.say(message, CLIENT), [], message)
            self.assertEqual(self.noted.pop(), (CLIENT, "unexpected"))

    def test_nothing_forgotten(self) -> None:
        """The list above has every message that is answered."""
        kinds = {type(request) for request in REQUESTS}
        answered = {DevLgn, DevLgnCrc, DevLgnDsk, P2PReq, P2PReqDsk}
        answered |= {ListReq, ListReq1, ListReqDsk, RlyReq}
        self.assertEqual(kinds, answered)
        self.assertLess(kinds, set(ALL))


class IntroductionTests(RulesTestCase):
    """A client asks for a device."""

    def setUp(self) -> None:
        """The device is there."""
        super().setUp()
        self.online()

    def test_public(self) -> None:
        """Both are told the other's public address, and the device its local one if it has one."""
        sent = self.say(ask_with_secret(), CLIENT)
        self.assertEqual(
            sent,
            [
                (P2PReqAck(Result.OK), CLIENT),
                (PunchTo(SocketAddress(*DEVICE)), CLIENT),
                (PunchTo(DEVICE_AT_HOME), CLIENT),
                (PunchTo(SocketAddress(*CLIENT)), DEVICE),
            ],
        )

    def test_local(self) -> None:
        """A private local address of the client is the device's second candidate."""
        sent = self.say(ask_with_secret(local=CLIENT_AT_HOME), CLIENT)
        self.assertEqual(
            sent[-2:],
            [(PunchTo(SocketAddress(*CLIENT)), DEVICE), (PunchTo(CLIENT_AT_HOME), DEVICE)],
        )

    def test_no_local(self) -> None:
        """Nobody can point the device at somebody else: only private addresses are passed on."""
        for host in (
            "8.8.8.8",
            "127.0.0.1",
            "169.254.1.1",
            "224.0.0.251",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "0.0.0.0",
        ):
            self.now += 1.0
            sent = self.say(ask_with_secret(local=SocketAddress(host, 5000)), CLIENT)
            self.assertEqual(sent[-1], (PunchTo(SocketAddress(*CLIENT)), DEVICE), host)

    def test_local_without_port(self) -> None:
        """A local address without a port is none."""
        sent = self.say(ask_with_secret(local=SocketAddress("192.168.1.2", 0)), CLIENT)
        self.assertEqual(sent[-1], (PunchTo(SocketAddress(*CLIENT)), DEVICE))

    def test_same_address(self) -> None:
        """A public address that is the local one is named once."""
        inside = ("192.168.1.77", 7070)
        self.prove(inside)
        sent = self.say(ask_with_secret(local=SocketAddress(*inside)), inside)
        self.assertEqual(
            [message for message, address in sent if address == DEVICE],
            [PunchTo(SocketAddress(*inside))],
        )

    def test_again(self) -> None:
        """Who asks again is answered each time, and both are told again after 250 ms."""
        self.say(ask_with_secret(), CLIENT)
        for pause, messages in ((0.1, 1), (0.1, 1), (0.05, 4), (0.1, 1)):
            self.now += pause
            self.assertEqual(len(self.say(ask_with_secret(), CLIENT)), messages)
        self.assertEqual(self.rules.counts["introduced"], 2)

    def test_two_clients(self) -> None:
        """One client does not make another one wait."""
        other = ("203.0.113.8", 8888)
        self.prove(other)
        self.assertEqual(len(self.say(ask_with_secret(), CLIENT)), 4)
        self.assertEqual(len(self.say(ask_with_secret(), other)), 4)

    def test_offline(self) -> None:
        """A device whose login is too old is offline, and nobody is told to punch it."""
        self.wait(59.0)
        self.prove(CLIENT)
        self.assertEqual(len(self.say(ask_with_secret(), CLIENT)), 4)
        self.wait(2.0)
        answer = [(P2PReqAck(Result.DEVICE_OFFLINE), CLIENT)]
        self.assertEqual(self.say(ask_with_secret(), CLIENT), answer)

    def test_unknown(self) -> None:
        """A device that may not log in here is unknown."""
        for request in (ask(UNKNOWN), ask_with_secret(UNKNOWN)):
            self.assertEqual(self.say(request, CLIENT), [(P2PReqAck(Result.INVALID_ID), CLIENT)])

    def test_ask_without_codec(self) -> None:
        """Who has read the request himself gets the same, whatever the client says of itself."""
        for local in (CLIENT_AT_HOME.to_bytes(), b"\0\x0a" + bytes(14), bytes(16)):
            self.now += 1.0
            before = len(self.sent)
            self.rules.ask(DID, DSK, local, CLIENT, self.now)
            first, *others = self.sent[before:]
            self.assertEqual(first, (P2PReqAck(Result.OK), CLIENT))
            candidates = [message for message, address in others if address == DEVICE]
            expected = [PunchTo(SocketAddress(*CLIENT)), PunchTo(CLIENT_AT_HOME)]
            self.assertEqual(candidates, expected[: 2 if local[1] == 2 else 1])


class SecretTests(RulesTestCase):
    """Clients that have to show the secret."""

    def setUp(self) -> None:
        """The device is there."""
        super().setUp()
        self.online()

    def test_missing(self) -> None:
        """Without the secret nobody learns where the device is."""
        self.assertEqual(self.say(ask(), CLIENT), [(P2PReqAck(Result.INVALID_DSK), CLIENT)])
        self.assertEqual(self.noted, [(CLIENT, "wrong_secret")])

    def test_wrong(self) -> None:
        """Neither does anybody with another one; the device hears nothing of it."""
        sent = self.say(ask_with_secret(dsk=WRONG_DSK), CLIENT)
        self.assertEqual(sent, [(P2PReqAck(Result.INVALID_DSK), CLIENT)])
        self.assertIs(self.result(ask(), CLIENT), Result.INVALID_DSK)

    def test_shown_before(self) -> None:
        """Who has shown it need not show it again for two minutes."""
        for request in (ask_with_secret(), ListReqDsk(DID, DSK)):
            self.now += 240.0
            self.prove(CLIENT)
            self.assertIs(self.result(ask(), CLIENT), Result.INVALID_DSK)
            self.say(request, CLIENT)
            self.assertIs(self.result(ask(), CLIENT), Result.DEVICE_OFFLINE)
            self.now += 119.0
            self.assertIs(self.result(ask(), CLIENT), Result.DEVICE_OFFLINE)

    def test_not_for_others(self) -> None:
        """That is good for one address only."""
        other = ("203.0.113.7", 7778)
        self.prove(other)
        self.say(ask_with_secret(), CLIENT)
        self.assertIs(self.result(ask(), CLIENT), Result.OK)
        self.assertIs(self.result(ask(), other), Result.INVALID_DSK)

    def test_offline_before_it_came(self) -> None:
        """A device in the file is known, though it never logged in."""
        self.registry.expire(self.now + 100.0)
        self.assertIs(self.result(ask_with_secret(), CLIENT), Result.DEVICE_OFFLINE)


class WithoutSecretTests(RulesTestCase):
    """Clients that need not show the secret."""

    clients_show_secret = False

    def test_introduced(self) -> None:
        """Any client is introduced to a known device."""
        self.prove(CLIENT)
        self.assertIs(self.result(ask(), CLIENT), Result.DEVICE_OFFLINE)
        self.online()
        self.assertEqual(len(self.say(ask(), CLIENT)), 4)
        self.assertIs(self.result(ask(UNKNOWN), CLIENT), Result.INVALID_ID)

    def test_devices_still_do(self) -> None:
        """Devices have to."""
        self.prove(DEVICE)
        self.assertIs(self.result(login(dsk=WRONG_DSK), DEVICE), Result.INVALID_DSK)


class OpenTests(RulesTestCase):
    """A server that is open to everybody."""

    open_to_all = True

    def test_known_by_their_logins(self) -> None:
        """Ids are known when somebody has logged in under them."""
        self.prove(CLIENT, DEVICE)
        self.assertIs(self.result(ask(UNKNOWN), CLIENT), Result.INVALID_ID)
        self.assertIs(self.result(plain_login(UNKNOWN), DEVICE), Result.OK)
        self.assertIs(self.result(ask(UNKNOWN), CLIENT), Result.OK)
        self.wait(61.0)
        self.assertIs(self.result(ask(UNKNOWN), CLIENT), Result.DEVICE_OFFLINE)


class RelayTests(RulesTestCase):
    """Relays."""

    def setUp(self) -> None:
        """The device is there."""
        super().setUp()
        self.online()

    def invite(self, **changes: object) -> list[tuple[Message, Address]]:
        """What is sent when the client asks to send the device to the relay."""
        wish: dict[str, object] = {"did": DID, "address": AT_RELAY, "magic": 0xCAFEBABE}
        request: RlyReq = RlyReq(**(wish | changes))  # type: ignore[arg-type]
        return self.say(request, CLIENT)

    def test_list(self) -> None:
        """Whoever asks is told the relays, with a secret, without, and with a wrong one."""
        for request in (
            ListReq(),
            ListReq1(DID),
            ListReq1(UNKNOWN),
            ListReqDsk(DID, DSK),
            ListReqDsk(DID, WRONG_DSK),
        ):
            self.assertEqual(self.say(request, CLIENT), [(ListReqAck((RELAY,)), CLIENT)])

    def test_passed_on(self) -> None:
        """The device is told of the relay, with the port and the magic as they came."""
        self.say(ListReqDsk(DID, DSK), CLIENT)
        self.assertEqual(
            self.invite(),
            [(RlyReqAck(Result.OK), CLIENT), (RlyTo(AT_RELAY, 0xCAFEBABE), DEVICE)],
        )
        self.assertEqual(self.rules.counts["invited"], 1)

    def test_after_asking(self) -> None:
        """Who has asked for the device with the secret may do so, too."""
        self.say(ask_with_secret(), CLIENT)
        self.assertEqual(self.invite()[0], (RlyReqAck(Result.OK), CLIENT))

    def test_without_secret(self) -> None:
        """Who has not shown the secret may not."""
        refused = [(RlyReqAck(Result.INVALID_DSK), CLIENT)]
        self.assertEqual(self.invite(), refused)
        self.say(ListReqDsk(DID, WRONG_DSK), CLIENT)
        self.assertEqual(self.invite(), refused)
        self.say(ListReqDsk(DID, DSK), CLIENT)
        self.now += 120.0
        self.prove(CLIENT)
        self.assertEqual(self.invite(), refused)

    def test_other_relay(self) -> None:
        """The device is sent to relays of ours only."""
        self.say(ListReqDsk(DID, DSK), CLIENT)
        for host in ("192.0.2.6", "127.0.0.1", "0.0.0.0"):
            sent = self.invite(address=SocketAddress(host, 65527))
            self.assertEqual(sent, [(RlyReqAck(Result.INVALID_PREFIX), CLIENT)])

    def test_offline(self) -> None:
        """An absent device cannot be told."""
        self.wait(61.0)
        self.say(ListReqDsk(DID, DSK), CLIENT)
        self.assertEqual(self.invite(), [(RlyReqAck(Result.DEVICE_OFFLINE), CLIENT)])

    def test_unknown(self) -> None:
        """Neither can one that does not exist."""
        self.assertEqual(self.invite(did=UNKNOWN), [(RlyReqAck(Result.INVALID_ID), CLIENT)])

    def test_other_list(self) -> None:
        """The list can change, and with it where devices are sent."""
        other = SocketAddress("192.0.2.6", 65527)
        self.rules.name_relays([other])
        self.assertEqual(self.say(ListReqDsk(DID, DSK), CLIENT), [(ListReqAck((other,)), CLIENT)])
        self.assertEqual(self.invite()[0], (RlyReqAck(Result.INVALID_PREFIX), CLIENT))
        self.assertEqual(self.invite(address=other)[0], (RlyReqAck(Result.OK), CLIENT))

    def test_longest_list(self) -> None:
        """A list of all the relays that one may have fits into a datagram of any network."""
        self.assertLess(len(encode(ListReqAck((RELAY,) * MOST_RELAYS))), 548)


class StoreTests(RulesTestCase):
    """Registries that are somewhere else."""

    def setUp(self) -> None:
        """Let lookups wait."""
        super().setUp()
        self.online()
        self.lookups: list[Deferred[DeviceRecord]] = []

        def find(*_: object) -> Deferred[DeviceRecord]:
            self.lookups.append(Deferred())
            return self.lookups[-1]

        self.patch(self.registry, "find", find)

    def test_late(self) -> None:
        """The answer goes out when the record comes in."""
        self.assertEqual(self.say(ask_with_secret(), CLIENT), [])
        record = DeviceRecord(DID, OTHER_DEVICE, None, 0, self.now)
        self.lookups[0].callback(record)
        self.assertEqual(self.sent[-3][0], P2PReqAck(Result.OK))
        self.assertEqual(self.sent[-1], (PunchTo(SocketAddress(*CLIENT)), OTHER_DEVICE))

    def test_late_failure(self) -> None:
        """So it does when there is none."""
        self.say(ask_with_secret(), CLIENT)
        self.lookups[0].errback(OfflineDevice())
        self.assertEqual(self.sent[-1], (P2PReqAck(Result.DEVICE_OFFLINE), CLIENT))

    def test_broken(self) -> None:
        """A registry that fails is in the log, and nobody is told anything wrong."""
        self.patch(self.registry, "find", lambda *_: fail(OSError("disk on fire")))
        for message, peer in ((ask_with_secret(), CLIENT), (login(), DEVICE)):
            with capturedLogs() as events:
                self.assertEqual(self.say(message, peer), [])
            [event] = events
            self.assertIn("the registry failed", formatEvent(event))
            self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
