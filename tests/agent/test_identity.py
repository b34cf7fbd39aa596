"""Tests of logging in and of the words for refusals."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.agent.rig import DID, IDENTITY, SECRET, acknowledgement
from trailcam.agent.identity import Identity
from trailcam.errors import IdTaken, LoginRefused
from trailcam.wire.codec import decode, encode
from trailcam.wire.constants import LOGIN_KEY, Result
from trailcam.wire.login import DSK_LOGIN
from trailcam.wire.messages import Alive, DevLgn, DevLgnAck, DevLgnAckCrc, DevLgnDsk
from trailcam.wire.sockaddr import UNSPECIFIED, SocketAddress

LOCAL = ("192.168.43.20", 50000)


class IdentityTests(SynchronousTestCase):
    """An id and the right to it."""

    def test_login_with_secret(self) -> None:
        """The id, the local address and the secret, under the login key."""
        message = IDENTITY.login(LOCAL)
        assert isinstance(message, DevLgnDsk)
        login = DSK_LOGIN.open(message, LOGIN_KEY)
        self.assertEqual((login.did, login.dsk), (DID, SECRET))
        self.assertEqual(login.address, SocketAddress(*LOCAL))

    def test_login_without_secret(self) -> None:
        """A server that is open to all gets a plain login."""
        message = Identity(DID).login(LOCAL)
        assert isinstance(message, DevLgn)
        self.assertEqual((message.did, message.address), (DID, SocketAddress(*LOCAL)))

    def test_login_without_ipv4_address(self) -> None:
        """An address that the message has no place for is left out."""
        for local in (("::1", 50000), ("fe80::1%2", 50000), ("", 0)):
            message = Identity(DID).login(local)
            assert isinstance(message, DevLgn)
            self.assertEqual(decode(encode(message)), message)
            self.assertEqual(message.address, UNSPECIFIED)

    def test_secret_is_not_shown(self) -> None:
        """Neither the secret nor the key appear where values are printed."""
        self.assertNotIn("horse", repr(IDENTITY))
        self.assertNotIn(LOGIN_KEY, repr(IDENTITY))

    def test_result(self) -> None:
        """Both kinds of answer are understood, whatever result they carry."""
        for result in (Result.OK, Result.REPLACED, 0x77):
            self.assertEqual(IDENTITY.result(acknowledgement(result)), result)
            self.assertEqual(IDENTITY.result(DevLgnAck(result)), result)

    def test_no_result(self) -> None:
        """What is no answer, or not under our key, is none."""
        self.assertIsNone(IDENTITY.result(Alive()))
        self.assertIsNone(IDENTITY.result(DevLgnAckCrc(b"12345678")))
        other = Identity(DID, SECRET, login_key="another")
        self.assertIsNone(other.result(acknowledgement(Result.OK)))

    def test_replaced(self) -> None:
        """Another agent has the id."""
        problem = IDENTITY.refusal(Result.REPLACED, "meet.example:32100")
        self.assertIsInstance(problem, IdTaken)
        self.assertEqual(
            str(problem),
            "another agent with the id MYCAM-000001-ABCDE took over at meet.example:32100; "
            "is one running elsewhere?",
        )

    def test_refused(self) -> None:
        """Each other result has its words, an unknown one its number."""
        for result, words in {
            Result.INVALID_DSK: "it wants a secret",
            Result.INVALID_ID: "it does not know this id",
            Result.INVALID_PREFIX: "it takes no ids with this prefix",
            0x77: "result 0x77",
        }.items():
            problem = IDENTITY.refusal(result, "here")
            self.assertIsInstance(problem, LoginRefused)
            self.assertIn(f"here refused the login of {DID}: {words}", str(problem))
