"""
The doors between the rooms: every interface of the package, with units and failures.

An address is a ``(host, port)`` tuple, as Twisted hands it to ``datagramReceived``; hosts are IPv4
literals.  Seconds are floats.  A ``Deferred`` that "never fails" may still be cancelled.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from zope.interface import Attribute, Interface

from trailcam.model import (
    AttemptState,
    ConnectionMode,
    Credentials,
    Heat,
    MediaItem,
    Outcome,
    Report,
)

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred
    from twisted.python.failure import Failure

    from trailcam.errors import SessionError

#: ``(host, port)``: an IPv4 literal and a UDP or TCP port number.
Address = tuple[str, int]


class ICipher(Interface):
    """Turns octets into other octets of the same number, and back."""

    def encrypt(clear: bytes) -> bytes:
        """Encipher ``clear``."""

    def decrypt(enciphered: bytes) -> bytes:
        """Decipher; raises :class:`trailcam.errors.CipherError` where a check value is wrong."""


class IMessageReceiver(Interface):
    """Takes what arrives over a link.  No method may raise."""

    def message_received(message: Any, peer: Address) -> None:
        """A :class:`trailcam.wire.messages.Message` came from ``peer``."""

    def peer_refused(peer: Address, error: int) -> None:
        """
        A datagram to ``peer`` was refused: by ICMP, or by this system.

        :param error: an ``errno`` value: ECONNREFUSED for a closed port, EHOSTUNREACH and the like
            for a way that does not exist.
        """

    def link_lost(reason: Failure) -> None:
        """The link ended without :meth:`ILink.abandon`.  Called once, last."""


class ILink(Interface):
    """
    A path to ONE peer, proven or being proven.

    Nobody but the receiver attached last hears of messages.  Between two receivers, at most 64
    messages are kept for the next one, and the end of the link, if it ended by itself.
    """

    mode: ConnectionMode = Attribute("the :class:`~trailcam.model.ConnectionMode` that made it")
    peer: Address | None = Attribute("the proven peer, ``None`` before the proof")
    local: Address = Attribute("our own end")
    max_payload: int = Attribute("octets of payload that fit into one DRW")

    def attach(receiver: IMessageReceiver) -> None:
        """Make ``receiver`` the one who hears, and give it at once what was kept."""

    def send(message: Any) -> None:
        """Send to :attr:`peer`; raises :class:`trailcam.errors.LinkClosed` after the end."""

    def abandon() -> Deferred[None]:
        """
        Tell a proven peer CLOSE and let go of the port.

        May be called any number of times.  The Deferred fires with ``None`` when the port is
        gone; it never fails and never waits for the peer.
        """


class IAttempt(Interface):
    """One try of one mode."""

    mode: ConnectionMode = Attribute("the mode this attempt stands for")
    phase: str = Attribute(
        "where it is: idle, resolving, searching, punching or ready; a relay's attempt is idle, "
        "searching (for relays), dialling (them), joining (the device at one) or ready"
    )
    port: int | None = Attribute("our local port, once one is open")
    retries: int = Attribute("destination ports, or relays, tried without success so far")
    round_trip: float | None = Attribute("seconds from a probe to its first answer, if measured")

    def connect(budget: float) -> Deferred[ILink]:
        """
        Try for at most ``budget`` seconds.

        The Deferred fires with a proven :class:`ILink`, or fails with
        :class:`trailcam.errors.AttemptFailed`.  It can be cancelled at any time, and settles only
        after everything the attempt opened is closed or handed over.
        """


class IRacePolicy(Interface):
    """Decides who starts when.  Pure: same question, same answer."""

    def plan(
        modes: Collection[ConnectionMode], deadline: float, past: Sequence[Outcome]
    ) -> Sequence[Heat]:
        """
        Lay out a race.

        :param modes: the modes that may run.
        :param deadline: seconds that the whole race may take.
        :param past: what these modes did before with this camera, oldest first.
        :return: the heats in order of their start; no heat for a mode that shall not run.
        """

    def outranks(mode: ConnectionMode, other: ConnectionMode) -> bool:
        """Whether ``other``, when it wins first, should wait a moment for ``mode``."""


class IHistory(Interface):
    """Remembers outcomes of one camera.  Never raises."""

    def recall() -> Sequence[Outcome]:
        """What is known, oldest first."""

    def record(outcomes: Sequence[Outcome]) -> None:
        """Remember the outcomes of one race."""


class IConnector(Interface):
    """Connects to one camera, any number of times."""

    def connect(modes: Collection[ConnectionMode]) -> Deferred[tuple[ILink, Report]]:
        """
        Race ``modes``.

        The Deferred fires with the winner's proven link, which the caller owns from then on, and
        the :class:`~trailcam.model.Report`.  It fails with
        :class:`trailcam.errors.AllAttemptsFailed`.  It can be cancelled at any time; it settles
        only when nothing of the losers is left.
        """


class IChannelReader(Interface):
    """Takes what arrives on one channel.  No method may raise."""

    def data_received(data: bytes) -> None:
        """The next octets, in order and once."""

    def channel_closed(reason: SessionError | None) -> None:
        """The session has ended, see :meth:`ISession.when_closed`.  Called once, last."""


class IChannel(Interface):
    """
    One of a session's eight streams of octets, both ways.

    It also is a Twisted ``IConsumer`` of what goes to the camera and an ``IPushProducer`` of what
    comes: a channel that is paused is not acknowledged any more once its buffer is full, so the
    camera waits, and the session lives on.
    """

    number: int = Attribute("0 to 7")

    def attach(reader: IChannelReader) -> None:
        """Make ``reader`` the one who hears, and give it at once what was kept."""

    def write(data: bytes) -> None:
        """
        Send these octets, after all earlier ones, as often as it takes.

        Raises :class:`trailcam.errors.ChannelClosed` after the end of the session.
        """

    def pauseProducing() -> None:
        """Give the reader nothing until :meth:`resumeProducing`."""

    def resumeProducing() -> None:
        """Give the reader what was kept, and what comes."""

    def stopProducing() -> None:
        """Throw away what comes on this channel from now on."""

    def registerProducer(producer: Any, streaming: bool) -> None:
        """Pause ``producer`` while more than 256 KiB wait to be sent."""

    def unregisterProducer() -> None:
        """The producer has no more."""


class ISession(Interface):
    """A connection that is kept alive."""

    state: str = Attribute("established, probing, closed or lost")

    def channel(number: int) -> IChannel:
        """The channel with this number; raises ValueError when there is none."""

    def when_closed() -> Deferred[SessionError | None]:
        """
        Fires when the session has ended: with ``None`` after :meth:`close`, otherwise with the
        :class:`trailcam.errors.SessionError` that says why.  Never fails.  Any number of callers.
        """

    def close() -> Deferred[None]:
        """Say CLOSE and let go of the port; fires when it is gone.  May be called again."""


class ICamera(Interface):
    """
    A camera that somebody is, or wants to be, logged in to.

    Every Deferred here can be cancelled, and fails with a
    :class:`trailcam.errors.CameraError` (the camera refused, or did not answer in time) or a
    :class:`trailcam.errors.SessionError` (the connection is over).
    """

    def login(credentials: Credentials) -> Deferred[dict[str, Any]]:
        """
        Fires with the camera's answer, or fails with :class:`trailcam.errors.LoginRejected`.

        From then on the heartbeat keeps the login alive, and the token goes with every command.
        """

    def command(number: int, *, timeout: float = 10.0, **members: Any) -> Deferred[dict[str, Any]]:
        """
        Send any command and wait for its answer.

        Fires with the answer, or fails with :class:`trailcam.errors.CommandRejected` (its result
        is not 0) or :class:`trailcam.errors.CommandTimeout`.
        """

    def info() -> Deferred[dict[str, Any]]:
        """Fires with what the camera says about itself."""

    def media() -> Deferred[list[MediaItem]]:
        """Fires with everything on the card, newest first, from all pages of the list."""

    def thumbnails(items: Sequence[MediaItem]) -> Deferred[dict[MediaItem, bytes]]:
        """Fires with the JPEG of each item; those the camera did not send are left out."""

    def download(
        item: MediaItem, consumer: Any, progress: Callable[[int, int | None], None] | None = None
    ) -> Deferred[int]:
        """
        Fetch one item, from its beginning.

        The Deferred fires with the octets written when all of them were; it fails with
        :class:`trailcam.errors.MediaNotFound` or :class:`trailcam.errors.MediaTruncated`.

        :param consumer: an ``IConsumer``; it may pause, and then the camera waits.  Of a photo it
            gets the JPEG, of a video the H.264 access units in Annex B form.
        :param progress: called with the octets so far, and of how many when that is known.
        """

    def delete(item: MediaItem) -> Deferred[None]:
        """
        Delete one item from the card, for ever.

        Fires with ``None`` when the camera has done it; it fails with
        :class:`trailcam.errors.MediaNotFound` when the camera does not have the item, and with
        :class:`trailcam.errors.CommandRejected` when it refuses for another reason.
        """

    def when_closed() -> Deferred[SessionError | None]:
        """As :meth:`ISession.when_closed`, of its session."""

    def close() -> Deferred[None]:
        """Log out and end the session; fires when that is done, or after a second without."""


class IRuntime(Interface):
    """The reactor that the blocking facade works on, seen from other threads."""

    reactor: Any = Attribute("the running reactor; valid after :meth:`ensure_running`")

    def ensure_running() -> None:
        """
        Return when a reactor runs, starting one if need be.

        Raises :class:`trailcam.errors.CalledFromReactorThread` on the reactor's own thread and
        :class:`trailcam.errors.ReactorUnavailable` when the reactor was stopped before.
        """

    def call(function: Callable[[], Any]) -> Any:
        """
        Run ``function`` on the reactor's thread and wait for its result.

        A Deferred or coroutine it returns is waited for.  An exception is raised here.  When this
        thread is interrupted (KeyboardInterrupt), the work is cancelled, its end awaited, and the
        interruption raised.
        """


class IStatusSource(Interface):
    """Something whose state can be shown."""

    def snapshot() -> dict[str, Any]:
        """A JSON-able picture of this moment."""


class IDeviceRegistry(Interface):
    """
    The devices that are logged in at a rendezvous server.

    A record is a :class:`trailcam.server.registry.DeviceRecord`; times are seconds of one clock.
    """

    def register(record: Any, now: float) -> None:
        """Note a login; it takes the place of an earlier one under the same id.  Never raises."""

    def find(did: Any, now: float) -> Deferred[Any]:
        """
        Look up a :class:`~trailcam.wire.did.DeviceID`.

        The Deferred fires with the record of the last login, or fails with
        :class:`trailcam.errors.OfflineDevice` when that is too long ago, or with
        :class:`trailcam.errors.UnknownDevice` when there is no trace of the device.
        """

    def expire(now: float) -> int:
        """Take out the devices that have gone offline; returns how many."""


__all__ = [
    "Address",
    "AttemptState",
    "IAttempt",
    "ICamera",
    "IChannel",
    "IChannelReader",
    "ICipher",
    "IConnector",
    "IDeviceRegistry",
    "IHistory",
    "ILink",
    "IMessageReceiver",
    "IRacePolicy",
    "IRuntime",
    "ISession",
    "IStatusSource",
]
