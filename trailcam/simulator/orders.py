"""
What the firmware does for each command of a client that is logged in.

Commands come as JSON objects, answers go as JSON objects.  Protocol: the application layer,
commands and answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from twisted.internet.interfaces import IReactorTime

from trailcam.artemis.commands import CommandID
from trailcam.model import MediaItem, MediaKind
from trailcam.simulator.card import Card, CardFile
from trailcam.simulator.liveview import LiveView
from trailcam.simulator.manners import PAGE, Manners, Quirk
from trailcam.simulator.outlet import Outlet
from trailcam.simulator.settings import MAX_TEXT, Settings
from trailcam.simulator.transfers import MediaKey, find, photos, playback, thumbnails

Body: TypeAlias = Mapping[str, Any]
Answer: TypeAlias = dict[str, Any]

#: Items in one request, at most; the app asks for 45.
MAX_ITEMS: Final = 1000

#: ``result`` of what was refused, and of what nobody knows.
REFUSED: Final = -1
UNKNOWN: Final = -5


def done(command: int, **members: Any) -> Answer:
    """The answer to what was done."""
    return {**members, "errorMsg": "Success", "result": 0, "cmdId": command}


def refused(command: int, message: str, result: int = REFUSED, **members: Any) -> Answer:
    """The answer to what was not done."""
    return {**members, "errorMsg": message, "result": result, "cmdId": command}


class Orders:
    """
    The commands of one session.

    :param clock: where time comes from.
    :param card: the camera's card.
    :param settings: the camera's settings.
    :param manners: what goes wrong.
    :param live: live view.
    :param playing: where playback goes.
    :param photos: where photos go.
    :param thumbnails: where thumbnails go.
    """

    def __init__(
        self,
        clock: IReactorTime,
        card: Card,
        settings: Settings,
        manners: Manners,
        *,
        live: LiveView,
        playing: Outlet,
        photos: Outlet,
        thumbnails: Outlet,
    ) -> None:
        self._clock = clock
        self._card = card
        self._settings = settings
        self._manners = manners
        self._live = live
        self._playing = playing
        self._photos = photos
        self._thumbnails = thumbnails

    def perform(self, command: int, body: Body, sequence: int) -> Answer:
        """
        Do what a command says.

        :param sequence: the number of its record.
        :return: the answer; what else is to come begins with the next turn of the reactor.
        """
        order = _ORDERS.get(command)
        if order is None:
            return refused(command, "Unknown command", UNKNOWN)
        return order(self, body, sequence)

    # The camera itself

    def _device_info(self, _body: Body, _sequence: int) -> Answer:
        return done(CommandID.GET_DEVICE_INFO, **self._settings.info(self._card))

    def _set_device_info(self, body: Body, _sequence: int) -> Answer:
        if not self._settings.change(body):
            return refused(CommandID.SET_DEVICE_INFO, "Wrong parameter")
        return done(CommandID.SET_DEVICE_INFO)

    def _change_password(self, body: Body, _sequence: int) -> Answer:
        """
        Take ``newPassword``, or ``password``; the names are assumptions.

        An ``oldPassword`` must be right, but need not be there.
        """
        new = body.get("newPassword", body.get("password"))
        old = body.get("oldPassword", self._settings.password)
        if not isinstance(new, str) or not 0 < len(new) <= MAX_TEXT:
            return refused(CommandID.CHANGE_PASSWORD, "Wrong parameter")
        if old != self._settings.password:
            return refused(CommandID.CHANGE_PASSWORD, "Wrong password")
        self._settings.password = new
        return done(CommandID.CHANGE_PASSWORD)

    def _factory_reset(self, _body: Body, _sequence: int) -> Answer:
        self._settings.reset()
        return done(CommandID.FACTORY_RESET)

    # Live view and playback

    def _start_live(self, _body: Body, _sequence: int) -> Answer:
        self._live.start()
        return done(CommandID.START_LIVE)

    def _stop_live(self, _body: Body, _sequence: int) -> Answer:
        self._live.stop()
        return done(CommandID.STOP_LIVE)

    def _start_playback(self, body: Body, _sequence: int) -> Answer:
        """Play a video; one that still plays ends."""
        file = self._named(body)
        session = body.get("sessionNo", 0)
        if file is None or file.movie is None or type(session) is not int:
            return refused(CommandID.START_PLAYBACK, "No such video", startPbRet=REFUSED)
        movie = file.movie
        quirk = self._manners.quirks.get(file.item.number)
        self._playing.clear()
        self._playing.add(playback(self._clock, movie, session, quirk, self._manners))
        return done(
            CommandID.START_PLAYBACK,
            startPbRet=0,
            videoWidth=movie.width,
            videoHeight=movie.height,
            totalFrame=movie.frames,
            totalTime=round(movie.duration * 1000),
        )

    def _stop_playback(self, _body: Body, _sequence: int) -> Answer:
        self._playing.clear()
        return done(CommandID.STOP_PLAYBACK)

    # The card

    def _media_list(self, body: Body, _sequence: int) -> Answer:
        """One page; those after the last are empty."""
        size, page = body.get("itemCntPerPage", PAGE), body.get("pageNo", 0)
        if type(size) is not int or type(page) is not int or size < 1 or page < 0:
            return refused(CommandID.MEDIA_LIST, "Wrong parameter", getMediaListRet=REFUSED)
        size = min(size, PAGE)
        files = self._card.files()[page * size : (page + 1) * size]
        return {
            "mediaFiles": [_listed(file.item) for file in files],
            "cnt": len(files),
            "pageNo": page,
            "getMediaListRet": 0,
            "errorMsg": "Success",
            "result": 0,
            "cmdId": CommandID.MEDIA_LIST,
        }

    def _get_thumbnails(self, body: Body, _sequence: int) -> Answer:
        keys = _keys(body.get("thumbnailReqs"))
        command = CommandID.THUMBNAILS
        if keys is None:
            return refused(command, "Wrong parameter", cmdRet=REFUSED)
        device = self._settings.device
        batch = thumbnails(self._card, keys, self._manners, device)
        return _queued(command, self._thumbnails.add(batch))

    def _start_download(self, body: Body, sequence: int) -> Answer:
        """Send photos; a video cannot be had this way."""
        keys = _keys(body.get("downloadReqs"))
        command = CommandID.START_DOWNLOAD
        if keys is None:
            return refused(command, "Wrong parameter", cmdRet=REFUSED)
        if any(key.kind != MediaKind.PHOTO for key in keys):
            return refused(command, "Not a photo", cmdRet=REFUSED)
        device = self._settings.device
        batch = photos(self._card, keys, self._manners, device, sequence)
        return _queued(command, self._photos.add(batch))

    def _stop_download(self, _body: Body, _sequence: int) -> Answer:
        self._photos.clear()
        return done(CommandID.STOP_DOWNLOAD)

    def _delete(self, body: Body, _sequence: int) -> Answer:
        file = self._named(body)
        if file is None:
            return refused(CommandID.DELETE_MEDIA, "No such item", delRet=REFUSED)
        self._card.remove(file)
        return done(CommandID.DELETE_MEDIA, delRet=0)

    def _delete_all(self, _body: Body, _sequence: int) -> Answer:
        self._card.clear()
        return done(CommandID.DELETE_ALL_MEDIA, delRet=0)

    def _format(self, _body: Body, _sequence: int) -> Answer:
        self._card.clear()
        return done(CommandID.FORMAT_SD)

    def _snap(self, _body: Body, _sequence: int) -> Answer:
        if self._card.snap(self._settings.now) is None:
            return refused(CommandID.SNAP, "The card is full")
        return done(CommandID.SNAP)

    def _named(self, body: Body) -> CardFile | None:
        """The item that a command names, if it is there and does not play gone."""
        key = _key(body)
        if key is None or self._manners.quirks.get(key.number) is Quirk.GONE:
            return None
        return find(self._card, key)


def _listed(item: MediaItem) -> dict[str, int]:
    return {
        "fileType": int(item.kind),
        "mediaDirNum": item.directory,
        "mediaNum": item.number,
        "durationMs": round(item.duration * 1000),
        "mediaId": item.media_id,
        "mediaTime": item.time,
    }


def _key(body: Any) -> MediaKey | None:
    if not isinstance(body, Mapping):
        return None
    numbers = [body.get(name) for name in ("fileType", "dirNum", "mediaNum")]
    kind, directory, number = (n if type(n) is int else None for n in numbers)
    if kind is None or directory is None or number is None:
        return None
    return MediaKey(kind, directory, number)


def _keys(requests: Any) -> list[MediaKey] | None:
    """The items of a request; ``None`` when it makes no sense."""
    if not isinstance(requests, list) or len(requests) > MAX_ITEMS:
        return None
    keys = [_key(request) for request in requests]
    found = [key for key in keys if key is not None]
    return found if len(found) == len(keys) else None


def _queued(command: int, there_was_room: bool) -> Answer:
    """The answer to a request for records; it has no ``errorMsg``."""
    if not there_was_room:
        return refused(command, "Busy", cmdRet=REFUSED)
    return {"cmdRet": 0, "result": 0, "cmdId": command}


_ORDERS: Final[dict[int, Callable[[Orders, Body, int], Answer]]] = {
    CommandID.START_LIVE: Orders._start_live,
    CommandID.STOP_LIVE: Orders._stop_live,
    CommandID.GET_DEVICE_INFO: Orders._device_info,
    CommandID.SET_DEVICE_INFO: Orders._set_device_info,
    CommandID.CHANGE_PASSWORD: Orders._change_password,
    CommandID.FACTORY_RESET: Orders._factory_reset,
    CommandID.FORMAT_SD: Orders._format,
    CommandID.SNAP: Orders._snap,
    CommandID.MEDIA_LIST: Orders._media_list,
    CommandID.START_PLAYBACK: Orders._start_playback,
    CommandID.STOP_PLAYBACK: Orders._stop_playback,
    CommandID.THUMBNAILS: Orders._get_thumbnails,
    CommandID.DELETE_MEDIA: Orders._delete,
    CommandID.DELETE_ALL_MEDIA: Orders._delete_all,
    CommandID.START_DOWNLOAD: Orders._start_download,
    CommandID.STOP_DOWNLOAD: Orders._stop_download,
}
