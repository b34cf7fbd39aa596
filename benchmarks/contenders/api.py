"""
This package through its Deferred API: starts, downloads, and holds sessions when asked.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import ITransport
from twisted.internet.stdio import StandardIO
from twisted.internet.task import Cooperator
from twisted.protocols.basic import LineOnlyReceiver
from zope.interface import implementer

from benchmarks.answering import cpu_seconds
from benchmarks.peers import pppp
from benchmarks.rlimits import raise_file_limit
from trailcam import Connector, Session, Target
from trailcam.errors import AllAttemptsFailed, SessionError
from trailcam.interfaces import IChannelReader
from trailcam.model import ConnectionMode

reactor: Any = global_reactor

#: The channel on which the camera pours.
_FLOW = 1

#: Sessions that are started at a time when many are to be held.
_AT_A_TIME = 20

_held: list[Session] = []


async def start(host: str, ports: list[int], seconds: float) -> dict[str, Any]:
    """From the call to the proven session; ``seconds`` is ``None`` when there is none in time."""
    began = time.perf_counter()
    try:
        session = await _session(host, ports, seconds)
    except AllAttemptsFailed:
        return {"seconds": None}
    elapsed = time.perf_counter() - began
    await session.close()
    return {"seconds": elapsed}


async def _session(host: str, ports: list[int], seconds: float) -> Session:
    target = Target(host, ports=tuple(ports))
    link, _ = await Connector(reactor, target, max_time=seconds).connect()
    return Session(reactor, link)


@implementer(IChannelReader)
class Reader:
    """
    Counts what comes on a channel.

    :ivar complete: fires when all octets have come; fails when the session ends before.
    """

    def __init__(self, octets: int, keep: bool) -> None:
        """:param keep: whether to take a sum of it, too."""
        self.got = 0
        self.summed = hashlib.sha256() if keep else None
        self.complete: Deferred[None] = Deferred()
        self._octets = octets

    def data_received(self, data: bytes) -> None:
        """The next octets."""
        self.got += len(data)
        if self.summed is not None:
            self.summed.update(data)
        if self.got >= self._octets and not self.complete.called:
            self.complete.callback(None)

    def channel_closed(self, reason: SessionError | None) -> None:
        """There is no more."""
        if not self.complete.called:
            self.complete.errback(reason or ConnectionError("the session was closed"))


@implementer(IChannelReader)
class Poured:
    """Waits for the camera's word that it has sent everything."""

    def __init__(self) -> None:
        self.said: Deferred[None] = Deferred()

    def data_received(self, data: bytes) -> None:
        """A word of the camera."""
        if not self.said.called:
            self.said.callback(None)

    def channel_closed(self, reason: SessionError | None) -> None:
        """It will not come."""
        if not self.said.called:
            self.said.callback(None)


async def download(
    host: str, port: int, octets: int, chunk: int, seconds: float, verify: bool = False
) -> dict[str, Any]:
    """
    Receive a number of octets through a channel's reader.

    :param verify: take their SHA-256, which is not part of what is to be measured.
    """
    session = await _session(host, [port], seconds)
    reader, poured = Reader(octets, verify), Poured()
    try:
        session.channel(_FLOW).attach(reader)
        session.channel(pppp.COMMANDS).attach(poured)
        began, used = time.perf_counter(), cpu_seconds()
        session.channel(pppp.COMMANDS).write(pppp.pour(_FLOW, chunk, octets))
        await reader.complete.addTimeout(seconds, reactor)
        elapsed, used = time.perf_counter() - began, cpu_seconds() - used
        await poured.said.addTimeout(seconds, reactor)
    finally:
        await session.close()
    digest = None if reader.summed is None else reader.summed.hexdigest()
    return {"octets": reader.got, "seconds": elapsed, "cpu": used, "digest": digest}


async def hold(host: str, ports: list[int], seconds: float, sessions: int) -> dict[str, Any]:
    """Hold so many sessions; how many there are."""
    raise_file_limit()

    async def one(port: int) -> None:
        target = Target(host, ports=(port,))
        connector = Connector(reactor, target, max_time=seconds)
        link, _ = await connector.connect([ConnectionMode.P2P])
        _held.append(Session(reactor, link))

    missing = sessions - len(_held)
    wanted = (Deferred.fromCoroutine(one(ports[i % len(ports)])) for i in range(missing))
    cooperator = Cooperator(scheduler=lambda call: reactor.callLater(0, call))
    lanes = [cooperator.coiterate(wanted) for _ in range(_AT_A_TIME)]
    await gatherResults(lanes)
    return count()


def count() -> dict[str, Any]:
    """How many of the held sessions are alive."""
    alive = [session for session in _held if session.state in ("established", "probing")]
    return {"sessions": len(alive)}


async def counted() -> dict[str, Any]:
    """The same, for who asks."""
    return count()


_TASKS: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
    "start": start,
    "download": download,
    "hold": hold,
    "count": counted,
}


class Questions(LineOnlyReceiver):
    """Answers the questions on standard input; its end is ours."""

    delimiter = b"\n"
    transport: ITransport

    def lineReceived(self, line: bytes) -> None:
        """A question."""
        Deferred.fromCoroutine(self._answer(json.loads(line)))

    async def _answer(self, question: dict[str, Any]) -> None:
        try:
            answer = await _TASKS[question.pop("task")](**question)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        self.transport.write(json.dumps(answer).encode() + self.delimiter)

    def connectionLost(self, reason: object = None) -> None:
        """Nobody asks any more."""
        with contextlib.suppress(RuntimeError):
            reactor.stop()


if __name__ == "__main__":
    StandardIO(Questions())
    reactor.run()
