"""Commands, answers and events as JSON objects."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trailcam.artemis.commands import (
    MAX_DEPTH,
    CommandID,
    carries_json,
    command_name,
    decode_body,
    encode_body,
    parse_object,
)
from trailcam.artemis.crypto import Side, seal, unseal
from trailcam.artemis.record import Record, RecordKind
from trailcam.errors import CipherError, WireError

BODIES = st.dictionaries(
    st.text(max_size=5),
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.floats(-9, 9)),
    max_size=4,
)
TEXT_KINDS = (RecordKind.COMMAND, RecordKind.ANSWER, RecordKind.EVENT)


class NameTests(SynchronousTestCase):
    """Names for people."""

    def test_documented(self) -> None:
        """A documented command has its name in words."""
        self.assertEqual(command_name({"cmdId": 525}), "heartbeat")
        self.assertEqual(command_name({"cmdId": 512, "token": 1}), "get device info")
        self.assertEqual(command_name({"cmdId": CommandID.LOGIN.value}), "login")

    def test_undocumented(self) -> None:
        """Another one has its number."""
        self.assertEqual(command_name({"cmdId": 9999}), "command 9999")

    def test_without_number(self) -> None:
        """An event is told from an object without any number, or with one that is none."""
        self.assertEqual(command_name({"evtId": 4}), "event")
        for body in ({}, {"cmdId": "525"}, {"cmdId": True}, {"cmdId": None}, {"cmdId": [1]}):
            self.assertEqual(command_name(body), "unnamed")


class BodyTests(SynchronousTestCase):
    """Objects in their records."""

    def test_kinds(self) -> None:
        """Commands, answers and events carry JSON; no other kind does."""
        self.assertEqual([k for k in range(12) if carries_json(k)], [2, 3, 7])

    def test_command(self) -> None:
        """A command is compact JSON, sealed as a client does it."""
        record = encode_body(RecordKind.COMMAND, 3, {"cmdId": 258, "token": 7})
        self.assertEqual(record.sequence, 3)
        self.assertEqual(record.payload, seal(b'{"cmdId":258,"token":7}', Side.CLIENT))

    def test_answer(self) -> None:
        """An answer is sealed as a camera does it."""
        record = encode_body(RecordKind.ANSWER, 3, {"result": 0})
        self.assertEqual(record.payload, seal(b'{"result":0}', Side.CAMERA))

    def test_event(self) -> None:
        """An event is in clear and has the length that was recorded."""
        record = encode_body(RecordKind.EVENT, 1, {"evtId": 4})
        self.assertEqual(record.payload, b'{"evtId":4}\0')
        self.assertEqual(decode_body(record), {"evtId": 4})

    def test_order_of_members(self) -> None:
        """Members stay in the order of the caller."""
        record = encode_body(RecordKind.COMMAND, 1, {"b": 1, "a": 2})
        self.assertEqual(unseal(record.payload), b'{"b":1,"a":2}')

    @settings(max_examples=50, deadline=None)
    @given(st.sampled_from(TEXT_KINDS), BODIES)
    def test_round_trip(self, kind: RecordKind, body: dict[str, Any]) -> None:
        """What is written is read."""
        self.assertEqual(decode_body(encode_body(kind, 9, body)), body)

    def test_cannot_be_written(self) -> None:
        """What has no form in JSON, or none in UTF-8, is refused."""
        for value in (float("nan"), float("inf"), "\ud800"):
            self.assertRaises(WireError, encode_body, RecordKind.COMMAND, 1, {"a": value})

    def test_cannot_be_opened(self) -> None:
        """A payload that is not enciphered is refused as that."""
        self.assertRaises(CipherError, decode_body, Record(2, 1, b'{"cmdId":0}'))


class ParsingTests(SynchronousTestCase):
    """Text that is no JSON object."""

    def refused(self, text: bytes) -> str:
        """The reason for refusing the text."""
        return str(self.assertRaises(WireError, parse_object, text))

    def test_not_json(self) -> None:
        """Anything else is refused."""
        for text in (b"", b"{", b"{]}", b'{"a":1}x', b"\xff\xfe", b"{'a':1}"):
            self.assertIn("not JSON", self.refused(text))

    def test_not_an_object(self) -> None:
        """JSON of another type is refused and named."""
        self.assertIn("JSON list, not an object", self.refused(b"[1]"))
        self.assertIn("JSON NoneType", self.refused(b"null"))

    def test_numbers_that_json_has_not(self) -> None:
        """What Python reads as JSON and JSON does not know is refused."""
        for number in (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 5000):
            self.assertIn("not JSON", self.refused(b'{"a":' + number + b"}"))

    def test_not_utf8(self) -> None:
        """A name in another encoding does not spoil the object it is in."""
        self.assertEqual(parse_object(b'{"a":"\xc3","b":1}'), {"a": "\ufffd", "b": 1})

    def test_finite_number(self) -> None:
        """Ordinary fractions are read."""
        self.assertEqual(parse_object(b'{"a":-1.5e3}'), {"a": -1500.0})

    def test_depth(self) -> None:
        """Deep nesting is refused, at whatever depth Python itself would give up."""
        nested = b'{"a":' + b"[" * (MAX_DEPTH - 2) + b"]" * (MAX_DEPTH - 2) + b"}"
        self.assertIn("a", parse_object(nested))
        self.assertIn("deeper", self.refused(b'{"a":' + b"[" * 33 + b"]" * 33 + b"}"))
        self.assertIn("deeper", self.refused(b'{"a":' * 40 + b"1" + b"}" * 40))
        self.refused(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}")

    @settings(max_examples=50, deadline=None)
    @given(st.one_of(st.binary(max_size=30), st.text('{}[]":,1e9.-n ultrfas', max_size=30)))
    def test_anything(self, text: bytes | str) -> None:
        """Nothing but WireError is raised."""
        octets = text.encode() if isinstance(text, str) else text
        try:
            self.assertIsInstance(parse_object(octets), dict)
        except WireError as error:
            self.assertIn("the text", str(error))
