"""
Through a relay anybody may come: the camera has to prove itself.

See :doc:`/explain/servers`, "Proof".
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.errors import DeviceNeverJoined, Hopeless, RelayEnded, WrongDevice
from trailcam.interfaces import Address, IMessageReceiver
from trailcam.link.relayed import RelayLink
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import Alive, AliveAck, Close, Drw, Message, P2PRdy


@implementer(IMessageReceiver)
class Witness:
    """
    Hears a link until the camera has proved itself, which it then confirms to the link.

    :ivar proof: fires then; fails with :class:`~trailcam.errors.Hopeless`.
    """

    def __init__(self, link: RelayLink, did: DeviceID, relay: str) -> None:
        """
        :param did: the id that the camera must have.
        :param relay: the relay's name for people.
        """
        self.proof: Deferred[None] = Deferred()
        self._link = link
        self._did = did
        self._relay = relay

    def message_received(self, message: Message, peer: Address) -> None:
        """Called by the link, which may have kept more than one message for us."""
        if self.proof.called:
            return
        if isinstance(message, P2PRdy) and message.did != self._did:
            self._give_up(
                WrongDevice,
                f"another device id answered through the relay {self._relay}: {message.did} "
                f"instead of {self._did}",
            )
        elif isinstance(message, P2PRdy | Alive | AliveAck | Drw):
            self._link.confirm(message)
            self.proof.callback(None)
        elif isinstance(message, Close):
            self._give_up(
                DeviceNeverJoined,
                f"the agent of {self._did} came to the relay {self._relay}, but sent CLOSE: it "
                "does not reach its camera, or serves as many clients as it can; is the camera on?",
            )

    def peer_refused(self, peer: Address, error: int) -> None:
        """Nothing of the kind happens over TCP."""

    def link_lost(self, reason: Failure) -> None:
        """Called by the link: it ended before the proof."""
        if not self.proof.called:
            why = reason.getErrorMessage().rstrip(".")
            text = f"relay {self._relay}: {why}, before the camera had answered; try again"
            self._give_up(RelayEnded, text)

    def _give_up(self, kind: type[WrongDevice | DeviceNeverJoined | RelayEnded], text: str) -> None:
        self.proof.errback(Hopeless(kind, text))


async def prove(link: RelayLink, did: DeviceID, relay: str) -> None:
    """
    Wait until the camera has proved itself; see :class:`Witness`.

    :raises Hopeless: when it will not.
    """
    witness = Witness(link, did, relay)
    link.attach(witness)
    await witness.proof
