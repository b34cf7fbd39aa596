"""Playback and live view."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from tests.simulator.application import TINY, FirmwareTestCase, keys
from trailcam.artemis.media import Frame, decode_frame
from trailcam.artemis.record import RecordKind
from trailcam.errors import LengthMismatch
from trailcam.model import MediaKind
from trailcam.simulator import Card, Manners, Quirk
from trailcam.simulator.card import CardFile, new_item
from trailcam.simulator.movie import Movie, Packet, make_movie


class VideoTestCase(FirmwareTestCase):
    """What comes on channels 1 and 2."""

    def movie(self, number: int) -> Movie:
        """The video that is on the card."""
        file = self.card.find(MediaKind.VIDEO, 100, number)
        assert file is not None
        assert file.movie is not None
        return file.movie

    def play(self, number: int = 1, **members: Any) -> dict[str, Any]:
        """Ask for a video."""
        return self.client.ask(769, **keys(number, kind=1)[0], **members)

    def frames(self, channel: int) -> list[Frame]:
        """The frames that came."""
        return [decode_frame(record.payload) for record in self.client.records(channel)]

    def put(self, movie: Movie) -> None:
        """Begin anew with a card that has this video only, as number 9 and for live view."""
        item = new_item(MediaKind.VIDEO, 9, 0)
        self.card = Card([CardFile(item, 0, thumbnail=bytes, movie=movie)], movie)
        self.client = self.join(log_in=True)


def broken() -> Iterator[Packet]:
    """A video whose file is damaged after its first picture."""
    yield Packet(b"picture", 0.0, key=True)
    raise OSError("damaged")


class PlaybackTests(VideoTestCase):
    """Commands 769 and 770."""

    def test_answer(self) -> None:
        """What a client must know of the video."""
        answer = self.play(sessionNo=3)
        self.assertEqual(
            answer,
            {
                "startPbRet": 0,
                "videoWidth": 64,
                "videoHeight": 48,
                "totalFrame": 25,
                "totalTime": 2500,
                "errorMsg": "Success",
                "result": 0,
                "cmdId": 769,
            },
        )
        self.client.ask(770)

    def test_frames(self) -> None:
        """Every record holds video or audio; together they are the video on the card."""
        self.play(sessionNo=0x1234)
        self.clock.advance(0)
        frames = self.frames(2)
        self.assertEqual([f.video for f in frames if f.video], self.movie(1).units())
        self.assertEqual(len([f for f in frames if f.audio]), 40)
        self.assertFalse(any(f.video and f.audio for f in frames))
        types = [f.head.frame_type for f in frames]
        self.assertEqual((types[0], types[-1], set(types[1:-1])), (2, 4, {0}))
        self.assertEqual({f.head.playback_session for f in frames}, {0x1234})
        self.assertEqual([f.head.number for f in frames], list(range(1, len(frames) + 1)))

    def test_heads(self) -> None:
        """Milliseconds, key pictures, and a size for pictures only."""
        self.play()
        self.clock.advance(0)
        pictures = [f.head for f in self.frames(2) if f.video]
        self.assertEqual([h.timestamp for h in pictures], list(range(0, 2500, 100)))
        self.assertEqual([n for n, h in enumerate(pictures) if h.key_frame], [0, 20])
        self.assertEqual({(h.width, h.height) for h in pictures}, {(64, 48)})
        sounds = [f.head for f in self.frames(2) if f.audio]
        self.assertEqual({(h.width, h.height, h.key_frame) for h in sounds}, {(0, 0, 0)})
        self.assertEqual([h.timestamp for h in sounds], list(range(0, 2500, 64)))

    def test_records(self) -> None:
        """Kind 4, numbered from 1, enciphered, no octet too many."""
        self.play()
        self.clock.advance(0)
        records = self.client.records(2)
        self.assertEqual({record.kind for record in records}, {RecordKind.PLAYBACK})
        self.assertEqual([r.sequence for r in records], list(range(1, len(records) + 1)))
        for record, frame in zip(records, self.frames(2), strict=True):
            self.assertEqual(len(record.payload), 108 + len(frame.video) + len(frame.audio))
        self.assertNotIn(self.movie(1).units()[0][:96], self.client.octets(2))

    def test_not_a_video(self) -> None:
        """Photos, what is not there, and requests without sense are refused."""
        for members in (*keys(3), *keys(9, kind=1), {}, {**keys(1, kind=1)[0], "sessionNo": "x"}):
            answer = self.client.ask(769, **members)
            self.assertEqual((answer["startPbRet"], answer["result"]), (-1, -1))

    def test_stop(self) -> None:
        """After 770 nothing comes."""
        self.play()
        self.assertEqual(self.client.ask(770), {"errorMsg": "Success", "result": 0, "cmdId": 770})
        self.clock.advance(0)
        self.assertEqual(self.frames(2), [])

    def test_another_instead(self) -> None:
        """A second video takes the place of the first."""
        self.play(1)
        self.play(2)
        self.clock.advance(0)
        self.assertEqual([f.video for f in self.frames(2) if f.video], self.movie(2).units())

    def test_speed(self) -> None:
        """At the video's own speed, or at another one, it takes its time."""
        for speed in (1.0, 2.0):
            self.use(Manners(speed=speed, events=()))
            self.play()
            self.clock.advance(0)
            self.assertEqual(len([f for f in self.frames(2) if f.video]), 1)
            self.clock.pump([0.01] * round(101 / speed))
            self.assertIn(len([f for f in self.frames(2) if f.video]), (10, 11))
            self.client.ask(770)

    def test_one_picture(self) -> None:
        """A video of one packet has a first frame, and an end without data."""
        self.put(make_movie(1, TINY, 1, sound=False))
        self.play(9)
        self.clock.advance(0)
        self.assertEqual([f.head.frame_type for f in self.frames(2)], [2, 4])
        self.assertEqual([bool(f.video) for f in self.frames(2)], [True, False])

    def test_damaged(self) -> None:
        """A video that cannot be read to its end has an end nevertheless."""
        self.put(Movie(64, 48, 10.0, 25, broken))
        self.play(9)
        self.clock.advance(0)
        self.assertEqual([f.head.frame_type for f in self.frames(2)], [2, 4])

    def test_large_session_number(self) -> None:
        """It is cut to the 32 bits of its field."""
        self.play(sessionNo=2**40 + 5)
        self.clock.advance(0)
        self.assertEqual(self.frames(2)[0].head.playback_session, 5)

    def test_quirks(self) -> None:
        """What is wrong is the picture in the middle."""
        for quirk in (Quirk.TRUNCATED, Quirk.CORRUPT):
            self.use(Manners(quirks={1: quirk}, events=()))
            self.play()
            self.clock.advance(0)
            units = self.movie(1).units()
            wrong = []
            for record in self.client.records(2):
                try:
                    frame = decode_frame(record.payload)
                except LengthMismatch:
                    wrong.append(record.sequence)
                else:
                    if frame.video and frame.video not in units:
                        wrong.append(record.sequence)
            self.assertEqual(len(wrong), 1)
            middle = decode_frame(self.client.records(2)[wrong[0]].payload).head
            self.assertTrue(1000 < middle.timestamp < 1300, middle)

    def test_stalled(self) -> None:
        """In the middle of the picture in the middle."""
        self.use(Manners(quirks={1: Quirk.STALLED}, stall=3.0, events=()))
        self.play()
        self.clock.advance(0)
        self.assertLess(len(self.frames(2)), 35)
        self.clock.advance(3.0)
        self.assertEqual(len(self.frames(2)), 65)


class LiveTests(VideoTestCase):
    """Commands 258 and 259."""

    def setUp(self) -> None:
        """A live view of ten pictures a second, with key pictures every two."""
        super().setUp()
        self.put(make_movie(1, TINY, 30, 200))

    def test_rate(self) -> None:
        """The first picture at once, the others at the rate of the video, without drift."""
        self.assertEqual(self.client.ask(258), {"errorMsg": "Success", "result": 0, "cmdId": 258})
        self.clock.pump([0.0, *[0.01] * 400])
        frames = self.frames(1)
        self.assertIn(len(frames), (40, 41))
        self.assertEqual([f.video for f in frames[:30]], self.movie_units())
        self.assertEqual(frames[30].video, frames[0].video)
        for number, frame in enumerate(frames):
            late = frame.head.timestamp - number * 100_000
            self.assertTrue(-1 <= late <= 10_001, late)

    def movie_units(self) -> list[bytes]:
        """The pictures that are shown."""
        return self.card.live.units()

    def test_head(self) -> None:
        """Kind 0, numbered from 1, with its size; type and audio are 0, as was recorded."""
        self.client.ask(258)
        self.clock.advance(0)
        (record,), (frame,) = self.client.records(1), self.frames(1)
        self.assertEqual((record.kind, record.sequence), (RecordKind.LIVE, 1))
        head = frame.head
        self.assertEqual((head.number, head.key_frame, head.width, head.height), (1, 1, 64, 48))
        self.assertEqual((head.frame_type, head.audio_length, frame.audio), (0, 0, b""))

    def test_stop(self) -> None:
        """After 259 nothing comes; it can be started again, and twice is once."""
        self.client.ask(258)
        self.clock.advance(0)
        self.client.ask(258)
        self.assertEqual(self.client.ask(259)["result"], 0)
        self.client.ask(259)
        self.clock.advance(1.0)
        self.assertEqual(len(self.frames(1)), 1)
        self.client.ask(258)
        self.clock.advance(0)
        self.assertEqual([f.head.number for f in self.frames(1)], [1, 1])

    def test_paused(self) -> None:
        """Pictures are lost while paused, and up to the next key picture."""
        self.client.ask(258)
        self.clock.pump([0.0, 0.1, 0.1])
        self.client.firmware.pauseProducing()
        self.clock.pump([0.1] * 3)
        self.client.firmware.resumeProducing()
        self.clock.pump([0.1] * 20)
        numbers = [f.head.number for f in self.frames(1)]
        self.assertEqual(numbers[:3], [1, 2, 3])
        self.assertEqual(numbers[3], 21)
        self.assertTrue(self.frames(1)[3].head.key_frame)
        self.assertEqual(numbers[3:], list(range(21, 21 + len(numbers) - 3)))

    def test_late_clock(self) -> None:
        """A clock that jumps makes no burst longer than what was missed."""
        self.client.ask(258)
        self.clock.advance(1.0)
        self.assertEqual(len(self.frames(1)), 11)

    def test_nothing_to_show(self) -> None:
        """A video without pictures, or one that cannot be read, ends live view."""
        for packets in (lambda: iter(()), broken):
            self.put(attrs.evolve(self.card.live, packets=packets))
            self.client.ask(258)
            self.clock.advance(0)
            self.clock.advance(1.0)
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_only_sound(self) -> None:
        """Sound is not shown."""
        self.client.ask(258)
        self.clock.pump([0.0, *[0.1] * 5])
        self.assertFalse(any(frame.audio for frame in self.frames(1)))
