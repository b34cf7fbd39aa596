"""The firmware's session: login, tokens, heartbeats, answers, and what is no command."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.application import LOGIN, SMALL, Client, FirmwareTestCase
from trailcam.artemis.commands import decode_body, encode_body
from trailcam.artemis.crypto import Side, decipher, seal
from trailcam.artemis.record import MAGIC, Record, RecordKind
from trailcam.simulator import Card, Firmware, Manners
from trailcam.simulator.firmware import MAX_COMMANDS


class LoginTests(FirmwareTestCase):
    """Who may command."""

    def test_answer(self) -> None:
        """The members of a login's answer are the recorded ones, in their order."""
        client = self.join()
        answer = client.log_in()
        self.assertEqual(list(answer), ["cmdId", "result", "token", "bat_percent", "errorMsg"])
        self.assertEqual((answer["result"], answer["bat_percent"]), (0, 80))
        self.assertLess(answer["token"], 1 << 27)
        self.assertTrue(client.firmware.logged_in)

    def test_new_token_each_time(self) -> None:
        """A second login makes a new token, and the old one does not count any more."""
        before = self.client.token
        self.client.log_in()
        self.assertNotEqual(self.client.token, before)
        self.client.token, now = before, self.client.token
        self.assertEqual(self.client.ask(512)["result"], -1)
        self.client.token = now
        self.assertEqual(self.client.ask(512)["result"], 0)
        self.assertEqual(self.settings.logged_in, 1)

    def test_wrong_credentials(self) -> None:
        """Result -1, no token, and another try is possible."""
        client = self.join()
        for wrong in ({"password": "x"}, {"usrName": "x"}, {"password": 7}, {"usrName": None}):
            body = {k: v for k, v in {**LOGIN, **wrong}.items() if k != "cmdId"}
            answer = client.ask(0, **body)
            self.assertEqual((answer["result"], "token" in answer), (-1, False))
        self.assertEqual(client.ask(0)["result"], -1)
        self.assertEqual(client.firmware.tally.unauthorised, 5)
        self.assertEqual(client.log_in()["result"], 0)

    def test_other_credentials(self) -> None:
        """The camera's manners say which credentials are right."""
        client = self.use(Manners(username="me", password="secret", events=()))
        self.assertIsNone(client.token)
        self.assertEqual(client.ask(0, usrName="me", password="secret")["result"], 0)

    def test_too_many(self) -> None:
        """With all logins taken, the next one gets -2 until one is free."""
        self.use(Manners(logins=2, events=()))
        second, third = self.join(log_in=True), self.join()
        self.assertEqual(third.log_in()["result"], -2)
        self.assertEqual(second.log_in()["result"], 0)
        self.assertEqual(third.log_in()["result"], -2)
        self.assertEqual(second.ask(1)["result"], 0)
        self.assertEqual(third.log_in()["result"], 0)
        self.assertEqual(second.log_in()["result"], -2)
        third.firmware.stop()
        self.assertEqual(second.log_in()["result"], 0)

    def test_logout(self) -> None:
        """After a logout the token is worth nothing."""
        self.assertEqual(self.client.ask(1), {"errorMsg": "Success", "result": 0, "cmdId": 1})
        self.assertEqual(self.client.ask(512)["result"], -1)
        self.assertFalse(self.client.firmware.logged_in)

    def test_tokens(self) -> None:
        """Every command but login and heartbeat needs the right token."""
        right = self.client.token
        for wrong in (None, 0, str(right), float(right or 0), True):
            body = {"cmdId": 512, "token": wrong}
            record = encode_body(RecordKind.COMMAND, 9, body)
            self.client.firmware.received(0, record.to_bytes())
        self.client.token = None
        answer = self.client.ask(768)
        self.assertEqual((answer["result"], answer["cmdId"]), (-1, 768))
        self.assertEqual(self.client.firmware.tally.unauthorised, 6)

    def test_unchecked(self) -> None:
        """A camera may be told not to look at tokens, nor to want a login."""
        self.use(Manners(checks_token=False, events=()))
        client = self.join()
        self.assertEqual(client.ask(512)["result"], 0)

    def test_time(self) -> None:
        """The camera's clock is the login's, and runs on."""
        self.client.ask(0, usrName="admin", password="admin", utcTime=2_000_000_000)
        self.clock.advance(7.5)
        self.assertEqual(self.settings.now, 2_000_000_007)
        for wrong in (-1, 2**32, "now", True, 1e9):
            self.client.ask(0, usrName="admin", password="admin", utcTime=wrong)
        self.assertEqual(self.settings.now, 2_000_000_007)


class EventTests(FirmwareTestCase):
    """What comes on channel 6."""

    manners = Manners()

    def test_after_login(self) -> None:
        """40 ms after the login, in clear, 40 octets with the DRW's head of 8."""
        self.clock.advance(0.039)
        self.assertEqual(self.client.octets(6), b"")
        self.clock.advance(0.001)
        (record,) = self.client.records(6)
        self.assertEqual(record, Record(RecordKind.EVENT, 1, b'{"evtId":4}\0'))
        self.assertEqual(len(self.client.octets(6)) + 8, 40)

    def test_others(self) -> None:
        """Any events at any times, numbered through, and none after a logout."""
        self.use(Manners(events=[(1, 7), (2.0, 9), (3.0, 11)]))
        self.clock.advance(2.0)
        self.assertEqual([r.sequence for r in self.client.records(6)], [1, 2])
        self.assertEqual(decode_body(self.client.records(6)[1]), {"evtId": 9})
        self.client.ask(1)
        self.clock.advance(2.0)
        self.assertEqual(len(self.client.records(6)), 2)


class FramingTests(FirmwareTestCase):
    """How answers are written."""

    def test_answer(self) -> None:
        """JSON filled up with NULs, base64, 21 NULs; the number is the command's."""
        self.client.written.clear()
        self.client.sequence = 0x2A
        self.client.send(258)
        self.client.send(259)
        first, second = self.client.records(0)
        self.assertEqual((first.kind, first.sequence, second.sequence), (3, 0x2B, 0x2C))
        text = first.payload.rstrip(b"\0")
        self.assertEqual(first.payload, text + bytes(21))
        clear = decipher(base64.b64decode(text))
        body = b'{"errorMsg":"Success","result":0,"cmdId":258}'
        self.assertEqual(clear, body.ljust(48, b"\0"))

    def test_in_pieces(self) -> None:
        """Commands may come octet by octet, or several at once."""
        octets = b"".join(
            encode_body(
                RecordKind.COMMAND, n, {"cmdId": 512, "token": self.client.token}
            ).to_bytes()
            for n in (7, 8)
        )
        for at in range(len(octets)):
            self.client.firmware.received(0, octets[at : at + 1])
        self.client.firmware.received(0, octets)
        self.assertEqual([r.sequence for r in self.client.records(0)], [1, 7, 8, 7, 8])

    def test_heartbeat(self) -> None:
        """It is heard, with or without a login, and not answered."""
        client = self.join()
        client.send(525)
        self.client.send(525)
        self.assertEqual(client.written, [])
        self.assertEqual(client.firmware.tally.performed[525], 1)
        self.assertEqual(self.client.firmware.tally.performed[525], 1)

    def test_unknown(self) -> None:
        """A command that nobody knows is refused, in words."""
        for number in (2, 999, -7, 10**40):
            answer = self.client.ask(number)
            self.assertEqual(answer, {"errorMsg": "Unknown command", "result": -5, "cmdId": number})
        self.assertEqual(self.client.firmware.tally.refused, 4)


class WrongAnswerTests(FirmwareTestCase):
    """What a camera may be told to do wrong."""

    def test_refused(self) -> None:
        """A command is refused with the number that is asked for, and not performed."""
        client = self.use(Manners(results={774: -9, 0: -3}, events=()))
        self.assertIsNone(client.token)
        answer = client.ask(774)
        self.assertEqual((answer["result"], answer["errorMsg"]), (-9, "Refused"))
        self.assertEqual(client.ask(0, **LOGIN_MEMBERS)["result"], -3)
        self.assertEqual(len(self.card.files()), 5)

    def test_other_answer(self) -> None:
        """Another object, or any octets, instead of the answer; the command is performed."""
        client = self.use(Manners(answers={774: {"strange": [1]}, 512: b"?!"}, events=()))
        self.assertEqual(client.ask(774), {"strange": [1]})
        self.assertEqual(self.card.files(), [])
        client.send(512)
        self.assertEqual(client.records(0)[-1].payload, b"?!")

    def test_unanswered(self) -> None:
        """Performed, but without a word."""
        client = self.use(Manners(unanswered={774}, events=()))
        before = len(client.written)
        client.send(774)
        self.assertEqual((len(client.written), self.card.files()), (before, []))

    def test_delays(self) -> None:
        """Answers come late, in their order: each command waits for those before it."""
        client = self.use(Manners(delay=1.0, delays={0: 0.0, 512: 0.0, 768: 0.5}, events=()))
        client.written.clear()
        client.times.clear()
        start = self.clock.seconds()
        for number in (512, 768, 512, 259):
            client.send(number)
        self.clock.pump([0.25] * 7)
        self.assertEqual([a["cmdId"] for a in client.answers()], [512, 768, 512, 259])
        self.assertEqual([time - start for time in client.times], [0.0, 0.5, 0.5, 1.5])

    def test_too_many_waiting(self) -> None:
        """A client that asks without waiting is not remembered for ever."""
        client = self.use(Manners(delays={512: 1.0}, events=()))
        for _ in range(MAX_COMMANDS + 10):
            client.send(512)
        self.assertEqual(client.firmware.tally.dropped, 10)
        self.clock.pump([1.0] * (MAX_COMMANDS + 5))
        self.assertEqual(len(client.answers()), MAX_COMMANDS + 1)


LOGIN_MEMBERS: dict[str, Any] = {k: v for k, v in LOGIN.items() if k != "cmdId"}


class StopTests(FirmwareTestCase):
    """The end of a session."""

    def test_silent(self) -> None:
        """After the end nothing is heard or written, and ending again does nothing."""
        self.use(Manners(delays={512: 1.0}))
        self.client.send(512)
        self.client.send(258)
        self.client.firmware.stop()
        before = len(self.client.written)
        self.client.send(768)
        self.client.firmware.stopProducing()
        self.clock.advance(10.0)
        self.assertEqual(len(self.client.written), before)
        self.assertEqual(self.settings.logged_in, 0)

    def test_own_settings(self) -> None:
        """A firmware alone has settings of its own."""
        client = Client(self.clock, self.card, Manners(events=()))
        self.assertEqual(client.log_in()["result"], 0)
        client.firmware.stop()


class HostileTests(FirmwareTestCase):
    """What is no command."""

    def test_malformed(self) -> None:
        """It is counted, and the next command is answered."""
        texts = (b"", b"{}", b"[]", b"{", b'{"cmdId":"512"}', b'{"cmdId":true}', b'{"cmdId":5.0}')
        for text in texts:
            record = Record(RecordKind.COMMAND, 1, seal(text, Side.CLIENT))
            self.client.firmware.received(0, record.to_bytes())
        for record in (Record(2, 1, b"\xff\xff"), Record(3, 1, b""), Record(99, 1, b"x")):
            self.client.firmware.received(0, record.to_bytes())
        self.assertEqual(self.client.firmware.tally.malformed, len(texts) + 3)
        self.client.firmware.received(0, b"noise" + MAGIC[:3])
        self.assertEqual(self.client.ask(512)["result"], 0)

    def test_other_channels(self) -> None:
        """On them a camera hears nothing."""
        for channel in (1, 2, 3, 4, 5, 6, 7, 99):
            self.client.firmware.received(channel, b"talk")
        self.assertEqual(self.client.firmware.tally.ignored, 32)

    def test_big_numbers(self) -> None:
        """Numbers of any size do no harm."""
        big = 10**4000
        self.assertEqual(self.client.ask(768, pageNo=big, itemCntPerPage=big)["cnt"], 0)
        entry = {"fileType": big, "dirNum": -big, "mediaNum": big}
        self.assertEqual(self.client.ask(773, **entry)["delRet"], -1)
        self.assertEqual(self.client.ask(772, thumbnailReqs=[entry])["result"], 0)
        self.assertEqual(self.client.ask(769, **entry)["startPbRet"], -1)
        self.clock.advance(0)


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
MEMBERS = (
    *("usrName", "password", "utcTime", "fileType", "dirNum", "mediaNum", "sessionNo", "pageNo"),
    *("itemCntPerPage", "thumbnailReqs", "downloadReqs", "newPassword", "oldPassword"),
    *("cameraName", "pirSens"),
)
COMMANDS = [0, 1, 258, 259, 512, 513, 514, 517, 518, 525, 641, *range(768, 775), 1285, 1286, 3]


class AnythingTests(SynchronousTestCase):
    """No client makes the firmware raise."""

    def firmware(self) -> tuple[Clock, Firmware]:
        """A firmware that looks at no token."""
        clock = Clock()
        manners = Manners(checks_token=False)
        card = Card.generated(SMALL)
        return clock, Firmware(clock, card, lambda *_: None, manners, random.Random(1))

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.binary(max_size=60), max_size=5))
    def test_octets(self, pieces: list[bytes]) -> None:
        """Any octets."""
        clock, firmware = self.firmware()
        for piece in pieces:
            firmware.received(0, piece)
            firmware.received(0, MAGIC + piece)
        firmware.stop()
        self.assertEqual(clock.getDelayedCalls(), [])

    @settings(max_examples=150, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(COMMANDS),
                st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=5),
            ),
            max_size=4,
        )
    )
    def test_members(self, commands: list[tuple[int, dict[str, Any]]]) -> None:
        """Any values for the members of any command, and any texts, also half surrogate pairs."""
        clock, firmware = self.firmware()
        for number, members in commands:
            text = json.dumps({"cmdId": number, **members}).encode()
            record = Record(RecordKind.COMMAND, 1, seal(text, Side.CLIENT))
            firmware.received(0, record.to_bytes())
            clock.advance(0)
        self.assertEqual(firmware.tally.malformed, 0)
        firmware.stop()
        self.assertEqual(clock.getDelayedCalls(), [])
