"""
Device logins under a vendor's key (CRCEnc): closing and opening them.

The key is not on the wire, so the codec hands these bodies on sealed; who knows
the key opens them here.  Protocol: rendezvous messages, obfuscation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

import attrs

from trailcam.wire.cipher import crc_decrypt, crc_encrypt
from trailcam.wire.fields import U8, Address, ApiVersion, Did, Dsk
from trailcam.wire.layouts import Record
from trailcam.wire.messages import DevLgn, DevLgnAck, DevLgnAckCrc, DevLgnCrc, DevLgnDsk


class Sealed(Protocol):
    """A message whose body is sealed."""

    @property
    def sealed(self) -> bytes:
        """The body."""


C = TypeVar("C", bound=attrs.AttrsInstance)
S = TypeVar("S", bound=Sealed)


@attrs.frozen
class DskLogin:
    """What is in a DEV_LGN_DSK: a DEV_LGN and the device's secret."""

    did: Did
    nat_type: U8
    version: ApiVersion
    address: Address
    dsk: Dsk = attrs.field(repr=False)


class Seal(Generic[C, S]):
    """
    One kind of clear value and the message that carries it sealed.

    :param clear: the class inside.
    :param sealed: the class of message outside.
    """

    def __init__(self, clear: type[C], sealed: Callable[[bytes], S]) -> None:
        self._layout = Record(clear)
        self._sealed = sealed

    def close(self, clear: C, key: str) -> S:
        """
        The message that carries ``clear``.

        :raises WireError: when a value does not fit its field.
        """
        return self._sealed(crc_encrypt(key, self._layout.encode(clear)))

    def open(self, message: S, key: str) -> C:
        """
        What ``message`` carries.

        :raises CipherError: for another key, or damage.
        :raises WireError: when what comes out is malformed.
        """
        return self._layout.decode(crc_decrypt(key, message.sealed))


LOGIN: Final = Seal(DevLgn, DevLgnCrc)
LOGIN_ACK: Final = Seal(DevLgnAck, DevLgnAckCrc)
DSK_LOGIN: Final = Seal(DskLogin, DevLgnDsk)
