"""
The kinds of field that message bodies are made of.

A message class is annotated with the aliases at the end of this module.  To mypy
each is a plain type; to :class:`trailcam.wire.layouts.Record` it also says how the
field lies in the octets.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Generic, TypeVar

import attrs

from trailcam.errors import LengthMismatch
from trailcam.wire.did import DID_SIZE, DeviceID
from trailcam.wire.sockaddr import (
    SOCKADDR_CS2_SIZE,
    SOCKADDR_HEAD_SIZE,
    SOCKADDR_SIZE,
    SocketAddress,
)

T = TypeVar("T")


@attrs.frozen
class Fixed(Generic[T]):
    """
    A field of constant size.

    :ivar format: what :mod:`struct` calls it; big-endian, exactly one item.
    :ivar pack: from the value to that item.
    :ivar unpack: from that item to the value.
    """

    format: str
    pack: Callable[[T], Any]
    unpack: Callable[[Any], T]


@attrs.frozen
class Pad:
    """Octets beside a field: zero when we write, not looked at when we read."""

    size: int


@attrs.frozen
class Tail(Generic[T]):
    """
    The last field of a body, of any size: it takes what is left.

    :ivar pack: from the value to the octets.
    :ivar unpack: from the octets to the value; refuses sizes that cannot be.
    """

    pack: Callable[[T], bytes]
    unpack: Callable[[bytes], T]


def same(value: T) -> T:
    """The value is on the wire what it is in memory."""
    return value


def number(letter: str) -> Fixed[int]:
    """A big-endian integer, by its :mod:`struct` letter."""
    return Fixed(letter, same, same)


def octets(size: int) -> Fixed[bytes]:
    """Exactly ``size`` octets, opaque."""

    def pack(value: bytes) -> bytes:
        if len(value) != size:
            raise LengthMismatch(f"{size} octets belong here, not {len(value)}")
        return value

    return Fixed(f"{size}s", pack, same)


def padded(size: int) -> Fixed[bytes]:
    """Up to ``size`` octets without NUL at their end, NUL-padded on the wire."""

    def pack(value: bytes) -> bytes:
        if len(value) > size or value.endswith(b"\0"):
            raise LengthMismatch(f"at most {size} octets belong here, not ending in NUL")
        return value

    def unpack(raw: bytes) -> bytes:
        return raw.rstrip(b"\0")

    return Fixed(f"{size}s", pack, unpack)


def optional(field: Fixed[T]) -> Tail[T | None]:
    """A field that some dialects leave out, at the end of a body."""
    one = struct.Struct(">" + field.format)

    def pack(value: T | None) -> bytes:
        return b"" if value is None else one.pack(field.pack(value))

    def unpack(raw: bytes) -> T | None:
        if raw and len(raw) != one.size:
            raise LengthMismatch(f"{len(raw)} octets where {one.size} or none belong")
        return field.unpack(*one.unpack(raw)) if raw else None

    return Tail(pack, unpack)


def entries(field: Fixed[T]) -> Tail[tuple[T, ...]]:
    """Equal fields to the end of the body."""
    one = struct.Struct(">" + field.format)

    def pack(values: tuple[T, ...]) -> bytes:
        return b"".join(one.pack(field.pack(value)) for value in values)

    def unpack(raw: bytes) -> tuple[T, ...]:
        if len(raw) % one.size:
            raise LengthMismatch(f"{len(raw)} octets are no list of entries of {one.size}")
        return tuple(field.unpack(*item) for item in one.iter_unpack(raw))

    return Tail(pack, unpack)


# The same few ids arrive again and again; reading one takes longer than all else in a request.
DID = Fixed(f"{DID_SIZE}s", DeviceID.to_bytes, lru_cache(maxsize=1024)(DeviceID.from_bytes))
SOCKADDR = Fixed(f"{SOCKADDR_SIZE}s", SocketAddress.to_bytes, SocketAddress.from_bytes)
SOCKADDR_CS2 = Fixed(
    f"{SOCKADDR_CS2_SIZE}s", SocketAddress.to_cs2_bytes, SocketAddress.from_cs2_bytes
)
SOCKADDR_NETWORK = Fixed(
    f"{SOCKADDR_SIZE}s", SocketAddress.to_network_bytes, SocketAddress.from_network_bytes
)
SOCKADDR_HEAD = Fixed(
    f"{SOCKADDR_HEAD_SIZE}s", SocketAddress.to_head_bytes, SocketAddress.from_head_bytes
)
UINT32 = number("I")

Did = Annotated[DeviceID, DID]
OptionalDid = Annotated[DeviceID | None, optional(DID)]
Address = Annotated[SocketAddress, SOCKADDR]
#: The first half of an address, where the second half is not padding.
AddressHead = Annotated[SocketAddress, SOCKADDR_HEAD]
AddressCs2 = Annotated[SocketAddress, SOCKADDR_CS2]
AddressNetwork = Annotated[SocketAddress, SOCKADDR_NETWORK]
U8 = Annotated[int, number("B")]
U16 = Annotated[int, number("H")]
U32 = Annotated[int, UINT32]
OptionalU32 = Annotated[int | None, optional(UINT32)]
I8 = Annotated[int, number("b")]
I32 = Annotated[int, number("i")]
Flag = Annotated[bool, Fixed[bool]("?", same, same)]
#: A result octet and three of padding, the body of most answers.
ResultPadded = Annotated[U8, Pad(3)]
#: The version of the protocol library that a party runs: three numbers of one octet.
ApiVersion = Annotated[bytes, octets(3)]
#: The device secret (DSK) of a vendor, or what was made of it.
Dsk = Annotated[bytes, octets(24)]
#: What a server proves an address with.
Token = Annotated[bytes, octets(8)]
#: Whatever octets are left.
Rest = Annotated[bytes, Tail[bytes](same, same)]
Nonce = Annotated[bytes, octets(32)]
Signature = Annotated[bytes, octets(32)]
#: Text of a query.
Padded64 = Annotated[bytes, padded(64)]
