"""A client of the firmware, without a network between."""

from __future__ import annotations

import random
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trailcam.artemis.commands import decode_body, encode_body
from trailcam.artemis.record import Record, RecordDecoder, RecordKind
from trailcam.simulator import Card, Contents, Firmware, Manners, Settings
from trailcam.simulator.h264 import Format

TINY = Format(64, 48, 10)

#: Videos 1 and 2, photos 3, 4 and 5.
SMALL = Contents(
    photos=3, videos=2, photo_size=20_000, thumbnail_size=5_000, form=TINY, frames=25, frame_size=0
)

LOGIN = {"cmdId": 0, "usrName": "admin", "password": "admin", "supportHeartBeat": True}


class Client:
    """
    Writes commands, and reads what comes on each channel.

    :ivar written: channel and octets of each write.
    """

    def __init__(
        self,
        clock: Clock,
        card: Card,
        manners: Manners,
        settings: Settings | None = None,
        seed: int = 1,
    ) -> None:
        self.clock = clock
        self.written: list[tuple[int, bytes]] = []
        self.times: list[float] = []
        self.token: int | None = None
        self.sequence = 0
        self.firmware = Firmware(clock, card, self.take, manners, random.Random(seed), settings)

    def take(self, channel: int, octets: bytes) -> None:
        """What the firmware writes."""
        self.written.append((channel, octets))
        self.times.append(self.clock.seconds())

    def octets(self, channel: int) -> bytes:
        """All that came on a channel."""
        return b"".join(octets for number, octets in self.written if number == channel)

    def records(self, channel: int) -> list[Record]:
        """All whole records that came on a channel."""
        return RecordDecoder().feed(self.octets(channel))

    def send(self, command: int, **members: Any) -> int:
        """Send a command with the token, if there is one; its number comes back."""
        self.sequence += 1
        token = {} if self.token is None else {"token": self.token}
        body = {"cmdId": command, **members, **token}
        self.firmware.received(0, encode_body(RecordKind.COMMAND, self.sequence, body).to_bytes())
        return self.sequence

    def answers(self) -> list[dict[str, Any]]:
        """All answers."""
        return [decode_body(record) for record in self.records(0)]

    def ask(self, command: int, **members: Any) -> dict[str, Any]:
        """Send a command and return the answer that came in the same turn."""
        before = len(self.records(0))
        number = self.send(command, **members)
        (record,) = self.records(0)[before:]
        assert (record.kind, record.sequence) == (RecordKind.ANSWER, number), record
        return decode_body(record)

    def log_in(self) -> dict[str, Any]:
        """Log in with the right credentials."""
        answer = self.ask(**{"command" if k == "cmdId" else k: v for k, v in LOGIN.items()})
        self.token = answer.get("token")
        return answer


class FirmwareTestCase(SynchronousTestCase):
    """A clock that must be empty at the end, and clients of one camera."""

    manners = Manners(events=())

    def setUp(self) -> None:
        """A small card, and a client that is logged in."""
        self.clock = Clock()
        self.card = Card.generated(SMALL)
        self.clients: list[Client] = []
        self.addCleanup(self.assert_quiet)
        self.use(self.manners)

    def use(self, manners: Manners) -> Client:
        """Begin anew, with other manners."""
        self.settings = Settings(self.clock, manners)
        self.own_manners = manners
        self.client = self.join(log_in=True)
        return self.client

    def join(self, *, log_in: bool = False) -> Client:
        """One more client of the same camera."""
        client = Client(
            self.clock, self.card, self.own_manners, self.settings, seed=len(self.clients)
        )
        self.clients.append(client)
        if log_in:
            client.log_in()
        return client

    def assert_quiet(self) -> None:
        """After the end of all sessions nothing is left to happen, and nobody is logged in."""
        for client in self.clients:
            client.firmware.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.settings.logged_in, 0)


def keys(*numbers: int, kind: int = 0) -> list[dict[str, int]]:
    """The items of a request."""
    return [{"fileType": kind, "dirNum": 100, "mediaNum": number} for number in numbers]
