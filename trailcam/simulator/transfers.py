"""
What is written on the channels of playback, photos and thumbnails: records, one after the other.

Protocol: the application layer, media records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from trailcam.artemis.files import FILE_HEAD_SIZE, File, FileHead, check_of, encode_file
from trailcam.artemis.media import FRAME_HEAD_SIZE, Frame, FrameHead, encode_frame
from trailcam.artemis.record import HEAD_SIZE, MAX_PAYLOAD, Record, RecordKind
from trailcam.simulator.card import Card, CardFile
from trailcam.simulator.manners import LIE, Manners, Quirk
from trailcam.simulator.movie import Movie, Packet
from trailcam.simulator.outlet import Step

#: The types of the first frame of a playback, of its last, and of all between.
FIRST: Final = 2
LAST: Final = 4
_BETWEEN: Final = 0

#: Every 64th octet of what is corrupt is another one.
_CORRUPTION_STEP = 64

#: Where the length stands in a record's head.
_LENGTH_AT = slice(16, HEAD_SIZE)

_log = Logger()


@attrs.frozen
class MediaKey:
    """What a request names an item by."""

    kind: int
    directory: int
    number: int


def find(card: Card, key: MediaKey) -> CardFile | None:
    """The item that a request names, if it is there."""
    return card.find(key.kind, key.directory, key.number)


def thumbnails(
    card: Card, keys: Iterable[MediaKey], manners: Manners, device: str
) -> Iterator[Step]:
    """A record for each item that is there, numbered from 1."""
    sequence = 0
    for key in keys:
        file = find(card, key)
        quirk = manners.thumbnail_quirks.get(key.number)
        data = None if file is None else _read(file.thumbnail, key, quirk)
        if data is not None:
            sequence += 1
            payload = _file_payload(device, key, 0, data)
            record = Record(RecordKind.THUMBNAIL, sequence, payload)
            yield from _spoiled(record, quirk, FILE_HEAD_SIZE, manners.stall)


def photos(
    card: Card, keys: Iterable[MediaKey], manners: Manners, device: str, sequence: int
) -> Iterator[Step]:
    """A record for each photo that is there, all with the number of the command."""
    for key in keys:
        file = find(card, key)
        if file is None or file.photo is None:
            continue
        quirk = manners.quirks.get(key.number)
        data = _read(file.photo, key, quirk)
        if data is not None:
            payload = _file_payload(device, key, file.item.media_id, data)
            record = Record(RecordKind.FILE, sequence, payload)
            yield from _spoiled(record, quirk, FILE_HEAD_SIZE, manners.stall)


def playback(
    clock: IReactorTime, movie: Movie, session: int, quirk: Quirk | None, manners: Manners
) -> Iterator[Step]:
    """
    The frames of a video, each with its video or its audio.

    :param clock: what a speed is measured by.
    :param session: ``sessionNo`` of the request.
    :param quirk: what is wrong with the frame in the middle.
    """
    started_at = clock.seconds()
    number = 0
    middle = movie.frames // 2
    for packet, is_last in _with_end(_packets(movie)):
        if manners.speed is not None:
            due = started_at + packet.time / manners.speed
            yield max(0.0, due - clock.seconds())
        number += 1
        middle -= not packet.audio
        kind = FIRST if number == 1 else LAST if is_last else _BETWEEN
        record = _playback_record(movie, packet, number, kind, session)
        struck = quirk if middle == 0 and not packet.audio else None
        yield from _spoiled(record, struck, FRAME_HEAD_SIZE, manners.stall)
    if number < 2:
        yield _playback_record(movie, _NOTHING, number + 1, LAST, session).to_bytes()


_NOTHING = Packet(b"", 0.0, audio=True)


def _packets(movie: Movie) -> Iterator[Packet]:
    """The packets, up to what cannot be read."""
    try:
        yield from movie.packets()
    except (OSError, ValueError) as error:
        _log.warn("a video cannot be read to its end: {error}", error=str(error))


def _with_end(packets: Iterator[Packet]) -> Iterator[tuple[Packet, bool]]:
    """Each packet, and whether it is the last."""
    before = next(packets, None)
    while before is not None:
        after = next(packets, None)
        yield before, after is None
        before = after


def _playback_record(
    movie: Movie, packet: Packet, number: int, frame_type: int, session: int
) -> Record:
    video, audio = (b"", packet.data) if packet.audio else (packet.data, b"")
    head = FrameHead(
        number,
        round(packet.time * 1000),
        len(video),
        len(audio),
        key_frame=int(packet.key and not packet.audio),
        width=0 if packet.audio else movie.width,
        height=0 if packet.audio else movie.height,
        frame_type=frame_type,
        playback_session=session & 0xFFFF_FFFF,
    )
    return Record(RecordKind.PLAYBACK, number, encode_frame(Frame(head, video, audio)))


def _read(source: Callable[[], bytes], key: MediaKey, quirk: Quirk | None) -> bytes | None:
    """The octets of a file, or ``None`` when it is, or plays, gone."""
    if quirk is Quirk.GONE:
        return None
    try:
        data = source()
    except OSError as error:
        _log.warn("item {number} cannot be read: {error}", number=key.number, error=str(error))
        return None
    if len(data) > MAX_PAYLOAD - FILE_HEAD_SIZE:
        _log.warn("item {number} is too large for a record", number=key.number)
        return None
    return data


def _file_payload(device: str, key: MediaKey, media_id: int, data: bytes) -> bytes:
    head = FileHead(device, key.directory, key.number, len(data), check_of(data), media_id)
    return encode_file(File(head, data))


def _spoiled(record: Record, quirk: Quirk | None, head: int, stall: float) -> Iterator[Step]:
    """
    Write a record, with what is wrong with it.

    :param head: octets at the beginning of the payload that stay as they are.
    """
    payload = record.payload
    if quirk is Quirk.TRUNCATED:
        record = attrs.evolve(record, payload=payload[: head + (len(payload) - head) * 2 // 3])
    elif quirk is Quirk.CORRUPT:
        record = attrs.evolve(record, payload=_corrupt(payload, (len(payload) + head) // 2))
    octets = record.to_bytes()
    if quirk is Quirk.LYING:
        lie = (len(payload) + LIE).to_bytes(4, "little")
        octets = octets[: _LENGTH_AT.start] + lie + octets[_LENGTH_AT.stop :]
    if quirk is Quirk.STALLED:
        half = len(octets) // 2
        yield octets[:half]
        yield stall
        octets = octets[half:]
    yield octets


def _corrupt(payload: bytes, start: int) -> bytes:
    octets = bytearray(payload)
    for at in {*range(start, len(octets), _CORRUPTION_STEP), len(octets) - 1}:
        octets[at] ^= 0x55
    return bytes(octets)
