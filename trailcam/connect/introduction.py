"""
Where an attempt looks for the camera: rendezvous servers name its addresses and send it to punch
ours.

Protocol: sequence "Punch", steps 1 to 4.  See :doc:`/explain/servers`, "Rendezvous".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trailcam.connect.inquiry import Inquiry
from trailcam.connect.resolve import Lookups
from trailcam.connect.search import Seeker
from trailcam.connect.secret_words import secret_fault
from trailcam.connect.target import Target
from trailcam.errors import (
    Cause,
    DeviceOffline,
    DeviceUnknown,
    Hopeless,
    NameNotResolved,
    PunchFailed,
    RendezvousUnreachable,
    SecretRefused,
)
from trailcam.interfaces import Address
from trailcam.link.addresses import may_be_punched
from trailcam.wire.constants import NatType, Result
from trailcam.wire.messages import Message, P2PReq, P2PReqAck, P2PReqDsk, PunchTo
from trailcam.wire.sockaddr import SocketAddress

#: Candidates that are punched; a server names two or three.
_MOST_CANDIDATES = 16

#: Seconds between two requests to a server that has introduced us: each sends the device again.
_ASK_AGAIN = 1.0

#: Seconds that the other servers have after one has refused.
_GRACE = 1.0

#: The version of the protocol library that we say we are.
_VERSION = bytes(3)


class Verdict:
    """
    What makes every other try of the same attempt futile, once one try has heard it.

    :ivar cause: that, when there is one.
    """

    def __init__(self) -> None:
        self.cause: Cause | None = None
        self._watchers: list[Callable[[Cause], None]] = []

    def watch(self, watcher: Callable[[Cause], None]) -> None:
        """Tell ``watcher`` when there is one."""
        self._watchers.append(watcher)

    def reach(self, cause: Cause) -> None:
        """There is one now; the first counts."""
        if self.cause is None:
            self.cause = cause
            for watcher in self._watchers:
                watcher(cause)


class IntroducedSearch:
    """Asks all rendezvous servers at once, and knocks wherever any of them says."""

    broadcast = False
    refusals_count = False  # a NAT may refuse until the other side has punched

    def __init__(
        self,
        reactor: Any,
        target: Target,
        verdict: Verdict,
        local_address: Callable[[str], str],
    ) -> None:
        """
        :param reactor: provides IReactorTime and, for host names, IReactorPluggableNameResolver.
        :param local_address: our own address on the way to a host, ``"0.0.0.0"`` if unknown.
        """
        self._reactor = reactor
        self._target = target
        self._verdict = verdict
        self._local_address = local_address
        self._lookups = Lookups(reactor, target.rendezvous)
        self._refusals: dict[Address, int] = {}
        self._closed: set[Address] = set()
        self._introduced: set[Address] = set()
        self._candidates: dict[Address, None] = {}
        self._asked = 0.0
        self._first_refusal: float | None = None

    async def prepare(self, budget: float) -> None:
        """Resolve the servers' names; the first is enough, the others join in later."""
        if self._verdict.cause is not None:
            raise Hopeless(*self._verdict.cause)
        await self._lookups.first(budget)
        if not self._lookups.known:
            raise Hopeless(
                NameNotResolved, f"no rendezvous server has an IPv4 address: {self._named()}"
            )

    def destinations(self) -> list[Address]:
        """None yet."""
        return []

    def begin(self, seeker: Seeker, port: int) -> None:
        """Say HELLO to every server."""
        self._seeker = seeker
        servers, question = self._lookups.known, self._question(port)
        self._inquiry = Inquiry(servers, question, seeker.tell, self._answered)
        self._inquiry.start()
        self._lookups.found = self._inquiry.add
        self._lookups.over = self._judge_when_settled
        self._verdict.watch(self._give_up)

    def _question(self, port: int) -> Message:
        did, secret = self._target.did, self._target.secret
        local = SocketAddress(self._local_address(self._lookups.known[0][0]), port)
        if secret is None:
            return P2PReq(did, local)
        return P2PReqDsk(did, local, NatType.UNKNOWN, _VERSION, secret)

    def again(self) -> None:
        """Ask again: soon where nothing was answered, else every second."""
        now = self._reactor.seconds()
        if not self._introduced or now >= self._asked + _ASK_AGAIN:
            self._asked = now
            self._inquiry.again()
        if self._first_refusal is not None and now >= self._first_refusal + _GRACE:
            self._judge()

    def takes(self, message: Message, peer: Address) -> bool:
        """Whether it came from a server."""
        return self._inquiry.message_received(message, peer)

    def expects(self, host: str) -> bool:
        """From the host of a candidate; its NAT may choose another port than it told the server."""
        return any(known == host for known, _ in self._candidates)

    def refused(self, peer: Address, error: int) -> None:
        """Nobody listens where a server should; anything else may pass."""
        if self._inquiry.refused(peer, error):
            self._closed.add(peer)
            self._judge_when_settled()

    def _answered(self, message: Message, server: Address) -> None:
        if isinstance(message, P2PReqAck):
            self._acknowledged(message.result, server)
        elif isinstance(message, PunchTo):
            self._punch(message.address, server)

    def _acknowledged(self, result: int, server: Address) -> None:
        if result == Result.OK:
            self._asked = self._reactor.seconds()
            self._introduced.add(server)
            return
        self._inquiry.settle(server)
        self._refusals[server] = result
        if self._first_refusal is None:
            self._first_refusal = self._reactor.seconds()
        self._judge_when_settled()

    def _punch(self, address: SocketAddress, server: Address) -> None:
        candidate = (address.host, address.port)
        if len(self._candidates) >= _MOST_CANDIDATES or not may_be_punched(candidate, server[0]):
            return
        if candidate not in self._candidates:
            self._candidates[candidate] = None
            self._seeker.found(candidate)

    def _judge_when_settled(self) -> None:
        if self._inquiry.settled and not self._lookups.pending:
            self._judge()

    def _judge(self) -> None:
        """No server can help, or none has in time after another refused."""
        if not (self._introduced or self._candidates):
            self._verdict.reach(self._refusal() or (RendezvousUnreachable, self._unreachable()))

    def _give_up(self, cause: Cause) -> None:
        """One of us knows that it is futile; who was introduced meanwhile knows better."""
        if not (self._introduced or self._candidates):
            self._seeker.give_up(*cause)

    def end(self) -> None:
        """Look up no more names."""
        self._lookups.stop()

    def failure(self, elapsed: float) -> Cause | None:
        """Why nothing was found within the budget."""
        if self._candidates:
            punched = ", ".join(f"{host}:{port}" for host, port in self._candidates)
            return PunchFailed, (
                f"the device was introduced, but nothing came through from {punched} within "
                f"{elapsed:.1f} s: the NATs between do not let the two meet (a relay can), "
                "or its agent has stopped in the last minute"
            )
        if self._introduced:
            return PunchFailed, f"{self._named()} found the device, but never said where it is"
        return self._refusal() or (RendezvousUnreachable, self._silence(elapsed))

    def _refusal(self) -> Cause | None:
        """The refusal that tells most."""
        results = {result: server for server, result in self._refusals.items()}
        for result, (kind, words) in _REFUSALS.items():
            if result in results:
                host, port = results[result]
                fault = secret_fault(self._target.secret is not None)
                return kind, f"{host}:{port} {words.format(did=self._target.did, fault=fault)}"
        for result, (host, port) in results.items():
            return RendezvousUnreachable, f"{host}:{port} refused with result {result:#04x}"
        return None

    def _unreachable(self) -> str:
        closed = ", ".join(f"{host}:{port}" for host, port in sorted(self._closed))
        return (
            f"no rendezvous server listens at {closed} (ICMP): is it running, and is it the port?"
        )

    def _silence(self, elapsed: float) -> str:
        if self._inquiry.heard:
            return f"{self._named()} answered HELLO, but not P2P_REQ, within {elapsed:.1f} s"
        if trouble := self._inquiry.trouble:
            hint = f"{trouble}: is there a network, and a way to it?"
        else:
            hint = "is it running, and does a firewall let UDP through?"
        return f"no rendezvous server answered within {elapsed:.1f} s ({self._named()}): {hint}"

    def _named(self) -> str:
        return ", ".join(f"{host}:{port}" for host, port in self._target.rendezvous)


#: Result of a P2P_REQ -> the failure and its words, the most telling first.
_REFUSALS: dict[int, Cause] = {
    Result.INVALID_DSK: (
        SecretRefused,
        "wants the secret of {did}, and {fault}",
    ),
    Result.DEVICE_OFFLINE: (
        DeviceOffline,
        "knows {did}, but its agent is not logged in: is it running, and has it a network?",
    ),
    Result.INVALID_ID: (
        DeviceUnknown,
        "does not know {did}: is the id right, and is it in the server's file of devices?",
    ),
    Result.INVALID_PREFIX: (DeviceUnknown, "takes no ids like {did}"),
}
