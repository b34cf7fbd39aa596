"""A camera in memory, and who notes what is said of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.errors import MediaNotFound, SessionError, SessionLost
from trailcam.interfaces import ICamera
from trailcam.library.observer import SyncObserver
from trailcam.library.summary import Summary
from trailcam.model import Credentials, MediaItem

#: Seconds from one step of the camera to the next.
STEP = 0.1

#: 2025-12-23 22:12:18 by the camera's clock.
TIME = 1766527938


def photo(number: int, **changes: Any) -> MediaItem:
    """A photo that is the newer the higher its number."""
    values = {"kind": 0, "directory": 100, "media_id": 1000 + number, "time": TIME + number}
    return MediaItem(number=number, **{**values, **changes})


def content(item: MediaItem) -> bytes:
    """What the camera has of an item; no two are alike."""
    return b"\xff\xd8" + repr(item).encode() * 3 + b"\xff\xd9"


@implementer(ICamera)
class FakeCamera:
    """
    Has a card, and does one step of one thing every :data:`STEP` seconds.

    :ivar items: the card.
    :ivar faults: for each item, what its next downloads end with after half of the octets;
        ``None`` for nothing.
    :ivar asked: the items that were asked for.
    :ivar commands: the commands that were sent.
    :ivar deleted: the items that were deleted.
    :ivar lost: whether every step fails because the session is over.
    """

    def __init__(self, clock: Clock, items: Sequence[MediaItem] = ()) -> None:
        self.clock = clock
        self.items = list(items)
        self.faults: dict[MediaItem, list[Exception | None]] = defaultdict(list)
        self.asked: list[MediaItem] = []
        self.commands: list[tuple[int, dict[str, Any]]] = []
        self.deleted: list[MediaItem] = []
        self.answers: dict[int, dict[str, Any] | Exception] = {}
        self.lists = self.cancelled = self.closed = 0
        self.lost = False
        self.media_problem: Exception | None = None
        self._waiters: list[Deferred[SessionError | None]] = []

    def login(self, credentials: Credentials) -> Deferred[dict[str, Any]]:
        """Lets everybody in."""
        return self._later(lambda: {"result": 0})

    def command(
        self, number: int, *, timeout: float = 10.0, **members: Any
    ) -> Deferred[dict[str, Any]]:
        """Answers what ``answers`` says."""
        self.commands.append((number, members))
        return self._later(lambda: _or_raise(self.answers.get(number, {"result": 0})))

    def info(self) -> Deferred[dict[str, Any]]:
        """Few words."""
        return self._later(lambda: {"modelName": "TC\x1b[31m", "batPercent": 80, "capability": {}})

    def media(self) -> Deferred[list[MediaItem]]:
        """The card."""
        self.lists += 1
        return self._later(lambda: _or_raise(self.media_problem or list(self.items)))

    def thumbnails(self, items: Sequence[MediaItem]) -> Deferred[dict[MediaItem, bytes]]:
        """All but those with a fault."""
        return self._later(lambda: {i: content(i)[:9] for i in items if not self.faults[i]})

    def download(
        self,
        item: MediaItem,
        consumer: Any,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Deferred[int]:
        """Two pieces, one each step."""
        self.asked.append(item)
        whole = content(item)
        half = len(whole) // 2
        pieces = [whole[:half], whole[half:]]
        faults = self.faults[item]
        fault = faults.pop(0) if faults else None
        if item not in self.items:
            fault = MediaNotFound("it is not on the card")
        written = 0

        def step() -> None:
            nonlocal written
            if result.called:
                return
            if self.lost:
                result.errback(SessionLost(7.0))
            elif fault is not None and len(pieces) == 1:
                result.errback(fault)
            elif pieces:
                piece = pieces.pop(0)
                written += len(piece)
                consumer.write(piece)
                if result.called:
                    return
                if progress is not None:
                    progress(written, len(whole))
                self.clock.callLater(STEP, step)
            else:
                result.callback(written)

        result: Deferred[int] = Deferred(self._cancel)
        self.clock.callLater(STEP, step)
        return result

    def delete(self, item: MediaItem) -> Deferred[None]:
        """Takes it off the card, unless it has a fault."""

        def act() -> None:
            faults = self.faults[item]
            _or_raise(faults.pop(0) if faults else None)
            self.items.remove(item)
            self.deleted.append(item)

        return self._later(act)

    def when_closed(self) -> Deferred[SessionError | None]:
        """Fires with :meth:`lose`."""
        waiter: Deferred[SessionError | None] = Deferred()
        self._waiters.append(waiter)
        return waiter

    def lose(self) -> None:
        """The session is over, and who waits for that hears of it at once."""
        self.lost = True
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(SessionLost(7.0))

    def close(self) -> Deferred[None]:
        """Takes a step even when the session is lost."""

        def ended() -> None:
            self.closed += 1
            result.callback(None)

        result: Deferred[None] = Deferred(self._cancel)
        self.clock.callLater(STEP, ended)
        return result

    def _later(self, act: Callable[[], Any]) -> Deferred[Any]:
        def step() -> None:
            if result.called:
                return
            try:
                answer = _or_raise(SessionLost(7.0)) if self.lost else act()
            except Exception:
                result.errback(Failure())
            else:
                result.callback(answer)

        result: Deferred[Any] = Deferred(self._cancel)
        self.clock.callLater(STEP, step)
        return result

    def _cancel(self, _: Deferred[Any]) -> None:
        self.cancelled += 1


def _or_raise(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


class Notes(SyncObserver):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.closed = 0

    def planned(self, total: int) -> None:
        """Note it."""
        self.heard.append(("planned", total))

    def began(self, item: MediaItem) -> None:
        """Note it."""
        self.heard.append(("began", item))

    def advanced(self, item: MediaItem, octets: int, total: int | None) -> None:
        """Note it."""
        self.heard.append(("advanced", item, octets, total))

    def finished(self, item: MediaItem, path: Path) -> None:
        """Note it."""
        self.heard.append(("finished", item, path))

    def skipped(self, item: MediaItem, path: Path) -> None:
        """Note it."""
        self.heard.append(("skipped", item, path))

    def failed(self, item: MediaItem, reason: str) -> None:
        """Note it."""
        self.heard.append(("failed", item, reason))

    def reconnecting(self, reason: str, pause: float) -> None:
        """Note it."""
        self.heard.append(("reconnecting", reason, pause))

    def passed(self, summary: Summary) -> None:
        """Note it."""
        self.heard.append(("passed", summary))

    def broken_off(self, summary: Summary) -> None:
        """Note it."""
        self.heard.append(("broken off", summary))

    def close(self) -> None:
        """Count it."""
        self.closed += 1

    def of(self, word: str) -> list[Any]:
        """The first argument of each event of one kind."""
        return [event[1] for event in self.heard if event[0] == word]
