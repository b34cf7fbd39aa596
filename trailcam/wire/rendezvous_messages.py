"""
Messages with a rendezvous server: who am I seen as, logging in, asking for a device.

Protocol: rendezvous messages.
"""

from __future__ import annotations

from typing import Annotated

import attrs

from trailcam.wire.base import Message
from trailcam.wire.constants import MessageType
from trailcam.wire.fields import (
    I8,
    U8,
    U16,
    U32,
    Address,
    AddressHead,
    ApiVersion,
    Did,
    Dsk,
    Nonce,
    Pad,
    Padded64,
    Rest,
    ResultPadded,
    Signature,
    Token,
    octets,
)


@attrs.frozen
class Hello(Message):
    """
    Client or device to server: from which address do I come?  Server to either: show that you
    receive at your address.

    :ivar room: octets after the head.  A server that never answers with more than it was asked
        with needs 16 of them for its HELLO_ACK.
    """

    type = MessageType.HELLO
    room: Rest = attrs.field(default=b"", repr=False)


@attrs.frozen
class HelloAck(Message):
    """
    The answer to HELLO.

    Sent back to our own server, it proves that it was received there.

    :ivar address: the sender's public address as the server saw it.
    :ivar token: what our own servers write where others leave eight octets zero.
    """

    type = MessageType.HELLO_ACK
    address: AddressHead
    token: Token = attrs.field(default=bytes(8), repr=False)


@attrs.frozen
class HelloTo(Message):
    """Server to server: say HELLO_TO_ACK to a client, for its NAT test."""

    type = MessageType.HELLO_TO
    first: Address
    second: Address


@attrs.frozen
class HelloToAck(Message):
    """A second server to a client: you can be reached from here too."""

    type = MessageType.HELLO_TO_ACK


@attrs.frozen
class QueryDid(Message):
    """
    Client to server: which device has this name?

    :ivar name: at most 64 octets, opaque here.
    """

    type = MessageType.QUERY_DID
    name: Padded64


@attrs.frozen
class QueryDidAck(Message):
    """
    The answer to QUERY_DID.

    :ivar text: an id as text, at most 64 octets, opaque here.
    """

    type = MessageType.QUERY_DID_ACK
    text: Padded64


@attrs.frozen
class DevLgn(Message):
    """
    Device to server: I am online.

    :ivar nat_type: see :class:`~trailcam.wire.constants.NatType`.
    :ivar address: the device's local address.
    """

    type = MessageType.DEV_LGN
    did: Did
    nat_type: U8
    version: ApiVersion
    address: Address


@attrs.frozen
class DevLgnAck(Message):
    """
    The answer to DEV_LGN.

    :ivar result: see :class:`~trailcam.wire.constants.Result`.
    """

    type = MessageType.DEV_LGN_ACK
    result: ResultPadded


@attrs.frozen
class DevLgnCrc(Message):
    """DEV_LGN under the vendor's key: open it with :data:`trailcam.wire.login.LOGIN`."""

    type = MessageType.DEV_LGN_CRC
    sealed: Annotated[bytes, octets(44)] = attrs.field(repr=False)


@attrs.frozen
class DevLgnAckCrc(Message):
    """DEV_LGN_ACK under the vendor's key: open it with :data:`trailcam.wire.login.LOGIN_ACK`."""

    type = MessageType.DEV_LGN_ACK_CRC
    sealed: Annotated[bytes, octets(8)] = attrs.field(repr=False)


@attrs.frozen
class DevLgnDsk(Message):
    """
    DEV_LGN with the device's secret, under the vendor's key.

    Open it with :data:`trailcam.wire.login.DSK_LOGIN`.
    """

    type = MessageType.DEV_LGN_DSK
    sealed: Annotated[bytes, octets(68)] = attrs.field(repr=False)


@attrs.frozen
class DevLgnKey(Message):
    """DEV_LGN of another dialect, signed."""

    type = MessageType.DEV_LGN_KEY
    did: Did
    nat_type: U8
    version: ApiVersion
    address: Address
    nonce: Nonce = attrs.field(repr=False)
    signature: Signature = attrs.field(repr=False)


@attrs.frozen
class DevLgnKeyAck(Message):
    """
    The answer to DEV_LGN_KEY.

    :ivar result: negative when refused.
    :ivar interval: how often to log in; the unit is not documented.
    """

    type = MessageType.DEV_LGN_KEY_ACK
    result: I8
    interval: Annotated[U8, Pad(2)]


@attrs.frozen
class DevOnlineReq(Message):
    """Client to server: when did this device last log in?"""

    type = MessageType.DEV_ONLINE_REQ
    did: Did


@attrs.frozen
class DevOnlineReqAck(Message):
    """
    The answer to DEV_ONLINE_REQ.

    :ivar last_login: as the server counts time.
    :ivar result: negative when refused.
    """

    type = MessageType.DEV_ONLINE_REQ_ACK
    last_login: U32
    result: Annotated[I8, Pad(3)]


@attrs.frozen
class P2PReq(Message):
    """
    Client to server: bring me together with this device.

    :ivar address: the client's local address.
    """

    type = MessageType.P2P_REQ
    did: Did
    address: Address


@attrs.frozen
class P2PReqAck(Message):
    """
    The answer to P2P_REQ.

    :ivar result: see :class:`~trailcam.wire.constants.Result`.
    """

    type = MessageType.P2P_REQ_ACK
    result: U8
    version: ApiVersion = bytes(3)


@attrs.frozen
class P2PReqDsk(Message):
    """P2P_REQ with the device's secret."""

    type = MessageType.P2P_REQ_DSK
    did: Did
    address: Address
    nat_type: U8
    version: ApiVersion
    dsk: Dsk = attrs.field(repr=False)


@attrs.frozen
class SmartPunchTo(Message):
    """PUNCH_TO of newer servers, enciphered; what follows the address is not documented."""

    type = MessageType.SMART_PUNCH_TO
    address: Address
    unknown_16: U16 = 0
    unknown_18: U8 = 0
    unknown_19: U8 = 0


@attrs.frozen
class PunchTo(Message):
    """
    Server to client and to device: punch this address; one message for each candidate.

    :ivar address: a public or a local address of the other party.
    """

    type = MessageType.PUNCH_TO
    address: Address
