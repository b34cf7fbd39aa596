"""Recordings made up for the tests: lines of JSON, network frames, pcap files."""

from __future__ import annotations

import io
import json
import socket
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trailcam.artemis.commands import encode_body
from trailcam.artemis.crypto import Side, seal
from trailcam.artemis.record import Record, RecordKind
from trailcam.decode import Decoded, decode_file
from trailcam.decode.jsonl import read_jsonl
from trailcam.decode.packets import Item
from trailcam.decode.pcap import read_pcap
from trailcam.wire.codec import encode
from trailcam.wire.messages import Drw, DrwAck, Message

CAMERA = ("192.168.43.1", 40611)
CLIENT = ("192.168.43.20", 15054)

ETHERNET = 1
RAW = 101

Address = tuple[str, int]


def line(sender: str, data: bytes | Message, time: float | None = None) -> bytes:
    """One line of a ``.jsonl`` recording."""
    octets = encode(data) if isinstance(data, Message) else data
    entry = {"t": time, "dir": sender, "peer_port": None, "hex": octets.hex()}
    return json.dumps(entry).encode() + b"\n"


def command(sequence: int, body: Mapping[str, Any]) -> bytes:
    """The record of a client's command."""
    return encode_body(RecordKind.COMMAND, sequence, body).to_bytes()


def answer(sequence: int, body: Mapping[str, Any]) -> bytes:
    """The record of a camera's answer."""
    return encode_body(RecordKind.ANSWER, sequence, body).to_bytes()


def escaped(body: Mapping[str, Any]) -> bytes:
    """The record of an answer with all but ASCII written as escapes, as any writer may do."""
    return Record(RecordKind.ANSWER, 1, seal(json.dumps(body).encode(), Side.CAMERA)).to_bytes()


def pieces(stream: bytes, size: int = 1024) -> list[bytes]:
    """A stream cut as senders cut it."""
    return [stream[start : start + size] for start in range(0, len(stream), size)]


def drws(payloads: Sequence[bytes], first: int = 0, channel: int = 0) -> list[Drw]:
    """DRW messages with these payloads, the indexes counting up from ``first``."""
    return [Drw(channel, (first + n) % 65536, payload) for n, payload in enumerate(payloads)]


def ack(*indexes: int, channel: int = 0) -> DrwAck:
    """A DRW_ACK."""
    return DrwAck(channel, indexes)


def from_client(*messages: Message | bytes) -> bytes:
    """Lines of what a client sent."""
    return b"".join(line("client", message) for message in messages)


def from_camera(*messages: Message | bytes) -> bytes:
    """Lines of what a camera sent."""
    return b"".join(line("camera", message) for message in messages)


def udp(source: Address, destination: Address, data: bytes | Message) -> bytes:
    """A UDP datagram."""
    octets = encode(data) if isinstance(data, Message) else data
    return struct.pack(">HHHH", source[1], destination[1], 8 + len(octets), 0) + octets


def ipv4(
    source: Address,
    destination: Address,
    data: bytes | Message,
    *,
    protocol: int = 17,
    fragment: int = 0x4000,
    options: bytes = b"",
) -> bytes:
    """An IPv4 packet with a UDP datagram in it."""
    segment = udp(source, destination, data)
    hosts = source[0], destination[0]
    return ip(*hosts, segment, protocol=protocol, fragment=fragment, options=options)


def ip(
    source: str,
    destination: str,
    segment: bytes,
    *,
    protocol: int,
    fragment: int = 0x4000,
    options: bytes = b"",
) -> bytes:
    """An IPv4 packet with anything in it."""
    hosts = socket.inet_aton(source) + socket.inet_aton(destination)
    size = 20 + len(options)
    head = struct.pack(
        ">BBHHHBBH", 0x40 | size // 4, 0, size + len(segment), 1, fragment, 64, protocol, 0
    )
    return head + hosts + options + segment


def tcp(
    source: Address,
    destination: Address,
    sequence: int,
    data: bytes = b"",
    *,
    opens: bool = False,
    options: bytes = b"",
) -> bytes:
    """An IPv4 packet with a TCP segment in it; ``opens`` gives it a SYN."""
    ports, offset = (source[1], destination[1]), (20 + len(options)) // 4 << 4
    flags = 0x02 if opens else 0x18
    head = struct.pack(">HHIIBBHHH", *ports, sequence, 1, offset, flags, 8192, 0, 0)
    return ip(source[0], destination[0], head + options + data, protocol=6)


def pcap(
    frames: Sequence[bytes],
    *,
    link_type: int = RAW,
    order: str = "<",
    nanoseconds: bool = False,
    times: Sequence[float] = (),
    kept: int = 65535,
) -> bytes:
    """
    A pcap file.

    :param kept: octets kept of each frame.
    """
    ticks = 1_000_000_000 if nanoseconds else 1_000_000
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    parts = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, kept, link_type)]
    for number, frame in enumerate(frames):
        seconds, rest = divmod(times[number] if times else 0, 1)
        held = frame[:kept]
        sizes = (len(held), len(frame))
        parts.append(struct.pack(f"{order}4I", int(seconds), round(rest * ticks), *sizes) + held)
    return b"".join(parts)


def jsonl_items(content: bytes) -> list[Item]:
    """What the reader of lines finds."""
    return list(read_jsonl(io.BytesIO(content)))


def pcap_items(content: bytes) -> list[Item]:
    """What the reader of pcap files finds."""
    return list(read_pcap(io.BytesIO(content)))


def decoded(folder: str, content: bytes, name: str = "made.jsonl") -> Decoded:
    """
    Write a file and decode it.

    :param folder: a path where nothing is yet, as ``mktemp`` of a test gives.
    """
    path = Path(folder)
    path.mkdir()
    (path / name).write_bytes(content)
    return decode_file(path / name)
