"""One run over one connection."""

from __future__ import annotations

import os
import time
from unittest import mock

from twisted.internet.defer import CancelledError

from tests.connect.logs import LogCapture
from tests.library.case import UTC, LibraryTestCase
from tests.library.fakes import STEP, TIME, FakeCamera, content, photo
from trailcam.errors import (
    CommandRejected,
    CommandTimeout,
    LoginRejected,
    MediaNotFound,
    MediaTruncated,
    SessionLost,
)
from trailcam.interfaces import ICamera
from trailcam.library.saver import Settings
from trailcam.model import MediaItem


class SyncTests(LibraryTestCase):
    """What a run does when all is well."""

    def test_fake(self) -> None:
        """The fake is a camera."""
        self.assertTrue(ICamera.providedBy(self.camera))

    def test_all(self) -> None:
        """Everything is fetched, the newest first, and named as on the card."""
        summary = self.run_once()
        self.assertEqual(self.files(), self.expected(*self.items))
        self.assertEqual(self.camera.asked, self.items)
        self.assertEqual((summary.new, summary.present, summary.status), (3, 0, 0))
        self.assertEqual(summary.octets, sum(len(content(item)) for item in self.items))
        self.assertAlmostEqual(summary.seconds, 10 * STEP)
        self.assertEqual(self.parts(), [])

    def test_again(self) -> None:
        """What is there is not fetched again; what is new is."""
        self.run_once()
        self.camera.items.insert(0, photo(4))
        summary = self.run_once()
        self.assertEqual((summary.new, summary.present), (1, 3))
        self.assertEqual(self.camera.asked, [*self.items, photo(4)])
        self.assertEqual(self.notes.of("skipped"), self.items)

    def test_newest_first(self) -> None:
        """Whatever the order of the list."""
        self.camera.items.reverse()
        self.run_once()
        self.assertEqual(self.camera.asked, self.items)

    def test_empty_card(self) -> None:
        """Nothing to do is done."""
        self.camera.items.clear()
        self.assertEqual(self.run_once().new, 0)
        self.assertEqual(self.files(), {})

    def test_duplicates(self) -> None:
        """An item that is listed twice is one."""
        self.camera.items += self.items
        self.assertEqual(self.run_once().new, 3)

    def test_observer(self) -> None:
        """Everything is told, in order."""
        self.camera.items[:] = [photo(1)]
        summary = self.run_once()
        path = self.directory / "100" / "DSCF0001.JPG"
        whole = len(content(photo(1)))
        self.assertEqual(
            self.notes.heard,
            [
                ("planned", 1),
                ("began", photo(1)),
                ("advanced", photo(1), whole // 2, whole),
                ("advanced", photo(1), whole, whole),
                ("finished", photo(1), path),
                ("passed", summary),
            ],
        )
        self.assertEqual(self.notes.closed, 1)

    def test_deleted(self) -> None:
        """What people deleted stays deleted, unless they want it back."""
        self.run_once()
        (self.directory / "100" / "DSCF0002.JPG").unlink()
        self.assertEqual(self.run_once().new, 0)
        self.assertEqual(self.run_once(Settings(utc=True, restore=True)).new, 1)
        self.assertEqual(self.files(), self.expected(*self.items))

    def test_edited(self) -> None:
        """What people changed stays as it is."""
        self.run_once()
        path = self.directory / "100" / "DSCF0002.JPG"
        path.write_bytes(b"cropped")
        self.run_once()
        self.assertEqual(path.read_bytes(), b"cropped")

    def test_link_to_the_folder(self) -> None:
        """The folder itself may be a link: who named it wants it."""
        self.directory.mkdir()
        link = self.directory.with_name("link")
        link.symlink_to(self.directory)
        self.addCleanup(link.unlink)
        work = self.start()
        self.directory, real = link, self.directory
        self.settle(work)
        self.directory = real
        self.assertEqual(len(self.files()), 3)


class TimeTests(LibraryTestCase):
    """The time of a file."""

    def made(self, settings: Settings) -> float:
        """When the file of the first photo says it was made."""
        self.camera.items[:] = [photo(0)]
        self.run_once(settings)
        return (self.directory / "100" / "DSCF0000.JPG").stat().st_mtime

    def test_utc(self) -> None:
        """A clock that shows UTC is taken at its word."""
        self.assertEqual(self.made(UTC), TIME)

    def test_local(self) -> None:
        """Otherwise the file's local time is what the camera's clock showed."""
        self.addCleanup(time.tzset)
        with mock.patch.dict(os.environ, TZ="Europe/Berlin"):
            time.tzset()
            made = self.made(Settings())
            self.assertEqual(time.localtime(made)[:6], time.gmtime(TIME)[:6])
            self.assertEqual(made, TIME - 3600)


class FailureTests(LibraryTestCase):
    """Items that cannot be fetched."""

    def test_counted(self) -> None:
        """They are counted, with reasons, and the rest is carried on."""
        self.camera.faults[photo(3)] = [MediaNotFound("it is gone\x1b[2J\n")]
        self.camera.faults[photo(2)] = [CommandRejected("no", 1285, -1)]
        summary = self.run_once()
        self.assertEqual(self.files(), self.expected(photo(1)))
        self.assertEqual(
            [(f.name, f.reason, f.code) for f in summary.failed],
            [
                ("100/DSCF0003.JPG", "it is gone\\x1b[2J", "media_not_found"),
                ("100/DSCF0002.JPG", "no", "command_rejected"),
            ],
        )
        self.assertEqual((summary.new, summary.status), (1, 1))
        self.assertEqual(self.parts(), [])
        self.assertEqual(self.run_once().new, 2)

    def test_truncated(self) -> None:
        """An incomplete one is fetched again, three times at most."""
        self.camera.faults[photo(3)] = [MediaTruncated("short")] * 3
        self.camera.faults[photo(2)] = [MediaTruncated("short")] * 4
        summary = self.run_once()
        self.assertEqual(self.files(), self.expected(photo(3), photo(1)))
        self.assertEqual(len(self.camera.asked), 4 + 4 + 1)
        self.assertEqual([f.code for f in summary.failed], ["media_truncated"])

    def test_no_answers(self) -> None:
        """One command without an answer fails an item; three in a row end the run."""
        self.camera.faults[photo(3)] = [CommandTimeout("silence")]
        self.assertEqual(len(self.run_once().failed), 1)
        self.camera.items[:] = [photo(n) for n in (9, 8, 7, 6)]
        for item in self.camera.items:
            self.camera.faults[item] = [CommandTimeout("silence")]
        self.fails(self.start(), CommandTimeout)
        self.assertNotIn(photo(6), self.camera.asked)

    def test_login_over(self) -> None:
        """A camera that wants a login again ends the run."""
        self.camera.faults[photo(3)] = [LoginRejected("who are you?", -1)]
        self.fails(self.start(), LoginRejected)

    def test_no_list(self) -> None:
        """Without a list there is no run."""
        self.camera.media_problem = CommandRejected("no card", 768, -1)
        self.assertEqual(self.fails(self.start(), CommandRejected), "no card")

    def test_session_lost(self) -> None:
        """A lost session comes out, and what was fetched stays."""
        self.camera.faults[photo(2)] = [SessionLost(7.0)]
        self.fails(self.start(), SessionLost)
        self.assertEqual(self.files(), self.expected(photo(3)))
        self.assertEqual(self.notes.closed, 1)
        self.assertEqual(self.run_once().new, 2)

    def test_bug(self) -> None:
        """What nobody expects is hidden by nobody."""
        self.camera.faults[photo(3)] = [ZeroDivisionError()]
        self.fails(self.start(), ZeroDivisionError)
        self.assertEqual(self.parts(), [])


class HostileTests(LibraryTestCase):
    """Lists that no card has."""

    def test_impossible(self) -> None:
        """Items that cannot be named are refused, and the rest is carried on."""
        impossible = [
            photo(2**40),
            photo(-1),
            photo(1, directory=-5),
            photo(1, directory=2**40),
            photo(1, kind=2**70),
            photo(10**5000),
        ]
        self.camera.items += impossible
        summary = self.run_once()
        self.assertEqual(self.files(), self.expected(*self.items))
        self.assertEqual([f.item for f in summary.failed], impossible)
        self.assertEqual({f.code for f in summary.failed}, {"refused"})
        self.assertTrue(all(len(f.reason) < 200 for f in summary.failed))

    def test_odd(self) -> None:
        """Odd times, ids and kinds are no reason to lose a picture."""
        odd = [
            photo(11, time=-1),
            photo(12, time=0),
            photo(13, time=2**40, media_id=-3),
            photo(14, media_id=2**64),
            photo(15, kind=77),
        ]
        self.camera.items[:] = odd
        self.assertEqual(self.run_once().new, 5)
        self.assertEqual(self.files(), self.expected(*odd))
        self.assertIn("100/DSCF0015.BIN", self.files())
        self.assertEqual(self.run_once().new, 0)

    def test_nothing(self) -> None:
        """A picture of no octets is none."""
        self.patch(FakeCamera, "download", lambda *_: _fired(0))
        self.assertEqual([f.code for f in self.run_once().failed], ["media_truncated"] * 3)
        self.assertEqual(self.files(), {})


class ReusedNumberTests(LibraryTestCase):
    """Numbers begin anew when a card is formatted."""

    def test_reused(self) -> None:
        """The later one gets its time into its name; both stay."""
        self.run_once()
        later = photo(2, media_id=7, time=TIME + 5000)
        self.camera.items[:] = [later]
        self.assertEqual(self.run_once().new, 1)
        self.assertEqual(
            self.files(),
            self.expected(*self.items) | {f"100/DSCF0002-{TIME + 5000}.JPG": content(later)},
        )

    def test_same_time(self) -> None:
        """Even two of one time are two."""
        same = [photo(1), photo(1, media_id=8), photo(1, media_id=9)]
        self.camera.items[:] = same
        self.assertEqual(self.run_once().new, 3)
        self.assertEqual(
            list(self.files()),
            [
                f"100/DSCF0001-{TIME + 1}-2.JPG",
                f"100/DSCF0001-{TIME + 1}.JPG",
                "100/DSCF0001.JPG",
            ],
        )
        self.assertEqual(set(self.files().values()), set(map(content, same)))
        self.assertEqual(self.run_once().new, 0)

    def test_without_time(self) -> None:
        """Nor does it take a time."""
        self.camera.items[:] = [photo(1, time=0), photo(1, time=0, media_id=8)]
        self.assertEqual(self.run_once().new, 2)
        self.assertEqual(list(self.files()), ["100/DSCF0001-2.JPG", "100/DSCF0001.JPG"])

    def test_foreign_file(self) -> None:
        """A file of somebody else is not touched."""
        folder = self.directory / "100"
        folder.mkdir(parents=True)
        (folder / "DSCF0001.JPG").write_bytes(b"mine")
        self.run_once()
        self.assertEqual((folder / "DSCF0001.JPG").read_bytes(), b"mine")
        self.assertEqual((folder / f"DSCF0001-{TIME + 1}.JPG").read_bytes(), content(photo(1)))

    def test_name_of_a_deleted_one(self) -> None:
        """A name that was given once stays given."""
        self.run_once()
        (self.directory / "100" / "DSCF0002.JPG").unlink()
        self.camera.items[:] = [photo(2, media_id=7)]
        self.run_once()
        self.assertNotIn("100/DSCF0002.JPG", self.files())

    def test_photo_and_video(self) -> None:
        """One number, two kinds: two files."""
        self.camera.items[:] = [photo(1), photo(1, kind=1)]
        self.assertEqual(self.run_once().new, 2)
        self.assertEqual(list(self.files()), ["100/DSCF0001.JPG", "100/DSCF0001.h264"])


class IndexTests(LibraryTestCase):
    """An index that is not what it should be."""

    def setUp(self) -> None:
        """A folder that is complete."""
        super().setUp()
        self.run_once()
        self.path = self.directory / ".trailcam.json"
        self.camera.asked.clear()
        self.log = LogCapture(self)

    def test_content(self) -> None:
        """It says what is which file."""
        self.assertEqual(
            self.index()[0],
            {
                "kind": 0,
                "directory": 100,
                "number": 3,
                "media_id": 1003,
                "time": TIME + 3,
                "name": "100/DSCF0003.JPG",
                "size": len(content(photo(3))),
            },
        )

    def test_missing(self) -> None:
        """It is made anew from the files."""
        before = self.index()
        self.path.unlink()
        self.assertEqual((self.run_once().new, self.index()), (0, before))
        self.assertEqual(self.log.lines(), [])

    def test_damaged(self) -> None:
        """So is one that is damaged, which is said once."""
        before = self.index()
        file = (
            '{"version":1,"files":[{"kind":0,"directory":1,"number":1,"media_id":1,"time":1,%s}]}'
        )
        for damage in (
            b"",
            b"\0" * 1000,
            b"[1]",
            b"{" * 100_000,
            b'{"version": 2, "files": []}',
            b'{"version": 1, "files": {}}',
            b'{"version": 1, "files": [7]}',
            (file % '"size":1,"name":"../../evil"').encode(),
            (file % '"size":-1,"name":"100/DSCF0001.JPG"').encode(),
            (file % '"size":true,"name":"100/DSCF0001.JPG"').encode(),
            self.path.read_bytes()[:-9],
        ):
            self.path.write_bytes(damage)
            self.log.clear()
            self.assertEqual((self.run_once().new, self.index()), (0, before))
            self.assertEqual(len(self.log.lines()), 1, damage[:50])
        self.assertIn("damaged", self.log.lines()[0])

    def test_rebuilt_for_namesakes(self) -> None:
        """Files whose names have a time are found, too."""
        self.camera.items += [photo(2, media_id=7, time=TIME + 500)]
        self.run_once()
        before = self.files()
        self.path.unlink()
        self.assertEqual((self.run_once().new, self.files()), (0, before))

    def test_other_time(self) -> None:
        """A file of another time is another picture: both are kept."""
        self.path.unlink()
        os.utime(self.directory / "100" / "DSCF0002.JPG", (5, 5))
        self.assertEqual(self.run_once().new, 1)
        self.assertEqual(len(self.files()), 4)

    def test_empty_file(self) -> None:
        """A file of no octets is no picture."""
        self.path.unlink()
        path = self.directory / "100" / "DSCF0002.JPG"
        path.write_bytes(b"")
        os.utime(path, (TIME + 2, TIME + 2))
        self.assertEqual(self.run_once().new, 1)


class CancelTests(LibraryTestCase):
    """Ctrl-C, at every step."""

    def test_every_step(self) -> None:
        """Nothing partial has a final name, and the next run goes on."""
        home = self.directory
        for steps in range(10):
            self.directory = home / str(steps)
            self.camera = FakeCamera(self.clock, self.items)
            work = self.start()
            for _ in range(steps):
                self.clock.advance(STEP)
            work.cancel()
            self.failureResultOf(work, CancelledError)
            self.assertEqual(self.camera.cancelled, 1)
            self.assertLessEqual(self.files().items(), self.expected(*self.items).items())
            self.assertEqual(self.parts(), [])
            before = len(self.files())
            if before:
                self.assertEqual(len(self.index()), before)
            summary = self.run_once()
            self.assertEqual((summary.new, summary.present), (3 - before, before))
            self.assertEqual(self.files(), self.expected(*self.items))

    def test_last_step(self) -> None:
        """The range above is that of a run."""
        work = self.start()
        for _ in range(9):
            self.clock.advance(STEP)
        self.assertNoResult(work)
        self.clock.advance(STEP)
        self.successResultOf(work)


class WatchTests(LibraryTestCase):
    """Staying."""

    def test_watch(self) -> None:
        """New ones are fetched when they come, until it is cancelled."""
        work = self.start(watch=60.0)
        self.clock.pump([STEP] * 10)
        self.assertEqual(len(self.notes.of("passed")), 1)
        self.camera.items.insert(0, photo(4))
        self.clock.advance(59.0)
        self.assertEqual(self.camera.lists, 1)
        self.clock.pump([1.0] + [STEP] * 10)
        self.assertEqual(self.files(), self.expected(photo(4), *self.items))
        summary = self.notes.of("passed")[-1]
        self.assertEqual((summary.new, summary.present), (4, 0))
        work.cancel()
        self.failureResultOf(work, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_failing_item(self) -> None:
        """One that fails again and again is told once, and fetched when it works."""
        item = photo(3)
        self.camera.faults[item] = [MediaNotFound("gone")] * 3
        work = self.start(watch=60.0)
        for _ in range(5):
            self.clock.pump([STEP] * 20 + [60.0])
        self.assertEqual(self.notes.of("failed"), [item])
        self.assertEqual(self.notes.of("passed")[-1].status, 0)
        work.cancel()
        self.failureResultOf(work, CancelledError)


class VeryHostileItemTests(LibraryTestCase):
    """Values that are no integers at all."""

    def test_no_integers(self) -> None:
        """A camera's text never gets into a name."""
        self.camera.items[:] = [
            MediaItem(0, 100, "../../evil"),  # type: ignore[arg-type]
            MediaItem(0, True, 5),
            MediaItem(0, 1.5, 5),  # type: ignore[arg-type]
        ]
        self.assertEqual(len(self.run_once().failed), 3)
        self.assertEqual(self.files(), {})


def _fired(value: int) -> object:
    from twisted.internet.defer import succeed

    return succeed(value)
