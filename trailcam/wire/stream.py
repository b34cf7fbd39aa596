"""
Messages over TCP: the frames of relays, and of cameras on the LAN.

A frame is a head of eight octets (big-endian length of the rest, ``68 00``, two
seed octets, two check octets) and one message as it would be in a datagram.  A
relay's frames are enciphered twice and checked; a camera's on the LAN are clear,
with seed and check zero.  Protocol: TCP relay and LAN TCP.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from trailcam.errors import BadMagic, CipherError, LengthMismatch, WireError
from trailcam.wire.cipher import ProprietaryCipher
from trailcam.wire.codec import decode, encode
from trailcam.wire.messages import Message

#: Octets of one frame, without its head.
MAX_FRAME: Final = 1280

_HEAD = struct.Struct(">H2s2s2s")
_MAGIC = b"\x68\x00"
_ZERO = b"\0\0"


class RandomBits(Protocol):
    """What is needed of :class:`random.Random`."""

    def getrandbits(self, k: int, /) -> int:
        """A number of ``k`` random bits."""


class Framing(Protocol):
    """How messages lie in frames."""

    def seal(self, datagram: bytes) -> tuple[bytes, bytes, bytes]:
        """Seed, check and content of the frame for ``datagram``."""

    def open(self, seed: bytes, check: bytes, content: bytes) -> bytes:
        """
        The datagram in a frame.

        :raises CipherError: when the frame is not of this kind.
        """


class ClearFraming:
    """The frames of a camera on the LAN."""

    def seal(self, datagram: bytes) -> tuple[bytes, bytes, bytes]:
        """``datagram`` itself, seed and check zero."""
        return _ZERO, _ZERO, datagram

    def open(self, seed: bytes, check: bytes, content: bytes) -> bytes:
        """
        ``content`` itself.

        :raises CipherError: when seed or check say that it is enciphered.
        """
        if seed != _ZERO or check != _ZERO:
            raise CipherError("an enciphered frame where only clear ones belong")
        return content


class RelayFraming:
    """
    The frames of a relay: table cipher with the session's key, then with the seed as the key.

    :param key: the session's key text.
    :param rng: where the seeds come from; they hide nothing, so any generator will do.
    """

    def __init__(self, key: str, rng: RandomBits) -> None:
        self._inner = ProprietaryCipher(key)
        self._rng = rng

    def seal(self, datagram: bytes) -> tuple[bytes, bytes, bytes]:
        """``datagram`` enciphered under a new seed."""
        seed = self._rng.getrandbits(16).to_bytes(2, "big")
        content = _outer(seed).encrypt(self._inner.encrypt(datagram))
        return seed, checksum(content), content

    def open(self, seed: bytes, check: bytes, content: bytes) -> bytes:
        """
        ``content`` in clear.

        :raises CipherError: when the check octets are wrong.
        """
        if check != checksum(content):
            raise CipherError("the check octets of the frame are wrong")
        return self._inner.decrypt(_outer(seed).decrypt(content))


def _outer(seed: bytes) -> ProprietaryCipher:
    return ProprietaryCipher(seed.hex().upper())


def checksum(content: bytes) -> bytes:
    """
    The two check octets over the enciphered part of a relay's frame.

    The rule's steps differ for even and odd octets; here two steps are taken at once.
    """
    a, b = 0x43, 0x53
    for even, odd, mirrored in zip(content[::2], content[1::2], content[::-2], strict=False):
        a, b = b ^ odd ^ mirrored, a ^ even ^ mirrored
    if len(content) % 2:
        mixed = a ^ content[-1]
        a, b = mixed ^ b, mixed ^ content[0]
    return bytes((a, b))


def encode_frame(message: Message, framing: Framing) -> bytes:
    """
    The frame of ``message``.

    :raises WireError: when a value does not fit its field, or the message no frame.
    """
    seed, check, content = framing.seal(encode(message))
    if len(content) > MAX_FRAME:
        raise LengthMismatch(f"message of {len(content)} octets, at most {MAX_FRAME} in a frame")
    return _HEAD.pack(len(content), _MAGIC, seed, check) + content


class FrameDecoder:
    """
    A stream of frames to messages, holding less than one frame at a time.

    A frame in order with a message inside that is not (an opcode that nobody knows,
    say) is left out, because the stream goes on behind it.  A frame out of order is
    the end: nothing that follows can be trusted to start where a frame does.

    :param framing: the kind of frames.
    :param undecodable: called with the error of each message left out.
    """

    def __init__(
        self, framing: Framing, undecodable: Callable[[WireError], None] | None = None
    ) -> None:
        self._framing = framing
        self._undecodable = undecodable
        self._pending = b""
        self._fault: WireError | None = None

    def feed(self, data: bytes) -> list[Message]:
        """
        The messages that ``data`` completes.

        :raises WireError: when a frame is out of order, and at every later call; what came
            before it in ``data`` is lost with the stream, so close the connection.
        """
        if self._fault is not None:
            raise self._fault
        try:
            return list(self._messages(self._pending + data))
        except WireError as fault:
            self._pending = b""
            self._fault = fault
            raise

    def _messages(self, stream: bytes) -> Iterator[Message]:
        """Take the whole frames off ``stream`` and keep the rest."""
        start = 0
        while len(stream) - start >= _HEAD.size:
            size, magic, seed, check = _HEAD.unpack_from(stream, start)
            if magic != _MAGIC:
                raise BadMagic(f"frame with {magic.hex()} where {_MAGIC.hex()} belongs")
            if size > MAX_FRAME:
                raise LengthMismatch(f"frame of {size} octets, at most {MAX_FRAME} are read")
            content = stream[start + _HEAD.size : start + _HEAD.size + size]
            if len(content) < size:
                break
            yield from self._decoded(self._framing.open(seed, check, content))
            start += _HEAD.size + size
        self._pending = stream[start:]

    def _decoded(self, datagram: bytes) -> Iterator[Message]:
        """The message of one frame, or none after telling why."""
        try:
            message = decode(datagram)
        except WireError as error:
            if self._undecodable is not None:
                self._undecodable(error)
        else:
            yield message
