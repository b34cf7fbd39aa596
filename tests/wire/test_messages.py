"""The classes of messages, as values."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.wire.strategies import MESSAGES, QUICK
from trailcam.wire.constants import MessageType
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import (
    ALL,
    Alive,
    AliveAck,
    Close,
    DevLgnDsk,
    DevLgnKey,
    Drw,
    Hello,
    HelloAck,
    ListReqDsk,
    Message,
    P2PRdy,
    P2PReqDsk,
    Psr,
    PunchPkt,
    RlyServerReq,
    RlyServerReqAck,
    TcpRlyReqDsk,
)
from trailcam.wire.sockaddr import UNSPECIFIED


def opcode_words(message: type[Message]) -> str:
    """The name of a class's opcode, without the underscores."""
    return message.type.name.replace("_", "").lower()


class ClassTests(SynchronousTestCase):
    """What holds for every class."""

    def test_every_opcode(self) -> None:
        """Every opcode has its class."""
        self.assertEqual({message.type for message in ALL}, set(MessageType))

    def test_one_class_each(self) -> None:
        """Only a request and its answer of one dialect share an opcode."""
        shared = {RlyServerReq, RlyServerReqAck}
        opcodes = [message.type for message in ALL if message not in shared]
        self.assertEqual(len(opcodes), len(set(opcodes)))
        self.assertEqual(RlyServerReq.type, RlyServerReqAck.type)

    def test_names(self) -> None:
        """A class is called what its opcode is."""
        for message in ALL:
            if message is not RlyServerReqAck:
                self.assertEqual(message.__name__.lower(), opcode_words(message))

    def test_no_dict(self) -> None:
        """Messages are small: no class lets a dictionary hang on its values."""
        for message in ALL:
            self.assertEqual(message.__dictoffset__, 0, message)

    @QUICK
    @given(st.data())
    def test_frozen_values(self, data: st.DataObject) -> None:
        """Equal fields make equal, hashable messages that do not change."""
        made = data.draw(st.sampled_from(ALL))
        message = data.draw(MESSAGES[made])
        copy = attrs.evolve(message)
        self.assertEqual(message, copy)
        self.assertEqual(hash(message), hash(copy))
        for attribute in attrs.fields(made):
            with self.assertRaises(attrs.exceptions.FrozenInstanceError):
                setattr(message, attribute.name, None)


class EqualityTests(SynchronousTestCase):
    """What a message is not equal to."""

    def test_bodyless(self) -> None:
        """Messages without fields differ by class."""
        self.assertEqual(Alive(), Alive())
        self.assertEqual(len({Alive(), AliveAck(), Close()}), 3)

    def test_same_fields(self) -> None:
        """So do messages with the same fields."""
        self.assertNotEqual(Drw(1, 2, b"x"), Psr(1, 2, b"x"))
        self.assertNotEqual(PunchPkt(TRAILCAM_DID), P2PRdy(TRAILCAM_DID))

    def test_variant(self) -> None:
        """A version of zero is not the absence of a version."""
        self.assertNotEqual(PunchPkt(TRAILCAM_DID), PunchPkt(TRAILCAM_DID, 0))


class ReprTests(SynchronousTestCase):
    """What logs and tracebacks may show."""

    def test_payload(self) -> None:
        """Payloads are left out."""
        for made in (Drw, Psr):
            self.assertNotIn("PRIVATE", repr(made(1, 2, b"PRIVATE")))

    def test_secrets(self) -> None:
        """So are device secrets, signatures and sealed logins."""
        secret = b"PRIVATE!" * 3
        long = b"PRIVATE!" * 4
        for message in (
            ListReqDsk(TRAILCAM_DID, secret),
            P2PReqDsk(TRAILCAM_DID, UNSPECIFIED, 0, bytes(3), secret),
            TcpRlyReqDsk(TRAILCAM_DID, UNSPECIFIED, 0, bytes(3), 0, secret),
            DevLgnKey(TRAILCAM_DID, 0, bytes(3), UNSPECIFIED, long, long),
            DevLgnDsk(b"PRIVATE" + bytes(61)),
            Hello(b"PRIVATE"),
            HelloAck(UNSPECIFIED, b"PRIVATE!"),
        ):
            self.assertNotIn("PRIVATE", repr(message))
