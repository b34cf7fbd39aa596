"""Every request of the recorded clients is understood and answered."""

from __future__ import annotations

from collections import Counter

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.artemis.test_recordings import names, records
from tests.captures import MISSING
from tests.simulator.application import Client
from trailcam.artemis.commands import decode_body
from trailcam.artemis.record import Record, RecordKind
from trailcam.simulator import Card, Contents, Manners

HEARTBEAT = 525

#: Small, but with every number the recorded clients asked for.
CONTENTS = Contents(photos=320, videos=0, photo_size=0, thumbnail_size=0)


class RecordedClientTests(SynchronousTestCase):
    """The octets that clients wrote on channel 0."""

    skip = MISSING

    def play(self, name: str) -> tuple[list[Record], Client]:
        """Give a firmware all requests of a recording; they come back, and what it wrote."""
        clock = Clock()
        manners = Manners(checks_token=False, events=())
        client = Client(clock, Card.generated(CONTENTS), manners)
        requests = [r for r in records(name, "client") if r.kind == RecordKind.COMMAND]
        for request in requests:
            client.firmware.received(0, request.to_bytes())
            clock.advance(0)
        client.firmware.stop()
        return requests, client

    def test_all(self) -> None:
        """Each is answered once, with its number, and with success; heartbeats are not."""
        total: Counter[int] = Counter()
        for name in names():
            requests, client = self.play(name)
            bodies = {r.sequence: decode_body(r)["cmdId"] for r in requests}
            answers = {r.sequence: decode_body(r) for r in client.records(0)}
            wanted = {n: command for n, command in bodies.items() if command != HEARTBEAT}
            self.assertEqual({n: a["cmdId"] for n, a in answers.items()}, wanted, name)
            self.assertEqual({a["result"] for a in answers.values()} - {0}, set(), name)
            self.assertEqual(len(client.records(0)), len(wanted), name)
            tally = client.firmware.tally
            self.assertEqual((tally.malformed, tally.refused, tally.dropped), (0, 0, 0), name)
            total += tally.performed
        self.assertEqual(set(total), {0, 258, 259, 512, 525, 768, 772, 1285})

    def test_download(self) -> None:
        """One client's thumbnails and photos all come."""
        requests, client = self.play("client_list_thumbs_download.jsonl")
        bodies = [decode_body(request) for request in requests]
        thumbnails = sum(len(body.get("thumbnailReqs", ())) for body in bodies)
        photos = sum(len(body.get("downloadReqs", ())) for body in bodies)
        self.assertEqual((len(client.records(4)), len(client.records(3))), (thumbnails, photos))
        self.assertEqual((thumbnails, photos), (45, 10))
        self.assertGreater(len(client.records(1)), 0)
