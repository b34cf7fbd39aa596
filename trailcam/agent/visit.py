"""
One client, from its arrival to its end.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import ECONNREFUSED
from typing import TYPE_CHECKING

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.agent.bridge import Bridge, Party
from trailcam.agent.standing import words
from trailcam.errors import AllAttemptsFailed, LinkClosed
from trailcam.interfaces import Address, ILink, IMessageReceiver
from trailcam.model import Report
from trailcam.waiting import settle_all
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import Close, Message, PunchPkt

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime

#: Connects to the camera; see :meth:`trailcam.interfaces.IConnector.connect`.
Connect = Callable[[], "Deferred[tuple[ILink, Report]]"]


@implementer(IMessageReceiver)
class Visit:
    """
    Opens a session with the camera for one client, and bridges the two.

    Until then it hears the client: each PUNCH_PKT is answered by one, and CLOSE is the end.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: IReactorTime,
        client: ILink,
        did: DeviceID,
        camera_did: DeviceID,
        connect: Connect,
    ) -> None:
        """
        :param reactor: provides IReactorTime.
        :param client: who came; the visit's own from now on.
        :param did: the device id that the client asked for.
        :param camera_did: the camera's own.
        :param connect: opens a session with the camera.
        """
        self._reactor = reactor
        self._client = client
        self._did = did
        self._camera_did = camera_did
        self._connect = connect
        self._guest = guest(client)
        self._reason: str | None = None
        self._opening: Deferred[tuple[ILink, Report]] | None = None
        self._bridge: Bridge | None = None

    def run(self) -> Deferred[None]:
        """
        Serve the client.

        :return: fires when both sides have been told CLOSE and all is released.  Never fails; to
            end it early, call :meth:`end`.
        """
        return Deferred.fromCoroutine(self._run())

    def end(self, reason: str) -> None:
        """End it now, wherever it stands; only the first reason counts."""
        if self._bridge is not None:
            self._bridge.end(reason)
        elif self._reason is None:
            self._reason = reason
            self._client.abandon()
            if self._opening is not None:
                self._opening.cancel()

    def message_received(self, message: Message, peer: Address) -> None:
        """Called by the client's link, while the camera's session is being opened."""
        if isinstance(message, PunchPkt):
            self._answer(message)
        elif isinstance(message, Close):
            self.end("the client has left")

    def peer_refused(self, peer: Address, error: int) -> None:
        """Called by the client's link."""
        if error == ECONNREFUSED:
            self.end("the client has left (ICMP)")

    def link_lost(self, reason: Failure) -> None:
        """Called by the client's link."""
        self.end(f"the client is lost: {words(reason)}")

    def _answer(self, punch: PunchPkt) -> None:
        try:
            self._client.send(punch)
        except LinkClosed:
            self.end("the client is lost")

    async def _run(self) -> None:
        self._client.attach(self)
        camera = await self._open() if self._reason is None else None
        if camera is not None and self._reason is None:
            await self._serve(camera)
        else:
            self._log.info(
                "client {client} got no session: {reason}", client=self._guest, reason=self._reason
            )
        links = [self._client] if camera is None else [self._client, camera]
        await settle_all([link.abandon() for link in links])

    async def _open(self) -> ILink | None:
        """The camera's link; ``None`` when it cannot be had, or is not wanted any more."""
        try:
            self._opening = self._connect()
            camera, report = await self._opening
        except CancelledError:
            return None
        except AllAttemptsFailed as failed:
            self._log.warn("no way to the camera: {reason}", reason=str(failed), code=failed.code)
            self.end("the camera cannot be reached")
            return None
        except Exception:
            self._log.failure("bug: the way to the camera broke")
            self.end("the agent has failed")
            return None
        finally:
            self._opening = None
        self._log.info(
            "camera session for {client} opened in {elapsed:.3f} s",
            client=self._guest,
            elapsed=report.elapsed,
        )
        return camera

    async def _serve(self, camera: ILink) -> None:
        began = self._reactor.seconds()
        client = Party("client", self._client, self._did)
        self._bridge = Bridge(self._reactor, client, Party("camera", camera, self._camera_did))
        reason = await self._bridge.run()
        self._log.info(
            "session of {client} ended after {seconds:.1f} s: {reason}; "
            "{to_client} octets to the client, {to_camera} to the camera",
            client=self._guest,
            seconds=self._reactor.seconds() - began,
            reason=reason,
            to_client=self._bridge.to_client.octets,
            to_camera=self._bridge.to_camera.octets,
        )


def guest(client: ILink) -> str:
    """A client in a sentence: where it came from, which may be a relay."""
    assert client.peer is not None  # whoever arrives has an address
    return f"{client.peer[0]}:{client.peer[1]}"
