"""Live view: a video again and again, one picture after the other on the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from trailcam.artemis.media import Frame, FrameHead, encode_frame
from trailcam.artemis.record import Record, RecordKind
from trailcam.simulator.movie import Movie, Packet
from trailcam.simulator.timer import Timer


@implementer(IPushProducer)
class LiveView:
    """
    Writes pictures at the rate of the video; those that come while paused are lost.

    Sound in live view is not known, so there is none.

    :param clock: where time comes from.
    :param movie: what is shown.
    :param write: takes the octets of one record.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime, movie: Movie, write: Callable[[bytes], object]) -> None:
        self._clock = clock
        self._movie = movie
        self._write = write
        self._pictures: Iterator[Packet] = iter(())
        self._tick = Timer(clock, self._show)
        self._number = 0
        self._started_at = 0.0
        self._paused = False
        self._lost = False

    @property
    def running(self) -> bool:
        """Whether pictures are to come."""
        return self._tick.running

    def start(self) -> None:
        """Begin with the next turn; does nothing when it is running."""
        if not self.running:
            self._number = 0
            self._lost = False
            self._started_at = self._clock.seconds()
            self._pictures = self._begin()
            self._tick.start(0)

    def stop(self) -> None:
        """No more pictures."""
        self._tick.stop()
        self._forget()

    def pauseProducing(self) -> None:
        """Lose all pictures until :meth:`resumeProducing`."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Go on, from the next key picture if one was lost."""
        self._paused = False

    def stopProducing(self) -> None:
        """No more pictures: nobody takes them."""
        self.stop()

    def _begin(self) -> Iterator[Packet]:
        return (packet for packet in self._movie.packets() if not packet.audio)

    def _show(self) -> None:
        picture = self._next()
        if picture is None:
            self._forget()
            return
        self._number += 1
        # Counted from the start, so that small delays do not add up.
        due = self._started_at + self._number / self._movie.rate
        self._tick.start(max(0.0, due - self._clock.seconds()))
        self._lost = self._paused or (self._lost and not picture.key)
        if not self._lost:
            self._write(self._record(picture).to_bytes())

    def _next(self) -> Packet | None:
        """The next picture, or the first one again."""
        try:
            picture = next(self._pictures, None)
            if picture is None:
                self._pictures = self._begin()
                picture = next(self._pictures, None)
        except (OSError, ValueError) as error:
            self._log.warn("live view cannot be read: {error}", error=str(error))
            return None
        return picture

    def _record(self, picture: Packet) -> Record:
        elapsed = self._clock.seconds() - self._started_at
        head = FrameHead(
            self._number,
            round(elapsed * 1_000_000),
            len(picture.data),
            key_frame=int(picture.key),
            width=self._movie.width,
            height=self._movie.height,
        )
        payload = encode_frame(Frame(head, picture.data))
        return Record(RecordKind.LIVE, self._number, payload)

    def _forget(self) -> None:
        self._pictures = iter(())
