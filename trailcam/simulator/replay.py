"""A camera that plays a recording to whoever speaks to it first."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from trailcam.errors import WireError
from trailcam.interfaces import Address
from trailcam.link.noise import Noise
from trailcam.simulator.behaviour import Behaviour, Door
from trailcam.simulator.player import Player
from trailcam.simulator.protocol import CameraPorts, OnCameraPorts
from trailcam.simulator.script import Line, Recording, read_script
from trailcam.simulator.session import CameraSession, Ending, Phrases
from trailcam.wire.codec import decode, encode
from trailcam.wire.constants import LAN_SEARCH_PORT, SESSION_PORT, MessageType
from trailcam.wire.messages import Alive, AliveAck, Close, LanSearch, Message, P2PRdy, PunchPkt
from trailcam.wire.sockaddr import UNSPECIFIED

#: Messages of the client that are remembered; the oldest go first.
MAX_HEARD: Final = 10_000

_OPENINGS = (LanSearch, PunchPkt, P2PRdy)


class ReplayedCamera(OnCameraPorts):
    """
    Sends a recorded camera's packets, in order, once, to the first client that asks.

    A recorded packet of the client is a barrier: the camera's packets after it wait for a message
    of the same kind.  Our client need not send all that the recorded one did, so a barrier is given
    up after ``barrier_timeout``.  The times of the recording are kept where it has any.  ALIVE is
    answered throughout; after the last packet the session lives on by itself, unless that packet
    was CLOSE.

    :param reactor: provides ``IReactorTime`` and ``IReactorUDP``.
    :param recording: the path of a file of JSON lines, or the packets themselves.
    :param barrier_timeout: seconds to wait for the client at each barrier.
    :raises CaptureError: when the recording cannot be read.
    :ivar finished: fires once: with ``True`` after the last packet, with ``False`` when the client
        closed or the camera was stopped before.
    :ivar heard: the kinds of what the client sent, in order; at most :data:`MAX_HEARD`, the newest.
    :ivar client: who is played to: the first to send LAN_SEARCH, PUNCH_PKT or P2P_RDY.
    :ivar strangers: datagrams of others than the client.
    """

    _log = Logger()

    def __init__(self, reactor: Any, recording: Recording, *, barrier_timeout: float = 0.2) -> None:
        steps = read_script(recording)
        lines = [step for step in steps if isinstance(step, Line)]
        self._closes = bool(lines) and lines[-1].datagram == encode(Close())
        self._player = Player(reactor, steps, barrier_timeout, self._say, self._played)
        self._reactor = reactor
        self._ports = CameraPorts(reactor, self._hear)
        self._noise = Noise(self._log)
        self._session: CameraSession | None = None
        self.client: Address | None = None
        self.finished: Deferred[bool] = Deferred()
        self.heard: deque[MessageType] = deque(maxlen=MAX_HEARD)
        self.strangers = 0

    @property
    def sent(self) -> int:
        """Packets of the recording sent so far."""
        return self._player.sent

    @property
    def barriers_met(self) -> int:
        """Recorded packets of the client that this client sent as well."""
        return self._player.met

    @property
    def barriers_missed(self) -> int:
        """Recorded packets of the client that this client did not send in time."""
        return self._player.missed

    @property
    def open_sessions(self) -> int:
        """1 while the session lives on after the recording, otherwise 0."""
        return 0 if self._session is None else 1

    def start(
        self,
        interface: str = "127.0.0.1",
        search_port: int = LAN_SEARCH_PORT,
        session_port: int = SESSION_PORT,
    ) -> None:
        """
        Open the ports and wait for a client; arguments and failures as
        :meth:`trailcam.simulator.simulated.SimulatedCamera.start`.
        """
        self._ports.open(interface, search_port, session_port)

    def stop(self) -> Deferred[None]:
        """Stop playing, end a session that lives on, close the ports; fires when all is gone."""
        self._finish(played=False)
        if self._session is not None:
            self._session.end(Ending.CLOSED_BY_CAMERA)
        return self._ports.close()

    def _hear(self, datagram: bytes, client: Address, _door: Door) -> None:
        try:
            message = decode(datagram)
        except WireError as error:
            self._noise.note(client, error.code)
            return
        opens = self.client is None and isinstance(message, _OPENINGS)
        if opens:
            self.client = client
        if client != self.client:
            self.strangers += 1
            return
        self.heard.append(message.type)
        self._react(message)
        if opens:
            self._player.play()

    def _react(self, message: Message) -> None:
        if isinstance(message, Close):
            self._finish(played=False)
            if self._session is not None:
                self._session.end(Ending.CLOSED_BY_CLIENT)
        elif self._session is not None:
            self._session.heard(message)
        else:
            self._player.heard(message.type)
            if isinstance(message, Alive):
                self._say(encode(AliveAck()))

    def _say(self, datagram: bytes) -> None:
        assert self.client is not None
        self._ports.send(datagram, self.client)

    def _played(self) -> None:
        """The last packet is out: hand over to a living session."""
        if not self._closes:
            behaviour = Behaviour.recorded()
            phrases = Phrases.of(behaviour, UNSPECIFIED)
            self._session = CameraSession(
                self._reactor, behaviour, phrases, self._say, self._session_ended
            )
            self._session.resume()
        self._finish(played=True)

    def _session_ended(self, ending: Ending) -> None:
        self._session = None

    def _finish(self, *, played: bool) -> None:
        self._player.stop()
        if not self.finished.called:
            self.finished.callback(played)
