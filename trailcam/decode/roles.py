"""
Which end of a conversation is the camera.

Nothing in a datagram says who sent it.  Every port and message is a hint with a weight; the ends of
a conversation are compared when all is read.
"""

from __future__ import annotations

from collections import defaultdict

from trailcam.decode.packets import Endpoint
from trailcam.wire.constants import LAN_SEARCH_PORT, SESSION_PORT, MessageType

CAMERA = "camera"
CLIENT = "client"
SERVER = "server"

_OTHER = {CAMERA: CLIENT, CLIENT: CAMERA}

#: How sure it is that the sender of a message is the camera (more than 0) or the client.
_SENDERS = {
    MessageType.LAN_SEARCH: -3,
    MessageType.LAN_SEARCH_EXT: -3,
    MessageType.P2P_REQ: -3,
    MessageType.P2P_REQ_DSK: -3,
    MessageType.LIST_REQ1: -3,
    MessageType.RLY_REQ: -3,
    MessageType.RLY_PORT: -3,
    MessageType.TCP_RLY_REQ: -3,
    MessageType.TCP_RLY_REQ_DSK: -3,
    MessageType.REPORT_SESSION_READY: -3,
    MessageType.LAN_TCP_OFFER: 3,
    MessageType.DEV_LGN: 3,
    MessageType.DEV_LGN_CRC: 3,
    MessageType.DEV_LGN_KEY: 3,
    MessageType.DEV_LGN_DSK: 3,
    MessageType.LIST_REQ: 3,
    # Some clients echo it.
    MessageType.P2P_RDY: 1,
}
_PORTS = {SESSION_PORT: 2, LAN_SEARCH_PORT: 2}

#: What only a rendezvous server or a relay sends.
_OF_SERVERS = {
    MessageType.HELLO_ACK,
    MessageType.HELLO_TO_ACK,
    MessageType.DEV_LGN_ACK,
    MessageType.DEV_LGN_ACK_CRC,
    MessageType.DEV_LGN_KEY_ACK,
    MessageType.P2P_REQ_ACK,
    MessageType.PUNCH_TO,
    MessageType.LIST_REQ_ACK,
    MessageType.RLY_HELLO_ACK,
    MessageType.RLY_PORT_ACK,
    MessageType.RLY_REQ_ACK,
    MessageType.RLY_TO,
    MessageType.RLY_RDY,
    MessageType.TCP_RLY_REQ_ACK,
    MessageType.TCP_RS_START,
}


def is_named(end: Endpoint) -> bool:
    """Whether the recording itself says what the end is."""
    return end.host in _OTHER


class Roles:
    """Collects hints about the ends, then names them."""

    def __init__(self) -> None:
        self._hints: defaultdict[Endpoint, dict[object, int]] = defaultdict(dict)
        self._servers: set[Endpoint] = set()

    def message(self, sender: Endpoint, kind: MessageType) -> None:
        """``sender`` sent a message of this kind."""
        if kind in _SENDERS:
            self._hints[sender][kind] = _SENDERS[kind]
        elif kind in _OF_SERVERS:
            self._servers.add(sender)

    def wrote(self, sender: Endpoint, is_camera: bool) -> None:
        """``sender`` wrote to a channel what only a camera, or only a client, writes."""
        self._hints[sender]["wrote"] = 10 if is_camera else -10

    def joined(self, sender: Endpoint, is_device: bool) -> None:
        """
        ``sender`` told a relay which party it is.

        That outweighs all that the relay's end says, since it speaks for either party.
        """
        self._hints[sender]["joined"] = 20 if is_device else -20

    def names(self, first: Endpoint, other: Endpoint) -> dict[Endpoint, str]:
        """
        What to call the two ends of a conversation.

        :param first: the end that spoke first; where nothing tells, it is the client.
        """
        if is_named(first):
            return {other: other.host, first: first.host}
        for server, end in ((first, other), (other, first)):
            if server in self._servers and not self._score(server):
                return {server: SERVER, end: CAMERA if self._score(end) > 0 else CLIENT}
        name = CAMERA if self._score(first) > self._score(other) else CLIENT
        return {other: _OTHER[name], first: name}

    def _score(self, end: Endpoint) -> int:
        return _PORTS.get(end.port, 0) + sum(self._hints.get(end, {}).values())
