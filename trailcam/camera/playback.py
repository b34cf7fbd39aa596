"""
Videos: fetched by playing them, and the live view; both are frames.

Protocol: the application layer, commands and answers; media records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger
from twisted.python.failure import Failure

from trailcam.artemis.commands import CommandID
from trailcam.artemis.media import Frame, decode_frame
from trailcam.artemis.record import Record, RecordKind
from trailcam.camera.answers import check_item, whole
from trailcam.camera.asking import Asker, requested
from trailcam.camera.photo import Progress
from trailcam.camera.sinks import VideoHead, VideoSink
from trailcam.camera.stream import MediaChannel
from trailcam.camera.transfer import Transfer
from trailcam.errors import CommandRejected, MediaNotFound, MediaTruncated, WireError
from trailcam.model import MediaItem

if TYPE_CHECKING:
    from twisted.internet.interfaces import IConsumer, IReactorTime

#: The frame type that ends a playback.
_LAST = 4

#: How an access unit begins that has nothing to show.
_FILLER = b"\0\0\0\1\1"

#: Time stamps of a second.
PLAYBACK_CLOCK = 1_000
LIVE_CLOCK = 1_000_000

_log = Logger()


class FrameFeed:
    """
    Gives the frames in records to a sink.

    :ivar octets: of video, given so far.
    :ivar frames: of video, that came so far, fillers too.
    :ivar damaged: records that could not be read.
    """

    def __init__(self, sink: VideoSink, clock: int) -> None:
        """:param clock: time stamps of a second."""
        self.octets = 0
        self.frames = 0
        self.damaged = 0
        self._sink = sink
        self._clock = clock

    def read(self, record: Record) -> Frame | None:
        """The frame in a record; ``None`` when there is none."""
        try:
            return decode_frame(record.payload)
        except WireError as error:
            self.damaged += 1
            _log.debug("unreadable frame {n}: {error}", n=record.sequence, error=error)
            return None

    def give(self, frame: Frame) -> None:
        """Give what is in a frame to the sink."""
        timestamp = frame.head.timestamp / self._clock
        if frame.video:
            self.frames += 1
            if not frame.video.startswith(_FILLER):
                self.octets += len(frame.video)
                self._sink.video(frame.video, timestamp, bool(frame.head.key_frame))
        if frame.audio:
            self._sink.audio(frame.audio, timestamp)


class Playback:
    """Fetches one video."""

    def __init__(
        self, item: MediaItem, sink: VideoSink, session: int, progress: Progress | None
    ) -> None:
        """:param session: a number that no playback of this camera has had before, from 1 on."""
        self._item = item
        self._sink = sink
        self._session = session
        self._progress = progress
        self._feed = FrameFeed(sink, PLAYBACK_CLOCK)
        self._transfer: Transfer | None = None
        self._channel: MediaChannel | None = None
        self._skipped: int | None = None  # by the channel, before our first frame
        self._head = VideoHead(0, 0, 0, 0.0)

    async def fetch(
        self,
        reactor: IReactorTime,
        camera: Asker,
        channel: MediaChannel,
        consumer: IConsumer | None = None,
    ) -> int:
        """
        Ask, and give what comes to the sink; gives the octets of video.

        :param consumer: may pause it.
        """
        async with channel.lock:
            self._channel = channel
            self._transfer = transfer = Transfer(reactor, channel, RecordKind.PLAYBACK, self._take)
            try:
                members = {**requested(self._item), "sessionNo": self._session}
                answer = await camera.ask(CommandID.START_PLAYBACK, members)
                check_item(CommandID.START_PLAYBACK, self._item, answer)
                self._head = read_head(answer)
                self._sink.head(self._head)
                transfer.start(consumer)
                await self._end(transfer)
            except (CommandRejected, MediaNotFound):
                raise
            except Exception:
                camera.tell(CommandID.STOP_PLAYBACK, {})
                raise
            else:
                camera.tell(CommandID.STOP_PLAYBACK, {})
            finally:
                transfer.end()
        return self._feed.octets

    async def _end(self, transfer: Transfer) -> None:
        try:
            await transfer.done
        except MediaTruncated:
            # The mark at the end is known from hearsay; all frames are all frames without it.
            if not 0 < self._head.total_frames <= self._feed.frames:
                raise
        if self._is_damaged():
            raise MediaTruncated(
                f"{self._item.name} came damaged: not all of its frames could be read"
            )
        if self._feed.frames < self._head.total_frames:
            _log.warn(
                "{name} ended after {frames} of {total} frames",
                name=self._item.name,
                frames=self._feed.frames,
                total=self._head.total_frames,
            )

    def _is_damaged(self) -> bool:
        """Whether there was something that is no frame."""
        assert self._channel is not None
        skipped = 0 if self._skipped is None else self._channel.skipped - self._skipped
        return self._feed.damaged > 0 or skipped > 0

    def _take(self, record: Record) -> None:
        frame = self._feed.read(record)
        if frame is None or 0 < frame.head.playback_session < self._session:
            return  # the rest of a playback that was stopped
        if self._skipped is None and self._channel is not None:
            self._skipped = self._channel.skipped
        self._feed.give(frame)
        if self._progress is not None and frame.video:
            self._progress(self._feed.octets, None)
        if frame.head.frame_type == _LAST and self._transfer is not None:
            self._transfer.finish()


def read_head(answer: Mapping[str, Any]) -> VideoHead:
    """What the answer to a start of playback says of the video."""
    return VideoHead(
        width=whole(answer, "videoWidth", 0xFFFF) or 0,
        height=whole(answer, "videoHeight", 0xFFFF) or 0,
        total_frames=whole(answer, "totalFrame") or 0,
        total_time=(whole(answer, "totalTime") or 0) / 1000,
    )


class LiveView:
    """Gives the frames of the live view to a sink until it is ended."""

    def __init__(
        self,
        reactor: IReactorTime,
        channel: MediaChannel,
        sink: VideoSink,
        ended: Callable[[Failure | None], None],
    ) -> None:
        """
        Claim ``channel``, whose lock the caller holds.

        :param ended: called once when no more will come, with the failure if there was one.
        """
        self._sink = sink
        self._feed = FrameFeed(sink, LIVE_CLOCK)
        self._ended = ended
        self._begun = False
        self._transfer = Transfer(reactor, channel, RecordKind.LIVE, self._take, silence=None)
        self._transfer.done.addBoth(self._release)

    def start(self) -> None:
        """Let the frames come."""
        self._transfer.start()

    def stop(self) -> None:
        """Give no more."""
        self._transfer.finish()

    def _take(self, record: Record) -> None:
        frame = self._feed.read(record)
        if frame is None:
            return
        if not self._begun and frame.video:
            self._begun = True
            self._sink.head(VideoHead(frame.head.width, frame.head.height, 0, 0.0))
        self._feed.give(frame)

    def _release(self, outcome: Failure | None) -> None:
        if outcome is not None:
            _log.info("live view ended: {why}", why=outcome.getErrorMessage())
        self._transfer.end()
        self._ended(outcome)
