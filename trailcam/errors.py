"""
Every exception of this package, and the stable ``code`` of each.

A ``code`` is a short word that never changes: it is what programs compare,
what ``threads_info`` and the status page carry, and what the documentation
explains.  The message is for people and may be reworded.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, ClassVar, TypeVar

if TYPE_CHECKING:
    from trailcam.model import ConnectionMode, Report

_R = TypeVar("_R", bound=Hashable)

_LONGEST_SHOWN = 100


def shown(value: object) -> str:
    """``value`` in an error message: never long, and there even for what cannot be printed."""
    try:
        text = repr(value)
    except Exception:
        return f"something of type {type(value).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def shared_reasons(reasons: Iterable[tuple[_R, str]]) -> dict[_R, str]:
    """Each reason once, in their order, with whom it holds for, such as ``"P2P and LAN"``."""
    modes: dict[_R, list[str]] = {}
    for reason, mode in reasons:
        modes.setdefault(reason, []).append(mode)
    return {reason: " and ".join(names) for reason, names in modes.items()}


class TrailcamError(Exception):
    """Anything this package raises on purpose."""

    code: ClassVar[str] = "error"


class WireError(TrailcamError):
    """Octets that are not what the protocol says, or values that cannot be encoded."""

    code = "wire"


class Truncated(WireError):
    """The octets end before the structure does."""

    code = "truncated"


class BadMagic(WireError):
    """The first octet (or the magic of a record) is not the protocol's."""

    code = "bad_magic"


class UnknownMessage(WireError):
    """A well-formed envelope with an opcode that nobody has documented."""

    code = "unknown_message"


class LengthMismatch(WireError):
    """A length field disagrees with the octets that follow it."""

    code = "length_mismatch"


class CipherError(WireError):
    """Enciphered octets that do not open, or whose check value is wrong."""

    code = "cipher"


class DeviceIDError(WireError, ValueError):
    """A device id (DID) that is malformed, as text or as octets."""

    code = "bad_device_id"


class CaptureError(TrailcamError):
    """A recording that cannot be read at all (missing, or of no known kind)."""

    code = "capture"


class ConnectError(TrailcamError):
    """No connection came to be."""

    code = "connect"


class AttemptFailed(ConnectError):
    """
    One mode gave up.

    :ivar mode: the mode that failed.
    :ivar phase: the phase it had reached, e.g. ``"searching"``.
    :ivar elapsed: seconds from the start of the attempt.
    """

    code = "failed"

    def __init__(self, mode: ConnectionMode, phase: str, elapsed: float, message: str) -> None:
        super().__init__(message)
        self.mode = mode
        self.phase = phase
        self.elapsed = elapsed


class NothingAnswered(AttemptFailed):
    """The budget ended and not one datagram had come back."""

    code = "no_answer"


class PortsRefused(AttemptFailed):
    """Every destination port said, by ICMP, that nobody listens there."""

    code = "refused"


class Unreachable(AttemptFailed):
    """The system or a router says there is no way to the address."""

    code = "unreachable"


class WrongDevice(AttemptFailed):
    """A camera answered, but with another device id than the one asked for."""

    code = "wrong_device"


class NeverReady(AttemptFailed):
    """The camera answered the search or the punch, and never sent P2P_RDY."""

    code = "never_ready"


class ClosedByCamera(AttemptFailed):
    """The camera answered and then sent CLOSE: most likely its session slots are taken."""

    code = "closed_by_camera"


class NameNotResolved(AttemptFailed):
    """The camera was given by host name, and the name has no IPv4 address, or no answer came."""

    code = "unresolved"


class PortUnavailable(AttemptFailed):
    """The local UDP port could not be opened."""

    code = "no_local_port"


class NoInterface(AttemptFailed):
    """A broadcast search was wanted and no interface can broadcast."""

    code = "no_interface"


class NotPossible(AttemptFailed):
    """The mode was enabled, but lacks what it needs (an address, a server)."""

    code = "not_possible"


class RendezvousUnreachable(AttemptFailed):
    """Not one of the rendezvous servers answered."""

    code = "rendezvous_unreachable"


class DeviceUnknown(AttemptFailed):
    """The server does not know the device id."""

    code = "device_unknown"


class DeviceOffline(AttemptFailed):
    """The server knows the device id, but no such device is logged in there."""

    code = "device_offline"


class SecretRefused(AttemptFailed):
    """The server wants the device's secret, and got none or a wrong one."""

    code = "wrong_secret"


class PunchFailed(AttemptFailed):
    """Server and device did their part, but nothing came through the NATs between."""

    code = "punch_failed"


class RelayUnreachable(AttemptFailed):
    """No connection to the relay: refused, no route, no such name, no trust in its certificate."""

    code = "relay_unreachable"


class RelayNotUnderstood(AttemptFailed):
    """What answers at the relay's address is not a relay of ours."""

    code = "relay_not_understood"


class RelayFull(AttemptFailed):
    """The relay has no room for another pair."""

    code = "relay_full"


class RelayEnded(AttemptFailed):
    """The relay ended the connection before the device had joined."""

    code = "relay_ended"


class DeviceNeverJoined(AttemptFailed):
    """The device was told, but did not come to the relay, or did not reach its camera."""

    code = "device_never_joined"


class NoRelays(AttemptFailed):
    """Neither the rendezvous servers nor the directory named a relay."""

    code = "no_relays"


class RelayDirectoryUnusable(AttemptFailed):
    """The directory of relays cannot be fetched or read, and there is no copy of it."""

    code = "relay_directory"


class AttemptBroken(AttemptFailed):
    """A bug: the attempt ended with an exception that it should have translated."""

    code = "bug"


class Hopeless(ConnectError):
    """
    Within an attempt: there is nothing to look for, or nobody to ask.

    :ivar kind: the class of the failure that the attempt then ends with.
    :ivar message: its words.
    """

    code = "hopeless"

    def __init__(self, kind: type[AttemptFailed], message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


#: Why an attempt fails: the class of the failure, and its words.
Cause = tuple[type[AttemptFailed], str]


class AllAttemptsFailed(ConnectError):
    """
    Nobody won; its text has each reason once, with the modes that it holds for.

    :ivar failures: one :class:`AttemptFailed` for each mode that ran.
    :ivar report: the :class:`trailcam.model.Report` of the whole race.
    """

    code = "all_failed"

    def __init__(self, failures: tuple[AttemptFailed, ...], report: Report) -> None:
        reasons = shared_reasons((str(failure), failure.mode.label) for failure in failures)
        told = "; ".join(f"{modes}: {reason}" for reason, modes in reasons.items())
        super().__init__(told or "no connection mode is enabled")
        self.failures = failures
        self.report = report


class LinkError(TrailcamError):
    """A link cannot be used."""

    code = "link"


class LinkUnavailable(LinkError):
    """The local UDP port could not be opened."""

    code = "no_local_port"


class LinkLost(LinkError):
    """The other end, or the network, ended the link."""

    code = "link_lost"


class LinkClosed(LinkError):
    """We closed this link, or it never was open."""

    code = "link_closed"


class SessionError(TrailcamError):
    """A session ended."""

    code = "session"


class SessionLost(SessionError):
    """
    The camera fell silent.

    :ivar silent_for: seconds since its last datagram.
    """

    code = "session_lost"

    def __init__(self, silent_for: float) -> None:
        super().__init__(f"the camera has been silent for {silent_for:.1f} s")
        self.silent_for = silent_for


class SessionRefused(SessionError):
    """Nobody listens on the session's port any more (ICMP), or the link itself failed."""

    code = "session_refused"


class SessionClosed(SessionError):
    """There is no session, or not any more, because it was closed here."""

    code = "session_closed"


class SessionClosedByPeer(SessionError):
    """The camera sent CLOSE."""

    code = "closed_by_peer"


class ChannelClosed(SessionError):
    """Something was written to a channel of a session that has ended."""

    code = "channel_closed"


class CameraError(TrailcamError):
    """The camera did not do what it was asked."""

    code = "camera"


class LoginRejected(CameraError):
    """
    The camera refused the login.

    :ivar result: its number: -1 for wrong credentials, -2 for too many clients.
    """

    code = "login_rejected"

    TOO_MANY_CLIENTS = -2

    def __init__(self, message: str, result: int) -> None:
        super().__init__(message)
        self.result = result

    @property
    def passes(self) -> bool:
        """Whether the same login may succeed later: when another client has left."""
        return self.result == self.TOO_MANY_CLIENTS


class CommandRejected(CameraError):
    """
    The camera refused a command.

    :ivar command: the ``cmdId``.
    :ivar result: the camera's number for why.
    """

    code = "command_rejected"

    def __init__(self, message: str, command: int, result: int) -> None:
        super().__init__(message)
        self.command = command
        self.result = result


class CommandTimeout(CameraError):
    """The camera did not answer a command in time."""

    code = "command_timeout"


class MediaNotFound(CameraError):
    """The camera does not have this item, or not any more."""

    code = "media_not_found"


class MediaTruncated(CameraError):
    """An item arrived incomplete or damaged."""

    code = "media_truncated"


class VideoLibraryMissing(TrailcamError):
    """MP4 files need PyAV, which is not installed: ``pip install trailcam[video]``."""

    code = "no_video_library"


class LibraryError(TrailcamError):
    """A folder of pictures cannot be worked on."""

    code = "library"


class FolderInUse(LibraryError):
    """Another run works on the same folder."""

    code = "folder_in_use"


class FolderUnusable(LibraryError):
    """The system does not write: a full disk, a read-only folder, a name that is too long."""

    code = "folder_unusable"


class FolderUnsafe(LibraryError):
    """A link inside the folder leads somewhere else, where nothing may be written."""

    code = "folder_unsafe"


class ServerError(TrailcamError):
    """A server or an agent cannot do its work."""

    code = "server"


class SecretsError(ServerError):
    """A file of device secrets that cannot be read or has a malformed line."""

    code = "bad_secrets_file"


class RegistryError(ServerError):
    """A registry has no such device."""

    code = "registry"


class UnknownDevice(RegistryError):
    """Nobody may register this id here, or nobody ever has."""

    code = "device_unknown"


class OfflineDevice(RegistryError):
    """The device is known, and not logged in."""

    code = "device_offline"


class NoFreePort(ServerError):
    """All data ports of a relay are in use."""

    code = "no_free_port"


class LoginRefused(ServerError):
    """A server refused the agent's login."""

    code = "login_refused"


class IdTaken(ServerError):
    """Another agent with the same id has taken over."""

    code = "id_taken"


class DirectoryError(TrailcamError):
    """A directory of relays that cannot be fetched or read."""

    code = "relay_directory"


class FacadeError(TrailcamError):
    """The blocking facade cannot do what it was asked."""

    code = "facade"


class CalledFromReactorThread(FacadeError):
    """A blocking call on the reactor's own thread: it would wait for itself for ever."""

    code = "called_from_reactor_thread"


class ReactorUnavailable(FacadeError):
    """No reactor can be had: it was stopped, the process was forked, or no thread can start."""

    code = "reactor_unavailable"
