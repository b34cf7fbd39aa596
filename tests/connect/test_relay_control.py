"""Tests of a control connection, and of who hears a link until the camera has proved itself."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from tests.connect.relaying import DID
from tests.link.streams import StreamTestCase
from trailcam.connect.relay_control import Control
from trailcam.connect.relay_proof import Witness
from trailcam.errors import Hopeless, LinkLost
from trailcam.link.relayed import RelayLink
from trailcam.wire.messages import (
    Alive,
    Close,
    Message,
    P2PRdy,
    RlyHello,
    RlyHelloAck,
    RlyPort,
    RlyPortAck,
)


class ControlTests(StreamTestCase):
    """``Control``: one question, one answer."""

    def setUp(self) -> None:
        """Take the connection over."""
        super().setUp()
        self.control = Control(self.near.connection)

    def say(self, *messages: Message) -> None:
        """Let the relay say this."""
        for message in messages:
            self.far.connection.send(message)
        self.turn()

    def test_answer(self) -> None:
        """The next message of the right kind is the answer; others are ignored."""
        asking = self.control.ask(RlyHello(), RlyHelloAck)
        self.say(Alive(), RlyPortAck(1, 2))
        self.assertEqual(self.far.heard, [RlyHello()])
        self.assertNoResult(asking)
        self.say(RlyHelloAck(), RlyHelloAck())
        self.assertEqual(self.successResultOf(asking), RlyHelloAck())

    def test_one_after_the_other(self) -> None:
        """An answer that comes twice is not taken for that of the next question."""
        asking: Deferred[object] = self.control.ask(RlyHello(), RlyHelloAck)
        asking.addCallback(lambda _: self.control.ask(RlyPort(), RlyPortAck))
        self.say(RlyHelloAck(), RlyHelloAck(), RlyPortAck(1, 2))
        self.assertEqual(self.successResultOf(asking), RlyPortAck(1, 2))

    def test_end(self) -> None:
        """What ends the connection is what a question fails with, and every later one."""
        asking = self.control.ask(RlyHello(), RlyHelloAck)
        self.far.connection.close()
        self.turn()
        self.failureResultOf(asking, ConnectionDone)
        self.failureResultOf(self.control.ask(RlyPort(), RlyPortAck), ConnectionDone)

    def test_end_between_questions(self) -> None:
        """So does the first question after that."""
        self.far.connection.close()
        self.turn()
        self.failureResultOf(self.control.ask(RlyHello(), RlyHelloAck), ConnectionDone)

    def test_given_up(self) -> None:
        """An answer to a question that nobody waits for any more is dropped."""
        asking = self.control.ask(RlyHello(), RlyHelloAck)
        asking.addErrback(lambda _: None)
        asking.cancel()
        self.say(RlyHelloAck(), RlyHelloAck())
        self.assertIsNone(self.successResultOf(asking))


class WitnessTests(StreamTestCase):
    """``Witness``: only the first word counts."""

    def setUp(self) -> None:
        """A link, and who hears it."""
        super().setUp()
        self.link = RelayLink(self.near.connection)
        self.witness = Witness(self.link, DID, "relay.example:1")

    def test_kept_messages(self) -> None:
        """What the link has kept comes all at once; after a verdict nothing changes it."""
        for message in (Close(), P2PRdy(DID), Close()):
            self.far.connection.send(message)
        self.turn()
        self.link.attach(self.witness)
        self.witness.link_lost(Failure(LinkLost("gone")))
        error = self.failureResultOf(self.witness.proof, Hopeless).value
        self.assertIn("sent CLOSE", error.message)

    def test_kept_proof(self) -> None:
        """A proof that was kept is confirmed, and what came behind it kept again."""
        for message in (P2PRdy(DID), Close()):
            self.far.connection.send(message)
        self.turn()
        self.link.attach(self.witness)
        self.assertIsNone(self.successResultOf(self.witness.proof))
        self.witness.peer_refused(("198.51.100.2", 5), 111)
