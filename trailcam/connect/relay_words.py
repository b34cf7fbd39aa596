"""
Why a relay was of no use, in words a user can act on.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.error import ConnectionRefusedError, DNSLookupError

from trailcam.connect.relay_address import RelayAddress
from trailcam.connect.secret_words import secret_fault
from trailcam.errors import (
    AttemptFailed,
    Cause,
    DeviceNeverJoined,
    DeviceOffline,
    DeviceUnknown,
    RelayEnded,
    RelayFull,
    RelayNotUnderstood,
    RelayUnreachable,
    SecretRefused,
    WireError,
    WrongDevice,
)
from trailcam.wire.constants import Result
from trailcam.wire.did import DeviceID

#: The failures that relays can cause, the most telling first.
_TELLING: tuple[type[AttemptFailed], ...] = (
    WrongDevice,
    SecretRefused,
    DeviceNeverJoined,
    DeviceOffline,
    DeviceUnknown,
    RelayFull,
    RelayEnded,
    RelayNotUnderstood,
    RelayUnreachable,
)


def most_telling(causes: Sequence[Cause]) -> Cause:
    """The cause that got furthest, with the words of all."""
    ranked = sorted(causes, key=_rank)
    words = dict.fromkeys(text for _, text in ranked)
    return ranked[0][0], "; ".join(words)


def _rank(cause: Cause) -> int:
    return _TELLING.index(cause[0]) if cause[0] in _TELLING else 0


def not_reached(relay: RelayAddress, problem: Exception) -> Cause:
    """The control connection did not come to be."""
    if isinstance(problem, ConnectionRefusedError):
        text = (
            f"the relay {relay.name} refused the connection: is trailcam-relay running there, "
            "and is this its control port?"
        )
    elif isinstance(problem, DNSLookupError):
        text = (
            f"the relay's name {relay.host} has no address: is it spelt right, "
            "and is there a network?"
        )
    else:
        text = f"the relay {relay.name} cannot be reached: {words(problem)}"
    return RelayUnreachable, text


def no_entry(relay: RelayAddress, port: int, problem: object) -> Cause:
    """The data port did not let us in."""
    return RelayUnreachable, (
        f"the relay {relay.name} opened port {port} for us, but it cannot be reached: {problem}; "
        "does a firewall there let its data ports in?"
    )


def ended(relay: RelayAddress, problem: Exception, greeted: bool) -> Cause:
    """
    A connection to the relay ended before the device had joined.

    :param greeted: whether it has shown before that it is a relay.
    """
    if isinstance(problem, WireError):
        return RelayNotUnderstood, (
            f"what answers at {relay.name} does not speak as a relay does ({problem}): "
            "is this the relay's control port?"
        )
    if relay.tls is not None and (cause := _tls_trouble(relay, problem)):
        return cause
    reason = words(problem)
    if greeted:
        return RelayEnded, (
            f"the relay {relay.name} ended the connection before the device had joined ({reason}): "
            "was it stopped? try again"
        )
    plain = f"{relay.host}:{relay.port}"
    hint = f"if it wants TLS, write tls:{plain}" if relay.tls is None else f"without TLS: {plain}"
    return RelayEnded, (
        f"{relay.name} closed the connection without an answer ({reason}): "
        f"is this the relay's control port? {hint}"
    )


def _tls_trouble(relay: RelayAddress, problem: Exception) -> Cause | None:
    from OpenSSL.SSL import Error
    from service_identity import VerificationError

    if isinstance(problem, VerificationError):
        return (
            RelayUnreachable,
            f"the certificate of {relay.name} is for another name than {relay.host}",
        )
    if not isinstance(problem, Error):
        return None
    detail = ", ".join(str(entry[-1]) for entry in (problem.args or [()])[0]) or "no details"
    if "certificate" in detail:
        return RelayUnreachable, (
            f"the certificate of {relay.name} is not trusted here ({detail}): "
            f"name who signed it with tls:{relay.host}:{relay.port}:trustRoots=FOLDER"
        )
    return RelayNotUnderstood, (
        f"what answers at {relay.name} does not speak TLS ({detail}): "
        f"without TLS it is written {relay.host}:{relay.port}"
    )


def refused(relay: RelayAddress, did: DeviceID, result: int, has_secret: bool) -> Cause:
    """
    The relay does not tell the device.

    :param has_secret: whether we showed one.
    """
    if result == Result.INVALID_DSK:
        return SecretRefused, (
            f"the relay {relay.name} wants the secret of {did}, and {secret_fault(has_secret)}"
        )
    if result == Result.DEVICE_OFFLINE:
        return DeviceOffline, (
            f"the relay {relay.name} has no connection of {did}: is its agent running, "
            "with this relay, and has it a network?"
        )
    if result in (Result.INVALID_ID, Result.INVALID_PREFIX):
        return DeviceUnknown, (
            f"the relay {relay.name} does not know {did}: is the id right, "
            "and is it in the relay's file of devices?"
        )
    return RelayNotUnderstood, f"the relay {relay.name} refused with result {result:#04x}"


def not_sent(cause: Cause, servers: object, result: int, has_secret: bool) -> Cause:
    """
    The rendezvous servers do not send the device to the relay either.

    :param cause: what the relay said.
    :param has_secret: whether we showed one.
    """
    kind, text = cause
    unlike, fault = _NOT_SENT.get(result, (None, f"refused with result {result:#04x}"))
    return unlike or kind, f"{text}; the rendezvous servers ({servers}) " + fault.format(
        secret_fault(has_secret)
    )


#: Result of a RLY_REQ -> the failure, where it is not what the relay said, and words.
_NOT_SENT: dict[int, tuple[type[AttemptFailed] | None, str]] = {
    Result.INVALID_DSK: (SecretRefused, "want its secret, and {}"),
    Result.DEVICE_OFFLINE: (DeviceOffline, "say that it is not logged in there either"),
    Result.INVALID_ID: (None, "do not know it either"),
    Result.INVALID_PREFIX: (None, "send nobody to a relay that they were not told of"),
}


def words(problem: BaseException) -> str:
    """What an exception says, without the full stop of Twisted's."""
    return str(problem).rstrip(".") or type(problem).__name__
