"""
A camera that does what a test says, at the other end of a session that is not there.

What both sides write has the framing of the protocol; nothing of it goes through a network.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from trailcam.artemis.commands import CommandID, decode_body, encode_body
from trailcam.artemis.crypto import encipher_pages
from trailcam.artemis.files import FILE_HEAD_SIZE
from trailcam.artemis.media import FRAME_HEAD_SIZE
from trailcam.artemis.record import BANNER, Record, RecordDecoder, RecordKind
from trailcam.camera.camera import Camera
from trailcam.errors import ChannelClosed, SessionError
from trailcam.interfaces import IChannel, IChannelReader, ISession
from trailcam.model import Credentials, MediaItem, MediaKind

TOKEN = 58277887
WALL_CLOCK = 1766228620.75

#: How the fake camera answers: with members, or with what a function makes of the command.
Reply = dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any] | None] | None


@implementer(IChannel)
class FakeChannel:
    """
    One channel, seen from both ends.

    :ivar written: what the client wrote.
    :ivar paused: whether the client wants nothing for now.
    :ivar kept: what waits meanwhile.
    :ivar on_write: called with what the client writes.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.written = b""
        self.paused = False
        self.pauses = 0
        self.stopped = False
        self.over = False
        self.kept = b""
        self.on_write: Callable[[bytes], None] = lambda data: None
        self.reader: IChannelReader | None = None
        self.producer: Any = None

    def attach(self, reader: IChannelReader) -> None:
        """Give what was kept."""
        verifyObject(IChannelReader, reader)
        self.reader = reader
        self._give()

    def write(self, data: bytes) -> None:
        """From the client to the camera."""
        if self.over:
            raise ChannelClosed("the session has ended")
        self.written += data
        self.on_write(data)

    def feed(self, data: bytes) -> None:
        """From the camera to the client."""
        if not self.over and not self.stopped:
            self.kept += data
            self._give()

    def end(self, reason: SessionError | None) -> None:
        """The session ends."""
        if not self.over:
            self.over = True
            if self.reader is not None:
                self.reader.channel_closed(reason)

    def pauseProducing(self) -> None:
        """Keep what comes."""
        self.paused = True
        self.pauses += 1

    def resumeProducing(self) -> None:
        """Give what was kept."""
        self.paused = False
        self._give()

    def stopProducing(self) -> None:
        """Throw away what comes."""
        self.stopped = True

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Remember it."""
        self.producer = producer

    def unregisterProducer(self) -> None:
        """Forget it."""
        self.producer = None

    def _give(self) -> None:
        while self.reader is not None and self.kept and not self.paused:
            data, self.kept = self.kept, b""
            self.reader.data_received(data)


@implementer(ISession)
class FakeSession:
    """Eight channels and an end."""

    def __init__(self) -> None:
        self.state = "established"
        self.channels = [FakeChannel(number) for number in range(8)]
        self.closes = 0
        self._waiters: list[Deferred[SessionError | None]] = []

    def channel(self, number: int) -> FakeChannel:
        """One of the eight."""
        if not 0 <= number < len(self.channels):
            raise ValueError(f"there is no channel {number}")
        return self.channels[number]

    def when_closed(self) -> Deferred[SessionError | None]:
        """Fires after :meth:`end`."""
        waiter: Deferred[SessionError | None] = Deferred()
        self._waiters.append(waiter)
        return waiter

    def close(self) -> Deferred[None]:
        """End it."""
        self.closes += 1
        self.end(None)
        return succeed(None)

    def end(self, reason: SessionError | None) -> None:
        """The session ends, for whatever reason."""
        self.state = "closed" if reason is None else "lost"
        for channel in self.channels:
            channel.end(reason)
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(reason)


class FakeCamera:
    """
    Reads what the client writes, and answers.

    :ivar commands: number of the record, and its JSON object, without heartbeats.
    :ivar heartbeats: the same for heartbeats.
    :ivar replies: what is answered at once, by ``cmdId``; a number that is missing waits for
        :meth:`answer`.
    """

    def __init__(self, session: FakeSession) -> None:
        self.session = session
        self.commands: list[tuple[int, dict[str, Any]]] = []
        self.heartbeats: list[tuple[int, dict[str, Any]]] = []
        self.replies: dict[int, Reply] = {
            CommandID.LOGIN: {"result": 0, "token": TOKEN, "bat_percent": 80, "errorMsg": "Success"}
        }
        self._decoder = RecordDecoder()
        session.channels[0].on_write = self._read

    def greet(self) -> None:
        """Begin channel 0."""
        self.session.channels[0].feed(BANNER)

    def answer(self, sequence: int, **members: Any) -> None:
        """Send an answer, with its 21 NULs."""
        self.send(0, encode_body(RecordKind.ANSWER, sequence, members))

    def send(self, channel: int, *records: Record) -> None:
        """Send records, all in one."""
        self.session.channels[channel].feed(b"".join(record.to_bytes() for record in records))

    def asked(self, number: int) -> list[dict[str, Any]]:
        """The members of all commands of a kind, without number and token."""
        return [
            {key: value for key, value in body.items() if key not in ("cmdId", "token")}
            for _, body in self.commands
            if body["cmdId"] == number
        ]

    def numbers(self) -> list[int]:
        """The ``cmdId`` of all commands."""
        return [body["cmdId"] for _, body in self.commands]

    def _read(self, data: bytes) -> None:
        for record in self._decoder.feed(data):
            body = decode_body(record)
            if body["cmdId"] == CommandID.HEARTBEAT:
                self.heartbeats.append((record.sequence, body))
                continue
            self.commands.append((record.sequence, body))
            reply = self.replies.get(body["cmdId"])
            members = reply(body) if callable(reply) else reply
            if members is not None:
                self.answer(record.sequence, **{"cmdId": body["cmdId"], **members})


class CameraTestCase(SynchronousTestCase):
    """A client and a camera; at the end of every test nothing may be left waiting."""

    def setUp(self) -> None:
        """Begin, before the camera has greeted."""
        self.clock = Clock()
        self.clock.advance(100)
        self.begin()

    def begin(self, **arguments: Any) -> None:
        """Begin a session, with these arguments for the client."""
        self.session = FakeSession()
        self.fake = FakeCamera(self.session)
        arguments.setdefault("wall_clock", lambda: WALL_CLOCK)
        self.camera = Camera(self.clock, self.session, **arguments)

    def tearDown(self) -> None:
        """End the session: no timer and no task outlives it."""
        self.session.end(None)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual([channel.producer for channel in self.session.channels], [None] * 8)

    def log_in(self) -> None:
        """Greet, log in, and forget it."""
        self.fake.greet()
        self.successResultOf(self.camera.login(Credentials()))
        self.fake.commands.clear()

    def last(self) -> int:
        """The number of the last command's record."""
        return self.fake.commands[-1][0]


class LiveTestCase(CameraTestCase):
    """A client that is logged in, and a camera that agrees to show its live view."""

    def setUp(self) -> None:
        """Log in."""
        super().setUp()
        self.log_in()
        self.fake.replies[CommandID.START_LIVE] = {"result": 0}
        self.fake.replies[CommandID.STOP_LIVE] = {"result": 0}


def photo(number: int = 318, directory: int = 100) -> MediaItem:
    """An item."""
    return MediaItem(MediaKind.PHOTO, directory, number)


def video(number: int = 319, directory: int = 100) -> MediaItem:
    """Another one."""
    return MediaItem(MediaKind.VIDEO, directory, number)


def photos(count: int) -> list[MediaItem]:
    """Many of them, newest first."""
    return [photo(number) for number in range(count, 0, -1)]


def entry(item: MediaItem, **changes: Any) -> dict[str, Any]:
    """How the list tells of an item."""
    return {
        "fileType": int(item.kind),
        "mediaDirNum": item.directory,
        "mediaNum": item.number,
        "durationMs": round(item.duration * 1000),
        "mediaId": item.media_id,
        "mediaTime": item.time,
        **changes,
    }


def jpeg(size: int = 300, fill: bytes = b"j") -> bytes:
    """What begins as a JPEG does."""
    return b"\xff\xd8\xff\xe0".ljust(size, fill)


def file_record(
    kind: RecordKind,
    item: MediaItem,
    data: bytes,
    sequence: int = 1,
    length: int | None = None,
    end: bytes | None = None,
) -> Record:
    """A thumbnail or a photo; ``end`` is how its head says that it ends."""
    promised = len(data) if length is None else length
    check = data[-8:] if end is None else end
    head = struct.pack(
        "<32sHHI8sI", b"00:11:22:33:44:55", item.directory, item.number, promised, check, 0
    )
    return Record(kind, sequence, head.ljust(FILE_HEAD_SIZE, b"\0") + data)


def frame_record(
    video: bytes = b"",
    audio: bytes = b"",
    *,
    kind: RecordKind = RecordKind.PLAYBACK,
    timestamp: int = 0,
    key: int = 0,
    frame_type: int = 0,
    session: int = 1,
    sequence: int = 1,
) -> Record:
    """A frame, with its data enciphered."""
    head = struct.pack(
        "<QQ9I",
        sequence,
        timestamp,
        len(video),
        len(audio),
        key,
        1920 if video else 0,
        1080 if video else 0,
        0,
        frame_type,
        0,
        session,
    )
    data = encipher_pages(video + audio)
    return Record(kind, sequence, head.ljust(FRAME_HEAD_SIZE, b"\0") + data)


def unit(fill: bytes, size: int = 5000) -> bytes:
    """An access unit."""
    return b"\0\0\0\1\x41".ljust(size, fill)


class FakeConsumer:
    """
    An IConsumer.

    :ivar limit: octets after which it pauses its producer; ``None`` for never.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.written = b""
        self.limit = limit
        self.producer: Any = None
        self.unregistered = 0

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Remember it."""
        if self.producer is not None:
            raise RuntimeError("there is one already")
        self.producer = producer

    def unregisterProducer(self) -> None:
        """Forget it."""
        self.producer = None
        self.unregistered += 1

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.written += data
        if self.limit is not None and len(self.written) >= self.limit:
            self.limit = None
            self.producer.pauseProducing()


class FakeSink:
    """A VideoSink that keeps everything."""

    def __init__(self) -> None:
        self.got: list[tuple[Any, ...]] = []

    def head(self, head: Any) -> None:
        """Keep it."""
        self.got.append(("head", head))

    def video(self, unit: bytes, timestamp: float, key: bool) -> None:
        """Keep it."""
        self.got.append(("video", unit, timestamp, key))

    def audio(self, frame: bytes, timestamp: float) -> None:
        """Keep it."""
        self.got.append(("audio", frame, timestamp))

    @property
    def kinds(self) -> Sequence[str]:
        """What came."""
        return [each[0] for each in self.got]
