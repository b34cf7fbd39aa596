"""
The device id (DID): prefix, serial number and check code.

Protocol: envelope, ids and addresses.
"""

from __future__ import annotations

import re
import struct
from typing import Final

import attrs

from trailcam.errors import DeviceIDError, shown

#: Octets of a device id on the wire.
DID_SIZE: Final = 20

_LAYOUT = struct.Struct(">8sI8s")
_MAX_TEXT = 7
_TEXT = re.compile(r"([A-Z0-9]{1,7})-([0-9]{6,10})-([A-Z0-9]{1,7})", re.ASCII | re.IGNORECASE)
_ADVICE = "a device id looks like LBCS-000000-CCCJJ: PREFIX-SERIAL-CHECK"


def _valid_word(_did: DeviceID, attribute: attrs.Attribute[str], value: str) -> None:
    """Refuse a text that eight NUL-padded octets of printable ASCII cannot hold."""
    if not (1 <= len(value) <= _MAX_TEXT and value.isascii() and value.isprintable()):
        problem = f"{shown(value)} is not 1 to {_MAX_TEXT} ASCII characters"
        raise DeviceIDError(f"the {attribute.name} {problem}; {_ADVICE}")


def _valid_serial(_did: DeviceID, _attribute: attrs.Attribute[int], value: int) -> None:
    if not 0 <= value <= 0xFFFFFFFF:
        raise DeviceIDError(f"the serial number {value} does not fit in 32 bits; {_ADVICE}")


@attrs.frozen
class DeviceID:
    """
    One device's id.

    :ivar prefix: the vendor's letters, 1 to 7 characters.
    :ivar serial: the device's number, 32 bits.
    :ivar check: the check code, 1 to 7 characters, not verified: its algorithm is not public.
    """

    prefix: str = attrs.field(validator=_valid_word)
    serial: int = attrs.field(validator=_valid_serial)
    check: str = attrs.field(validator=_valid_word)

    @classmethod
    def parse(cls, text: str) -> DeviceID:
        """
        Read an id that a person typed: spaces around it and lower case are forgiven.

        :raises DeviceIDError: saying what is wrong and what a right one looks like.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise DeviceIDError(_diagnosis(text.strip()))
        prefix, serial, check = match.groups()
        return cls(prefix.upper(), int(serial), check.upper())

    @classmethod
    def from_bytes(cls, octets: bytes) -> DeviceID:
        """
        Read the 20 octets of the wire.  What a device says of itself is kept, case included.

        :raises DeviceIDError: for another size, non-ASCII text, or text after the NUL padding.
        """
        if len(octets) != DID_SIZE:
            raise DeviceIDError(f"a device id has {DID_SIZE} octets, not {len(octets)}")
        prefix, serial, check = _LAYOUT.unpack(octets)
        return cls(_word(prefix), serial, _word(check))

    def to_bytes(self) -> bytes:
        """The 20 octets of the wire."""
        return _LAYOUT.pack(self.prefix.encode("ascii"), self.serial, self.check.encode("ascii"))

    def __str__(self) -> str:
        return f"{self.prefix}-{self.serial:06d}-{self.check}"


def _word(octets: bytes) -> str:
    text = octets.rstrip(b"\0")
    if b"\0" in text or not text.isascii():
        raise DeviceIDError(f"{octets!r} is not NUL-padded ASCII")
    return text.decode("ascii")


def _diagnosis(text: str) -> str:
    parts = text.split("-")
    if len(parts) != 3:
        problem = f"3 parts between hyphens are wanted, found {len(parts)}"
    elif not (parts[1].isascii() and parts[1].isdigit() and 6 <= len(parts[1]) <= 10):
        problem = f"the serial number {shown(parts[1])} is not 6 to 10 digits"
    else:
        problem = f"prefix and check code are 1 to {_MAX_TEXT} letters or digits each"
    return f"{shown(text)} is not a device id: {problem}; {_ADVICE}"


#: The id of every TrailCam Go camera on its own access point, so it tells none apart.
TRAILCAM_DID: Final = DeviceID("LBCS", 0, "CCCJJ")
