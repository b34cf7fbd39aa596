"""
The rules of the rendezvous server: who is introduced to whom.

No port is opened here: messages come in by :meth:`RendezvousRules.receive` and go out by a
function.  Every table that a peer can grow is bounded.  Protocol: rendezvous messages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from ipaddress import IPv4Address
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from trailcam.errors import OfflineDevice, UnknownDevice, WireError
from trailcam.interfaces import Address, IDeviceRegistry
from trailcam.link.recent import Recent
from trailcam.server.admission import Admission
from trailcam.server.proofs import Proofs
from trailcam.server.registry import DeviceRecord
from trailcam.server.rendezvous_logins import WRONG_SECRET, Answers, Logins
from trailcam.wire.constants import LOGIN_KEY, Result
from trailcam.wire.did import DeviceID
from trailcam.wire.login import DSK_LOGIN, LOGIN, LOGIN_ACK, DskLogin
from trailcam.wire.messages import (
    DevLgn,
    DevLgnAck,
    DevLgnCrc,
    DevLgnDsk,
    Hello,
    HelloAck,
    ListReq,
    ListReq1,
    ListReqAck,
    ListReqDsk,
    Message,
    P2PReq,
    P2PReqAck,
    P2PReqDsk,
    PunchTo,
    RlyReq,
    RlyReqAck,
    RlyTo,
)
from trailcam.wire.sockaddr import SocketAddress

#: Seconds within which a client and a device are introduced once.
INTRODUCTION_INTERVAL: Final = 0.25

#: Relays that a server can name: its list has to fit into one datagram of any network.
MOST_RELAYS: Final = 32

_MOST_INTRODUCTIONS = 1 << 16


def _answers(verb: str, acks: Mapping[Result, Message]) -> Answers:
    return {result: (f"{verb}_{result.name.lower()}", ack) for result, ack in acks.items()}


# Made once: most requests are answered with nothing else.
_LOGIN_ACKS: Final = {result: DevLgnAck(result) for result in Result}
_LOGIN_ANSWERS: Final = _answers("login", _LOGIN_ACKS)
_P2P_ACKS: Final = _answers("asked", {result: P2PReqAck(result) for result in Result})
_RELAY_ACKS: Final = _answers("relay", {result: RlyReqAck(result) for result in Result})


class RendezvousRules:
    """
    Answers everything but HELLO, which needs no rules.

    :param proofs: who has shown what.
    :param send: ``send(message, address)``.
    :param note: ``note(address, word)``, told of what nobody honest does.
    :param login_key: the key text of sealed logins.
    :ivar counts: what became of everything.
    """

    _log = Logger()

    def __init__(
        self,
        registry: IDeviceRegistry,
        admission: Admission,
        proofs: Proofs,
        send: Callable[[Message, Address], object],
        note: Callable[[Address, str], object],
        login_key: str = LOGIN_KEY,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._registry = registry
        self._admission = admission
        self._proofs = proofs
        self._send = send
        self._note = note
        self._logins = Logins(registry, admission, send, note, self.counts)
        self._login_key = login_key
        sealed = {result: LOGIN_ACK.close(ack, login_key) for result, ack in _LOGIN_ACKS.items()}
        self._sealed_acks = _answers("login", sealed)
        self._introduced: Recent[tuple[Address, DeviceID]] = Recent(
            INTRODUCTION_INTERVAL, _MOST_INTRODUCTIONS
        )
        self.name_relays(())

    def name_relays(self, relays: Iterable[SocketAddress]) -> None:
        """From now on, name these to everybody who asks; at most :data:`MOST_RELAYS`."""
        self._relay_list = ListReqAck(tuple(relays))
        self._relay_hosts = {relay.host for relay in self._relay_list.relays}

    def receive(self, message: Message, peer: Address, now: float) -> None:
        """
        A message came from ``peer`` at the time ``now``.

        :raises WireError: when a sealed login cannot be opened.
        """
        handler = _HANDLERS.get(type(message))
        if handler is None:
            self._note(peer, "unexpected")
        elif handler is RendezvousRules._hello_ack or self._proofs.proven(peer, now):
            handler(self, message, peer, now)
        else:
            self.counts["unproven"] += 1
            self._send(Hello(), peer)

    def ask(
        self, did: DeviceID, dsk: bytes | None, local: bytes, peer: Address, now: float
    ) -> None:
        """
        ``peer``, who has proved its address, wants to be brought together with a device.

        :param dsk: the secret that it showed, if it did.
        :param local: the octets in which it names its local address.
        """
        result = self._admitted(did, dsk, peer, now)
        use = partial(self._introduce, local, peer, now)
        self._fetch(result, did, peer, now, _P2P_ACKS, use)

    def wake(self, now: float) -> None:
        """Do what is due; to be called every ``WAKE_INTERVAL`` seconds."""
        self._logins.wake(now)

    def _hello_ack(self, answer: HelloAck, peer: Address, now: float) -> None:
        """Our own that comes back, or the answer to our HELLO."""
        self._logins.alive(peer, now)
        proved = self._proofs.prove(peer, answer.token, now)
        self.counts["proved" if proved else "not_proved"] += 1

    # Devices

    def _dev_lgn(self, login: DevLgn, peer: Address, now: float) -> None:
        self._logins.login(_record(login, peer, now), None, _LOGIN_ANSWERS)

    def _dev_lgn_crc(self, sealed: DevLgnCrc, peer: Address, now: float) -> None:
        login = LOGIN.open(sealed, self._login_key)
        self._logins.login(_record(login, peer, now), None, self._sealed_acks)

    def _dev_lgn_dsk(self, sealed: DevLgnDsk, peer: Address, now: float) -> None:
        login = DSK_LOGIN.open(sealed, self._login_key)
        self._logins.login(_record(login, peer, now), login.dsk, self._sealed_acks)

    # Clients

    def _p2p_req(self, request: P2PReq, peer: Address, now: float) -> None:
        self.ask(request.did, None, request.address.to_bytes(), peer, now)

    def _p2p_req_dsk(self, request: P2PReqDsk, peer: Address, now: float) -> None:
        self.ask(request.did, request.dsk, request.address.to_bytes(), peer, now)

    def _rly_req(self, request: RlyReq, peer: Address, now: float) -> None:
        result = self._admitted(request.did, None, peer, now)
        if result is Result.OK and request.address.host not in self._relay_hosts:
            result = Result.INVALID_PREFIX  # the device would not go there
        self._fetch(result, request.did, peer, now, _RELAY_ACKS, partial(self._invite, request))

    def _list_req(self, _request: ListReq | ListReq1, peer: Address, _now: float) -> None:
        self.counts["listed"] += 1
        self._send(self._relay_list, peer)

    def _list_req_dsk(self, request: ListReqDsk, peer: Address, now: float) -> None:
        """Relays are no secret, but who shows the device's may then ask for it."""
        if self._admitted(request.did, request.dsk, peer, now) is Result.INVALID_DSK:
            self._note(peer, WRONG_SECRET)
        self.counts["listed"] += 1
        self._send(self._relay_list, peer)

    def _admitted(self, did: DeviceID, dsk: bytes | None, peer: Address, now: float) -> Result:
        """May this client ask for the device?  Who has shown the secret need not do so again."""
        result = self._admission.client(did, dsk)
        if dsk is not None and result is Result.OK:
            self._proofs.authorise(peer, did, now)
        elif dsk is None and result is Result.INVALID_DSK:
            return Result.OK if self._proofs.authorised(peer, did, now) else result
        return result

    def _fetch(
        self,
        result: Result,
        did: DeviceID,
        peer: Address,
        now: float,
        answers: Answers,
        use: Callable[[DeviceRecord], None],
    ) -> None:
        """Tell a client ``result``; if that is OK, and the device online, ``use`` its record."""
        if result is not Result.OK:
            if result is Result.INVALID_DSK:
                self._note(peer, WRONG_SECRET)
            self._answer(result, peer, answers)
            return
        finding: Deferred[DeviceRecord] = self._registry.find(did, now)
        finding.addCallbacks(
            self._found,
            self._missing,
            callbackArgs=(peer, answers, use),
            errbackArgs=(did, peer, answers),
        )

    def _found(
        self,
        device: DeviceRecord,
        peer: Address,
        answers: Answers,
        use: Callable[[DeviceRecord], None],
    ) -> None:
        self._answer(Result.OK, peer, answers)
        use(device)

    def _missing(self, failure: Failure, did: DeviceID, peer: Address, answers: Answers) -> None:
        if failure.check(UnknownDevice, OfflineDevice) is None:
            self._log.failure("the registry failed; a client is not answered", failure)
            return
        known = failure.check(OfflineDevice) or self._admission.lists(did)
        self._answer(Result.DEVICE_OFFLINE if known else Result.INVALID_ID, peer, answers)

    def _introduce(self, local: bytes, peer: Address, now: float, device: DeviceRecord) -> None:
        """Tell both where the other may be reached."""
        pair = (peer, device.did)
        if self._introduced.holds(pair, now):
            return
        self._introduced.note(pair, now)
        self.counts["introduced"] += 1
        self._name(device.public, device.local, peer)
        self._name(peer, _claimed(local, peer), device.public)

    def _name(self, public: Address, local: Address | None, to: Address) -> None:
        self._send(PunchTo(SocketAddress(*public)), to)
        if local is not None:
            self._send(PunchTo(SocketAddress(*local)), to)

    def _invite(self, request: RlyReq, device: DeviceRecord) -> None:
        self.counts["invited"] += 1
        self._send(RlyTo(request.address, request.magic), device.public)

    def _answer(self, result: Result, peer: Address, answers: Answers) -> None:
        word, message = answers[result]
        self.counts[word] += 1
        self._send(message, peer)


_HANDLERS: Final[dict[type[Message], Callable[[RendezvousRules, Any, Address, float], None]]] = {
    HelloAck: RendezvousRules._hello_ack,
    DevLgn: RendezvousRules._dev_lgn,
    DevLgnCrc: RendezvousRules._dev_lgn_crc,
    DevLgnDsk: RendezvousRules._dev_lgn_dsk,
    P2PReq: RendezvousRules._p2p_req,
    P2PReqDsk: RendezvousRules._p2p_req_dsk,
    RlyReq: RendezvousRules._rly_req,
    ListReq: RendezvousRules._list_req,
    ListReq1: RendezvousRules._list_req,
    ListReqDsk: RendezvousRules._list_req_dsk,
}


#: The opcodes of everything that only a proven address may say.
REQUESTS: Final = frozenset(bytes([kind.type]) for kind in _HANDLERS if kind is not HelloAck)


def _record(login: DevLgn | DskLogin, peer: Address, now: float) -> DeviceRecord:
    return DeviceRecord(login.did, peer, _local(login.address, peer), login.nat_type, now)


def _claimed(octets: bytes, public: Address) -> Address | None:
    """:func:`_local` of an address that nobody has read yet."""
    try:
        return _local(SocketAddress.from_bytes(octets), public)
    except WireError:
        return None


def _local(address: SocketAddress, public: Address) -> Address | None:
    """
    What a party says of itself, if the other one may try that.

    Only a private address: nobody shall be able to point others at somebody else on the internet.
    """
    host = IPv4Address(address.host)
    nowhere = host.is_loopback or host.is_link_local or host.is_reserved or host.is_unspecified
    if nowhere or not host.is_private or not address.port:
        return None
    local = (address.host, address.port)
    return None if local == public else local
