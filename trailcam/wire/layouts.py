"""
Body layouts: how the body of one class of message is written and read.

:class:`Record` serves almost all classes, from their annotations; the rest of this
module wraps one layout in another.  The channel messages have their own, in
:mod:`trailcam.wire.channel_layouts`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar, get_type_hints

import attrs

from trailcam.errors import LengthMismatch, Truncated, WireError
from trailcam.wire.cipher import ProprietaryCipher
from trailcam.wire.fields import Fixed, Pad, Tail

M = TypeVar("M", bound=attrs.AttrsInstance)
N = TypeVar("N", bound=attrs.AttrsInstance)


class Layout(Protocol[M]):
    """Values of one class to bodies and back; raises nothing but WireError."""

    def encode(self, value: M) -> bytes:
        """The body of ``value``."""

    def decode(self, body: bytes) -> M:
        """The value whose body this is, to its last octet."""


class Record(Generic[M]):
    """
    Fields in the order of a class's annotations: fixed ones first, then perhaps a tail.

    A class without fields takes any body: some devices send one where none belongs.

    :param made: a frozen attrs class annotated with the aliases of :mod:`trailcam.wire.fields`.
    """

    def __init__(self, made: type[M]) -> None:
        self.made = made
        self._names = [attribute.name for attribute in attrs.fields(made)]
        self._pack: list[Callable[[Any], Any]] = []
        self._unpack: list[Callable[[Any], Any]] = []
        self._tail: Tail[Any] | None = None
        hints = get_type_hints(made, include_extras=True)
        parts = [part for name in self._names for part in hints[name].__metadata__]
        self._head = struct.Struct(">" + "".join(map(self._add, parts)))
        #: Octets of the fixed fields.
        self.size = self._head.size

    def _add(self, part: Fixed[Any] | Pad | Tail[Any]) -> str:
        """Take in one part of a field and answer with its struct format."""
        if isinstance(part, Pad):
            return f"{part.size}x"
        if isinstance(part, Tail):
            self._tail = part
            return ""
        self._pack.append(part.pack)
        self._unpack.append(part.unpack)
        return part.format

    def encode(self, value: M) -> bytes:
        """
        The body of ``value``.

        :raises WireError: when something does not fit its field.
        """
        values = [getattr(value, name) for name in self._names]
        fixed = zip(self._pack, values, strict=False)
        try:
            head = self._head.pack(*[pack(item) for pack, item in fixed])
            return head + self._tail.pack(values[-1]) if self._tail else head
        except struct.error as error:
            raise WireError(f"{self.made.__name__}: {error}") from error

    def decode(self, body: bytes) -> M:
        """
        The value whose body this is.

        :raises WireError: when the body is too short or too long, or a field is malformed.
        """
        if not self._names:
            return self.made()
        size = self.size
        if len(body) < size:
            raise Truncated(f"{self.made.__name__}: {len(body)} of {size} octets")
        fixed = zip(self._unpack, self._head.unpack_from(body), strict=True)
        values = [unpack(item) for unpack, item in fixed]
        if self._tail:
            values.append(self._tail.unpack(body[size:]))
        elif len(body) > size:
            raise LengthMismatch(f"{self.made.__name__}: {len(body)} octets, not {size}")
        return self.made(*values)


def nested(made: type[M]) -> Fixed[M]:
    """A field that is itself a record without tail."""
    record = Record(made)
    return Fixed(f"{record.size}s", record.encode, record.decode)


class Counted(Generic[M]):
    """
    A record that ends in a list, behind one octet with the number of entries.

    :param record: the layout of what follows that octet.
    :param entries: the name of the field that is the list.
    """

    def __init__(self, record: Record[M], entries: str) -> None:
        self._record = record
        self._entries = entries

    def encode(self, value: M) -> bytes:
        """
        The body of ``value``.

        :raises WireError: for more entries than an octet can count.
        """
        count = len(getattr(value, self._entries))
        if count > 0xFF:
            raise LengthMismatch(f"a list of {count} entries, at most 255 can be counted")
        return bytes([count]) + self._record.encode(value)

    def decode(self, body: bytes) -> M:
        """
        The value whose body this is.

        :raises WireError: also when the count is not that of the entries.
        """
        value = self._record.decode(body[1:])
        count = len(getattr(value, self._entries))
        if body[0] != count:
            raise LengthMismatch(f"{body[0]} entries announced, {count} there")
        return value


class Enciphered(Generic[M]):
    """A layout whose octets are under the table cipher on the wire."""

    def __init__(self, clear: Layout[M], cipher: ProprietaryCipher) -> None:
        self._clear = clear
        self._cipher = cipher

    def encode(self, value: M) -> bytes:
        """The enciphered body of ``value``."""
        return self._cipher.encrypt(self._clear.encode(value))

    def decode(self, body: bytes) -> M:
        """The value in this enciphered body."""
        return self._clear.decode(self._cipher.decrypt(body))


class BySize(Generic[M, N]):
    """
    Two classes of message under one opcode, told apart by size.

    :param one: the class whose body is of constant size.
    :param other: the class whose body never has that size.
    """

    def __init__(self, one: Record[M], other: Layout[N]) -> None:
        self._one = one
        self._other = other

    def encode(self, value: M | N) -> bytes:
        """The body of ``value``."""
        layout: Layout[Any] = self._one if isinstance(value, self._one.made) else self._other
        return layout.encode(value)

    def decode(self, body: bytes) -> M | N:
        """The value whose body this is."""
        layout = self._one if len(body) == self._one.size else self._other
        return layout.decode(body)
