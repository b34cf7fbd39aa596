"""
Messages between a client and a camera: finding each other, the session, its channels.

Protocol: LAN and session messages.
"""

from __future__ import annotations

from typing import Annotated

import attrs

from trailcam.wire.base import Message
from trailcam.wire.constants import MessageType
from trailcam.wire.fields import (
    I32,
    U8,
    U16,
    Address,
    AddressCs2,
    Did,
    OptionalDid,
    OptionalU32,
    Pad,
)
from trailcam.wire.sockaddr import UNSPECIFIED


@attrs.frozen
class LanSearch(Message):
    """Client to broadcast: who is there?"""

    type = MessageType.LAN_SEARCH


@attrs.frozen
class LanSearchExt(Message):
    """
    The search of other brands, or (with an id) their acknowledgement of a notice.

    TrailCam cameras do not know it.
    """

    type = MessageType.LAN_SEARCH_EXT
    did: OptionalDid = None


@attrs.frozen
class PunchPkt(Message):
    """
    The answer to LAN_SEARCH, its echo by the client, and the NAT punch.

    :ivar did: the id of the device, whoever sends it.
    :ivar version: only in the 24-octet variant of one dialect.
    """

    type = MessageType.PUNCH_PKT
    did: Did
    version: OptionalU32 = None


@attrs.frozen
class P2PRdy(Message):
    """
    The device is ready for the session.

    :ivar version: only in the 24-octet variant of one dialect.
    """

    type = MessageType.P2P_RDY
    did: Did
    version: OptionalU32 = None


@attrs.frozen
class LanTcpOffer(Message):
    """
    Device to client: the session may also be had over TCP at ``address``.

    Other texts call it P2P_RDY_ACK.
    """

    type = MessageType.LAN_TCP_OFFER
    did: Did
    address: AddressCs2


@attrs.frozen
class Alive(Message):
    """Sent after about a second of silence; wants an ALIVE_ACK."""

    type = MessageType.ALIVE


@attrs.frozen
class AliveAck(Message):
    """The answer to one ALIVE."""

    type = MessageType.ALIVE_ACK


@attrs.frozen
class Close(Message):
    """The session is over; there is no answer."""

    type = MessageType.CLOSE


@attrs.frozen
class Piece(Message):
    """
    A piece of one channel's traffic: what DRW and PSR have in common.

    :ivar channel: 0 to 7.
    :ivar index: position in the channel, modulo 65536.
    :ivar payload: the octets; how many is limited by the kind of message.
    """

    channel: int
    index: int
    payload: bytes = attrs.field(repr=False)


@attrs.frozen
class Drw(Piece):
    """A piece that is repeated until acknowledged; we send at most 1024 octets."""

    type = MessageType.DRW


@attrs.frozen
class Psr(Piece):
    """A piece that is sent once and never acknowledged; at most 1240 octets."""

    type = MessageType.PSR


@attrs.frozen
class DrwAck(Message):
    """
    The DRW that arrived.

    :ivar channel: 0 to 7.
    :ivar indexes: one entry for each copy, in any order; there may be none.
    """

    type = MessageType.DRW_ACK
    channel: int
    indexes: tuple[int, ...]


@attrs.frozen
class ReportSessionReady(Message):
    """
    Client to the vendor's servers: how an attempt ended.  Enciphered on the wire.

    :ivar result: the session's number, or a negative error (-3: timeout).
    :ivar elapsed_ms: milliseconds from the call to the end of the attempt.
    :ivar mode: not documented; 0 has been seen.
    :ivar lan_search: the ``bEnableLanSearch`` octet that chose the modes; 0x3f is the LAN thread's.
    :ivar local: the client's own address.
    :ivar wan: its public address, if a server told it.
    :ivar peer: the camera's address; unspecified on failure.
    """

    type = MessageType.REPORT_SESSION_READY
    did: Did
    result: I32
    max_sessions: U16 = 256
    active_sessions: U16 = 1
    elapsed_ms: U16 = 0
    mode: U8 = 0
    unknown_31: U8 = 0
    lan_search: U8 = 0x3F
    unknown_33: Annotated[U8, Pad(2)] = 0
    local: Address = UNSPECIFIED
    wan: Address = UNSPECIFIED
    peer: Address = UNSPECIFIED
