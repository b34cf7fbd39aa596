"""What the readers of recordings hand to the analysis."""

from __future__ import annotations

from typing import TypeAlias

import attrs


@attrs.frozen
class Endpoint:
    """
    One end of a conversation.

    :ivar host: an IPv4 literal; where a recording names the ends without addresses, that name
        (``camera``, ``client``).
    """

    host: str
    port: int = 0

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


@attrs.frozen
class Packet:
    """
    One datagram, or what a frame over TCP holds instead of one.

    :ivar number: its line or frame in the file, from 1.
    :ivar time: seconds, on a clock of the recording's own; ``None`` when it was not recorded.
    """

    number: int
    time: float | None
    sender: Endpoint
    receiver: Endpoint
    data: bytes


@attrs.frozen
class Unreadable:
    """A packet that could not be taken from the file."""

    number: int
    why: str


@attrs.frozen
class Ignored:
    """Something in the file that is none of our protocol's packets."""

    why: str


Item: TypeAlias = Packet | Unreadable | Ignored
