"""Runs that go on over lost connections."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import deferLater

from tests.library.case import UTC, LibraryTestCase
from tests.library.fakes import STEP, FakeCamera, content, photo
from trailcam.errors import (
    AllAttemptsFailed,
    CommandTimeout,
    FolderInUse,
    LoginRejected,
    SessionLost,
)
from trailcam.interfaces import ICamera
from trailcam.library.summary import Summary
from trailcam.library.sync import Reconnecting, sync_until_done
from trailcam.model import Report

UNREACHABLE = AllAttemptsFailed((), Report(None, 1.0, ()))


class ReconnectTestCase(LibraryTestCase):
    """Connecting takes a step, and may fail."""

    def setUp(self) -> None:
        """Nothing fails yet."""
        super().setUp()
        self.connects = 0
        self.problems: list[Exception | None] = []

    def connect(self) -> Deferred[ICamera]:
        """The camera, whose session is another each time."""
        self.connects += 1
        problem = self.problems.pop(0) if self.problems else None

        def connected() -> ICamera:
            if problem is not None:
                raise problem
            self.camera.lost = False
            return self.camera

        return deferLater(self.clock, STEP, connected)

    def begin(self, **options: Any) -> Deferred[Summary]:
        """Begin a run."""
        options = {"observer": self.notes, "settings": UTC, "clock": self.clock, **options}
        return sync_until_done(self.connect, self.directory, **options)

    def pauses(self) -> list[float]:
        """The pauses so far."""
        return [event[2] for event in self.notes.heard if event[0] == "reconnecting"]


class ReconnectTests(ReconnectTestCase):
    """What is done when a connection is lost."""

    def test_all_well(self) -> None:
        """One connection is enough, and is closed."""
        work = self.begin()
        self.settle(work)
        self.assertEqual(self.successResultOf(work).new, 3)
        self.assertEqual((self.connects, self.camera.closed), (1, 1))

    def test_in_the_middle(self) -> None:
        """It goes on with what is missing."""
        self.camera.faults[photo(2)] = [SessionLost(7.0)]
        work = self.begin()
        self.settle(work)
        summary = self.successResultOf(work)
        self.assertEqual((summary.new, summary.present, summary.reconnects), (3, 0, 1))
        self.assertEqual(self.files(), self.expected(*self.items))
        self.assertEqual((self.connects, self.camera.closed), (2, 2))
        self.assertEqual(self.notes.of("planned"), [3, 2])
        self.assertIn(
            ("reconnecting", "the camera has been silent for 7.0 s", 1.0), self.notes.heard
        )
        self.assertIn("1 reconnect", str(summary))

    def test_at_every_step(self) -> None:
        """Whenever it is lost, nothing is fetched twice but what was on its way."""
        home = self.directory
        for steps in range(13):
            self.directory = home / str(steps)
            self.camera = FakeCamera(self.clock, self.items)
            work = self.begin()
            for _ in range(steps):
                self.clock.advance(STEP)
            self.camera.lost = True
            self.settle(work)
            self.assertEqual(self.successResultOf(work).new, 3)
            self.assertLessEqual(len(self.camera.asked), 4)
            self.assertEqual(self.files(), self.expected(*self.items))

    def test_gives_up(self) -> None:
        """After so many without a new item; the pauses grow."""
        self.problems = [None] + [UNREACHABLE] * 9
        self.camera.media_problem = SessionLost(7.0)
        work = self.begin(reconnecting=Reconnecting(first=2.0, longest=10.0, most=4))
        self.fails(work, AllAttemptsFailed)
        self.assertEqual(self.pauses(), [2.0, 4.0, 8.0, 10.0])
        self.assertEqual(self.connects, 5)

    def test_progress_counts(self) -> None:
        """With a new item in each connection it never gives up."""
        self.camera.items[:] = [photo(number) for number in range(20, 0, -1)]
        for item in self.camera.items:
            self.camera.faults[item] = [SessionLost(7.0)]
        work = self.begin(reconnecting=Reconnecting(most=20))
        self.settle(work)
        self.assertEqual(self.successResultOf(work).new, 20)

    def test_poison(self) -> None:
        """An item that always ends the session does not keep the others away."""
        self.camera.faults[photo(3)] = [SessionLost(7.0)] * 100
        work = self.begin()
        self.fails(work, SessionLost)
        self.assertEqual(self.files(), self.expected(photo(2), photo(1)))

    def test_first_connect(self) -> None:
        """Without a first connection there is nothing to go on with."""
        self.problems = [UNREACHABLE]
        self.fails(self.begin(), AllAttemptsFailed)
        self.assertEqual(self.pauses(), [])
        self.assertEqual(self.notes.closed, 1)

    def test_login(self) -> None:
        """A wrong password stays wrong; too many clients become fewer."""
        self.camera.faults[photo(3)] = [SessionLost(7.0)]
        self.problems = [None, LoginRejected("too many", -2)]
        work = self.begin()
        self.settle(work)
        self.assertEqual(self.successResultOf(work).reconnects, 2)
        self.directory = self.directory.with_name("other")
        self.camera.faults[photo(3)] = [SessionLost(7.0)]
        self.problems = [None, LoginRejected("wrong password", -1)]
        self.fails(self.begin(), LoginRejected)

    def test_no_answers(self) -> None:
        """A camera that does not answer is connected to again."""
        for item in self.items:
            self.camera.faults[item] = [CommandTimeout("silence")]
        work = self.begin()
        self.settle(work)
        summary = self.successResultOf(work)
        self.assertEqual((summary.new, summary.failed, summary.reconnects), (3, (), 1))

    def test_lock(self) -> None:
        """The folder is locked during the pauses, too."""
        self.camera.faults[photo(3)] = [SessionLost(7.0)]
        first = self.begin()
        self.clock.pump([STEP] * 6)
        self.assertEqual(len(self.pauses()), 1)
        connects = self.connects
        self.fails(self.begin(), FolderInUse)
        self.assertEqual(self.connects, connects)
        self.settle(first)

    def test_pause_is_bounded(self) -> None:
        """However many there were."""
        self.assertEqual(Reconnecting(most=None).pause(10**9), 60.0)
        self.assertFalse(Reconnecting(most=None).is_enough(10**9))

    def test_watch(self) -> None:
        """Who watches reconnects as well, and a full pass makes the next pause short again."""
        work = self.begin(watch=60.0, reconnecting=Reconnecting(most=1))
        for _ in range(4):
            self.clock.pump([STEP] * 20)
            self.camera.lost = True
            self.clock.pump([60.0] + [STEP] * 20)
        self.assertEqual(self.pauses(), [1.0] * 4)
        self.assertNoResult(work)
        work.cancel()
        self.settle(work)
        self.failureResultOf(work, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_lost_while_waiting(self) -> None:
        """A connection that is lost between two looks is made again at once."""
        work = self.begin(watch=3600.0)
        self.clock.pump([STEP] * 20)
        self.camera.lose()
        self.assertEqual(self.pauses(), [])
        self.clock.advance(STEP)  # what the camera is asked next fails
        self.clock.advance(STEP)  # and it is left
        self.assertEqual(self.pauses(), [1.0])
        self.camera.items.insert(0, photo(4))
        self.clock.pump([1.0] + [STEP] * 20)
        self.assertEqual(self.files(), self.expected(*self.camera.items))
        self.camera.lose()
        work.cancel()
        self.settle(work)
        self.failureResultOf(work, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_leave(self) -> None:
        """Who lends a camera decides what becomes of it."""
        left: list[ICamera] = []

        def leave(camera: ICamera) -> Deferred[None]:
            left.append(camera)
            return succeed(None)

        self.camera.faults[photo(2)] = [SessionLost(7.0)]
        work = self.begin(leave=leave)
        self.settle(work)
        self.assertEqual(self.successResultOf(work).new, 3)
        self.assertEqual((left, self.camera.closed), ([self.camera] * 2, 0))


class CancelTests(ReconnectTestCase):
    """Ctrl-C at every step of a run with a reconnect."""

    def test_every_step(self) -> None:
        """The camera is closed, however often one is cancelled, and the next run goes on."""
        home = self.directory
        for steps in range(200):
            self.directory = home / str(steps)
            self.camera = FakeCamera(self.clock, self.items)
            self.camera.faults[photo(2)] = [SessionLost(7.0)]
            self.connects = 0
            work = self.begin()
            for _ in range(steps):
                self.clock.advance(STEP)
            if work.called and not work.paused:
                break
            for _ in range(5):
                work.cancel()
                self.clock.advance(STEP / 5)
            self.settle(work)
            self.failed_or_done(work)
            self.assertEqual(self.clock.getDelayedCalls(), [])
            self.assertLessEqual(self.camera.closed, self.connects)
            self.assertGreaterEqual(self.camera.closed, self.connects - 1)
            self.assertEqual(self.parts(), [])
            self.assertLessEqual(self.files().items(), self.expected(*self.items).items())
            before = len(self.files())
            self.camera.faults.clear()
            self.assertEqual(self.run_once().new, 3 - before)
            self.assertEqual(set(self.files().values()), set(map(content, self.items)))
        self.assertGreater(steps, 20)

    def test_once(self) -> None:
        """Once is enough, also while the lost connection is taken leave of."""
        home = self.directory
        for steps in range(200):
            self.directory = home / str(steps)
            self.camera = FakeCamera(self.clock, self.items)
            self.camera.faults[photo(2)] = [SessionLost(7.0)]
            work = self.begin()
            for _ in range(steps):
                self.clock.advance(STEP)
            if work.called and not work.paused:
                break
            connects = self.connects
            work.cancel()
            self.settle(work)
            self.failed_or_done(work)
            self.assertEqual(self.connects, connects)
            self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertGreater(steps, 20)

    def failed_or_done(self, work: Deferred[Summary]) -> None:
        """Who is cancelled while taking leave has all the work done."""
        results: list[Any] = []
        work.addBoth(results.append)
        if not isinstance(results[0], Summary):
            results[0].trap(CancelledError)

    def test_close_at_once(self) -> None:
        """Closing may take no time, or fail: neither matters."""
        for closed in (lambda: succeed(None), lambda: fail(SessionLost(7.0))):
            self.patch(self.camera, "close", closed)
            work = self.begin()
            self.settle(work)
            self.successResultOf(work)
