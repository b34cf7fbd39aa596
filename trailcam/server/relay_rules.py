"""
The rules of the relay: who may open a pairing, who may join it, how long, how much.

Nothing here opens a port or knows what a connection is.  Time comes in as seconds on the server's
clock.  Protocol: UDP relay messages, TCP relay and LAN TCP.
"""

from __future__ import annotations

import enum
import math
from collections import Counter
from collections.abc import Callable

import attrs

from trailcam.server.admission import Admission
from trailcam.wire.constants import Result
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import RlyPkt

_MAGIC_BITS = 32

#: Seconds in which a client has to say which device it wants; an honest one says it at once.
UNNAMED = 2.0


class Outcome(enum.Enum):
    """What became of a pairing, or of one connection to its data port."""

    #: Not both parties are there.
    WAITING = "waiting"
    #: Both are there, octets pass.
    PAIRED = "paired"
    #: Was paired, and one of them left or used up what a pair may carry.
    FINISHED = "finished"
    #: Asked for too much, for a device it may not have, or was not who it had to be.
    REFUSED = "refused"
    #: Nobody came in time, or nothing passed for too long.
    EXPIRED = "expired"
    #: Had what it takes to join, but both, or its double, were there already.
    REDUNDANT = "redundant"


@attrs.frozen
class Limits:
    """
    What the relay gives at most.

    :ivar pairs: pairings at a time, waiting or paired.
    :ivar pairs_per_address: those of them that one address asked for.
    :ivar controls: control connections at a time, of clients and devices.
    :ivar controls_per_address: those of them from one address.
    :ivar strangers: connections to one data port that have not said who they are.
    :ivar octets: octets that one pair may carry, both ways together.
    :ivar idle: seconds that a pair may be silent.
    :ivar wait: seconds that a magic is good for.
    """

    pairs: int = 1000
    pairs_per_address: int = 16
    controls: int = 4000
    controls_per_address: int = 64
    strangers: int = 8
    octets: float = math.inf
    idle: float = 30.0
    wait: float = 10.0


class Quota:
    """
    Counts what addresses hold.

    :param total: what they may hold together.
    :param each: what one may hold.
    """

    def __init__(self, total: int, each: int) -> None:
        self._total = total
        self._each = each
        self._held: Counter[str] = Counter()
        self.taken = 0

    def take(self, host: str) -> bool:
        """Let ``host`` have one more, or say that there is none left for it."""
        if self.taken >= self._total or self._held[host] >= self._each:
            return False
        self.taken += 1
        self._held[host] += 1
        return True

    def give_back(self, host: str) -> None:
        """``host`` has one less."""
        self.taken -= 1
        self._held[host] -= 1
        if not self._held[host]:
            del self._held[host]  # or every address that ever came would stay


@attrs.define(eq=False)
class Pairing:
    """
    Two parties that shall come together.

    :ivar magic: what both have to know.
    :ivar host: the address that asked for it; its client has to come from there.
    :ivar opened: when, in seconds.
    :ivar did: the device, once it is named.
    :ivar from_client: octets that the client sent through the pair.
    :ivar from_device: octets that the device sent through the pair.
    """

    magic: int = attrs.field(repr=False)
    host: str
    opened: float
    _limits: Limits = attrs.field(repr=False)
    did: DeviceID | None = None
    outcome: Outcome = Outcome.WAITING
    from_client: int = 0
    from_device: int = 0
    _client_here: bool = False
    _device_here: bool = False
    _moved: float = attrs.field(init=False)
    _seen: int = 0

    @_moved.default
    def _moved_since(self) -> float:
        return self.opened

    @property
    def carried(self) -> int:
        """Octets, both ways together."""
        return self.from_client + self.from_device

    def carry(self, octets: int, is_device: bool) -> bool:
        """One party sent so many more octets; whether the pair may still carry them."""
        if self.carried + octets > self._limits.octets:
            return False
        if is_device:
            self.from_device += octets
        else:
            self.from_client += octets
        return True

    def join(self, packet: RlyPkt, host: str, now: float) -> Outcome:
        """
        Somebody says that it belongs here.

        :param host: where it comes from.
        :return: WAITING for the other party, PAIRED, REFUSED or REDUNDANT.
        """
        if packet.magic != self.magic or packet.did != self.did:
            return Outcome.REFUSED
        if not (packet.is_device or host == self.host):
            return Outcome.REFUSED
        if self.outcome is Outcome.WAITING:
            return self._sit_down(packet.is_device, now)
        return Outcome.REDUNDANT if self.outcome is Outcome.PAIRED else Outcome.REFUSED

    def overdue(self, now: float) -> bool:
        """Whether it has waited, or been silent, for too long.  Ask about once a second."""
        if self.outcome is Outcome.WAITING:
            wait = self._limits.wait if self.did is not None else min(UNNAMED, self._limits.wait)
            return now - self.opened >= wait
        if self.carried != self._seen:
            self._seen, self._moved = self.carried, now
        return now - self._moved >= self._limits.idle

    def _sit_down(self, is_device: bool, now: float) -> Outcome:
        if self._device_here if is_device else self._client_here:
            return Outcome.REDUNDANT
        if is_device:
            self._device_here = True
        else:
            self._client_here = True
        self._moved = now
        return Outcome.PAIRED if self._client_here and self._device_here else Outcome.WAITING


class RelayRules:
    """
    The table of pairings.

    :param randbits: makes unguessable numbers, as :func:`secrets.randbits` does.
    :ivar pairings: how many pairings there have been, by what became of them; WAITING and PAIRED
        count those that ever were.
    :ivar turned_away: how many single connections to data ports were sent away, and as what.
    :ivar controls: how many control connections addresses have.
    """

    def __init__(
        self, admission: Admission, limits: Limits, randbits: Callable[[int], int]
    ) -> None:
        self.admission = admission
        self.limits = limits
        self.pairings: Counter[Outcome] = Counter()
        self.turned_away: Counter[Outcome] = Counter()
        self.carried = 0
        self.controls = Quota(limits.controls, limits.controls_per_address)
        self._quota = Quota(limits.pairs, limits.pairs_per_address)
        self._randbits = randbits
        self._open: dict[int, Pairing] = {}

    def open(self, host: str, now: float) -> Pairing | None:
        """A new pairing for a client at ``host``; ``None`` when it cannot have another one."""
        if not self._quota.take(host):
            self.pairings[Outcome.REFUSED] += 1
            return None
        while (magic := self._randbits(_MAGIC_BITS)) in self._open:
            pass
        pairing = self._open[magic] = Pairing(magic, host, now, self.limits)
        self.pairings[Outcome.WAITING] += 1
        return pairing

    def name(self, pairing: Pairing, did: DeviceID, dsk: bytes | None) -> Result:
        """
        The client says which device it wants; it may repeat that, not change it.

        :param dsk: the 24 octets of the device's secret, if it showed any.
        """
        if pairing.did not in (None, did):
            return Result.INVALID_ID
        result = self.admission.client(did, dsk)
        if result is Result.OK:
            pairing.did = did
        return result

    def join(self, pairing: Pairing, packet: RlyPkt, host: str, now: float) -> Outcome:
        """
        Somebody says that it belongs to this pairing: see :meth:`Pairing.join`.

        Who knows the magic names the device, when nobody has, but only one that needs no secret.
        """
        if pairing.did is None and packet.magic == pairing.magic:
            self.name(pairing, packet.did, None)
        verdict = pairing.join(packet, host, now)
        if verdict is Outcome.PAIRED:
            self.change(pairing, verdict)
        elif verdict is not Outcome.WAITING:
            self.turned_away[verdict] += 1
        return verdict

    def change(self, pairing: Pairing, outcome: Outcome) -> None:
        """Something became of the pairing."""
        pairing.outcome = outcome
        self.pairings[outcome] += 1

    def close(self, pairing: Pairing) -> None:
        """Nothing is left of the pairing: its address may have another one.  May be repeated."""
        if self._open.pop(pairing.magic, None) is not None:
            self.carried += pairing.carried
            self._quota.give_back(pairing.host)
