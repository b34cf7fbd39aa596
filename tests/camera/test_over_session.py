"""The client and the simulated firmware, each on a real session, with a link between."""

from __future__ import annotations

import random
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from tests.camera.rig import FakeConsumer
from tests.simulator.application import TINY
from trailcam.artemis.record import BANNER
from trailcam.camera.camera import Camera
from trailcam.errors import LinkClosed, SessionClosedByPeer
from trailcam.interfaces import Address, IChannelReader, ILink, IMessageReceiver
from trailcam.model import ConnectionMode, Credentials, MediaKind
from trailcam.session.session import Session
from trailcam.simulator import Card, Contents, Firmware, Manners
from trailcam.wire.messages import Close

PEER = ("192.168.43.1", 40611)

PHOTO_SIZE = 900_000


@implementer(ILink)
class Wire:
    """
    One end of a link that loses one in ten messages, and delays all.

    :ivar far: the other end.
    """

    mode = ConnectionMode.LAN
    max_payload = 1024

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.peer: Address | None = PEER
        self.local = PEER
        self.far: Wire | None = None
        self.receiver: IMessageReceiver | None = None
        self.closed = False
        self._clock = clock
        self._rng = rng

    def attach(self, receiver: IMessageReceiver) -> None:
        """Remember who hears."""
        self.receiver = receiver

    def send(self, message: Any) -> None:
        """To the other end, or nowhere."""
        if self.closed:
            raise LinkClosed("closed")
        if self._rng.random() > 0.1:
            self._clock.callLater(0.002, self._arrive, message)

    def abandon(self) -> Deferred[None]:
        """Close."""
        self.closed = True
        return succeed(None)

    def _arrive(self, message: Any) -> None:
        if self.far is not None and self.far.receiver is not None and not self.far.closed:
            self.far.receiver.message_received(message, PEER)


@implementer(IChannelReader)
class Ear:
    """Gives what comes on a channel to the firmware."""

    def __init__(self, firmware: Firmware, number: int) -> None:
        self._firmware = firmware
        self._number = number

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        self._firmware.received(self._number, data)

    def channel_closed(self, reason: object) -> None:
        """Nothing to do."""


class SessionTests(SynchronousTestCase):
    """Everything but the sockets."""

    def setUp(self) -> None:
        """Log in to a camera with a photo and a video."""
        self.clock = Clock()
        rng = random.Random(1)
        near, far = Wire(self.clock, rng), Wire(self.clock, rng)
        near.far, far.far = far, near
        self.session, self.other = Session(self.clock, near), Session(self.clock, far)
        contents = Contents(
            photos=2, videos=1, photo_size=PHOTO_SIZE, thumbnail_size=20_000, form=TINY, frames=25
        )
        self.firmware = Firmware(
            self.clock,
            Card.generated(contents),
            lambda number, octets: self.other.channel(number).write(octets),
            Manners(),
            rng,
        )
        for number in range(8):
            self.other.channel(number).attach(Ear(self.firmware, number))
        for number in (1, 2, 3, 4):
            self.other.channel(number).registerProducer(self.firmware.producer(number), True)
        self.camera = Camera(self.clock, self.session)
        self.other.channel(0).write(BANNER)
        self.result(self.camera.login(Credentials()))

    def tearDown(self) -> None:
        """End both; nothing is left."""
        self.result(self.camera.close())
        self.firmware.stop()
        self.other.close()
        self.advance(1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds * 500)):
            self.clock.advance(0.002)

    def result(self, deferred: Deferred[Any], most: float = 60.0) -> Any:
        """What it fires with, in time."""
        while not deferred.called and most > 0:
            self.advance(0.1)
            most -= 0.1
        return self.successResultOf(deferred)

    def test_everything(self) -> None:
        """List, thumbnails, a photo for a slow consumer, a video."""
        items = self.result(self.camera.media())
        self.assertEqual(len(items), 3)
        self.assertEqual(len(self.result(self.camera.thumbnails(items))), 3)
        photos = [item for item in items if item.kind == MediaKind.PHOTO]
        given_up = self.camera.download(photos[1], FakeConsumer())
        self.advance(0.1)
        given_up.cancel()
        given_up.addErrback(lambda _: None)
        consumer = FakeConsumer()
        fetched = self.camera.download(photos[0], consumer)
        self.advance(0.1)
        consumer.producer.pauseProducing()
        self.advance(20)
        self.assertEqual((consumer.written, self.session.state), (b"", "established"))
        consumer.producer.resumeProducing()
        self.assertEqual(self.result(fetched), PHOTO_SIZE)
        (video,) = (item for item in items if item.kind == MediaKind.VIDEO)
        self.assertGreater(self.result(self.camera.download(video, FakeConsumer())), 1000)

    def test_camera_leaves(self) -> None:
        """The end is told by its reason."""
        asked = self.camera.command(9998, timeout=60)
        self.session.message_received(Close(), PEER)
        self.failureResultOf(asked, SessionClosedByPeer)
