"""
Why an attempt failed, in words a user can act on.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from trailcam.errors import (
    AttemptFailed,
    Cause,
    ClosedByCamera,
    NeverReady,
    NothingAnswered,
    PortsRefused,
    Unreachable,
    WrongDevice,
)
from trailcam.interfaces import Address
from trailcam.link.errorqueue import REFUSALS_HEARD
from trailcam.model import ConnectionMode
from trailcam.wire.did import DeviceID

K = TypeVar("K")
V = TypeVar("V")

_MOST_REMEMBERED = 64
_MOST_LISTED = 8


@dataclass
class Evidence:
    """
    What one attempt saw.  Every table is bounded: peers fill them.

    :ivar tried: where the probes went.
    :ivar broadcast: whether anybody on the network may still answer.
    :ivar refused: address -> errno of those that were refused.
    :ivar answered: addresses that answered with the right device id, first one first.
    :ivar wrong_ids: address -> device id of those that answered with another one.
    :ivar closed: addresses that answered and then sent CLOSE.
    :ivar strangers: hosts that answered with the right id, but were not asked.
    :ivar told_ready: addresses that we sent P2P_RDY to; theirs may be an echo of it.
    :ivar claims: addresses whose P2P_RDY may be an echo.
    :ivar own_words: addresses that sent what no echo can.
    """

    tried: tuple[Address, ...] = ()
    broadcast: bool = False
    refused: dict[Address, int] = field(default_factory=dict)
    answered: dict[Address, None] = field(default_factory=dict)
    wrong_ids: dict[Address, DeviceID] = field(default_factory=dict)
    closed: dict[Address, None] = field(default_factory=dict)
    strangers: dict[str, None] = field(default_factory=dict)
    told_ready: dict[Address, None] = field(default_factory=dict)
    claims: dict[Address, None] = field(default_factory=dict)
    own_words: dict[Address, None] = field(default_factory=dict)

    def note_refused(self, peer: Address, error: int) -> None:
        """A probe to ``peer`` was refused; what was not asked cannot refuse."""
        if peer in self.tried:
            self.refused[peer] = error

    def note_answered(self, peer: Address) -> None:
        """``peer`` answered with the right device id."""
        _remember(self.answered, peer, None)

    def note_wrong_id(self, peer: Address, did: DeviceID) -> None:
        """``peer`` answered with another device id."""
        _remember(self.wrong_ids, peer, did)

    def note_closed(self, peer: Address) -> None:
        """``peer`` sent CLOSE."""
        _remember(self.closed, peer, None)

    def note_stranger(self, host: str) -> None:
        """The right device id came from a host that was not asked."""
        _remember(self.strangers, host, None)

    def note_told_ready(self, peer: Address) -> None:
        """We sent P2P_RDY to ``peer``."""
        _remember(self.told_ready, peer, None)

    def note_claim(self, peer: Address) -> None:
        """``peer`` sent a P2P_RDY that may be an echo of ours."""
        _remember(self.claims, peer, None)

    def note_own_words(self, peer: Address) -> None:
        """``peer`` sent something that we never say: it is no echo."""
        _remember(self.own_words, peer, None)

    def may_be_echo(self, peer: Address) -> bool:
        """Whether all that ``peer`` sent may be our own datagrams, sent back."""
        return peer in self.told_ready and peer not in self.own_words

    @property
    def answered_at_all(self) -> bool:
        """Whether any camera said anything."""
        return bool(self.answered or self.wrong_ids or self.closed)

    @property
    def all_refused(self) -> bool:
        """Whether nobody is left who could answer."""
        return len(self.refused) >= len(self.tried) and not self.answered

    @property
    def hopeless(self) -> bool:
        """
        Whether nothing more can come: each port either refused or answered with a wrong id.

        An answer may come from another port than was asked, so wrong answers are counted rather
        than matched; those to a broadcast settle nothing, since another camera may still answer.
        """
        settled = len(self.refused) + (0 if self.broadcast else len(self.wrong_ids))
        return settled >= len(self.tried) and not self.answered

    def host_answered(self, host: str) -> bool:
        """Whether the right device id came from any port of ``host``."""
        return any(known == host for known, _ in self.answered)


def _remember(table: dict[K, V], key: K, value: V) -> None:
    if len(table) < _MOST_REMEMBERED:
        table[key] = value


def diagnose(
    evidence: Evidence,
    *,
    mode: ConnectionMode,
    phase: str,
    elapsed: float,
    target: str,
    wanted: DeviceID,
) -> AttemptFailed:
    """
    The error that tells most.

    :param phase: where the attempt ended.
    :param elapsed: seconds it ran.
    :param target: the camera in words.
    :param wanted: the device id that was asked for.
    """
    kind, text = _cause(evidence, elapsed, target, wanted)
    return kind(mode, phase, elapsed, text)


def _cause(evidence: Evidence, elapsed: float, target: str, wanted: DeviceID) -> Cause:
    if evidence.closed:
        return ClosedByCamera, (
            f"{_names(evidence.closed)} sent CLOSE instead of P2P_RDY; "
            "its session slots may all be taken: wait some seconds, or close other apps"
        )
    if evidence.answered:
        return NeverReady, _never_ready(evidence, elapsed)
    if evidence.wrong_ids:
        peer, did = next(iter(evidence.wrong_ids.items()))
        return WrongDevice, (
            f"{peer[0]}:{peer[1]} answered with another device id: {did} instead of {wanted}"
        )
    if evidence.hopeless:
        return _refused(evidence, target)
    return NothingAnswered, _silence(evidence, elapsed, target)


def _never_ready(evidence: Evidence, elapsed: float) -> str:
    peer = next(iter(evidence.answered))
    text = (
        f"punched but never ready: {peer[0]}:{peer[1]} answered, "
        f"but did not send P2P_RDY within {elapsed:.1f} s"
    )
    asked = [address[1] for address in evidence.tried if address[0] == peer[0]]
    if asked and peer[1] not in asked:
        text += f"; it answered from port {peer[1]} although it was asked on {_ports(asked)}"
    return text


def _refused(evidence: Evidence, target: str) -> Cause:
    errors = set(evidence.refused.values())
    if errors == {errno.ECONNREFUSED}:
        ports = _ports(address[1] for address in evidence.refused)
        return PortsRefused, (
            f"{target} refused {ports} (ICMP): "
            "nothing listens there; is the camera awake, and is this its address?"
        )
    return Unreachable, (
        f"{target} cannot be reached from here ({_reasons(errors)}); "
        "is this machine on the camera's network?"
    )


def _silence(evidence: Evidence, elapsed: float, target: str) -> str:
    silent = [address for address in evidence.tried if address not in evidence.refused]
    where = _ports(address[1] for address in silent)
    text = f"nothing answered from {target} on {where} within {elapsed:.1f} s"
    closed = [peer for peer, error in evidence.refused.items() if error == errno.ECONNREFUSED]
    cut_off = [peer for peer in evidence.refused if peer not in closed]
    if closed:
        text += f"; it refused {_ports(address[1] for address in closed)} (ICMP)"
    if cut_off:
        reasons = _reasons(evidence.refused[peer] for peer in cut_off)
        text += f"; {_names(cut_off)} could not be reached ({reasons})"
    if evidence.strangers:
        text += f"; a camera with this id answered from {_listed(evidence.strangers)}"
    if not REFUSALS_HEARD:
        text += "; closed ports cannot be told from silent ones on this system"
    return text + ": is it awake and near, and does a firewall here let UDP in?"


def _ports(numbers: Iterable[int]) -> str:
    unique = list(dict.fromkeys(numbers))
    return f"port{'s' if len(unique) > 1 else ''} {_listed(map(str, unique))}"


def _names(peers: Iterable[Address]) -> str:
    return _listed(f"{host}:{port}" for host, port in peers)


def _reasons(errors: Iterable[int]) -> str:
    return _listed(sorted({os.strerror(error) for error in errors}))


def _listed(words: Iterable[str]) -> str:
    shown = list(words)
    return ", ".join(shown[:_MOST_LISTED]) + (", ..." if len(shown) > _MOST_LISTED else "")
