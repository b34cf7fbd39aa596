"""
The rules of a simulated camera: who gets an answer, who gets a slot.

No port is opened here: datagrams come in by :meth:`Camera.received` and go out by a function.
Every table that a peer can grow is bounded.  Protocol: LAN and session messages.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from trailcam.errors import WireError
from trailcam.interfaces import Address
from trailcam.link.noise import Noise
from trailcam.simulator.application import MakeFirmware
from trailcam.simulator.behaviour import Behaviour, Door
from trailcam.simulator.counters import Counters
from trailcam.simulator.session import CameraSession, Ending, Phrases
from trailcam.wire.codec import decode
from trailcam.wire.messages import Close, LanSearch, Message, P2PRdy, PunchPkt
from trailcam.wire.sockaddr import UNSPECIFIED, SocketAddress

#: Clients that searched and did not punch yet, at most; the oldest is forgotten.
MAX_SEARCHERS: Final = 64


class Camera:
    """
    Sessions keyed by the client's address.

    :param clock: where time comes from.
    :param behaviour: what to do.
    :param send: ``send(datagram, address)``.
    :param rng: decides how the offers are spread.
    :param counters: where everything is counted.
    :param make_firmware: makes the firmware of a session; without it commands are not understood.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        behaviour: Behaviour,
        send: Callable[[bytes, Address], object],
        rng: random.Random,
        counters: Counters,
        make_firmware: MakeFirmware | None = None,
    ) -> None:
        self._clock = clock
        self._behaviour = behaviour
        self._phrases = Phrases.of(behaviour, UNSPECIFIED)
        self._send = send
        self._rng = rng
        self._counters = counters
        self._make_firmware = make_firmware
        self._noise = Noise(self._log)
        self._sessions: dict[Address, CameraSession] = {}
        self._searchers: OrderedDict[Address, None] = OrderedDict()

    def located_at(self, address: SocketAddress) -> None:
        """From now on, offer TCP sessions at ``address``."""
        self._phrases = Phrases.of(self._behaviour, address)

    @property
    def open_sessions(self) -> int:
        """Slots taken."""
        return len(self._sessions)

    @property
    def searchers(self) -> int:
        """Clients that searched and did not punch yet."""
        return len(self._searchers)

    def received(self, datagram: bytes, client: Address, door: Door) -> None:
        """
        A datagram came from ``client`` to the port ``door``.  Never raises.

        The search port hears LAN_SEARCH only; the session port hears everything.
        """
        try:
            message = decode(datagram)
        except WireError as error:
            self._refuse(client, error)
            return
        self._counters.received[message.type] += 1
        if self._behaviour.deaf or door not in self._behaviour.answers_to:
            self._counters.strays += 1
        elif type(message) is LanSearch:
            self._searched(client)
        elif door is Door.SEARCH:
            self._counters.strays += 1
        else:
            _HANDLERS.get(type(message), Camera._other)(self, message, client)

    def stop(self) -> None:
        """End every session, with CLOSE."""
        for session in tuple(self._sessions.values()):
            session.end(Ending.CLOSED_BY_CAMERA)
        self._searchers.clear()

    def _refuse(self, client: Address, error: WireError) -> None:
        self._counters.malformed += 1
        self._noise.note(client, error.code)

    def _searched(self, client: Address) -> None:
        """Answer with PUNCH_PKT, unless this client's session is busy."""
        self._counters.searches += 1
        session = self._sessions.get(client)
        if session is None:
            self._searchers[client] = None
            self._searchers.move_to_end(client)
            if len(self._searchers) > MAX_SEARCHERS:
                self._searchers.popitem(last=False)
        elif session.busy:
            return
        self._send(self._phrases.punch, client)

    def _punched(self, punch: PunchPkt, client: Address) -> None:
        """Make the offers to a client that searched; be ready at once for one that did not."""
        self._counters.punches += 1
        if punch.did != self._behaviour.did:
            self._counters.wrong_did += 1
        elif client in self._sessions:
            self._sessions[client].asked_again(insists=False)
        else:
            self._open(client, offering=client in self._searchers and self._behaviour.offers > 0)

    def _ready_heard(self, ready: P2PRdy, client: Address) -> None:
        """Other dialects of the protocol ask for the session with P2P_RDY."""
        if ready.did != self._behaviour.did:
            self._counters.wrong_did += 1
        elif client in self._sessions:
            self._sessions[client].asked_again(insists=True)
        else:
            self._open(client, offering=False)

    def _open(self, client: Address, *, offering: bool) -> None:
        if len(self._sessions) >= self._behaviour.slots:
            self._counters.sessions_refused_full += 1
            self._send(self._phrases.close, client)
            return
        self._searchers.pop(client, None)
        self._counters.sessions_opened += 1
        session = CameraSession(
            self._clock,
            self._behaviour,
            self._phrases,
            partial(self._send_to, client),
            partial(self._ended, client),
            self._make_firmware,
        )
        self._sessions[client] = session
        if offering:
            session.offer(self._rng)
        else:
            session.get_ready()
        self._log.debug("session with {client} opened", client=client)

    def _send_to(self, client: Address, datagram: bytes) -> None:
        self._send(datagram, client)

    def _ended(self, client: Address, ending: Ending) -> None:
        self._counters.resent += self._sessions.pop(client).resent
        setattr(self._counters, ending.value, getattr(self._counters, ending.value) + 1)
        self._log.debug("session with {client} ended: {ending}", client=client, ending=ending.name)

    def _closed(self, _close: Close, client: Address) -> None:
        """
        Free the slot.

        Some clients say CLOSE before they begin, to end what may be left of an earlier session;
        what they say next opens a new one.
        """
        if client in self._sessions:
            self._sessions[client].end(Ending.CLOSED_BY_CLIENT)

    def _other(self, message: Message, client: Address) -> None:
        if client in self._sessions:
            self._sessions[client].heard(message)
        else:
            self._counters.strays += 1


_HANDLERS: Final[dict[type[Message], Callable[[Camera, Any, Address], None]]] = {
    PunchPkt: Camera._punched,
    P2PRdy: Camera._ready_heard,
    Close: Camera._closed,
}
