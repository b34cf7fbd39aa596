"""
The numbers of the protocol: opcodes, ports and limits.

Names are the field's own, so that a packet dump, a text about PPPP and this
package can be read side by side.
"""

from __future__ import annotations

import enum
from typing import Final

#: First octet of every message.
MAGIC: Final = 0xF1

#: First octet of the body of DRW, DRW_ACK and PSR.
DRW_MAGIC: Final = 0xD1

#: Octets before the body: magic, opcode, body length (big-endian).
HEADER_SIZE: Final = 4

#: Octets of the longest datagram that is looked at; anything longer is refused unread.
MAX_DATAGRAM: Final = 2048

#: Octets of payload in one DRW that we send.  What fits in a datagram is accepted.
MAX_DRW_PAYLOAD: Final = 1024

#: Octets of payload in one PSR, either way.
MAX_PSR_PAYLOAD: Final = 1240

#: Entries of one DRW_ACK that we send.  What fits in a datagram is accepted.
MAX_ACK_ENTRIES: Final = 17

#: DRW channels, numbered from 0.
CHANNELS: Final = 8

#: UDP port on which a camera hears LAN_SEARCH.
LAN_SEARCH_PORT: Final = 32108

#: UDP port of a rendezvous server.
RENDEZVOUS_PORT: Final = 32100

#: TCP port on which our relay is asked; other relays of the field have been seen there, too.
RELAY_PORT: Final = 65527

#: Key text of the device login to our servers.  It is no secret.
LOGIN_KEY: Final = "trailcam"

#: Octets of a HELLO after its head that make room for the HELLO_ACK.
HELLO_ROOM: Final = 16

#: UDP (and offered TCP) port of a camera's sessions.
SESSION_PORT: Final = 40611

#: Key text of the table cipher for the bodies that are always enciphered.
REPORT_KEY: Final = "SSD@cs2-network."


class MessageType(enum.IntEnum):
    """The opcodes whose body layout is known."""

    HELLO = 0x00
    HELLO_ACK = 0x01
    HELLO_TO = 0x02
    HELLO_TO_ACK = 0x03
    QUERY_DID = 0x08
    QUERY_DID_ACK = 0x09
    DEV_LGN = 0x10
    DEV_LGN_ACK = 0x11
    DEV_LGN_CRC = 0x12
    DEV_LGN_ACK_CRC = 0x13
    DEV_LGN_KEY = 0x14
    DEV_LGN_KEY_ACK = 0x15
    DEV_LGN_DSK = 0x16
    DEV_ONLINE_REQ = 0x18
    DEV_ONLINE_REQ_ACK = 0x19
    P2P_REQ = 0x20
    P2P_REQ_ACK = 0x21
    P2P_REQ_DSK = 0x26
    LAN_SEARCH = 0x30
    LAN_SEARCH_EXT = 0x32
    SMART_PUNCH_TO = 0x3F
    PUNCH_TO = 0x40
    PUNCH_PKT = 0x41
    P2P_RDY = 0x42
    LAN_TCP_OFFER = 0x43
    TCP_RS_LGN = 0x50
    TCP_RS_LGN_ACK = 0x51
    TCP_RS_START = 0x52
    TCP_RLY_REQ = 0x53
    TCP_RLY_REQ_DSK = 0x54
    TCP_RLY_REQ_ACK = 0x55
    RS_LGN = 0x60
    RS_LGN_ACK = 0x61
    RS_LGN1 = 0x62
    RS_LGN1_ACK = 0x63
    LIST_REQ1 = 0x67
    LIST_REQ = 0x68
    LIST_REQ_ACK = 0x69
    LIST_REQ_DSK = 0x6A
    RLY_HELLO = 0x70
    RLY_HELLO_ACK = 0x71
    RLY_PORT = 0x72
    RLY_PORT_ACK = 0x73
    RLY_PORT_KEY = 0x74
    RLY_PORT_KEY_ACK = 0x75
    RLY_BYTE_COUNT = 0x78
    RLY_REQ = 0x80
    RLY_REQ_ACK = 0x81
    RLY_TO = 0x82
    RLY_PKT = 0x83
    RLY_RDY = 0x84
    RLY_TO_ACK = 0x85
    RLY_SERVER_REQ = 0x87
    DRW = 0xD0
    DRW_ACK = 0xD1
    PSR = 0xD8
    ALIVE = 0xE0
    ALIVE_ACK = 0xE1
    CLOSE = 0xF0
    REPORT_SESSION_READY = 0xF9


class Result(enum.IntEnum):
    """The result octet of the servers' answers; a message may carry others."""

    OK = 0x00
    #: Ours: another device has taken over this id.
    REPLACED = 0xFB
    INVALID_DSK = 0xFC
    INVALID_PREFIX = 0xFD
    DEVICE_OFFLINE = 0xFE
    INVALID_ID = 0xFF


class NatType(enum.IntEnum):
    """The NAT octet of a login or a request; a message may carry others."""

    UNKNOWN = 0
    IP_RESTRICTED = 1
    PORT_RESTRICTED = 2
    SYMMETRIC = 3
