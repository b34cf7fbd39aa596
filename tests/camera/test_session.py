"""Login, heartbeat, events, and the end."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError
from zope.interface.verify import verifyObject

from tests.camera.rig import TOKEN, CameraTestCase
from trailcam.artemis.commands import CommandID, encode_body
from trailcam.artemis.record import Record, RecordKind
from trailcam.errors import (
    ChannelClosed,
    CommandRejected,
    CommandTimeout,
    LoginRejected,
    SessionLost,
)
from trailcam.interfaces import ICamera
from trailcam.model import Credentials


class LoginTests(CameraTestCase):
    """Who may come in."""

    def log_in_with(self, reply: dict[str, Any] | None, *credentials: Any) -> Any:
        """Log in to a camera that answers with ``reply``."""
        self.fake.replies[CommandID.LOGIN] = reply
        self.fake.greet()
        return self.camera.login(Credentials(*credentials))

    def token(self) -> object:
        """What goes with a command."""
        self.camera.command(512).addErrback(lambda _: None)
        return self.fake.commands[-1][1].get("token")

    def test_interface(self) -> None:
        """It is what it promises to be."""
        verifyObject(ICamera, self.camera)

    def test_login(self) -> None:
        """The members are those of the camera's own app, in its order."""
        answer = self.successResultOf(
            self.log_in_with({"result": 0, "token": 7, "errorMsg": "Success"}, "user", "secret")
        )
        self.assertEqual(answer, {"cmdId": 0, "result": 0, "token": 7, "errorMsg": "Success"})
        self.assertEqual(
            list(self.fake.commands[0][1].items()),
            [
                ("cmdId", 0),
                ("usrName", "user"),
                ("password", "secret"),
                ("needVideo", 0),
                ("needAudio", 0),
                ("utcTime", 1766228620),
                ("supportHeartBeat", True),
            ],
        )
        self.assertEqual(self.token(), 7)

    def test_again(self) -> None:
        """A second login goes without a token, and its token replaces the first."""
        self.log_in()
        self.fake.replies[CommandID.LOGIN] = {"result": 0, "token": TOKEN + 1}
        self.successResultOf(self.camera.login(Credentials()))
        self.assertNotIn("token", self.fake.commands[0][1])
        self.assertEqual(self.token(), TOKEN + 1)

    def test_given_token(self) -> None:
        """A token that was given is used when the answer has none that makes sense."""
        for strange in (None, -1, 2**32, True, "7", 7.0, []):
            answered = {"result": 0, "token": strange}
            self.successResultOf(self.log_in_with(answered, "admin", "admin", 99))
            self.assertEqual(self.token(), 99)
        self.successResultOf(self.log_in_with({"result": 0, "token": 0}, "admin", "admin", 99))
        self.assertEqual(self.token(), 0)

    def test_no_token(self) -> None:
        """Without any, commands go without."""
        self.successResultOf(self.log_in_with({"result": 0}))
        self.assertIsNone(self.token())

    def test_refused(self) -> None:
        """The numbers are told in words, and there is no heartbeat."""
        for result, word in ((-1, "password"), (-2, "too many"), (-9, "result -9")):
            refused = self.failureResultOf(self.log_in_with({"result": result}), LoginRejected)
            self.assertEqual(refused.value.result, result)
            self.assertIn(word, str(refused.value))
        self.clock.advance(9)
        self.assertEqual(self.fake.heartbeats, [])

    def test_silent(self) -> None:
        """A camera that greets and then says nothing has not answered."""
        login = self.log_in_with(None)
        self.clock.advance(10)
        self.failureResultOf(login, CommandTimeout)

    def test_cancelled(self) -> None:
        """A login can be given up, and tried again."""
        login = self.log_in_with(None)
        login.cancel()
        self.failureResultOf(login, CancelledError)
        self.successResultOf(self.log_in_with({"result": 0, "token": 3}))
        self.assertEqual(self.token(), 3)

    def test_logout(self) -> None:
        """A logout ends the heartbeat and forgets the token."""
        self.log_in()
        self.fake.replies[CommandID.LOGOUT] = {"result": 0}
        self.successResultOf(self.camera.logout())
        self.assertEqual(self.fake.commands[0][1], {"cmdId": 1, "token": TOKEN})
        self.assertIsNone(self.token())
        self.clock.advance(9)
        self.assertEqual(self.fake.heartbeats, [])


class HeartbeatTests(CameraTestCase):
    """Keeping a login alive."""

    def test_beats(self) -> None:
        """The first comes 3 s after the login, then one every 3 s, without token."""
        self.log_in()
        self.clock.advance(2.9)
        self.assertEqual(self.fake.heartbeats, [])
        self.clock.advance(0.1)
        self.clock.pump([3.0, 3.0])
        numbers = [0x10001, 0x10002, 0x10003]
        self.assertEqual(self.fake.heartbeats, [(n, {"cmdId": 525}) for n in numbers])

    def test_no_answer(self) -> None:
        """Nobody waits for one; if there is one it does no harm."""
        self.log_in()
        self.clock.advance(3)
        self.fake.answer(0x10001, cmdId=525, result=-1)
        self.clock.advance(60)
        self.assertGreater(len(self.fake.heartbeats), 1)

    def test_again(self) -> None:
        """A second login does not make it beat twice."""
        self.log_in()
        self.clock.advance(2)
        self.log_in()
        self.clock.pump([1.0, 2.0, 3.0])
        self.assertEqual([number for number, _ in self.fake.heartbeats], [0x10001, 0x10002])

    def test_lost(self) -> None:
        """It ends with the session."""
        self.log_in()
        self.session.end(SessionLost(7))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_channel_gone(self) -> None:
        """It ends when nothing can be written any more."""
        self.log_in()
        self.session.channels[0].over = True
        self.clock.advance(3)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.session.channels[0].over = False


def event(number: int) -> Record:
    """An event."""
    return encode_body(RecordKind.EVENT, 1, {"evtId": number})


class EventTests(CameraTestCase):
    """What comes unasked."""

    def test_observers(self) -> None:
        """Every observer hears every event, until it wants to hear no more."""
        first: list[dict[str, Any]] = []
        second: list[dict[str, Any]] = []
        forget = self.camera.events(first.append)
        self.camera.events(second.append)
        self.fake.send(6, event(4), event(5))
        forget()
        forget()
        self.fake.send(6, event(6))
        self.assertEqual(first, [{"evtId": 4}, {"evtId": 5}])
        self.assertEqual(second, [{"evtId": 4}, {"evtId": 5}, {"evtId": 6}])

    def test_missed(self) -> None:
        """The first observer hears of those before it: of the last 64."""
        self.fake.send(6, *(event(number) for number in range(100)))
        heard: list[int] = []
        self.camera.events(lambda body: heard.append(body["evtId"]))
        self.camera.events(lambda body: self.fail("told twice"))
        self.assertEqual(heard, list(range(36, 100)))

    def test_broken_observer(self) -> None:
        """An observer that raises harms nobody, and its bug is logged."""
        heard: list[dict[str, Any]] = []
        self.camera.events(lambda body: {}["missing"])
        self.camera.events(heard.append)
        self.fake.send(6, event(4))
        self.assertEqual(heard, [{"evtId": 4}])
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_malformed(self) -> None:
        """What is no event is counted."""
        heard: list[dict[str, Any]] = []
        self.camera.events(heard.append)
        self.fake.send(
            6,
            Record(RecordKind.EVENT, 1, b"no JSON\0"),
            Record(RecordKind.EVENT, 1, b"[4]\0"),
            Record(RecordKind.ANSWER, 1, b"{}\0"),
        )
        self.session.channels[6].feed(b"ARTEMIS\0\7\0\0\0\1\0\0\0\0\0\0\xff")
        self.fake.send(6, event(4))
        self.fake.send(6, Record(RecordKind.EVENT, 1, b'{"evtId":4}'.ljust(2**16 + 1)))
        self.assertEqual((heard, self.camera.malformed), ([{"evtId": 4}], 5))


class CloseTests(CameraTestCase):
    """Going."""

    def test_close(self) -> None:
        """It logs out, and then ends the session."""
        self.log_in()
        closed = self.camera.close()
        self.assertEqual(self.fake.numbers(), [CommandID.LOGOUT])
        self.assertNoResult(closed)
        self.fake.answer(self.last(), cmdId=1, result=0)
        self.successResultOf(closed)
        self.assertEqual(self.session.closes, 1)
        self.failureResultOf(self.camera.info(), ChannelClosed)

    def test_no_answer(self) -> None:
        """It does not wait for longer than a second."""
        self.log_in()
        closed = self.camera.close()
        self.clock.advance(0.9)
        self.assertNoResult(closed)
        self.clock.advance(0.1)
        self.successResultOf(closed)

    def test_refused(self) -> None:
        """A camera that refuses the logout is left all the same."""
        self.log_in()
        self.fake.replies[CommandID.LOGOUT] = {"result": -1}
        self.successResultOf(self.camera.close())

    def test_not_logged_in(self) -> None:
        """Without a login there is nothing to log out of."""
        self.fake.greet()
        self.successResultOf(self.camera.close())
        self.assertEqual(self.fake.commands, [])

    def test_again(self) -> None:
        """It may be closed again, and after the session's own end."""
        self.successResultOf(self.camera.close())
        self.successResultOf(self.camera.close())
        self.assertEqual(self.session.closes, 2)

    def test_lost(self) -> None:
        """A session that ends meanwhile is no failure."""
        self.log_in()
        closed = self.camera.close()
        self.session.end(SessionLost(7))
        self.successResultOf(closed)

    def test_cancelled(self) -> None:
        """Who does not want to wait for the logout gets the end at once."""
        self.log_in()
        closed = self.camera.close()
        closed.cancel()
        self.failureResultOf(closed, CancelledError)
        self.assertEqual(self.session.closes, 1)


class CommandTests(CameraTestCase):
    """The commands that only ask or change something."""

    def setUp(self) -> None:
        """Log in to a camera that says yes to everything."""
        super().setUp()
        self.log_in()
        for number in CommandID:
            self.fake.replies.setdefault(number, {"result": 0, "errorMsg": "Success"})

    def test_members(self) -> None:
        """Each has its members."""
        camera = self.camera
        expected: list[dict[str, Any]] = []
        for asked, number, members in (
            (camera.info(), 512, {}),
            (camera.set_info(picSize=3, camera="x"), 513, {"picSize": 3, "camera": "x"}),
            (camera.change_password("new"), 514, {"usrName": "admin", "password": "new"}),
            (camera.start_live(), 258, {}),
            (camera.stop_live(), 259, {}),
            (camera.delete_all(sure=True), 774, {}),
            (camera.format_card(sure=True), 518, {}),
            (camera.factory_reset(sure=True), 517, {}),
            (camera.command(522, value=1), 522, {"value": 1}),
        ):
            self.assertEqual(self.successResultOf(asked)["cmdId"], number)
            expected.append({"cmdId": number, **members, "token": TOKEN})
        self.assertEqual([body for _, body in self.fake.commands], expected)

    def test_dangerous(self) -> None:
        """What cannot be undone is not done by accident."""
        for method in (
            self.camera.delete_all,
            self.camera.format_card,
            self.camera.factory_reset,
        ):
            self.assertRaises(ValueError, method)
            self.assertRaises(ValueError, method, sure=False)
            self.assertRaises(ValueError, method, sure="yes")
        self.assertEqual(self.fake.commands, [])

    def test_nothing_to_change(self) -> None:
        """A change of nothing is a mistake."""
        self.assertRaises(ValueError, self.camera.set_info)

    def test_refused(self) -> None:
        """A no is a failure."""
        self.fake.replies[512] = {"result": -4}
        self.failureResultOf(self.camera.info(), CommandRejected)
