"""The live view as an asynchronous iterator."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.camera.rig import FakeSink, LiveTestCase, frame_record, unit
from trailcam.artemis.commands import CommandID, encode_body
from trailcam.artemis.record import RecordKind
from trailcam.camera.frames import MOST_OCTETS, FrameBuffer, LiveFrame
from trailcam.camera.sinks import VideoHead
from trailcam.errors import CommandRejected, SessionClosed, SessionLost

#: An access unit that decoding can begin with, although nothing marks it.
WITH_PARAMETERS = b"\0\0\0\1\x09\x10\0\0\0\1\x67\x42\0\x1e\0\0\0\1\x65picture"


class BufferTests(SynchronousTestCase):
    """Frames that wait."""

    def setUp(self) -> None:
        """Room for three."""
        self.buffer = FrameBuffer(3)

    def put(self, *units: bytes, key: bool = False) -> None:
        """Frames come."""
        for each in units:
            self.buffer.video(each, 1.5, key)

    def read(self) -> Deferred[LiveFrame]:
        """Ask for the next."""
        return Deferred.fromCoroutine(self.buffer.__anext__())

    def got(self) -> list[tuple[bytes, int]]:
        """All that wait: octets, and how many were dropped before."""
        frames = []
        while True:
            reading = self.read()
            if not reading.called:
                reading.cancel()
                self.failureResultOf(reading, CancelledError)
                return frames
            frame = self.successResultOf(reading)
            frames.append((frame.unit, frame.dropped))

    def test_order(self) -> None:
        """Frames are read in their order, whether they wait for the reader or it for them."""
        self.buffer.head(VideoHead(1, 1, 0, 0.0))
        self.put(b"a", b"b")
        self.buffer.audio(b"noise", 0.0)
        self.assertEqual(self.successResultOf(self.read()), LiveFrame(b"a", 1.5, False))
        self.assertEqual(self.successResultOf(self.read()).unit, b"b")
        reading = self.read()
        self.assertNoResult(reading)
        self.put(b"c", key=True)
        self.assertEqual(self.successResultOf(reading), LiveFrame(b"c", 1.5, True))

    def test_slow_reader(self) -> None:
        """What waits too long is dropped, and all up to the next key frame."""
        self.put(b"a", b"b", b"c", b"d", b"e")
        self.assertEqual(self.got(), [])
        self.put(b"f")
        self.put(b"K", key=True)
        self.put(b"g")
        self.assertEqual(self.got(), [(b"K", 6), (b"g", 0)])

    def test_key_frame_without_room(self) -> None:
        """A key frame that finds no room drops what waits, and stays."""
        self.put(b"a", b"b", b"c")
        self.put(b"K", key=True)
        self.assertEqual(self.got(), [(b"K", 3)])

    def test_never_read(self) -> None:
        """However long nobody reads, every frame that is missing is counted."""
        for _ in range(5):
            self.put(b"K", key=True)
            self.put(b"a", b"b", b"c")
        self.put(b"L", key=True)
        self.assertEqual(self.got(), [(b"L", 20)])

    def test_camera_that_marks_nothing(self) -> None:
        """Parameters are as good as a mark, and the frame is marked then."""
        self.put(b"a", b"b", b"c", b"d", unit(b"e"), b"", b"\0\0\1", WITH_PARAMETERS)
        frame = self.successResultOf(self.read())
        self.assertEqual(frame, LiveFrame(WITH_PARAMETERS, 1.5, True, 7))

    def test_octets(self) -> None:
        """Large frames are as bad as many."""
        self.buffer = FrameBuffer(1000)
        self.put(bytes(MOST_OCTETS - 1), b"2")
        self.assertEqual(len(self.got()), 2)
        self.put(bytes(MOST_OCTETS - 1), b"22")
        self.put(b"K", key=True)
        self.assertEqual(self.got(), [(b"K", 2)])

    def test_end(self) -> None:
        """What waits can be read, and then it is over, for good."""
        self.put(b"a")
        self.buffer.end(None)
        self.assertEqual(self.successResultOf(self.read()).unit, b"a")
        for _ in range(2):
            self.failureResultOf(self.read(), StopAsyncIteration)

    def test_failure(self) -> None:
        """The same for a failure; a reader that waits hears of it at once."""
        reading = self.read()
        self.buffer.end(Failure(SessionLost(7.0)))
        self.failureResultOf(reading, SessionLost)
        self.failureResultOf(self.read(), SessionLost)

    def test_cancelled_reader(self) -> None:
        """A reader may give up, and come again."""
        reading = self.read()
        reading.cancel()
        self.failureResultOf(reading, CancelledError)
        self.put(b"a")
        self.assertEqual(self.got(), [(b"a", 0)])

    def test_no_room_at_all(self) -> None:
        """One may wait at least."""
        self.assertRaises(ValueError, FrameBuffer, 0)


class LiveTests(LiveTestCase):
    """The iterator of a camera."""

    def setUp(self) -> None:
        """Nothing was seen."""
        super().setUp()
        self.seen: list[LiveFrame] = []

    def send(self, *units: bytes, key: int = 0) -> None:
        """Frames come."""
        for each in units:
            self.fake.send(1, frame_record(each, kind=RecordKind.LIVE, timestamp=500_000, key=key))

    async def watch(self, until: Callable[[], bool] = lambda: False) -> str:
        """Keep what comes."""
        async for frame in self.camera.live():
            self.seen.append(frame)
            if until():
                break
        return "out"

    def task(self, work: Coroutine[Any, Any, Any]) -> Deferred[Any]:
        """Run it."""
        return Deferred.fromCoroutine(work)

    def assert_stopped(self) -> None:
        """The camera was told to stop, once, and the next live view can begin."""
        self.assertEqual(self.fake.numbers(), [258, 259])
        self.successResultOf(self.camera.start_live(FakeSink()))

    def test_frames(self) -> None:
        """Nothing is asked for before the loop; then each frame comes at once."""
        frames = self.camera.live()
        self.assertEqual(self.fake.numbers(), [])
        reading = self.task(frames.__anext__())
        self.assertEqual(self.fake.numbers(), [258])
        self.clock.advance(60)
        self.send(unit(b"1"), key=1)
        self.assertEqual(self.successResultOf(reading), LiveFrame(unit(b"1"), 0.5, True))
        self.send(unit(b"2"))
        second = self.successResultOf(self.task(frames.__anext__()))
        self.assertEqual(second, LiveFrame(unit(b"2"), 0.5, False))
        self.successResultOf(self.task(frames.aclose()))
        self.assert_stopped()

    def test_break(self) -> None:
        """Leaving the loop stops the live view."""
        watching = self.task(self.watch(until=lambda: len(self.seen) == 2))
        self.send(unit(b"1"), unit(b"2"), unit(b"3"))
        self.assertEqual((self.successResultOf(watching), len(self.seen)), ("out", 2))
        self.assert_stopped()

    def test_error_in_the_loop(self) -> None:
        """So does an error."""
        watching = self.task(self.watch(until=lambda: bool({}["missing"])))
        self.send(unit(b"1"))
        self.failureResultOf(watching, KeyError)
        self.assert_stopped()

    def test_cancelled(self) -> None:
        """So does giving up."""
        watching = self.task(self.watch())
        watching.cancel()
        self.failureResultOf(watching, CancelledError)
        self.assert_stopped()

    def test_stopped(self) -> None:
        """After stop_live() the loop ends; from within the loop, too."""
        watching = self.task(self.watch())
        self.send(unit(b"1"))
        self.successResultOf(self.camera.stop_live())
        self.assertEqual(self.successResultOf(watching), "out")
        self.assert_stopped()

    def test_stopped_from_within(self) -> None:
        """The same from within the loop."""
        watching = self.task(self.watch(until=lambda: self.camera.stop_live() is None))
        self.send(unit(b"1"))
        self.assertEqual((self.successResultOf(watching), len(self.seen)), ("out", 1))
        self.assert_stopped()

    def test_stopped_while_starting(self) -> None:
        """A stop that overtakes the answer to the start counts, and the next one can begin."""
        self.fake.replies[CommandID.START_LIVE] = None
        watching = self.task(self.watch())
        self.successResultOf(self.camera.stop_live())
        self.assertNoResult(watching)
        answer = encode_body(RecordKind.ANSWER, 2, {"cmdId": 258, "result": 0})
        self.fake.send(0, answer)
        self.assertEqual(self.successResultOf(watching), "out")
        self.fake.replies[CommandID.START_LIVE] = {"result": 0}
        self.assert_stopped()

    def test_start_that_fails_after_its_stop(self) -> None:
        """Whoever has the live view by then keeps it."""
        self.fake.replies[CommandID.START_LIVE] = None
        first = self.task(self.watch())
        second = self.task(self.watch())
        self.successResultOf(self.camera.stop_live())
        self.assertEqual(self.fake.numbers(), [258, 259, 258])
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertEqual(self.fake.numbers(), [258, 259, 258])
        second.cancel()
        self.failureResultOf(second, CancelledError)
        self.assertEqual(self.fake.numbers(), [258, 259, 258, 259])

    def test_closed(self) -> None:
        """After close() it ends as well."""
        watching = self.task(self.watch())
        self.fake.replies[CommandID.LOGOUT] = {"result": 0}
        self.successResultOf(self.camera.close())
        self.assertEqual(self.successResultOf(watching), "out")

    def test_lost(self) -> None:
        """When the session is lost, that is raised; nobody is told anything any more."""
        watching = self.task(self.watch())
        self.send(unit(b"1"))
        self.session.end(SessionLost(7.0))
        self.failureResultOf(watching, SessionLost)
        self.assertEqual((len(self.seen), self.fake.numbers()), (1, [258]))
        self.failureResultOf(self.task(self.watch()), SessionLost)

    def test_refused(self) -> None:
        """A no is raised, and leaves the channel to the next."""
        self.fake.replies[CommandID.START_LIVE] = {"result": -1}
        self.failureResultOf(self.task(self.watch()), CommandRejected)
        self.assertEqual(self.fake.numbers(), [258])
        self.fake.replies[CommandID.START_LIVE] = {"result": 0}
        self.send(unit(b"1"))
        watching = self.task(self.watch())
        self.send(unit(b"2"))
        self.assertEqual([frame.unit for frame in self.seen], [unit(b"2")])
        watching.cancel()
        self.failureResultOf(watching, CancelledError)

    def test_second(self) -> None:
        """A second loop waits for the end of the first, and gets frames of its own only."""
        first = self.task(self.watch())
        second = self.task(self.watch())
        self.send(unit(b"1"))
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertEqual(self.fake.numbers(), [258, 259, 258])
        self.send(unit(b"2"))
        self.assertEqual([frame.unit for frame in self.seen], [unit(b"1"), unit(b"2")])
        self.session.end(SessionClosed("over"))
        self.failureResultOf(second, SessionClosed)

    def test_slow_loop(self) -> None:
        """A loop that is busy misses frames, and is told how many."""

        async def slow() -> None:
            async for frame in self.camera.live(most_waiting=2):
                self.seen.append(frame)
                await busy

        busy: Deferred[None] = Deferred()
        watching = self.task(slow())
        self.send(*[unit(b"%d" % number) for number in range(9)])
        self.send(unit(b"K"), key=1)
        self.assertFalse(self.session.channels[1].paused)
        busy.callback(None)
        self.assertEqual([frame.dropped for frame in self.seen], [0, 8])
        self.assertEqual(self.seen[-1].unit, unit(b"K"))
        watching.cancel()
        self.failureResultOf(watching, CancelledError)
