"""Datagrams to messages and back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.wire.strategies import MESSAGES, QUICK, any_message
from tests.wire.vectors import BODIES, DID, ENCIPHERED, HOST
from trailcam.errors import (
    BadMagic,
    DeviceIDError,
    LengthMismatch,
    Truncated,
    UnknownMessage,
    WireError,
)
from trailcam.wire.cipher import ProprietaryCipher
from trailcam.wire.codec import decode, encode
from trailcam.wire.constants import MAX_DATAGRAM, MessageType
from trailcam.wire.messages import (
    ALL,
    Alive,
    Drw,
    DrwAck,
    Hello,
    HelloAck,
    LanSearch,
    ListReqAck,
    ListReqDsk,
    Message,
    P2PReqAck,
    Psr,
    PunchPkt,
    QueryDid,
    ReportSessionReady,
    RlyPortAck,
)
from trailcam.wire.sockaddr import SocketAddress

#: Messages that end in whatever octets there are.
OF_ANY_SIZE = (Drw, Hello, Psr)


def envelope(opcode: int, body: bytes, length: int | None = None) -> bytes:
    """A datagram around ``body``, with the right length or another."""
    announced = len(body) if length is None else length
    return bytes([0xF1, opcode]) + announced.to_bytes(2, "big") + body


class VectorTests(SynchronousTestCase):
    """Bodies typed in from the protocol's tables."""

    def test_every_class(self) -> None:
        """No class is left out."""
        self.assertEqual({type(message) for message, _ in BODIES + ENCIPHERED}, set(ALL))

    def test_encode(self) -> None:
        """Messages become the typed octets."""
        for message, body in BODIES:
            self.assertEqual(encode(message), envelope(message.type, body), message)

    def test_decode(self) -> None:
        """The typed octets become the messages."""
        for message, body in BODIES:
            self.assertEqual(decode(envelope(message.type, body)), message)

    def test_enciphered(self) -> None:
        """Some bodies are under the table cipher, both ways; their header is clear."""
        cipher = ProprietaryCipher("SSD@cs2-network.")
        for message, clear in ENCIPHERED:
            datagram = envelope(message.type, cipher.encrypt(clear))
            self.assertEqual(encode(message), datagram)
            self.assertEqual(decode(datagram), message)

    def test_recorded_report(self) -> None:
        """A session report as the vendor's app sent it."""
        report = decode(
            bytes.fromhex(
                "f1f900540ccb9a2b5f951eb669dfaa375a6bbe3e76202e13c9d1aa3631be74e505ea33903e3ce2ac"
                "c0aa1b2652d102a4cc9405c9d1aa3719e12002fffcad9a788ca123af23af23af23ad3950f32cd63b"
                "2919e12235f44ec2"
            )
        )
        assert isinstance(report, ReportSessionReady)
        self.assertEqual((report.result, report.elapsed_ms), (1, 547))
        self.assertEqual((report.max_sessions, report.active_sessions), (256, 1))
        self.assertEqual((report.mode, report.lan_search), (0, 0x3F))
        self.assertEqual(report.local, SocketAddress("192.168.43.20", 39724))
        self.assertEqual(report.wan, SocketAddress("0.0.0.0", 39724))
        self.assertEqual(report.peer, HOST)


class RoundTripTests(SynchronousTestCase):
    """Whatever is encoded can be decoded."""

    @QUICK
    @given(st.data())
    def test_every_class(self, data: st.DataObject) -> None:
        """Any value of any class comes back equal and of its class."""
        message = data.draw(MESSAGES[data.draw(st.sampled_from(ALL))])
        self.assertEqual(decode(encode(message)), message)

    def test_each_class(self) -> None:
        """No class is left to chance."""
        for made, strategy in MESSAGES.items():
            with self.subTest(made.__name__):
                self.round_trips(strategy)

    def round_trips(self, strategy: st.SearchStrategy[Message]) -> None:
        """A few dozen values of one class come back."""

        @settings(QUICK, max_examples=30)
        @given(strategy)
        def check(message: Message) -> None:
            self.assertEqual(decode(encode(message)), message)

        check()


class EnvelopeTests(SynchronousTestCase):
    """What is refused before a body is looked at."""

    def test_too_short(self) -> None:
        """A header that is not whole."""
        for size in range(4):
            self.assertRaises(Truncated, decode, b"\xf1\x30\0\0"[:size])

    def test_too_long(self) -> None:
        """More than any datagram, even one that would be in order."""
        longest = envelope(MessageType.DRW, b"\xd1\0\0\0" + bytes(MAX_DATAGRAM - 8))
        self.assertEqual(len(longest), MAX_DATAGRAM)
        self.assertIsInstance(decode(longest), Drw)
        longer = envelope(MessageType.DRW, b"\xd1\0\0\0" + bytes(MAX_DATAGRAM - 7))
        self.assertRaises(LengthMismatch, decode, longer)
        self.assertRaises(LengthMismatch, decode, envelope(MessageType.ALIVE, bytes(65000)))

    def test_magic(self) -> None:
        """Another first octet."""
        self.assertRaises(BadMagic, decode, b"\xf2\x30\0\0")

    def test_opcode(self) -> None:
        """An opcode that is not documented."""
        self.assertRaises(UnknownMessage, decode, b"\xf1\xdb\0\0")

    def test_name_service(self) -> None:
        """A DNS query whose number happens to start with F1 is no message."""
        query = bytes.fromhex("f1fe01000001000000000000") + b"\3api\7example\3com\0\0\1\0\1"
        self.assertRaises(UnknownMessage, decode, query)

    def test_announces_more(self) -> None:
        """A length beyond the end of the datagram."""
        datagram = envelope(MessageType.PUNCH_PKT, DID.to_bytes(), length=24)
        self.assertRaises(Truncated, decode, datagram)

    def test_announces_less(self) -> None:
        """A length before the end of the datagram."""
        datagram = envelope(MessageType.PUNCH_PKT, DID.to_bytes() + bytes(4), length=20)
        self.assertRaises(LengthMismatch, decode, datagram)

    def test_bodyless(self) -> None:
        """A message without body may announce or carry what it likes."""
        for length in (0, 1, 4, 0xFFFF):
            for body in (b"", b"\0", bytes(20)):
                datagram = envelope(MessageType.ALIVE, body, length)
                self.assertEqual(decode(datagram), Alive())
        self.assertEqual(decode(b"\xf1\x30\0\0" + bytes(100)), LanSearch())

    def test_room(self) -> None:
        """The room of a HELLO is what is there, whatever it announces."""
        for length in (0, 16, 0xFFFF):
            for room in (b"", bytes(range(16)), bytes(20)):
                datagram = envelope(MessageType.HELLO, room, length)
                self.assertEqual(decode(datagram), Hello(room))

    def test_token(self) -> None:
        """Where our servers have a token, those of others leave zeros."""
        datagram = envelope(MessageType.HELLO_ACK, HOST.to_bytes())
        self.assertEqual(decode(datagram), HelloAck(HOST, bytes(8)))


class BodyTests(SynchronousTestCase):
    """Bodies of a wrong size or content; every kind of layout has its own refusals."""

    def refused(self, error: type[WireError], opcode: int, body: bytes) -> None:
        """``body`` under an envelope in order."""
        self.assertRaises(error, decode, envelope(opcode, body))

    def test_fixed_too_short(self) -> None:
        """Every message of one size, an octet short."""
        for message, body in BODIES:
            if body and not isinstance(message, OF_ANY_SIZE):
                with self.subTest(message), self.assertRaises(WireError):
                    decode(envelope(message.type, body[:-1]))

    def test_fixed_too_long(self) -> None:
        """Every message of one size, an octet too long."""
        for message, body in BODIES:
            if body and not isinstance(message, OF_ANY_SIZE):
                with self.subTest(message), self.assertRaises(LengthMismatch):
                    decode(envelope(message.type, body + b"\0"))

    def test_truncated(self) -> None:
        """A body that ends within its fixed fields."""
        self.refused(Truncated, MessageType.HELLO_ACK, bytes(15))
        self.refused(Truncated, MessageType.HELLO_ACK, b"")
        self.refused(Truncated, MessageType.REPORT_SESSION_READY, bytes(83))

    def test_variants(self) -> None:
        """Between the 20 and the 24 octets of PUNCH_PKT and P2P_RDY there is nothing."""
        for opcode in (MessageType.PUNCH_PKT, MessageType.P2P_RDY):
            for extra in (1, 2, 3, 5, 8):
                self.refused(LengthMismatch, opcode, DID.to_bytes() + bytes(extra))

    def test_search_variants(self) -> None:
        """The extended search has an id or nothing."""
        self.refused(LengthMismatch, MessageType.LAN_SEARCH_EXT, DID.to_bytes()[:19])
        self.refused(LengthMismatch, MessageType.LAN_SEARCH_EXT, DID.to_bytes() + b"\0")

    def test_device_id(self) -> None:
        """A malformed id keeps its own error."""
        self.refused(DeviceIDError, MessageType.PUNCH_PKT, bytes(20))

    def test_address(self) -> None:
        """An address of another family."""
        self.refused(WireError, MessageType.PUNCH_TO, b"\0\x0a" + bytes(13) + b"\1")

    def test_padding(self) -> None:
        """What stands in padding is not looked at."""
        datagram = envelope(MessageType.RLY_PORT_ACK, bytes.fromhex("00000001 9ea3 ffff"))
        self.assertEqual(decode(datagram), RlyPortAck(1, 40611))

    def test_list_empty(self) -> None:
        """A list needs its count."""
        self.refused(Truncated, MessageType.LIST_REQ_ACK, b"")
        self.refused(Truncated, MessageType.LIST_REQ_ACK, bytes(3))

    def test_list_count(self) -> None:
        """A count that is not that of the entries."""
        for count in (0, 2, 255):
            body = bytes([count, 0, 0, 0]) + HOST.to_bytes()
            self.refused(LengthMismatch, MessageType.LIST_REQ_ACK, body)

    def test_list_entry(self) -> None:
        """An entry that is not whole."""
        self.refused(LengthMismatch, MessageType.LIST_REQ_ACK, b"\1\0\0\0" + bytes(15))

    def test_relay_servers(self) -> None:
        """The request and the answer under one opcode are told apart by size."""
        self.refused(DeviceIDError, MessageType.RLY_SERVER_REQ, bytes(20))
        self.refused(LengthMismatch, MessageType.RLY_SERVER_REQ, bytes(21))
        self.refused(Truncated, MessageType.RLY_SERVER_REQ, b"")

    def test_enciphered_garbage(self) -> None:
        """Octets that decipher to nonsense."""
        self.refused(WireError, MessageType.REPORT_SESSION_READY, bytes(84))


class ChannelTests(SynchronousTestCase):
    """DRW, DRW_ACK and PSR."""

    OPCODES = (MessageType.DRW, MessageType.DRW_ACK, MessageType.PSR)

    def refused(self, error: type[WireError], body: str) -> None:
        """``body`` is none of the three."""
        for opcode in self.OPCODES:
            with self.subTest(opcode):
                self.assertRaises(error, decode, envelope(opcode, bytes.fromhex(body)))

    def test_head(self) -> None:
        """A head that is not whole."""
        for body in ("", "d1", "d100", "d10000"):
            self.refused(Truncated, body)

    def test_magic(self) -> None:
        """Another magic."""
        self.refused(BadMagic, "d0000000")

    def test_channel(self) -> None:
        """A channel that does not exist."""
        self.refused(WireError, "d1080000")
        self.refused(WireError, "d1ff0000")

    def test_payload_received(self) -> None:
        """More payload than we would send is read, as far as a datagram goes."""
        message = decode(envelope(MessageType.DRW, b"\xd1\0\0\0" + bytes(1025)))
        self.assertEqual(message, Drw(0, 0, bytes(1025)))

    def test_payload_sent(self) -> None:
        """We send at most 1024 octets."""
        self.assertEqual(len(encode(Drw(0, 0, bytes(1024)))), 1032)
        self.assertRaises(LengthMismatch, encode, Drw(0, 0, bytes(1025)))

    def test_psr_payload(self) -> None:
        """PSR carries at most 1240 octets, either way."""
        datagram = encode(Psr(0, 0, bytes(1240)))
        self.assertEqual(decode(datagram), Psr(0, 0, bytes(1240)))
        self.assertRaises(LengthMismatch, encode, Psr(0, 0, bytes(1241)))
        longer = envelope(MessageType.PSR, b"\xd1\0\0\0" + bytes(1241))
        self.assertRaises(LengthMismatch, decode, longer)

    def test_ack_count(self) -> None:
        """The count must be that of the entries; a client of old sends 0 before an entry."""
        for body in ("d10000000001", "d10000010001ffff", "d1000002000100", "d100ffff"):
            datagram = envelope(MessageType.DRW_ACK, bytes.fromhex(body))
            self.assertRaises(LengthMismatch, decode, datagram)

    def test_longest_ack(self) -> None:
        """As many entries as fit in a datagram, and not one more."""
        most = (MAX_DATAGRAM - 8) // 2
        message = DrwAck(7, tuple(range(most)))
        self.assertEqual(decode(encode(message)), message)
        self.assertRaises(LengthMismatch, encode, DrwAck(7, (0,) * (most + 1)))

    def test_cannot_be_sent(self) -> None:
        """Channels and indexes out of range are refused when encoding."""
        for message in (
            Drw(8, 0, b""),
            Drw(-1, 0, b""),
            Drw(0, 0x10000, b""),
            Drw(0, -1, b""),
            Psr(8, 0, b""),
            DrwAck(8, ()),
            DrwAck(0, (0x10000,)),
            DrwAck(0, (1, -1)),
            DrwAck(0, (0,) * 0x10000),
        ):
            with self.assertRaises(WireError):
                encode(message)


class EncodeTests(SynchronousTestCase):
    """Values that no body can hold."""

    def refused(self, message: Message) -> None:
        """``message`` cannot be encoded."""
        with self.assertRaises(WireError):
            encode(message)

    def test_numbers(self) -> None:
        """Numbers beyond their field."""
        self.refused(RlyPortAck(1 << 32, 1))
        self.refused(RlyPortAck(1, 1 << 16))
        self.refused(P2PReqAck(-1))
        self.refused(PunchPkt(DID, 1 << 32))
        self.refused(ReportSessionReady(DID, 1 << 31))

    def test_octets(self) -> None:
        """Opaque octets of another size."""
        self.refused(ListReqDsk(DID, bytes(23)))
        self.refused(ListReqDsk(DID, bytes(25)))
        self.refused(HelloAck(HOST, bytes(7)))
        self.refused(P2PReqAck(0, b""))

    def test_text(self) -> None:
        """Text that is too long, or would come back shorter."""
        self.refused(QueryDid(bytes(range(1, 66))))
        self.refused(QueryDid(b"name\0"))

    def test_address(self) -> None:
        """A host name where an address belongs."""
        self.refused(HelloAck(SocketAddress("camera.local", 1)))

    def test_list(self) -> None:
        """A list too long for its count, or for a datagram."""
        self.refused(ListReqAck((HOST,) * 256))
        self.refused(ListReqAck((HOST,) * 128))
        self.assertEqual(decode(encode(ListReqAck((HOST,) * 127))), ListReqAck((HOST,) * 127))


class HostileTests(SynchronousTestCase):
    """Octets from anybody."""

    def survives(self, datagram: bytes) -> None:
        """``datagram`` is a message or a WireError, nothing else."""
        try:
            message = decode(datagram)
        except WireError:
            return
        self.assertIsInstance(message, Message)

    @QUICK
    @given(st.binary(max_size=300))
    def test_random(self, datagram: bytes) -> None:
        """Random octets."""
        self.survives(datagram)

    @QUICK
    @given(st.sampled_from(MessageType), st.binary(max_size=120))
    def test_random_body(self, opcode: MessageType, body: bytes) -> None:
        """Random bodies in an envelope that is in order."""
        self.survives(envelope(opcode, body))

    @QUICK
    @given(any_message, st.data())
    def test_mutated(self, message: Message, data: st.DataObject) -> None:
        """A message with one octet changed, or cut short, or made longer."""
        datagram = encode(message)
        place = data.draw(st.integers(0, len(datagram) - 1))
        octet = data.draw(st.binary(min_size=1, max_size=1))
        self.survives(datagram[:place] + octet + datagram[place + 1 :])
        self.survives(datagram[:place])
        self.survives(datagram + octet)

    @QUICK
    @given(any_message, st.data())
    def test_wrong_opcode(self, message: Message, data: st.DataObject) -> None:
        """The body of one message under the opcode of another."""
        body = encode(message)[4:]
        self.survives(envelope(data.draw(st.sampled_from(MessageType)), body))
