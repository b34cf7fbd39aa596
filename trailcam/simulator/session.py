"""
One client's session, seen from the camera.

``offering -> ready -> confirmed``, and from each of them to the end.  Offering is the camera's busy
third of a second before P2P_RDY, and only for a client that searched; ready repeats P2P_RDY until
ALIVE, DRW or DRW_ACK shows that the client has heard it.  Protocol: LAN and session messages,
DRW reliability, keepalive and end.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs
from twisted.internet.interfaces import IReactorTime

from trailcam.artemis.record import BANNER
from trailcam.simulator.application import Application, MakeFirmware
from trailcam.simulator.behaviour import Behaviour
from trailcam.simulator.offers import Burst, bursts
from trailcam.simulator.streams import Streams
from trailcam.simulator.timer import Timer
from trailcam.wire.codec import encode
from trailcam.wire.messages import (
    Alive,
    AliveAck,
    Close,
    Drw,
    DrwAck,
    LanTcpOffer,
    Message,
    P2PRdy,
    PunchPkt,
)
from trailcam.wire.sockaddr import SocketAddress


class Ending(enum.Enum):
    """Why a session ended; the value is the name of its counter."""

    CLOSED_BY_CLIENT = "sessions_closed_by_client"
    CLOSED_BY_CAMERA = "sessions_closed_by_camera"
    TIMED_OUT = "sessions_timed_out"


@attrs.frozen
class Phrases:
    """The datagrams that a camera says again and again, encoded once."""

    punch: bytes
    offer: bytes
    ready: bytes
    alive: bytes = encode(Alive())
    alive_ack: bytes = encode(AliveAck())
    close: bytes = encode(Close())

    @classmethod
    def of(cls, behaviour: Behaviour, address: SocketAddress) -> Phrases:
        """What a camera of this behaviour says, its sessions being at ``address``."""
        did = behaviour.did
        return cls(encode(PunchPkt(did)), encode(LanTcpOffer(did, address)), encode(P2PRdy(did)))


class CameraSession:
    """
    One client's place in the camera.

    :param clock: where time comes from.
    :param behaviour: what to do.
    :param phrases: what to say.
    :param send: sends a datagram to the client.
    :param ended: told once, last, why the session ended.
    :param make_firmware: see :class:`~trailcam.simulator.application.Application`.
    """

    def __init__(
        self,
        clock: IReactorTime,
        behaviour: Behaviour,
        phrases: Phrases,
        send: Callable[[bytes], object],
        ended: Callable[[Ending], object],
        make_firmware: MakeFirmware | None = None,
    ) -> None:
        self._clock = clock
        self._behaviour = behaviour
        self._phrases = phrases
        self._send = send
        self._ended = ended
        self._offers: Iterator[Burst] = iter(())
        self._ready_sent_at: float | None = None
        self._silent = False
        self._offering = Timer(clock, self._offer)
        self._readying = Timer(clock, self._say_ready)
        self._banner = Timer(clock, self._say_banner)
        self._streams = Streams(clock, behaviour, self._speak, send, self._octets_heard)
        self._application = Application(self._streams, make_firmware)
        self._alive = Timer(clock, self._say_alive)
        self._silence = Timer(clock, self._fall_silent)
        self._closing = Timer(clock, lambda: self.end(Ending.CLOSED_BY_CAMERA))
        self._timeout = Timer(clock, lambda: self.end(Ending.TIMED_OUT))
        self._timeout.start(behaviour.timeout)

    @property
    def resent(self) -> int:
        """Pieces of the reliable channels that were sent again."""
        return self._streams.resent

    @property
    def busy(self) -> bool:
        """Whether a search of this client goes unanswered: during the offers, or playing dead."""
        return self._silent or self._ready_sent_at is None

    # What the camera tells its session

    def offer(self, rng: random.Random) -> None:
        """Offer TCP as often as the behaviour says (not never), and be ready after that."""
        self._offers = iter(bursts(self._behaviour.offers, rng))
        self._offer()

    def get_ready(self) -> None:
        """Send P2P_RDY now, and again until the client confirms; the banner follows."""
        self._offering.stop()
        if self._behaviour.never_ready:
            return
        delay = self._behaviour.banner_delay
        self._live(quiet_from=delay)
        self._say_ready()
        if delay:
            self._banner.start(delay)
        else:
            self._say_banner()

    def resume(self) -> None:
        """Keep up a session that somebody else made ready: no P2P_RDY, no banner."""
        self._ready_sent_at = self._clock.seconds()
        self._live(quiet_from=0)

    def asked_again(self, *, insists: bool) -> None:
        """
        The client punched or was ready once more: it may have missed our P2P_RDY.

        It gets a further copy, but no sooner than a repetition would come: there are clients that
        echo P2P_RDY, and two echoes would never end.

        :param insists: whether this ends the offering phase.
        """
        if self._silent:
            return
        self._timeout.start(self._behaviour.timeout)
        if self._ready_sent_at is None:
            if insists:
                self.get_ready()
        elif self._clock.seconds() - self._ready_sent_at >= self._behaviour.repeat_interval:
            self._send_ready()

    def heard(self, message: Message) -> None:
        """The client sent ``message``, which is no punch, no P2P_RDY and no CLOSE."""
        if self._silent:
            return
        self._timeout.start(self._behaviour.timeout)
        react = _REACTIONS.get(type(message))
        if react is not None and self._ready_sent_at is not None:
            self._readying.stop()
            react(self, message)

    def end(self, ending: Ending) -> None:
        """End the session.  The client is told, unless it was its own wish or we play dead."""
        self._stop_timers()
        self._timeout.stop()
        self._ended(ending)
        if ending is not Ending.CLOSED_BY_CLIENT and not self._silent:
            self._send(self._phrases.close)

    # What the session does by itself

    def _live(self, quiet_from: float) -> None:
        """
        Start what a ready session does at its time.

        :param quiet_from: seconds from now to the last traffic already planned.
        """
        behaviour = self._behaviour
        if behaviour.alive_interval is not None:
            self._alive.start(quiet_from + behaviour.alive_interval)
        if behaviour.silent_after is not None:
            self._silence.start(behaviour.silent_after)
        if behaviour.close_after is not None:
            self._closing.start(behaviour.close_after)

    def _offer(self) -> None:
        burst = next(self._offers)
        if burst.pause:
            self._offering.start(burst.pause)
        for _ in range(burst.copies):
            self._send(self._phrases.offer)
        if not burst.pause:
            self.get_ready()

    def _say_ready(self) -> None:
        self._readying.start(self._behaviour.repeat_interval)
        self._send_ready()

    def _send_ready(self) -> None:
        self._ready_sent_at = self._clock.seconds()
        self._send(self._phrases.ready)

    def _say_banner(self) -> None:
        self._streams.write(0, BANNER)

    def _octets_heard(self, channel: int, data: bytes) -> None:
        self._application.received(channel, data)

    def _say_alive(self) -> None:
        self._speak(self._phrases.alive)

    def _speak(self, datagram: bytes) -> None:
        """Send what puts off the next ALIVE: anything but repetitions and ALIVE_ACK."""
        if self._behaviour.alive_interval is not None:
            self._alive.start(self._behaviour.alive_interval)
        self._send(datagram)

    def _fall_silent(self) -> None:
        """Play dead; the slot is free again when the timeout ends."""
        self._silent = True
        self._stop_timers()

    def _stop_timers(self) -> None:
        """Stop everything but the timeout."""
        self._offering.stop()
        self._readying.stop()
        self._banner.stop()
        self._application.stop()
        self._streams.stop()
        self._alive.stop()
        self._silence.stop()
        self._closing.stop()

    # What the session does with a message

    def _alive_heard(self, _message: Alive) -> None:
        if self._behaviour.answers_alive:
            self._send(self._phrases.alive_ack)

    def _drw_heard(self, drw: Drw) -> None:
        self._streams.drw_heard(drw)

    def _ack_heard(self, ack: DrwAck) -> None:
        self._streams.ack_heard(ack)
        self._application.acknowledged(ack.channel)


_REACTIONS: Final[dict[type[Message], Callable[[CameraSession, Any], None]]] = {
    Alive: CameraSession._alive_heard,
    Drw: CameraSession._drw_heard,
    DrwAck: CameraSession._ack_heard,
}
