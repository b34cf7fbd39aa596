"""Commands and their answers."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed

from tests.camera.rig import TOKEN, CameraTestCase, FakeSession, photo
from trailcam.artemis.commands import CommandID, encode_body
from trailcam.artemis.record import BANNER, Record, RecordKind
from trailcam.camera.camera import Camera
from trailcam.errors import (
    ChannelClosed,
    CommandRejected,
    CommandTimeout,
    SessionLost,
)

INFO = CommandID.GET_DEVICE_INFO


class GreetingTests(CameraTestCase):
    """What comes first."""

    def test_waits(self) -> None:
        """Nothing is sent before the whole banner has come, in whatever pieces."""
        asked = self.camera.command(INFO)
        for octet in BANNER:
            self.assertEqual(self.fake.commands, [])
            self.session.channels[0].feed(bytes([octet]))
        self.assertEqual(self.fake.numbers(), [INFO])
        self.fake.answer(1, cmdId=512, result=0)
        self.assertEqual(self.successResultOf(asked)["result"], 0)

    def test_banner_and_answer(self) -> None:
        """What follows the banner in the same packet is not lost."""
        event = encode_body(RecordKind.ANSWER, 9, {"cmdId": 1}).to_bytes()
        self.session.channels[0].feed(BANNER + event)
        self.assertEqual(self.camera._control.unmatched, 1)

    def test_none(self) -> None:
        """A camera that does not greet within 5 s has not answered, and nothing was sent."""
        asked = [self.camera.command(INFO), self.camera.command(INFO)]
        self.clock.advance(4.9)
        self.assertNoResult(asked[0])
        self.clock.advance(0.1)
        for each in asked:
            self.assertIn("greet", str(self.failureResultOf(each, CommandTimeout).value))
        self.assertEqual(self.session.channels[0].written, b"")

    def test_late(self) -> None:
        """It may greet later: then commands are sent again."""
        self.failureResultOf_after(5, self.camera.command(INFO))
        self.fake.greet()
        self.camera.command(INFO).addErrback(lambda _: None)
        self.assertEqual(self.fake.numbers(), [INFO])

    def test_junk(self) -> None:
        """Anything else is no greeting; a record is as good as one."""
        asked = self.camera.command(INFO)
        self.session.channels[0].feed(b"junk instead of a banner")
        self.assertEqual(self.fake.commands, [])
        self.fake.answer(77, cmdId=0)
        self.assertEqual(self.fake.numbers(), [INFO])
        self.fake.answer(1, cmdId=512)
        self.successResultOf(asked)

    def test_cancelled(self) -> None:
        """Who gives up before the greeting leaves nothing behind."""
        asked = self.camera.command(INFO)
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.fake.greet()
        self.assertEqual(self.fake.commands, [])

    def failureResultOf_after(self, seconds: float, asked: Deferred[dict[str, Any]]) -> None:
        """Let time pass until a command fails."""
        self.clock.advance(seconds)
        self.failureResultOf(asked, CommandTimeout)


class MatchingTests(CameraTestCase):
    """Which answer is whose."""

    def setUp(self) -> None:
        """Log in: that was command 1."""
        super().setUp()
        self.log_in()

    def test_numbers(self) -> None:
        """Commands are numbered; answers may come in any order."""
        first, second = self.camera.command(INFO), self.camera.command(INFO)
        self.assertEqual([number for number, _ in self.fake.commands], [2, 3])
        self.fake.answer(3, cmdId=512, name="second")
        self.fake.answer(2, cmdId=512, name="first")
        self.assertEqual(self.successResultOf(first)["name"], "first")
        self.assertEqual(self.successResultOf(second)["name"], "second")

    def test_token(self) -> None:
        """The token is the last member of every command."""
        self.camera.command(INFO, more=1).addErrback(lambda _: None)
        (_, body) = self.fake.commands[-1]
        self.assertEqual(list(body.items()), [("cmdId", 512), ("more", 1), ("token", TOKEN)])

    def test_unknown_number(self) -> None:
        """An answer with a number that is nobody's goes to the command with its cmdId."""
        other, asked = self.camera.command(INFO), self.camera.command(CommandID.START_LIVE)
        self.fake.answer(70000, cmdId=258, result=0)
        self.successResultOf(asked)
        self.assertNoResult(other)
        self.fake.answer(0, cmdId=512)
        self.successResultOf(other)

    def test_contradiction(self) -> None:
        """An answer to something else is not taken for the one with that number."""
        asked = self.camera.command(INFO)
        self.fake.answer(self.last(), cmdId=258)
        self.assertNoResult(asked)
        self.fake.answer(self.last(), cmdId=512)
        self.successResultOf(asked)

    def test_no_command(self) -> None:
        """An answer need not say what it is about."""
        asked = self.camera.command(INFO)
        self.fake.answer(self.last(), result=0)
        self.successResultOf(asked)

    def test_late(self) -> None:
        """The late answer to a command is not taken for that to the next one of its kind."""
        asked = self.camera.command(INFO, timeout=2.5)
        self.clock.advance(2.5)
        late = self.failureResultOf(asked, CommandTimeout)
        self.assertEqual(str(late.value), "the camera did not answer get device info within 2.5 s")
        again = self.camera.command(INFO)
        self.fake.answer(2, cmdId=512, name="late")
        self.assertNoResult(again)
        self.fake.answer(3, cmdId=512, name="in time")
        self.assertEqual(self.successResultOf(again)["name"], "in time")

    def test_twice(self) -> None:
        """The same answer again is nobody's."""
        asked = self.camera.command(INFO)
        self.fake.answer(2, cmdId=512)
        self.fake.answer(2, cmdId=512)
        self.successResultOf(asked)
        self.assertEqual(self.camera._control.unmatched, 1)

    def test_cancelled(self) -> None:
        """A cancelled command's answer is dropped."""
        asked = self.camera.command(INFO)
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.fake.answer(2, cmdId=512)
        self.assertEqual(self.camera._control.unmatched, 1)

    def test_in_flight(self) -> None:
        """At most 20 wait at once; the others follow in order, and their time begins then."""
        asked = [self.camera.command(INFO, n=n) for n in range(22)]
        self.assertEqual(len(self.fake.commands), 20)
        self.clock.advance(9)
        self.fake.answer(5, cmdId=512)
        self.assertEqual([body["n"] for _, body in self.fake.commands], list(range(21)))
        asked[1].cancel()
        self.failureResultOf(asked[1], CancelledError)
        self.assertEqual(len(self.fake.commands), 22)
        self.clock.advance(1)
        failed = [each for each in asked[:20] if each not in (asked[1], asked[3])]
        for each in failed:
            self.failureResultOf(each, CommandTimeout)
        for number in (22, 23):
            self.fake.answer(number, cmdId=512)
        for each in (asked[3], asked[20], asked[21]):
            self.successResultOf(each)

    def test_cancel_waiting(self) -> None:
        """One that has not been sent never is."""
        asked = [self.camera.command(INFO, n=n) for n in range(21)]
        asked[20].cancel()
        for number in range(2, 22):
            self.fake.answer(number, cmdId=512)
        self.failureResultOf(asked.pop(), CancelledError)
        for each in asked:
            self.successResultOf(each)
        self.assertEqual(len(self.fake.commands), 20)

    def test_first_number(self) -> None:
        """The first number can be given, and numbers go round."""
        self.session.end(None)
        self.begin(seq_num=0xFFFFFFFF)
        self.log_in()
        asked = self.camera.command(INFO)
        self.assertEqual(self.last(), 0)
        self.fake.answer(0xFFFFFFFF, cmdId=512, late=True)
        self.assertNoResult(asked)
        self.fake.answer(0, cmdId=512)
        self.successResultOf(asked)

    def test_strange_members(self) -> None:
        """What cannot be sent is refused, and does no harm."""
        self.failureResultOf(self.camera.command(INFO, cmdId=517), ValueError)
        self.failureResultOf(self.camera.command(INFO, what=object()), TypeError)
        self.assertEqual(self.fake.commands, [])


class ResultTests(CameraTestCase):
    """Yes and no."""

    def setUp(self) -> None:
        """Log in."""
        super().setUp()
        self.log_in()

    def ask(self, **members: Any) -> Deferred[dict[str, Any]]:
        """Ask, and answer."""
        self.fake.replies[INFO] = members
        return self.camera.command(INFO)

    def test_refused(self) -> None:
        """Every member that is a result can say no."""
        for member in ("result", "cmdRet", "getMediaListRet", "startPbRet", "delRet"):
            refused = self.failureResultOf(self.ask(**{member: -3}), CommandRejected).value
            self.assertEqual((refused.command, refused.result), (512, -3))
            self.assertIn(f"refused get device info ({member} -3)", str(refused))

    def test_words(self) -> None:
        """The camera's words are told, in bounds; alone they are a result, too."""
        refused = self.failureResultOf(self.ask(result=-1, errorMsg="No " * 900), CommandRejected)
        self.assertIn("'No No", str(refused.value))
        self.assertLess(len(str(refused.value)), 300)
        self.failureResultOf(self.ask(errorMsg="Failed"), CommandRejected)
        for fine in ({"errorMsg": "Success"}, {"errorMsg": ""}, {"errorMsg": 7}, {}):
            self.successResultOf(self.ask(**fine))
        self.successResultOf(self.ask(errorMsg="whatever", result=0))

    def test_no_number(self) -> None:
        """A result that is no number is no yes."""
        for result in (None, True, "0", 0.0, [], {}):
            refused = self.failureResultOf(self.ask(result=result), CommandRejected)
            self.assertEqual(refused.value.result, -5)


class HostileTests(CameraTestCase):
    """What no camera should write."""

    def setUp(self) -> None:
        """Log in."""
        super().setUp()
        self.log_in()

    def test_malformed(self) -> None:
        """Records that cannot be read are counted and skipped."""
        asked = self.camera.command(INFO)
        self.fake.send(
            0,
            Record(RecordKind.ANSWER, 2, b""),
            Record(RecordKind.ANSWER, 2, b"no base64!" + bytes(21)),
            Record(RecordKind.ANSWER, 2, b"QUJD" + bytes(21)),
            Record(RecordKind.ANSWER, 2, b"A" * 64 + bytes(21)),
        )
        self.assertEqual(self.camera.malformed, 4)
        self.assertNoResult(asked)
        self.session.channels[0].feed(b"ARTEMIS\0\3\0\0\0\2\0\0\0\xff\xff\xff\xff" + b"junk ARTEM")
        self.assertEqual(self.camera.malformed, 5)
        self.fake.answer(2, cmdId=512)
        self.successResultOf(asked)

    def test_other_kinds(self) -> None:
        """What is no answer is nobody's."""
        asked = self.camera.command(INFO)
        self.fake.send(0, *(Record(kind, 2, b"payload") for kind in (0, 2, 5, 7, 99)))
        self.assertNoResult(asked)
        self.assertEqual(self.camera._control.unmatched, 5)
        self.fake.answer(2, cmdId=512)
        self.successResultOf(asked)

    def test_strange_command(self) -> None:
        """A cmdId of any type is no reason to raise."""
        asked = self.camera.command(INFO)
        for number in ("512", [], {}, 1.5):
            self.fake.answer(2, cmdId=number)
        self.assertNoResult(asked)
        self.fake.answer(2, cmdId=512)
        self.successResultOf(asked)


class EndTests(CameraTestCase):
    """The session ends."""

    def test_lost(self) -> None:
        """Whoever waits hears why, and so does whoever asks later."""
        self.log_in()
        asked = [self.camera.command(INFO) for _ in range(22)]
        self.session.end(SessionLost(7.0))
        for each in [*asked, self.camera.command(INFO)]:
            self.failureResultOf(each, SessionLost)

    def test_before_greeting(self) -> None:
        """Also before the camera has greeted."""
        asked = self.camera.command(INFO)
        self.session.end(None)
        self.failureResultOf(asked, ChannelClosed)
        self.failureResultOf(self.camera.command(INFO), ChannelClosed)

    def test_over_before(self) -> None:
        """A session that was over before the client came says nothing on its channels."""
        self.session.end(None)
        self.session = FakeSession()
        self.session.end(SessionLost(7.0))
        self.session.when_closed = lambda: succeed(SessionLost(7.0))  # type: ignore[method-assign]
        camera = Camera(self.clock, self.session)
        self.failureResultOf(camera.info(), SessionLost)
        self.failureResultOf(camera.download(photo(), None), SessionLost)
        self.successResultOf(camera.close())

    def test_domino(self) -> None:
        """Whoever hears of the end may cancel the others."""
        self.log_in()
        first, second = self.camera.command(INFO), self.camera.command(INFO)
        first.addErrback(lambda _: second.cancel())
        self.session.end(None)
        self.failureResultOf(second, CancelledError)

    def test_write_refused(self) -> None:
        """A channel that takes nothing any more fails the command, not the caller."""
        self.log_in()
        self.session.channels[0].over = True
        self.failureResultOf(self.camera.command(INFO), ChannelClosed)
        self.session.channels[0].over = False
