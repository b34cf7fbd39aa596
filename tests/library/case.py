"""What the tests of runs share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.library.fakes import STEP, FakeCamera, Notes, content, photo
from trailcam.library.saver import Settings
from trailcam.library.summary import Summary
from trailcam.library.sync import sync
from trailcam.model import MediaItem

UTC = Settings(utc=True)
_MOST_STEPS = 10_000


class LibraryTestCase(SynchronousTestCase):
    """A clock, a camera with three photos, and a folder on the real disk."""

    def setUp(self) -> None:
        """Make them."""
        self.clock = Clock()
        self.items = [photo(3), photo(2), photo(1)]
        self.camera = FakeCamera(self.clock, self.items)
        self.directory = Path(self.mktemp()).resolve()
        self.notes = Notes()

    def start(self, settings: Settings = UTC, **options: Any) -> Deferred[Summary]:
        """Begin a run."""
        options.setdefault("observer", self.notes)
        return sync(self.camera, self.directory, clock=self.clock, settings=settings, **options)

    def settle(self, work: Deferred[Any]) -> None:
        """Let time go by until ``work`` is over."""
        for _ in range(_MOST_STEPS):
            if work.called and not work.paused:
                return
            self.clock.advance(STEP)
        self.fail("it never ends")

    def run_once(self, settings: Settings = UTC, **options: Any) -> Summary:
        """A run to its end."""
        work = self.start(settings, **options)
        self.settle(work)
        return self.successResultOf(work)

    def fails(self, work: Deferred[Any], *kinds: type[Exception]) -> str:
        """The words that ``work`` fails with."""
        self.settle(work)
        return str(self.failureResultOf(work, *kinds).value)

    def files(self) -> dict[str, bytes]:
        """What people see in the folder."""
        return {
            path.relative_to(self.directory).as_posix(): path.read_bytes()
            for path in sorted(self.directory.rglob("*"))
            if path.is_file() and ".trailcam" not in path.as_posix()
        }

    def index(self) -> list[dict[str, Any]]:
        """What the index says."""
        files = json.loads((self.directory / ".trailcam.json").read_text())["files"]
        assert isinstance(files, list)
        return files

    def expected(self, *items: MediaItem) -> dict[str, bytes]:
        """These items under their own names."""
        return {f"{item.directory}/{item.name}": content(item) for item in items}

    def parts(self) -> list[Path]:
        """What is not whole."""
        return list((self.directory / ".trailcam-partial").iterdir())
