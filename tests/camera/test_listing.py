"""The list of what is on the card, and deleting from it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.camera.rig import CameraTestCase, entry, photo, photos
from tests.connect.logs import LogCapture
from trailcam.artemis.commands import CommandID
from trailcam.camera.listing import list_media
from trailcam.errors import CommandRejected, MediaNotFound
from trailcam.model import MediaItem, MediaKind


class ListingTests(CameraTestCase):
    """Pages."""

    def setUp(self) -> None:
        """Log in."""
        super().setUp()
        self.log_in()

    def serve(self, *pages: Any) -> None:
        """Answer with these pages, and with the last one for ever."""

        def reply(body: dict[str, Any]) -> dict[str, Any]:
            files = pages[min(body["pageNo"], len(pages) - 1)]
            return {"mediaFiles": files, "cnt": len(files), "getMediaListRet": 0, "result": 0}

        self.fake.replies[CommandID.MEDIA_LIST] = reply

    def listed(self) -> list[MediaItem]:
        """The list."""
        return self.successResultOf(self.camera.media())

    def pages(self) -> list[int]:
        """The pages that were asked for."""
        return [body["pageNo"] for body in self.fake.asked(CommandID.MEDIA_LIST)]

    def test_members(self) -> None:
        """An entry is read with its units."""
        item = MediaItem(MediaKind.VIDEO, 100, 317, 3361310203, 1766527938, 10.333)
        self.serve([entry(item)])
        self.assertEqual(self.listed(), [item])
        self.assertIsInstance(self.listed()[0].kind, MediaKind)
        self.assertEqual(
            self.fake.asked(CommandID.MEDIA_LIST)[0], {"itemCntPerPage": 45, "pageNo": 0}
        )

    def test_pages(self) -> None:
        """All pages are asked for, up to the one that is not full."""
        items = photos(100)
        entries = [entry(item) for item in items]
        self.serve(entries[:45], entries[45:90], entries[90:])
        self.assertEqual(self.listed(), items)
        self.assertEqual(self.pages(), [0, 1, 2])

    def test_last_page_full(self) -> None:
        """After a full last page there is an empty one, the same again, or a refusal."""
        items = photos(45)
        entries = [entry(item) for item in items]
        for pages in ([entries, []], [entries]):
            self.fake.commands.clear()
            self.serve(*pages)
            self.assertEqual(self.listed(), items)
            self.assertEqual(self.pages(), [0, 1])
        self.fake.replies[CommandID.MEDIA_LIST] = lambda body: (
            {"mediaFiles": entries, "result": 0} if body["pageNo"] == 0 else {"getMediaListRet": -1}
        )
        self.assertEqual(self.listed(), items)

    def test_empty(self) -> None:
        """An empty card is no failure."""
        self.serve([])
        self.assertEqual(self.listed(), [])

    def test_refused(self) -> None:
        """A refusal of the first page is one."""
        self.fake.replies[CommandID.MEDIA_LIST] = {"getMediaListRet": -1, "result": 0}
        self.failureResultOf(self.camera.media(), CommandRejected)

    def test_growing(self) -> None:
        """A photo that is taken meanwhile moves the others; none is listed twice."""
        items = photos(60)
        entries = [entry(item) for item in items]
        self.serve(entries[:45], entries[44:])
        self.assertEqual(self.listed(), items)

    def test_hostile(self) -> None:
        """Entries that name no item are left out and counted; other strange members are 0."""
        log = LogCapture(self)
        strange = [-1, 2**16, 2**70, True, None, "1", 1.0, [], {}]
        bad: list[Any] = [None, 7, "x", [], {}]
        for member in ("mediaDirNum", "mediaNum", "fileType"):
            bad += [entry(photo(), **{member: value}) for value in strange]
        good = [
            entry(photo(1), mediaId=-1, mediaTime=2**32, durationMs="x"),
            entry(MediaItem(77, 100, 2)),
        ]
        self.serve(bad[:20] + good, [])
        self.assertEqual(self.listed(), [photo(1), MediaItem(77, 100, 2)])
        self.assertEqual(log.lines(), ["20 entries of the media list name no item"])

    def test_nonsense(self) -> None:
        """A list that is none is empty; a full page of nonsense ends it."""
        for files in (None, 7, "x", {"a": 1}):
            self.fake.replies[CommandID.MEDIA_LIST] = {"mediaFiles": files, "result": 0}
            self.assertEqual(self.listed(), [])
        self.serve([None] * 45)
        self.assertEqual(self.listed(), [])

    def test_endless(self) -> None:
        """A camera that goes on for ever is heard up to a limit."""

        def reply(body: dict[str, Any]) -> dict[str, Any]:
            first = body["pageNo"] * 45
            return {"mediaFiles": [entry(photo(first + n)) for n in range(45)], "result": 0}

        self.fake.replies[CommandID.MEDIA_LIST] = reply
        listed = self.successResultOf(Deferred.fromCoroutine(list_media(self.camera, most=100)))
        self.assertEqual([item.number for item in listed], list(range(100)))


class DeletingTests(CameraTestCase):
    """One item."""

    def test_delete(self) -> None:
        """The item is named as in other requests."""
        self.log_in()
        self.fake.replies[CommandID.DELETE_MEDIA] = {"delRet": 0, "result": 0}
        self.assertIsNone(self.successResultOf(self.camera.delete(photo())))
        named = {"fileType": 0, "dirNum": 100, "mediaNum": 318}
        self.assertEqual(self.fake.asked(CommandID.DELETE_MEDIA), [named])

    def test_refused(self) -> None:
        """What is not there is told apart from a plain no."""
        self.log_in()
        for reply, error in (
            ({"delRet": -1, "result": 0}, MediaNotFound),
            ({"result": -1, "errorMsg": "File not found"}, MediaNotFound),
            ({"result": -1, "errorMsg": "busy"}, CommandRejected),
        ):
            self.fake.replies[CommandID.DELETE_MEDIA] = reply
            self.failureResultOf(self.camera.delete(photo()), error)
