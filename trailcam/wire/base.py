"""What all messages have in common."""

from __future__ import annotations

from typing import ClassVar

import attrs

from trailcam.wire.constants import MessageType


@attrs.frozen
class Message:
    """
    One message of the protocol.

    Messages are values: equal when their class and all their fields are.

    :cvar type: the opcode.
    """

    type: ClassVar[MessageType]
