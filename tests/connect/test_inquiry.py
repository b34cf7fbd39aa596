"""Tests of one question to several rendezvous servers, without any network."""

from __future__ import annotations

import os
from errno import ECONNREFUSED, ENETUNREACH

from twisted.trial.unittest import SynchronousTestCase

from trailcam.connect.inquiry import Inquiry
from trailcam.interfaces import Address
from trailcam.wire.constants import HELLO_ROOM
from trailcam.wire.messages import Hello, HelloAck, ListReq, ListReqAck, Message
from trailcam.wire.sockaddr import SocketAddress

ONE, TWO = ("203.0.113.1", 32100), ("203.0.113.2", 32100)
HELLO = Hello(bytes(HELLO_ROOM))
PROOF = HelloAck(SocketAddress("198.51.100.7", 4000), b"tokenone")
OTHER_PROOF = HelloAck(SocketAddress("198.51.100.7", 4000), b"tokentwo")
QUESTION = ListReq()


class InquiryTests(SynchronousTestCase):
    """What is sent when."""

    def setUp(self) -> None:
        """Two servers, one of them named twice."""
        self.sent: list[tuple[Message, Address]] = []
        self.answers: list[tuple[Message, Address]] = []
        self.inquiry = Inquiry(
            [ONE, TWO, ONE],
            QUESTION,
            lambda message, peer: self.sent.append((message, peer)),
            lambda message, peer: self.answers.append((message, peer)),
        )

    def said(self) -> list[tuple[Message, Address]]:
        """What was sent since the last look."""
        sent, self.sent[:] = list(self.sent), []
        return sent

    def test_start(self) -> None:
        """HELLO, with room for the answer, to each server once."""
        self.inquiry.start()
        self.assertEqual(self.said(), [(HELLO, ONE), (HELLO, TWO)])
        self.assertEqual(self.inquiry.heard, set())
        self.assertIsNone(self.inquiry.public)

    def test_proof_and_question(self) -> None:
        """HELLO_ACK goes back as it came, and the question with it."""
        self.assertTrue(self.inquiry.message_received(PROOF, ONE))
        self.assertEqual(self.said(), [(PROOF, ONE), (QUESTION, ONE)])
        self.assertEqual(self.inquiry.public, ("198.51.100.7", 4000))
        self.assertEqual(self.inquiry.heard, {ONE})

    def test_answer(self) -> None:
        """What else a server says is passed on, with its name."""
        self.assertTrue(self.inquiry.message_received(ListReqAck(()), TWO))
        self.assertEqual(self.answers, [(ListReqAck(()), TWO)])
        self.assertEqual(self.said(), [])

    def test_added(self) -> None:
        """A server that is known only later is asked like the others, once."""
        third = ("203.0.113.3", 32100)
        self.inquiry.start()
        self.said()
        for server in (third, third, ONE):
            self.inquiry.add(server)
        self.assertEqual(self.said(), [(HELLO, third)])
        self.assertTrue(self.inquiry.message_received(PROOF, third))

    def test_refused(self) -> None:
        """A closed port is not asked again; what else stands in the way may pass."""
        self.assertTrue(self.inquiry.refused(ONE, ECONNREFUSED))
        self.assertFalse(self.inquiry.refused(TWO, ENETUNREACH))
        self.assertFalse(self.inquiry.refused(("10.0.0.1", 1), ECONNREFUSED))
        self.assertEqual(self.inquiry.trouble, f"{TWO[0]}:{TWO[1]}: {os.strerror(ENETUNREACH)}")
        self.assertFalse(self.inquiry.settled)
        self.inquiry.again()
        self.assertEqual(self.said(), [(HELLO, TWO)])

    def test_refused_after_an_answer(self) -> None:
        """Whoever has answered is there."""
        self.inquiry.refused(ONE, ENETUNREACH)
        self.inquiry.message_received(PROOF, ONE)
        self.assertFalse(self.inquiry.refused(ONE, ECONNREFUSED))
        self.assertEqual(self.inquiry.trouble, "")

    def test_stranger(self) -> None:
        """Nobody else is listened to."""
        stranger = ("203.0.113.1", 9)
        self.assertFalse(self.inquiry.message_received(PROOF, stranger))
        self.assertFalse(self.inquiry.message_received(ListReqAck(()), stranger))
        self.assertEqual((self.said(), self.answers, self.inquiry.heard), ([], [], set()))

    def test_again(self) -> None:
        """Each server gets again what it has not answered."""
        self.inquiry.message_received(PROOF, ONE)
        self.said()
        self.inquiry.again()
        self.assertEqual(self.said(), [(PROOF, ONE), (QUESTION, ONE), (HELLO, TWO)])

    def test_settled(self) -> None:
        """A settled server is asked no more, not even after a late HELLO_ACK."""
        self.inquiry.settle(ONE)
        self.assertFalse(self.inquiry.settled)
        self.inquiry.again()
        self.assertEqual(self.said(), [(HELLO, TWO)])
        self.assertTrue(self.inquiry.message_received(PROOF, ONE))
        self.assertEqual(self.said(), [])
        self.inquiry.settle(TWO)
        self.assertTrue(self.inquiry.settled)
        self.inquiry.again()
        self.assertEqual(self.said(), [])

    def test_hello_from_a_server(self) -> None:
        """It wants to know whether we are there: the last proof, and a new HELLO."""
        self.inquiry.message_received(Hello(), ONE)
        self.assertEqual(self.said(), [(HELLO, ONE)])
        self.inquiry.message_received(PROOF, ONE)
        self.said()
        self.inquiry.message_received(Hello(), ONE)
        self.assertEqual(self.said(), [(PROOF, ONE), (HELLO, ONE)])
        self.inquiry.message_received(OTHER_PROOF, ONE)
        self.assertEqual(self.said(), [(OTHER_PROOF, ONE), (QUESTION, ONE)])

    def test_no_ping_pong(self) -> None:
        """A server that says nothing but HELLO gets three in each round, and no proof twice."""
        self.inquiry.message_received(PROOF, ONE)
        self.said()
        for _ in range(9):
            self.inquiry.message_received(Hello(), ONE)
        self.assertEqual(self.said(), [(PROOF, ONE), (HELLO, ONE), (HELLO, ONE), (HELLO, ONE)])
        self.inquiry.again()
        self.said()
        self.inquiry.message_received(Hello(), ONE)
        self.assertEqual(self.said(), [(HELLO, ONE)])
