"""Files that are anything at all."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.decode.builders import CAMERA, CLIENT, command, decoded, ipv4, line, pcap, tcp
from trailcam.decode import render_text
from trailcam.decode.frames import LINK_TYPES
from trailcam.errors import CaptureError

#: Datagrams: noise, noise in an envelope, channel messages with noise, noise in a record.
NOISE = st.binary(max_size=60)
ENVELOPES = st.builds(
    lambda opcode, body: bytes([0xF1, opcode]) + len(body).to_bytes(2, "big") + body,
    st.integers(0, 255),
    st.one_of(NOISE, st.binary(min_size=15, max_size=90)),
)


def _drw(channel: int, index: int, payload: bytes) -> bytes:
    """A DRW with any payload."""
    body = bytes([0xD1, channel]) + index.to_bytes(2, "big") + payload
    return b"\xf1\xd0" + len(body).to_bytes(2, "big") + body


RECORDS = st.builds(
    lambda kind, length, payload: (
        b"ARTEMIS\0" + bytes([kind, 0, 0, 0]) + bytes(4) + length.to_bytes(4, "little") + payload
    ),
    st.integers(0, 9),
    st.integers(0, 200),
    st.one_of(st.binary(max_size=200), st.just(command(1, {"cmdId": 525})[20:])),
)
DRWS = st.builds(_drw, st.integers(0, 8), st.integers(0, 65535), st.one_of(NOISE, RECORDS))
DATAGRAMS = st.one_of(NOISE, ENVELOPES, DRWS)
LINES = st.one_of(
    NOISE,
    st.builds(line, st.sampled_from(["camera", "client", "?"]), DATAGRAMS, st.floats() | st.none()),
)
#: TCP streams: clear frames, noise in one, and noise alone.
STREAMS = st.lists(
    st.one_of(
        NOISE,
        st.builds(lambda data: len(data).to_bytes(2, "big") + b"\x68" + bytes(5) + data, DATAGRAMS),
    ),
    max_size=4,
).map(b"".join)
FRAMES = st.one_of(
    NOISE,
    st.builds(ipv4, st.just(CLIENT), st.just(CAMERA), DATAGRAMS),
    st.builds(
        ipv4,
        st.just(CAMERA),
        st.just(CLIENT),
        DATAGRAMS,
        protocol=st.integers(0, 255),
        fragment=st.integers(0, 65535),
    ),
    st.builds(
        tcp,
        st.just(CLIENT),
        st.just(CAMERA),
        st.integers(0, 80),
        STREAMS,
        opens=st.booleans(),
    ),
)


class HostileFileTests(SynchronousTestCase):
    """Whatever is in a file, it is decoded or refused as a file."""

    def read(self, content: bytes, name: str) -> None:
        """Decode and render a file; fail on anything but CaptureError."""
        try:
            found = decoded(self.mktemp(), content, name)
        except CaptureError as error:
            self.assertIn("cannot read", str(error))
            return
        json.dumps(found.as_json(), indent=2, allow_nan=False)
        self.assertTrue(render_text(found).startswith(name))
        named = sum(found.ops.values()) + len(found.bad)
        self.assertGreaterEqual(named, found.packets)

    @settings(max_examples=50, deadline=None)
    @given(st.binary(max_size=300), st.sampled_from(["a.jsonl", "a.pcap"]))
    def test_noise(self, content: bytes, name: str) -> None:
        """Any octets at all."""
        self.read(content, name)

    @settings(max_examples=150, deadline=None)
    @given(st.lists(LINES, max_size=12))
    def test_lines(self, lines: list[bytes]) -> None:
        """Lines that are nearly right."""
        self.read(b"\n".join(lines), "a.jsonl")

    @settings(max_examples=150, deadline=None)
    @given(
        st.lists(FRAMES, max_size=12),
        st.sampled_from(sorted(LINK_TYPES)),
        st.sampled_from("<>"),
        st.integers(0, 60),
    )
    def test_frames(self, frames: list[bytes], link_type: int, order: str, cut: int) -> None:
        """Frames that are nearly right, in files that end anywhere."""
        content = pcap(frames, link_type=link_type, order=order)
        self.read(content[: len(content) - cut], "a.pcap")

    @settings(max_examples=50, deadline=None)
    @given(st.lists(FRAMES, min_size=1, max_size=5), st.binary(min_size=1, max_size=4), st.data())
    def test_damaged(self, frames: list[bytes], damage: bytes, data: st.DataObject) -> None:
        """Good files with some octets changed."""
        content = bytearray(pcap(frames))
        start = data.draw(st.integers(0, len(content) - 1))
        content[start : start + len(damage)] = damage
        self.read(bytes(content), "a.pcap")
