"""Octets that no camera should write: nothing may raise, and nothing may grow."""

from __future__ import annotations

from random import Random

from tests.camera.rig import (
    CameraTestCase,
    FakeConsumer,
    FakeSink,
    file_record,
    frame_record,
    jpeg,
    photo,
    unit,
    video,
)
from trailcam.artemis.commands import CommandID, encode_body
from trailcam.artemis.record import MAX_PAYLOAD, RecordKind

ROUNDS = 300


class DamageTests(CameraTestCase):
    """Records of all kinds on all channels, damaged."""

    def octets(self) -> list[bytes]:
        """What a camera might write, whole."""
        return [
            record.to_bytes()
            for record in (
                encode_body(RecordKind.ANSWER, 2, {"cmdId": 1285, "result": 0, "cmdRet": 0}),
                encode_body(RecordKind.EVENT, 1, {"evtId": 4}),
                file_record(RecordKind.FILE, photo(), jpeg()),
                file_record(RecordKind.THUMBNAIL, photo(), jpeg()),
                frame_record(unit(b"1", 200), b"sound"),
                frame_record(unit(b"1", 200), kind=RecordKind.LIVE),
            )
        ]

    def damaged(self, rng: Random) -> bytes:
        """Some of it, with something changed, cut out or put in."""
        data = bytearray(rng.choice(self.octets()))
        for _ in range(rng.randrange(4)):
            at = rng.randrange(len(data))
            choice = rng.randrange(3)
            if choice == 0:
                data[at] = rng.randrange(256)
            elif choice == 1:
                del data[at : at + rng.randrange(40)]
            else:
                data[at:at] = rng.randbytes(rng.randrange(40))
            data = data or bytearray(b"x")
        return bytes(data)

    def assert_usable(self) -> None:
        """The next command is answered, once whatever was begun on channel 0 is over."""
        info = self.camera.info()
        self.session.channels[0].feed(bytes(MAX_PAYLOAD))
        self.fake.answer(self.last(), cmdId=512, result=0)
        self.successResultOf(info)

    def test_damage(self) -> None:
        """Whatever comes, on whatever channel, in whatever state, the client lives on."""
        rng = Random(20251223)
        for turn in range(ROUNDS):
            self.session.end(None)
            self.begin()
            self.log_in()
            for number in (CommandID.START_LIVE, CommandID.START_PLAYBACK, CommandID.THUMBNAILS):
                self.fake.replies[number] = {"result": 0}
            running = [
                self.camera.download(photo(), FakeConsumer()),
                self.camera.thumbnails([photo(), photo(7)]),
                self.camera.play(video(), FakeSink()),
                self.camera.start_live(FakeSink()),
                self.camera.media(),
            ]
            for each in running:
                each.addErrback(lambda _: None)
            for _ in range(10):
                self.session.channels[rng.randrange(8)].feed(self.damaged(rng))
                self.clock.advance(rng.choice((0, 0, 0.5, 4)))
            for each in running[:: 1 + turn % 3]:
                each.cancel()
            self.clock.pump([1.0] * 11)
            if turn % 30 == 0:
                self.assert_usable()
        self.assertEqual(self.flushLoggedErrors(), [])
