"""
Who has shown that he receives at his address, and to whom a device's secret is known.

A token is a keyed hash of an address and a time of two minutes, so a server gives tokens to
anybody and remembers nothing; only who sends his token back is remembered.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from socket import inet_aton
from typing import Final

from trailcam.interfaces import Address
from trailcam.link.recent import Recent
from trailcam.wire.codec import encode
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import HelloAck
from trailcam.wire.sockaddr import SocketAddress

#: Octets of the key that tokens are made with.
KEY_SIZE: Final = 32

#: Seconds for which a proof is good, and an authorisation.
LIFETIME: Final = 120.0

_EPOCH = 120.0
_TOKEN_SIZE = 8
# More than one host has ports, and enough for 100 000 devices with their clients.
_MOST_PROVEN = 1 << 18
_MOST_AUTHORISED = 1 << 16
_MOST_KEPT = 4096

# Everything before the port is the same in every HELLO_ACK.
_HEAD: Final = encode(HelloAck(SocketAddress("0.0.0.1", 0)))[:6]


class Proofs:
    """
    Tokens, and two bounded memories.

    :param key: :data:`KEY_SIZE` random octets that nobody else knows.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._proven: Recent[Address] = Recent(LIFETIME, _MOST_PROVEN)
        self._authorised: Recent[tuple[Address, DeviceID]] = Recent(LIFETIME, _MOST_AUTHORISED)
        self._hello_ack = lru_cache(maxsize=_MOST_KEPT)(self._new_hello_ack)

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._proven)

    def hello_ack(self, peer: Address, now: float) -> bytes:
        """The HELLO_ACK for ``peer``, as octets."""
        return self._hello_ack(peer, now // _EPOCH)

    def prove(self, peer: Address, token: bytes, now: float) -> bool:
        """Remember ``peer``, if this is the token that it was given, not long ago."""
        place = _octets(peer)
        for epoch in (now // _EPOCH, now // _EPOCH - 1):
            if hmac.compare_digest(self._token(place, epoch), token):
                self._proven.note(peer, now)
                return True
        return False

    def proven(self, peer: Address, now: float) -> bool:
        """Whether ``peer`` has proved its address in the last two minutes."""
        return self._proven.holds(peer, now)

    def authorise(self, peer: Address, did: DeviceID, now: float) -> None:
        """Remember that ``peer`` has shown the device's secret."""
        self._authorised.note((peer, did), now)

    def authorised(self, peer: Address, did: DeviceID, now: float) -> bool:
        """Whether ``peer`` has shown the device's secret in the last two minutes."""
        return self._authorised.holds((peer, did), now)

    def _new_hello_ack(self, peer: Address, epoch: float) -> bytes:
        """Nothing is sent more often, so this is not left to the codec."""
        place = _octets(peer)
        return _HEAD + place + self._token(place, epoch)

    def _token(self, place: bytes, epoch: float) -> bytes:
        said = b"%d:%b" % (epoch, place)
        return hashlib.blake2b(said, key=self._key, digest_size=_TOKEN_SIZE).digest()


def _octets(peer: Address) -> bytes:
    """Port and host, as they lie in a HELLO_ACK."""
    return peer[1].to_bytes(2, "little") + inet_aton(peer[0])[::-1]
