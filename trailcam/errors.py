"""
Every exception of this package, and the stable ``code`` of each.

A ``code`` is a short word that never changes: it is what programs compare,
what ``threads_info`` and the status page carry, and what the documentation
explains.  The message is for people and may be reworded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from trailcam.model import ConnectionMode, Report

_LONGEST_SHOWN = 100


def shown(value: object) -> str:
    """``value`` in an error message: never long, and there even for what cannot be printed."""
    try:
        text = repr(value)
    except Exception:
        return f"something of type {type(value).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


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


class AttemptBroken(AttemptFailed):
    """A bug: the attempt ended with an exception that it should have translated."""

    code = "bug"


class AllAttemptsFailed(ConnectError):
    """
    Nobody won.

    :ivar failures: one :class:`AttemptFailed` for each mode that ran.
    :ivar report: the :class:`trailcam.model.Report` of the whole race.
    """

    code = "all_failed"

    def __init__(self, failures: tuple[AttemptFailed, ...], report: Report) -> None:
        reasons = "; ".join(f"{failure.mode.label}: {failure}" for failure in failures)
        super().__init__(reasons or "no connection mode is enabled")
        self.failures = failures
        self.report = report


class LinkError(TrailcamError):
    """A link cannot be used."""

    code = "link"


class LinkUnavailable(LinkError):
    """The local UDP port could not be opened."""

    code = "no_local_port"


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


class SessionClosedByPeer(SessionError):
    """The camera sent CLOSE."""

    code = "closed_by_peer"


class FacadeError(TrailcamError):
    """The blocking facade cannot do what it was asked."""

    code = "facade"


class CalledFromReactorThread(FacadeError):
    """A blocking call on the reactor's own thread: it would wait for itself for ever."""

    code = "called_from_reactor_thread"


class ReactorUnavailable(FacadeError):
    """No reactor can be had: it was stopped, the process was forked, or no thread can start."""

    code = "reactor_unavailable"
