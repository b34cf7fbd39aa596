"""
Hypothesis strategies for messages, from the same annotations the codec reads.

``QUICK`` keeps the suite deterministic: no example database, no random seed, no deadline.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any, get_type_hints

import attrs
from hypothesis import settings
from hypothesis import strategies as st

from trailcam.wire.constants import MAX_DRW_PAYLOAD, MAX_PSR_PAYLOAD
from trailcam.wire.did import DeviceID
from trailcam.wire.fields import (
    DID,
    I8,
    I32,
    SOCKADDR,
    SOCKADDR_CS2,
    SOCKADDR_HEAD,
    SOCKADDR_NETWORK,
    U8,
    U16,
    U32,
    Flag,
    OptionalDid,
    OptionalU32,
    Pad,
    Padded64,
    Rest,
)
from trailcam.wire.messages import (
    ALL,
    Drw,
    DrwAck,
    ListReqAck,
    Message,
    Psr,
    RelayServer,
    RlyServerReqAck,
)
from trailcam.wire.sockaddr import SocketAddress

QUICK = settings(max_examples=100, derandomize=True, database=None, deadline=None)

_printable = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
_words = st.text(_printable, min_size=1, max_size=7)
_ports = st.integers(0, 0xFFFF)
_uint8 = st.integers(0, 0xFF)
_uint16 = st.integers(0, 0xFFFF)
_uint32 = st.integers(0, 0xFFFFFFFF)

dids = st.builds(DeviceID, _words, _uint32, _words)
ipv4_addresses = st.builds(SocketAddress, st.builds(str, st.builds(IPv4Address, _uint32)), _ports)
# "::" is not the IPv6 address of anybody: it reads as "no IPv6 address here".
ipv6_addresses = st.builds(
    SocketAddress,
    st.builds(str, st.builds(IPv6Address, st.integers(1 << 32, (1 << 128) - 1))),
    _ports,
)


def _part(alias: Any) -> Any:
    """What the codec goes by in an annotation."""
    return next(part for part in alias.__metadata__ if not isinstance(part, Pad))


def _octets(part: Any) -> st.SearchStrategy[bytes]:
    size = int(part.format.removesuffix("s"))
    return st.binary(min_size=size, max_size=size)


_STRATEGIES: dict[Any, st.SearchStrategy[Any]] = {
    DID: dids,
    SOCKADDR: ipv4_addresses,
    SOCKADDR_CS2: ipv4_addresses | ipv6_addresses,
    SOCKADDR_HEAD: ipv4_addresses,
    SOCKADDR_NETWORK: ipv4_addresses,
    _part(U8): _uint8,
    _part(U16): _uint16,
    _part(U32): _uint32,
    _part(I8): st.integers(-0x80, 0x7F),
    _part(I32): st.integers(-0x80000000, 0x7FFFFFFF),
    _part(Flag): st.booleans(),
    _part(OptionalDid): st.none() | dids,
    _part(OptionalU32): st.none() | _uint32,
    _part(Padded64): st.binary(max_size=64).map(lambda octets: octets.rstrip(b"\0")),
    _part(Rest): st.binary(max_size=64),
}


def _field(hint: Any) -> st.SearchStrategy[Any]:
    part = _part(hint)
    return _STRATEGIES[part] if part in _STRATEGIES else _octets(part)


def record(made: type[Any]) -> st.SearchStrategy[Any]:
    """Values of an annotated class."""
    hints = get_type_hints(made, include_extras=True)
    fields = [attribute.name for attribute in attrs.fields(made)]
    return st.builds(made, **{name: _field(hints[name]) for name in fields})


def _pieces(made: type[Any], most: int) -> st.SearchStrategy[Any]:
    return st.builds(made, st.integers(0, 7), _uint16, st.binary(max_size=most))


def _tuples(entries: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[Any]:
    return st.lists(entries, max_size=most).map(tuple)


_WRITTEN_OUT: dict[type[Message], st.SearchStrategy[Any]] = {
    Drw: _pieces(Drw, MAX_DRW_PAYLOAD),
    Psr: _pieces(Psr, MAX_PSR_PAYLOAD),
    DrwAck: st.builds(DrwAck, st.integers(0, 7), _tuples(_uint16, 300)),
    ListReqAck: st.builds(ListReqAck, _tuples(ipv4_addresses, 20)),
    RlyServerReqAck: st.builds(
        RlyServerReqAck, st.integers(-0x80, 0x7F), _tuples(record(RelayServer), 20)
    ),
}

#: A strategy for every class of message.
MESSAGES: dict[type[Message], st.SearchStrategy[Any]] = _WRITTEN_OUT | {
    made: record(made) for made in ALL if made not in _WRITTEN_OUT
}

any_message = st.one_of(*MESSAGES.values())
