"""
Staying logged in at one rendezvous server.

See :doc:`/explain/servers`, "Proving an address" and "Device login".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from errno import ECONNREFUSED
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from trailcam.agent.identity import Identity
from trailcam.agent.standing import REFUSED_PAUSE, Standing
from trailcam.connect.inquiry import Inquiry
from trailcam.connect.resolve import resolve
from trailcam.interfaces import Address
from trailcam.wire.messages import Hello, HelloAck, ListReq, Message

#: Seconds between two logins: a registration lasts three times as long.
LOGIN_EVERY = 20.0
#: Seconds to wait for an answer, the first time, the second time, and so on; then the server's
#: name is looked up again, and all begins anew.
PATIENCE = (0.5, 1.0, 2.0, 4.0, 8.0)

_LOOKUP_LIMIT = 10.0
_GREETINGS = (Hello, HelloAck)
_GREETED_EVERY = 0.05


class Registration:
    """
    Logs in, again and again, and hands on what else the server says.

    :ivar server: the server's name for people.
    :ivar address: where it is, once its name was resolved.
    :ivar standing: whether it has us registered.
    """

    def __init__(
        self,
        reactor: Any,
        server: Address,
        identity: Identity,
        send: Callable[[Message, Address], None],
        local: Callable[[str], Address],
        told: Callable[[Message, Registration], None],
    ) -> None:
        """
        :param reactor: provides IReactorTime and, for host names, IReactorPluggableNameResolver.
        :param server: host, possibly a name, and port.
        :param send: sends a message from our socket.
        :param local: tells where that socket is reached, on the way to a host.
        :param told: is told what the server says beyond the login.
        """
        self.server = f"{server[0]}:{server[1]}"
        self.address: Address | None = None
        self.standing = Standing(identity, self.server)
        self._reactor = reactor
        self._host, self._port = server
        self._identity = identity
        self._send = send
        self._local = local
        self._told = told
        self._inquiry: Inquiry | None = None
        self._greeted: dict[type[Message], float] = {}
        self._answer: Deferred[int] | None = None
        self._work: Deferred[None] | None = None

    def start(self) -> None:
        """Log in, and stay logged in until :meth:`stop`."""
        self._work = Deferred.fromCoroutine(self._stay()).addErrback(_expect_cancellation)

    def stop(self) -> None:
        """Log in no more.  The server forgets us by itself."""
        if self._work is not None:
            self._work.cancel()

    def takes(self, message: Message, peer: Address) -> bool:
        """Take a message; ``False`` when ``peer`` is not this server."""
        if self._inquiry is None or peer != self.address:
            return False
        if self._may_be_answered(type(message)):
            self._inquiry.message_received(message, peer)
        return True

    def refused(self, error: int) -> None:
        """A datagram to the server was refused."""
        if error == ECONNREFUSED:
            self.standing.trouble(f"nothing listens at {self.server} (ICMP)")
        else:
            self.standing.trouble(f"{self.server} cannot be reached: {os.strerror(error)}")

    def _may_be_answered(self, kind: type[Message]) -> bool:
        """Greetings make us say more than we hear, and anybody may forge them: not too many."""
        if kind not in _GREETINGS:
            return True
        now, greeted = self._reactor.seconds(), self._greeted.get(kind)
        if greeted is not None and now < greeted + _GREETED_EVERY:
            return False
        self._greeted[kind] = now
        return True

    async def _stay(self) -> None:
        while True:
            try:
                found = await self._find()
                if found:
                    await self._keep_logging_in()
            except CancelledError:
                raise
            except Exception:  # whatever it is, it must not be the end for good
                found = False
                self.standing.broke(Failure())
            if not found:
                await deferLater(self._reactor, LOGIN_EVERY)

    async def _keep_logging_in(self) -> None:
        """Returns when the server does not answer."""
        while (result := await self._log_in()) is not None:
            accepted = self.standing.answered(result)
            if accepted and self.address is not None:
                self._send(ListReq(), self.address)
            await deferLater(self._reactor, LOGIN_EVERY if accepted else REFUSED_PAUSE)

    async def _find(self) -> bool:
        """Resolve the server's name, and begin to talk to that address."""
        try:
            lookup = resolve(self._reactor, self._host)
            host = await lookup.addTimeout(_LOOKUP_LIMIT, self._reactor)
        except TimeoutError:
            host = None
        if host is None:
            self.standing.trouble(f"the name {self._host} has no IPv4 address here")
            return False
        self.address = host, self._port
        login = self._identity.login(self._local(host))
        self._inquiry = Inquiry((self.address,), login, self._send, self._answered)
        return True

    async def _log_in(self) -> int | None:
        """The server's result; ``None`` when it does not answer."""
        assert self._inquiry is not None
        for seconds in PATIENCE:
            self._answer = Deferred()
            self._inquiry.again()
            try:
                return await self._answer.addTimeout(seconds, self._reactor)
            except TimeoutError:
                continue
            finally:
                self._answer = None
        self.standing.trouble(f"no answer from {self.server} within {sum(PATIENCE):.0f} s")
        return None

    def _answered(self, message: Message, _: Address) -> None:
        result = self._identity.result(message)
        if result is None:
            self._told(message, self)
        elif self._answer is not None:
            self._answer.callback(result)


def _expect_cancellation(failure: Failure) -> None:
    failure.trap(CancelledError)
