"""
The logins of devices at a rendezvous server, and what happens when two have the same id.

The newer login wins, but first the older device is asked whether it is still there: then the log
shall say so, and so shall the answers to the one that lost.  Protocol: rendezvous messages.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

import attrs
from twisted.logger import Logger
from twisted.python.failure import Failure

from trailcam.errors import OfflineDevice, UnknownDevice
from trailcam.interfaces import Address, IDeviceRegistry
from trailcam.link.recent import Recent
from trailcam.server.admission import Admission
from trailcam.server.registry import DeviceRecord, names
from trailcam.wire.constants import Result
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import Hello, Message

#: Seconds between two calls of :meth:`Logins.wake`.
WAKE_INTERVAL: Final = 0.5

#: Seconds for which a device that was replaced is told so.
REPLACED_FOR: Final = 60.0

#: The word for who does not know a device's secret.
WRONG_SECRET: Final = "wrong_secret"

_PATIENCE = 0.5  # and at most one interval more: together a second
_MOST_CONTESTS = 1024
_MOST_REPLACED = 1 << 16

#: For each result the word that it is counted by, and the message that says it.
Answers = Mapping[Result, tuple[str, Message]]


@attrs.frozen
class _Contest:
    """
    Somebody has logged in under the id of a device at another address.

    :ivar newcomer: the login that waits for its answer.
    :ivar older: the address of the device that was there before.
    """

    newcomer: DeviceRecord
    answers: Answers
    older: Address


class Logins:
    """
    Registers devices.

    :param send: ``send(message, address)``.
    :param note: ``note(address, word)``, told of what nobody honest does.
    :param counts: where outcomes are counted.
    """

    _log = Logger()

    def __init__(
        self,
        registry: IDeviceRegistry,
        admission: Admission,
        send: Callable[[Message, Address], object],
        note: Callable[[Address, str], object],
        counts: Counter[str],
    ) -> None:
        self._registry = registry
        self._admission = admission
        self._send = send
        self._note = note
        self._counts = counts
        self._contests: OrderedDict[DeviceID, _Contest] = OrderedDict()
        self._alive: Recent[Address] = Recent(_PATIENCE + 2 * WAKE_INTERVAL, _MOST_CONTESTS)
        self._replaced: Recent[tuple[Address, DeviceID]] = Recent(REPLACED_FOR, _MOST_REPLACED)
        self._arrived: list[DeviceID] = []  # since the last wake(), so they are not many

    def login(self, record: DeviceRecord, dsk: bytes | None, answers: Answers) -> None:
        """
        A device wants to be registered.

        :param dsk: the secret that it showed, if it did.
        :param answers: what to say to it, for each result.
        """
        result = self._admission.device(record.did, dsk)
        if result is Result.OK and self._replaced.holds((record.public, record.did), record.seen):
            result = Result.REPLACED
        if result is Result.INVALID_DSK:
            self._note(record.public, WRONG_SECRET)
        if result is not Result.OK:
            self._answer(result, record, answers)
            return
        finding = self._registry.find(record.did, record.seen)
        said = (record, answers)
        finding.addCallbacks(self._known, self._new, callbackArgs=said, errbackArgs=said)

    def alive(self, peer: Address, now: float) -> None:
        """``peer`` has answered a HELLO."""
        if self._contests:
            self._alive.note(peer, now)

    def wake(self, now: float) -> None:
        """End what has waited long enough; to be called every :data:`WAKE_INTERVAL` seconds."""
        while self._contests and now - self._oldest().newcomer.seen >= _PATIENCE:
            self._settle(now)
        if self._arrived:
            self._log.info("online: {devices}", devices=names(self._arrived))
            self._arrived.clear()
        self._counts["expired"] += self._registry.expire(now)

    def _known(self, old: DeviceRecord, record: DeviceRecord, answers: Answers) -> None:
        """The device, or another one with its id, is logged in already."""
        if old.public == record.public:
            self.alive(record.public, record.seen)
            self._register(record, answers)
        elif record.did not in self._contests:
            self._contests[record.did] = _Contest(record, answers, old.public)
            self._send(Hello(), old.public)
            if len(self._contests) > _MOST_CONTESTS:
                self._settle(record.seen)

    def _new(self, failure: Failure, record: DeviceRecord, answers: Answers) -> None:
        if failure.check(UnknownDevice, OfflineDevice) is None:
            self._log.failure("the registry failed; a login is not answered", failure)
            return
        self._arrived.append(record.did)
        self._register(record, answers)

    def _oldest(self) -> _Contest:
        return next(iter(self._contests.values()))

    def _settle(self, now: float) -> None:
        """The newer device of the oldest contest takes over."""
        did, contest = self._contests.popitem(last=False)
        newer = contest.newcomer.public
        places = {"device": did, "older": _shown(contest.older), "newer": _shown(newer)}
        if self._alive.holds(contest.older, now):
            self._counts["login_contested"] += 1
            self._replaced.note((contest.older, did), now)
            self._log.warn("two devices say they are {device}: {newer} replaces {older}", **places)
        else:
            self._counts["login_moved"] += 1
            self._log.info("{device} has moved from {older} to {newer}", **places)
        self._register(attrs.evolve(contest.newcomer, seen=now), contest.answers)

    def _register(self, record: DeviceRecord, answers: Answers) -> None:
        self._registry.register(record, record.seen)
        self._answer(Result.OK, record, answers)

    def _answer(self, result: Result, record: DeviceRecord, answers: Answers) -> None:
        word, message = answers[result]
        self._counts[word] += 1
        self._send(message, record.public)


def _shown(address: Address) -> str:
    return f"{address[0]}:{address[1]}"
