"""
Who the agent is to rendezvous servers and relays: what it logs in with, and what the answer means.

See :doc:`/explain/servers`, "Device login".
"""

from __future__ import annotations

import attrs
from twisted.internet.abstract import isIPAddress

from trailcam.errors import IdTaken, LoginRefused, ServerError, WireError
from trailcam.interfaces import Address
from trailcam.wire.constants import LOGIN_KEY, NatType, Result
from trailcam.wire.did import DeviceID
from trailcam.wire.login import DSK_LOGIN, LOGIN_ACK, DskLogin
from trailcam.wire.messages import DevLgn, DevLgnAck, DevLgnAckCrc, Message
from trailcam.wire.sockaddr import UNSPECIFIED, SocketAddress

#: The version of the protocol library that we say we are.
_VERSION = bytes(3)


@attrs.frozen
class Identity:
    """
    A device id, and the right to it.

    :ivar did: the id that clients ask for.
    :ivar secret: the 24 octets (DSK) that go with it; ``None`` for servers that are open to all.
    :ivar login_key: key text of the login; both ends must have the same.
    """

    did: DeviceID
    secret: bytes | None = attrs.field(default=None, repr=False)
    login_key: str = attrs.field(default=LOGIN_KEY, repr=False)

    def login(self, local: Address) -> Message:
        """
        The message that logs this device in.

        :param local: where the device is reached from its own network; one that is no IPv4
            address has no place in the message, and is left out.
        """
        address = SocketAddress(*local) if isIPAddress(local[0]) else UNSPECIFIED
        facts = (self.did, NatType.UNKNOWN, _VERSION, address)
        if self.secret is None:
            return DevLgn(*facts)
        return DSK_LOGIN.close(DskLogin(*facts, self.secret), self.login_key)

    def result(self, message: Message) -> int | None:
        """
        The result in the answer to a login.

        :return: see :class:`~trailcam.wire.constants.Result`; ``None`` when ``message`` is no such
            answer, or is not under our key.
        """
        if isinstance(message, DevLgnAck):
            return message.result
        if not isinstance(message, DevLgnAckCrc):
            return None
        try:
            return LOGIN_ACK.open(message, self.login_key).result
        except WireError:
            return None

    def refusal(self, result: int, server: str) -> ServerError:
        """
        What a result other than OK means, in words a user can act on.

        :param server: the server's name for people.
        """
        if result == Result.REPLACED:
            return IdTaken(
                f"another agent with the id {self.did} took over at {server}; "
                "is one running elsewhere?"
            )
        reason = _REASONS.get(result, f"result {result:#04x}")
        return LoginRefused(f"{server} refused the login of {self.did}: {reason}")


_REASONS: dict[int, str] = {
    Result.INVALID_DSK: "it wants a secret, and got none or a wrong one",
    Result.INVALID_ID: "it does not know this id; is it in the server's file of devices?",
    Result.INVALID_PREFIX: "it takes no ids with this prefix",
}
