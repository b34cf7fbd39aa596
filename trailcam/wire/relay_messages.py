"""
Messages around a UDP relay: finding one, its port, joining the two parties there.

``magic`` is the relay's opaque number of one pairing.  Protocol: UDP relay messages.
"""

from __future__ import annotations

from typing import Annotated

import attrs

from trailcam.wire.base import Message
from trailcam.wire.constants import MessageType
from trailcam.wire.fields import (
    I8,
    SOCKADDR,
    U16,
    U32,
    Address,
    AddressNetwork,
    Did,
    Dsk,
    Flag,
    Nonce,
    Pad,
    ResultPadded,
    Signature,
    entries,
)
from trailcam.wire.layouts import nested
from trailcam.wire.sockaddr import SocketAddress


@attrs.frozen
class RsLgn(Message):
    """
    Relay to rendezvous server: I am online.

    :ivar bandwidth: what is left of it; the unit is not documented.
    :ivar users: parties being relayed.
    """

    type = MessageType.RS_LGN
    did: Did
    bandwidth: U32
    users: U32


@attrs.frozen
class RsLgnAck(Message):
    """The answer to RS_LGN."""

    type = MessageType.RS_LGN_ACK
    result: ResultPadded


@attrs.frozen
class RsLgn1(Message):
    """RS_LGN with the relay's address."""

    type = MessageType.RS_LGN1
    did: Did
    bandwidth: U32
    users: U32
    address: Address


@attrs.frozen
class RsLgn1Ack(Message):
    """The answer to RS_LGN1."""

    type = MessageType.RS_LGN1_ACK
    result: ResultPadded


@attrs.frozen
class ListReq1(Message):
    """Client to rendezvous server: which relays may I use for this device?"""

    type = MessageType.LIST_REQ1
    did: Did


@attrs.frozen
class ListReq(Message):
    """Device to rendezvous server: which relays are there?"""

    type = MessageType.LIST_REQ


@attrs.frozen
class ListReqDsk(Message):
    """LIST_REQ1 with the device's secret."""

    type = MessageType.LIST_REQ_DSK
    did: Did
    dsk: Dsk = attrs.field(repr=False)


@attrs.frozen
class ListReqAck(Message):
    """The answer to the three above: at most 255 relays."""

    type = MessageType.LIST_REQ_ACK
    relays: Annotated[tuple[SocketAddress, ...], Pad(3), entries(SOCKADDR)]


@attrs.frozen
class RlyHello(Message):
    """Client to relay: are you there?"""

    type = MessageType.RLY_HELLO


@attrs.frozen
class RlyHelloAck(Message):
    """The answer to RLY_HELLO."""

    type = MessageType.RLY_HELLO_ACK


@attrs.frozen
class RlyPort(Message):
    """Client to relay: give me a port for a pairing."""

    type = MessageType.RLY_PORT


@attrs.frozen
class RlyPortAck(Message):
    """The answer to RLY_PORT: where both parties are to go, and with which magic."""

    type = MessageType.RLY_PORT_ACK
    magic: U32
    port: Annotated[U16, Pad(2)]


@attrs.frozen
class RlyPortKey(Message):
    """RLY_PORT of another dialect, signed."""

    type = MessageType.RLY_PORT_KEY
    did: Did
    nonce: Nonce = attrs.field(repr=False)
    signature: Signature = attrs.field(repr=False)


@attrs.frozen
class RlyPortKeyAck(Message):
    """
    The answer to RLY_PORT_KEY.

    :ivar result: negative when refused.
    """

    type = MessageType.RLY_PORT_KEY_ACK
    magic: U32
    port: U16
    result: Annotated[I8, Pad(1)]


@attrs.frozen
class RlyByteCount(Message):
    """Relay to rendezvous server: octets relayed."""

    type = MessageType.RLY_BYTE_COUNT
    count: U32


@attrs.frozen
class RlyReq(Message):
    """
    Client to rendezvous server: send this device to the relay.

    :ivar address: the relay's, with the port from RLY_PORT_ACK.
    """

    type = MessageType.RLY_REQ
    did: Did
    address: Address
    magic: U32


@attrs.frozen
class RlyReqAck(Message):
    """
    The answer to RLY_REQ.

    :ivar result: see :class:`~trailcam.wire.constants.Result`.
    """

    type = MessageType.RLY_REQ_ACK
    result: ResultPadded


@attrs.frozen
class RlyTo(Message):
    """Rendezvous server to device: a client waits for you at this relay."""

    type = MessageType.RLY_TO
    address: Address
    magic: U32


@attrs.frozen
class RlyToAck(Message):
    """The answer to RLY_TO in another dialect."""

    type = MessageType.RLY_TO_ACK
    magic: U32
    did: Did
    is_device: Flag
    sent: Annotated[Flag, Pad(2)]


@attrs.frozen
class RlyPkt(Message):
    """Client or device to relay: I belong to this pairing."""

    type = MessageType.RLY_PKT
    magic: U32
    did: Did
    is_device: Annotated[Flag, Pad(3)]


@attrs.frozen
class RlyRdy(Message):
    """Relay to both: the other one is here.  Plays the part of P2P_RDY."""

    type = MessageType.RLY_RDY
    did: Did


@attrs.frozen
class RlyServerReq(Message):
    """LIST_REQ1 of another dialect."""

    type = MessageType.RLY_SERVER_REQ
    did: Did


@attrs.frozen
class RelayServer:
    """
    One relay of a RLY_SERVER_REQ_ACK.

    :ivar is_super_device: another camera that relays, instead of a server.
    """

    address: AddressNetwork
    is_tcp: Flag
    is_super_device: Annotated[Flag, Pad(2)]


@attrs.frozen
class RlyServerReqAck(Message):
    """
    The answer to RLY_SERVER_REQ, under the same opcode.

    :ivar result: negative when refused.
    :ivar relays: at most 255.
    """

    type = MessageType.RLY_SERVER_REQ
    result: Annotated[I8, Pad(2)]
    relays: Annotated[tuple[RelayServer, ...], entries(nested(RelayServer))]
