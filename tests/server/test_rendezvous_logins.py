"""Devices log in, and two of them say they are the same."""

from __future__ import annotations

from tests.server.rendezvous import (
    CLIENT,
    DEVICE,
    DEVICE_AT_HOME,
    DID,
    OTHER_DEVICE,
    UNKNOWN,
    WRONG_DSK,
    RulesTestCase,
    ask,
    login,
    plain_login,
    result_of,
    sealed_login,
)
from trailcam.errors import CipherError
from trailcam.server.rendezvous_logins import WAKE_INTERVAL
from trailcam.wire.constants import Result
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import DevLgnAck, DevLgnAckCrc, Hello, HelloAck, Message
from trailcam.wire.sockaddr import UNSPECIFIED, SocketAddress

ALIVE = HelloAck(UNSPECIFIED)


class SecretTests(RulesTestCase):
    """Devices that are let in, or not."""

    def setUp(self) -> None:
        """The device has proved its address."""
        super().setUp()
        self.prove(DEVICE)

    def test_right(self) -> None:
        """The right secret registers the device, with what it says of itself."""
        self.assertIs(self.result(login(), DEVICE), Result.OK)
        record = self.successResultOf(self.registry.find(DID, self.now))
        self.assertEqual(record.public, DEVICE)
        self.assertEqual(record.local, (DEVICE_AT_HOME.host, DEVICE_AT_HOME.port))
        self.assertEqual((record.nat_type, record.seen), (2, self.now))

    def test_wrong(self) -> None:
        """A wrong one does not."""
        self.assertIs(self.result(login(dsk=WRONG_DSK), DEVICE), Result.INVALID_DSK)
        self.assertEqual(len(self.registry), 0)
        self.assertEqual(self.noted, [(DEVICE, "wrong_secret")])

    def test_none(self) -> None:
        """Neither do logins without any."""
        for request in (plain_login(), sealed_login()):
            self.assertIs(self.result(request, DEVICE), Result.INVALID_DSK)
        self.assertEqual(len(self.registry), 0)

    def test_unknown(self) -> None:
        """An id that is not in the file."""
        self.assertIs(self.result(login(UNKNOWN), DEVICE), Result.INVALID_ID)
        self.assertEqual(len(self.registry), 0)

    def test_other_key(self) -> None:
        """A login that does not open is for the caller to tell."""
        for sealed in (login(key="other"), sealed_login(key="other")):
            with self.assertRaises(CipherError):
                self.say(sealed, DEVICE)
        self.assertEqual(self.sent, [])

    def test_public_local_address(self) -> None:
        """A local address on the internet is nobody's business."""
        self.say(login(local=SocketAddress("8.8.8.8", 53)), DEVICE)
        self.assertIsNone(self.successResultOf(self.registry.find(DID, self.now)).local)

    def test_kinds_of_answers(self) -> None:
        """The answer is sealed as the question was."""
        for request, kind in (
            (plain_login(), DevLgnAck),
            (sealed_login(), DevLgnAckCrc),
            (login(), DevLgnAckCrc),
        ):
            [(answer, _)] = self.say(request, DEVICE)
            self.assertIs(type(answer), kind)

    def test_log(self) -> None:
        """Coming and going is logged, once."""
        self.say(login(), DEVICE)
        self.say(login(), DEVICE)
        self.assertEqual(self.logged(), [f"online: {DID}"])
        self.say(login(), DEVICE)
        self.assertEqual(self.logged(60.0), [])
        self.assertEqual(self.logged(1.0), [f"offline: {DID}"])
        self.assertEqual(self.rules.counts["expired"], 1)
        self.prove(DEVICE)
        self.say(login(), DEVICE)
        self.assertEqual(self.logged(), [f"online: {DID}"])


class OpenTests(RulesTestCase):
    """A server that is open to everybody."""

    open_to_all = True

    def test_every_kind(self) -> None:
        """All kinds of login are good there."""
        self.prove(DEVICE)
        for request in (plain_login(), sealed_login(), login(dsk=WRONG_DSK)):
            self.assertIs(self.result(request, DEVICE), Result.OK)

    def test_crowd(self) -> None:
        """Thousands that arrive together are one line of the log."""
        self.prove(DEVICE)
        for serial in range(3000):
            self.say(plain_login(DeviceID("A", serial, "B")), DEVICE)
        [line] = self.logged()
        self.assertTrue(line.endswith("and 2992 more"), line)


class TwoDevicesTests(RulesTestCase):
    """Two devices with one id."""

    open_to_all = True

    def setUp(self) -> None:
        """One of them is logged in."""
        super().setUp()
        self.online()
        self.prove(OTHER_DEVICE)

    def found(self) -> object:
        """Where the device is said to be."""
        return self.successResultOf(self.registry.find(DID, self.now)).public

    def results(self, sent: list[tuple[Message, object]], peer: object) -> list[Result]:
        """The results told to ``peer``."""
        return [result_of(message) for message, address in sent if address == peer]

    def test_asks_first(self) -> None:
        """The older is asked whether it is there; until then it stays."""
        self.assertEqual(self.say(login(), OTHER_DEVICE), [(Hello(), DEVICE)])
        self.assertEqual(self.found(), DEVICE)
        self.assertEqual(self.say(ask(), CLIENT)[1][1], CLIENT)

    def test_older_is_gone(self) -> None:
        """An older one that does not answer has moved: the newer wins within a second."""
        self.say(login(), OTHER_DEVICE)
        self.assertEqual(self.results(self.wait(1.0), OTHER_DEVICE), [Result.OK])
        self.assertEqual(self.found(), OTHER_DEVICE)
        self.assertEqual(self.rules.counts["login_moved"], 1)

    def test_moving_back(self) -> None:
        """Who has moved can move back: nobody is refused."""
        self.say(login(), OTHER_DEVICE)
        self.wait(1.0)
        self.say(login(), DEVICE)
        self.assertEqual(self.results(self.wait(1.0), DEVICE), [Result.OK])
        self.assertEqual(self.found(), DEVICE)

    def test_older_is_there(self) -> None:
        """An older one that answers loses all the same, and is told so for a minute."""
        self.say(login(), OTHER_DEVICE)
        self.assertEqual(self.say(ALIVE, DEVICE), [])
        self.assertEqual(self.results(self.wait(1.0), OTHER_DEVICE), [Result.OK])
        self.assertEqual(self.found(), OTHER_DEVICE)
        for _ in range(3):
            self.assertIs(self.result(login(), DEVICE), Result.REPLACED)
            self.wait(19.0)
            self.assertIs(self.result(login(), OTHER_DEVICE), Result.OK)
        self.assertEqual(self.found(), OTHER_DEVICE)
        self.assertEqual(self.rules.counts["login_contested"], 1)

    def test_after_a_minute(self) -> None:
        """Then it is the newer one, and the game begins anew."""
        self.say(login(), OTHER_DEVICE)
        self.say(ALIVE, DEVICE)
        self.wait(61.5)
        self.say(login(), OTHER_DEVICE)
        self.assertEqual(self.say(login(), DEVICE), [(Hello(), OTHER_DEVICE)])

    def test_login_shows_life(self) -> None:
        """A login of the older one shows that it is there as well."""
        self.say(login(), OTHER_DEVICE)
        self.assertIs(self.result(login(), DEVICE), Result.OK)
        self.wait(1.0)
        self.assertIs(self.result(login(), DEVICE), Result.REPLACED)

    def test_life_before(self) -> None:
        """What it said before it was asked does not count."""
        self.say(ALIVE, DEVICE)
        self.now += 0.1
        self.say(login(), OTHER_DEVICE)
        self.wait(1.0)
        self.assertEqual(self.say(login(), DEVICE), [(Hello(), OTHER_DEVICE)])

    def test_only_the_older_can_answer(self) -> None:
        """Answers from elsewhere say nothing."""
        self.say(login(), OTHER_DEVICE)
        for peer in (CLIENT, OTHER_DEVICE, (DEVICE[0], DEVICE[1] + 1)):
            self.say(ALIVE, peer)
        self.wait(1.0)
        self.assertEqual(self.rules.counts["login_contested"], 0)

    def test_repeated(self) -> None:
        """The newer one may repeat its login meanwhile: one question, one answer."""
        self.say(login(), OTHER_DEVICE)
        self.now += 0.2
        self.assertEqual(self.say(login(), OTHER_DEVICE), [])
        self.assertEqual(self.results(self.wait(2.0), OTHER_DEVICE), [Result.OK])

    def test_third(self) -> None:
        """A third one has to wait for the next time."""
        third = ("198.51.100.3", 3333)
        self.prove(third)
        self.say(login(), OTHER_DEVICE)
        self.assertEqual(self.say(login(), third), [])
        self.assertEqual(self.results(self.wait(1.0), third), [])
        self.assertEqual(self.say(login(), third), [(Hello(), OTHER_DEVICE)])

    def test_within_a_second(self) -> None:
        """Whenever the login comes, the answer comes within a second."""
        self.now += 0.01
        self.say(login(), OTHER_DEVICE)
        asked = self.now
        self.now = asked - 0.01 + WAKE_INTERVAL
        self.rules.wake(self.now)
        self.assertEqual(self.found(), DEVICE)
        self.wait(WAKE_INTERVAL)
        self.assertLess(self.now - asked, 1.0)
        self.assertEqual(self.found(), OTHER_DEVICE)

    def test_expired(self) -> None:
        """An older one that is offline is not asked."""
        self.wait(61.0)
        self.prove(OTHER_DEVICE)
        self.assertIs(self.result(login(), OTHER_DEVICE), Result.OK)

    def test_without_secret(self) -> None:
        """Who does not know the secret starts nothing."""
        self.open_to_all = False
        super().setUp()
        self.online()
        self.prove(OTHER_DEVICE)
        self.assertIs(self.result(login(dsk=WRONG_DSK), OTHER_DEVICE), Result.INVALID_DSK)
        self.assertEqual(self.found(), DEVICE)
        self.wait(2.0)
        self.assertEqual(self.found(), DEVICE)

    def test_log(self) -> None:
        """The log tells two devices from one that moved."""
        self.logged()
        self.say(login(), OTHER_DEVICE)
        moved = f"{DID} has moved from 198.51.100.1:1111 to 198.51.100.2:2222"
        self.assertEqual(self.logged(1.0), [moved])
        self.say(login(), DEVICE)
        self.say(ALIVE, OTHER_DEVICE)
        both = f"two devices say they are {DID}: 198.51.100.1:1111 replaces 198.51.100.2:2222"
        self.assertEqual(self.logged(1.0), [both])

    def test_many(self) -> None:
        """However many are contested at a time, the table is bounded and each is answered."""
        dids = [DeviceID("A", serial, "B") for serial in range(2000)]
        for did in dids:
            self.say(plain_login(did), DEVICE)
        before = len(self.sent)
        for did in dids:
            self.say(plain_login(did), OTHER_DEVICE)
        self.assertEqual(len(self.results(self.sent[before:], OTHER_DEVICE)), 2000 - 1024)
        self.wait(1.0)
        self.assertEqual(len(self.results(self.sent[before:], OTHER_DEVICE)), 2000)
