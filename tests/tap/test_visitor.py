"""
Who logs in on each session.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel
from twisted.trial.unittest import SynchronousTestCase

from tests.camera.rig import FakeCamera, FakeSession
from tests.connect.logs import LogCapture
from trailcam.artemis.commands import CommandID, encode_body
from trailcam.artemis.record import RecordKind
from trailcam.camera.camera import LOGOUT_TIMEOUT, Camera
from trailcam.errors import SessionLost
from trailcam.model import Credentials
from trailcam.tap.visitor import Visitor

WRONG = "not logged in: the camera refused the user name or the password; "
MANY = "not logged in: too many clients are logged in to the camera: end the others, or wait "


class VisitorTests(SynchronousTestCase):
    """A visitor, and one session after the other."""

    def setUp(self) -> None:
        """Nobody is there yet."""
        self.clock = Clock()
        self.log = LogCapture(self)
        self.events: list[dict[str, Any]] = []
        self.visitor = Visitor(self.clock, Credentials(), self.events.append)

    def begin(self, **login: Any) -> Deferred[None]:
        """A session is won; the camera answers the login like this."""
        self.session = FakeSession()
        self.fake = FakeCamera(self.session)
        self.fake.replies[CommandID.LOGOUT] = {"result": 0}
        if login:
            self.fake.replies[CommandID.LOGIN] = login
        visit = self.visitor.visit(self.session)
        self.fake.greet()
        return visit

    def leave(self, visit: Deferred[None]) -> None:
        """Stop; nothing is left."""
        visit.cancel()
        self.failureResultOf(visit, CancelledError)
        self.assertEqual((self.session.closes, self.clock.getDelayedCalls()), (1, []))

    def logins(self) -> int:
        """How often it tried."""
        return self.fake.numbers().count(CommandID.LOGIN)

    def test_camera(self) -> None:
        """Who waited for a camera, and who asks later, get the same one, logged in."""
        first, second = self.visitor.camera(), self.visitor.camera()
        visit = self.begin()
        camera = self.successResultOf(first)
        self.assertIs(self.successResultOf(second), camera)
        self.assertIs(self.successResultOf(self.visitor.camera()), camera)
        self.assertIs(camera.session, self.session)
        self.clock.pump([1.0] * 60)
        self.assertEqual(len(self.fake.heartbeats), 20)
        self.leave(visit)
        self.assertEqual(self.fake.numbers(), [CommandID.LOGIN, CommandID.LOGOUT])
        self.assertNoResult(self.visitor.camera())

    def test_waiter_that_gives_up(self) -> None:
        """Who gives up gets none, and keeps nobody else from getting one."""
        first, second = self.visitor.camera(), self.visitor.camera()
        first.cancel()
        self.failureResultOf(first, CancelledError)
        visit = self.begin()
        self.assertIsInstance(self.successResultOf(second), Camera)
        self.leave(visit)

    def test_events(self) -> None:
        """The observer hears of all events, also of those before the answer to the login."""
        self.session = FakeSession()
        self.fake = FakeCamera(self.session)
        self.fake.replies[CommandID.LOGIN] = None
        visit = self.visitor.visit(self.session)
        self.fake.send(6, encode_body(RecordKind.EVENT, 1, {"evtId": 4}))
        self.fake.send(6, encode_body(RecordKind.EVENT, 2, {"evtId": 5}))
        self.assertEqual(self.events, [{"evtId": 4}, {"evtId": 5}])
        self.leave(visit)

    def test_next_session(self) -> None:
        """After a loss there is no camera until the next login."""
        visit = self.begin()
        before = self.successResultOf(self.visitor.camera())
        self.session.end(SessionLost(7.0))
        self.successResultOf(visit)
        waiting = self.visitor.camera()
        self.assertNoResult(waiting)
        visit = self.begin()
        self.assertIsNot(self.successResultOf(waiting), before)
        self.leave(visit)

    def test_lost_during_the_login(self) -> None:
        """Who holds the session tells why it was lost."""
        self.session = FakeSession()
        visit = self.visitor.visit(self.session)
        self.session.end(SessionLost(7.0))
        self.successResultOf(visit)
        self.assertEqual((self.log.lines(), self.clock.getDelayedCalls()), ([], []))

    def test_wrong_password(self) -> None:
        """It is told once, and tried once each session, which is held."""
        for session in range(3):
            visit = self.begin(result=-1)
            self.clock.pump([1.0] * 600)
            self.assertEqual((self.logins(), self.session.closes), (1, 0), session)
            self.assertNoResult(visit)
            self.leave(visit)
        self.assertEqual(self.log.lines(), [f"{WRONG}trying again with the next session"])
        self.assertEqual(len(self.log.lines(LogLevel.debug)), 2)
        self.assertNoResult(self.visitor.camera())

    def test_told_anew(self) -> None:
        """After a login that worked the same problem is news."""
        for login in ({"result": -1}, {}, {"result": -1}):
            self.leave(self.begin(**login))
        self.assertEqual(len(self.log.lines()), 2)

    def test_too_many_clients(self) -> None:
        """It is tried again on the same session, with longer and longer pauses."""
        visit = self.begin(result=-2)
        for seconds, logins in ((4.9, 1), (0.1, 2), (9.9, 2), (0.1, 3), (20, 4), (40, 5), (60, 6)):
            self.clock.advance(seconds)
            self.assertEqual(self.logins(), logins)
        [line] = self.log.lines()
        self.assertTrue(line.startswith(MANY) and line.endswith("; trying again in 5 s"), line)
        self.fake.replies[CommandID.LOGIN] = {"result": 0, "token": 7}
        waiting = self.visitor.camera()
        self.clock.advance(60)
        self.successResultOf(waiting)
        self.leave(visit)

    def test_no_answer(self) -> None:
        """A camera that does not answer is asked again; stopping ends that as well."""
        self.session = FakeSession()
        self.fake = FakeCamera(self.session)
        visit = self.visitor.visit(self.session)
        self.clock.advance(5)
        [line] = self.log.lines()
        self.assertIn("trying again in 5 s", line)
        self.leave(visit)

    def test_stop_waits_for_the_logout(self) -> None:
        """A camera that does not answer the logout has a second for it."""
        visit = self.begin()
        self.fake.replies[CommandID.LOGOUT] = None
        visit.cancel()
        self.assertNoResult(visit)
        self.assertEqual(self.session.closes, 0)
        visit.cancel()  # whoever loses patience
        self.clock.advance(LOGOUT_TIMEOUT)
        self.leave(visit)

    def test_give_up(self) -> None:
        """A camera of no use ends with its session, and nobody else gets it."""
        visit = self.begin()
        camera = self.successResultOf(self.visitor.camera())
        self.fake.replies[CommandID.LOGOUT] = None
        giving_up = Deferred.fromCoroutine(self.visitor.give_up(camera))
        waiting = self.visitor.camera()
        self.assertNoResult(waiting)
        giving_up.cancel()
        self.assertNoResult(giving_up)
        self.clock.advance(LOGOUT_TIMEOUT)
        self.failureResultOf(giving_up, CancelledError)
        self.successResultOf(visit)
        self.assertEqual(self.session.state, "closed")
        visit = self.begin()
        self.assertIsNot(self.successResultOf(waiting), camera)
        self.leave(visit)

    def test_bug(self) -> None:
        """A bug is logged as one, and ends the session."""
        self.patch(self.visitor, "_lend", lambda camera: {}["missing"])
        self.successResultOf(self.begin())
        self.assertEqual(self.session.state, "closed")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
