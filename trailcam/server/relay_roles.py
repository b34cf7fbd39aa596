"""
What clients and devices ask of the relay on their control connections.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from trailcam.errors import WireError
from trailcam.server.relay_exchange import Exchange
from trailcam.server.relay_pair import Pair
from trailcam.server.relay_rules import Outcome
from trailcam.wire.constants import Result
from trailcam.wire.did import DeviceID
from trailcam.wire.login import DSK_LOGIN, LOGIN, LOGIN_ACK
from trailcam.wire.messages import (
    Alive,
    AliveAck,
    DevLgn,
    DevLgnAck,
    DevLgnAckCrc,
    DevLgnCrc,
    DevLgnDsk,
    Message,
    RlyHello,
    RlyHelloAck,
    RlyPort,
    RlyPortAck,
    TcpRlyReq,
    TcpRlyReqAck,
    TcpRlyReqDsk,
    TcpRsStart,
)
from trailcam.wire.sockaddr import SocketAddress

if TYPE_CHECKING:
    from trailcam.server.relay_control import ControlConnection

#: Seconds that a client may be silent, or anybody who has not said anything yet.
PATIENCE: Final = 10.0

#: Seconds that a device may be silent.
DEVICE_PATIENCE: Final = 45.0

#: Seconds that a device has to answer when another one wants its id.
TAKEOVER: Final = 1.0


class Role(Protocol):
    """
    One end of a control connection.

    :ivar patience: seconds that it may be silent.
    """

    patience: float

    @property
    def busy(self) -> bool:
        """Whether it has a reason to be silent."""

    def hear(self, message: Message) -> bool:
        """Act on a message; whether it was one for this role."""

    def lost(self) -> None:
        """The connection is gone."""


class ClientRole:
    """Wants a port, then a device."""

    patience = PATIENCE

    def __init__(self, connection: ControlConnection, exchange: Exchange) -> None:
        self._connection = connection
        self._exchange = exchange
        self._pair: Pair | None = None
        self._told: DeviceRole | None = None

    @property
    def busy(self) -> bool:
        """While its pairing waits, the pairing's time counts."""
        return self._pair is not None and self._pair.waiting

    def hear(self, message: Message) -> bool:
        """Act on a message; whether it was one for a client."""
        handler = _CLIENT.get(type(message))
        if handler is not None:
            handler(self, message)
        return handler is not None

    def lost(self) -> None:
        """Without its client a pairing waits no more."""
        self._told = None
        if self._pair is not None and self._pair.waiting:
            self._pair.end(Outcome.EXPIRED, "the client's control connection ended")

    def _hello(self, _: RlyHello) -> None:
        self._connection.send(RlyHelloAck())

    def _port(self, _: RlyPort) -> None:
        """One pairing at a time; when that is paired, the client may have another one."""
        if self.busy:
            self._connection.refuse("out of turn")
            return
        now = self._exchange.clock.seconds()
        pairing = self._exchange.rules.open(self._connection.peer[0], now)
        if pairing is None:
            self._full()
            return
        self._told = None
        self._pair = Pair(self._exchange, pairing)
        Deferred.fromCoroutine(self._offer(self._pair))

    async def _offer(self, pair: Pair) -> None:
        is_open = await pair.listen()
        if is_open:
            self._connection.send(RlyPortAck(pair.pairing.magic, pair.port))
        else:
            self._full()

    def _full(self) -> None:
        """Nobody has to ask again over the same connection: that would cost more than a new one."""
        self._connection.send(RlyPortAck(0, 0))
        self._connection.leave()

    def _request(self, request: TcpRlyReq | TcpRlyReqDsk) -> None:
        pair = self._pair
        if pair is None or not (pair.waiting and pair.port):
            self._connection.refuse("out of turn")
            return
        dsk = request.dsk if isinstance(request, TcpRlyReqDsk) else None
        result = self._exchange.rules.name(pair.pairing, request.did, dsk)
        if result is Result.OK:
            result = self._tell_device(request.did, pair)
        self._connection.send(TcpRlyReqAck(result))
        if result not in (Result.OK, Result.DEVICE_OFFLINE):
            pair.end(Outcome.REFUSED, f"the client may not have {request.did} ({result.name})")
            self._connection.refuse("request refused")

    def _tell_device(self, did: DeviceID, pair: Pair) -> Result:
        """Tell a device once, however often the client asks."""
        device = self._exchange.devices.get(did)
        if device is None:
            return Result.DEVICE_OFFLINE
        if device is not self._told:
            device.announce(pair)
            self._told = device
        return Result.OK


class DeviceRole:
    """Logs in, stays, and hears of clients."""

    patience = DEVICE_PATIENCE
    busy = False
    _log = Logger()

    def __init__(self, connection: ControlConnection, exchange: Exchange) -> None:
        self._connection = connection
        self._exchange = exchange
        self._did: DeviceID | None = None
        self._acknowledge: Callable[[int], Message] = self._sealed_ack
        self._takeover: IDelayedCall | None = None
        self._told = False

    def hear(self, message: Message) -> bool:
        """Act on a message; whether it was one for a device."""
        handler = _DEVICE.get(type(message))
        if handler is not None:
            try:
                handler(self, message)
            except WireError:  # sealed with another key, or damaged
                self._refused(Result.INVALID_DSK)
        return handler is not None

    def lost(self) -> None:
        """Its id is free; who waits for it gets it."""
        self._stop_waiting()
        if self._did is not None:
            newer = self._exchange.devices.leave(self._did, self)
            if newer is not None:
                newer.accept()

    def announce(self, pair: Pair) -> None:
        """A client waits for this device."""
        here = SocketAddress("0.0.0.0", pair.port)
        assert self._did is not None
        self._connection.send(TcpRsStart(self._did, pair.pairing.magic, here))

    def accept(self) -> None:
        """It has the id now."""
        self._stop_waiting()
        self._connection.send(self._acknowledge(Result.OK))
        if not self._told:  # it may log in again as often as it likes
            self._told = True
            host = self._connection.peer[0]
            self._log.info("device {did} logged in from {host}", did=str(self._did), host=host)

    def replaced(self) -> None:
        """Another device has the id now."""
        self._stop_waiting()
        self._connection.send(self._sealed_ack(Result.REPLACED))
        self._connection.refuse("another device with the same id")

    def prove(self) -> None:
        """Another device wants the id: is this one alive?"""
        self._connection.send(Alive())

    def vanish(self) -> None:
        """It did not prove to be alive."""
        self._connection.abort()

    def _log_in(self, login: DevLgn) -> None:
        self._acknowledge = DevLgnAck
        self._check(login.did, None)

    def _log_in_crc(self, message: DevLgnCrc) -> None:
        self._check(LOGIN.open(message, self._exchange.login_key).did, None)

    def _log_in_dsk(self, message: DevLgnDsk) -> None:
        login = DSK_LOGIN.open(message, self._exchange.login_key)
        self._check(login.did, login.dsk)

    def _check(self, did: DeviceID, dsk: bytes | None) -> None:
        if self._did not in (None, did):
            self._connection.refuse("a second device id")
            return
        result = self._exchange.rules.admission.device(did, dsk)
        if result is Result.OK:
            self._take(did)
        else:
            self._refused(result)

    def _take(self, did: DeviceID) -> None:
        """Have the id, at once or when who had it was asked."""
        self._did = did
        login = self._exchange.devices.login(did, self)
        if login.outbid is not None:
            login.outbid.replaced()
        if login.holder is None:
            self.accept()
        elif self._takeover is None:
            login.holder.prove()
            self._takeover = self._exchange.clock.callLater(TAKEOVER, self._win)

    def _win(self) -> None:
        """Who had the id has not answered."""
        self._takeover = None
        assert self._did is not None
        older = self._exchange.devices.get(self._did)
        if older is not None and self._exchange.devices.settle(self._did, older) is self:
            self.accept()
            older.vanish()

    def _alive(self, _: Alive) -> None:
        self._connection.send(AliveAck())

    def _proved(self, _: AliveAck) -> None:
        """If it was asked because another device wants its id, it has lost it now."""
        assert self._did is not None
        settled = self._exchange.devices.settle(self._did, self)
        if settled is not None:
            settled.accept()
            self.replaced()

    def _refused(self, result: Result) -> None:
        self._connection.send(self._acknowledge(result))
        self._connection.refuse("login refused")

    def _sealed_ack(self, result: int) -> DevLgnAckCrc:
        return LOGIN_ACK.close(DevLgnAck(result), self._exchange.login_key)

    def _stop_waiting(self) -> None:
        if self._takeover is not None:
            self._takeover.cancel()
            self._takeover = None


_CLIENT: Final[Mapping[type[Message], Callable[[ClientRole, Any], None]]] = {
    RlyHello: ClientRole._hello,
    RlyPort: ClientRole._port,
    TcpRlyReq: ClientRole._request,
    TcpRlyReqDsk: ClientRole._request,
}

_LOGINS: Final[Mapping[type[Message], Callable[[DeviceRole, Any], None]]] = {
    DevLgn: DeviceRole._log_in,
    DevLgnCrc: DeviceRole._log_in_crc,
    DevLgnDsk: DeviceRole._log_in_dsk,
}

_DEVICE: Final[Mapping[type[Message], Callable[[DeviceRole, Any], None]]] = {
    **_LOGINS,
    Alive: DeviceRole._alive,
    AliveAck: DeviceRole._proved,
}

#: What somebody is who begins with a message of this kind.
ROLES: Final[Mapping[type[Message], Callable[[ControlConnection, Exchange], Role]]] = {
    **dict.fromkeys(_CLIENT, ClientRole),
    **dict.fromkeys(_LOGINS, DeviceRole),
}
