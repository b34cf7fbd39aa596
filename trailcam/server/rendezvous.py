"""
The rendezvous server's UDP port: datagrams to messages, and HELLO.

HELLO is answered here: it needs no rules, and nothing else has to be as fast.  Protocol:
rendezvous messages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger

from trailcam.errors import CipherError, WireError
from trailcam.interfaces import Address, IDeviceRegistry
from trailcam.link.noise import Noise
from trailcam.server.admission import Admission
from trailcam.server.proofs import Proofs
from trailcam.server.rendezvous_logins import WAKE_INTERVAL
from trailcam.server.rendezvous_rules import REQUESTS, RendezvousRules
from trailcam.server.ticking import Ticking
from trailcam.wire.codec import decode, encode
from trailcam.wire.constants import HEADER_SIZE, HELLO_ROOM, LOGIN_KEY, MAGIC, MessageType
from trailcam.wire.did import DID_SIZE
from trailcam.wire.fields import DID
from trailcam.wire.messages import Hello, Message
from trailcam.wire.sockaddr import SOCKADDR_SIZE, SocketAddress

_HELLO: Final = bytes([MAGIC, MessageType.HELLO])
_ROOMY: Final = HEADER_SIZE + HELLO_ROOM
_MAGIC: Final = bytes([MAGIC])
_PROVE_YOURSELF: Final = encode(Hello())

_P2P_REQ_SIZE: Final = HEADER_SIZE + DID_SIZE + SOCKADDR_SIZE
_P2P_REQ: Final = bytes([MAGIC, MessageType.P2P_REQ, 0, DID_SIZE + SOCKADDR_SIZE])

#: "Prove yourself first", as an answer to a HELLO without room.  It announces the room that is
#: wanted, which nobody minds; and it is not answered, or two servers would never stop.
ASK_FOR_ROOM: Final = _HELLO + HELLO_ROOM.to_bytes(2, "big")


class RendezvousServer(DatagramProtocol):
    """
    A rendezvous server; give it to ``listenUDP``.

    :param clock: provides IReactorTime.
    :param key: the random octets that proofs of addresses are made with.
    :param login_key: the key text of sealed logins.
    """

    noisy = False
    _log = Logger()

    def __init__(
        self,
        clock: Any,
        registry: IDeviceRegistry,
        admission: Admission,
        key: bytes,
        login_key: str = LOGIN_KEY,
    ) -> None:
        self._now = clock.seconds
        self._noise = Noise(self._log)
        self._proofs = Proofs(key)
        self._rules = RendezvousRules(
            registry,
            admission,
            self._proofs,
            self._send,
            self._noise.note,
            login_key,
        )
        self._counts = self._rules.counts
        # Most answers are one of a few messages.
        self._encode = lru_cache(maxsize=1024)(encode)
        self._waking = Ticking(clock, self._wake)

    @property
    def counts(self) -> Counter[str]:
        """What became of every datagram, by words of ours."""
        return self._counts + self._noise.counts

    def name_relays(self, relays: Iterable[SocketAddress]) -> None:
        """From now on, name these to everybody who asks."""
        self._rules.name_relays(relays)

    def startProtocol(self) -> None:
        """Begin to watch the time."""
        self._waking.start(WAKE_INTERVAL, now=True)

    def stopProtocol(self) -> None:
        """End."""
        self._waking.stop()

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Answer; never raises."""
        now = self._now()
        if datagram[:2] == _HELLO:
            self._hello(datagram, addr, now)
            return
        try:
            if self._proofs.proven(addr, now):
                self._trusted(datagram, addr, now)
            else:
                self._stranger(datagram, addr, now)
        except CipherError:  # only logins have check octets
            self._noise.note(addr, "a login under another login key")
        except WireError as problem:
            self._noise.note(addr, problem.code)

    def _hello(self, datagram: bytes, addr: Address, now: float) -> None:
        size = len(datagram)
        if size >= _ROOMY:
            self._counts["hello"] += 1
            self._write(self._proofs.hello_ack(addr, now), addr)
        elif size >= HEADER_SIZE and datagram != ASK_FOR_ROOM:
            self._counts["hello_without_room"] += 1
            self._write(ASK_FOR_ROOM, addr)
        else:
            self._noise.note(addr, "not_a_question")

    def _trusted(self, datagram: bytes, addr: Address, now: float) -> None:
        """From somebody who has proved his address."""
        if datagram[:4] == _P2P_REQ and len(datagram) == _P2P_REQ_SIZE:
            # Without the codec: the client's local address is seldom needed.
            did = DID.unpack(datagram[4 : 4 + DID_SIZE])
            self._rules.ask(did, None, datagram[4 + DID_SIZE :], addr, now)
        else:
            self._rules.receive(decode(datagram), addr, now)

    def _stranger(self, datagram: bytes, addr: Address, now: float) -> None:
        """From somebody else: he has no more from us than four octets, and little of our time."""
        if datagram[:1] == _MAGIC and datagram[1:2] in REQUESTS and len(datagram) >= HEADER_SIZE:
            self._counts["unproven"] += 1
            self._write(_PROVE_YOURSELF, addr)
        else:
            self._rules.receive(decode(datagram), addr, now)

    def _send(self, message: Message, address: Address) -> None:
        self._write(self._encode(message), address)

    def _write(self, datagram: bytes, address: Address) -> None:
        if self.transport is None:
            return  # stopped: a registry may answer late
        try:
            self.transport.write(datagram, address)
        except OSError:  # no way there, no room: the other side asks again
            self._counts["not_sent"] += 1

    def _wake(self) -> None:
        self._rules.wake(self._now())
