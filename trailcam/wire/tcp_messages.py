"""
Messages that exist only around a TCP relay; see :mod:`trailcam.wire.stream` for the frames.

Protocol: TCP relay and LAN TCP.
"""

from __future__ import annotations

from typing import Annotated

import attrs

from trailcam.wire.base import Message
from trailcam.wire.constants import MessageType
from trailcam.wire.fields import U8, U16, U32, AddressCs2, ApiVersion, Did, Dsk, Pad, ResultPadded


@attrs.frozen
class TcpRsLgn(Message):
    """TCP relay to rendezvous server: I am online.  Its numbers are not documented."""

    type = MessageType.TCP_RS_LGN
    did: Did
    unknown_20: U32
    unknown_24: U16
    unknown_26: U16
    unknown_28: U16
    unknown_30: U16
    address: AddressCs2


@attrs.frozen
class TcpRsLgnAck(Message):
    """The answer to TCP_RS_LGN."""

    type = MessageType.TCP_RS_LGN_ACK
    result: ResultPadded


@attrs.frozen
class TcpRsStart(Message):
    """To a device: a client waits for you at this TCP relay."""

    type = MessageType.TCP_RS_START
    did: Did
    magic: U32
    address: AddressCs2


@attrs.frozen
class TcpRlyReq(Message):
    """
    Client to TCP relay: connect me with this device.

    :ivar flag: not documented.
    """

    type = MessageType.TCP_RLY_REQ
    did: Did
    address: AddressCs2
    nat_type: U8 = 0
    version: ApiVersion = bytes(3)
    flag: Annotated[U8, Pad(3)] = 0


@attrs.frozen
class TcpRlyReqDsk(Message):
    """TCP_RLY_REQ with the device's secret."""

    type = MessageType.TCP_RLY_REQ_DSK
    did: Did
    address: AddressCs2
    nat_type: U8
    version: ApiVersion
    flag: Annotated[U8, Pad(3)]
    dsk: Dsk = attrs.field(repr=False)


@attrs.frozen
class TcpRlyReqAck(Message):
    """
    The relay's answer to either.

    :ivar result: see :class:`~trailcam.wire.constants.Result`.
    """

    type = MessageType.TCP_RLY_REQ_ACK
    result: U8
    unknown_1: Annotated[U8, Pad(2)] = 0
