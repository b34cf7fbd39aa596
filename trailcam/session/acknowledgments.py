"""
The acknowledgments that have not been sent yet.

The app sends up to 17 in one DRW_ACK, on a tick of 10 ms, one entry for every copy that came;
one DRW_ACK for each DRW would cost half of the speed.  Protocol: DRW reliability.
"""

from __future__ import annotations

from typing import Final

from trailcam.wire.constants import MAX_ACK_ENTRIES
from trailcam.wire.messages import DrwAck

#: Seconds that an acknowledgment may wait for others.
DELAY: Final = 0.01


class Acknowledgments:
    """
    What is to be said, by channel.

    :ivar due_at: when, in seconds; ``None`` while there is nothing to say.
    """

    def __init__(self, delay: float = DELAY) -> None:
        """:param delay: seconds that one may wait; 0 sends each at once."""
        self.due_at: float | None = None
        self._delay = delay
        self._waiting: dict[int, list[int]] = {}

    def note(self, channel: int, index: int, now: float, *, urgent: bool = False) -> DrwAck | None:
        """
        One copy of a piece came; the result is to be sent now.

        :param urgent: do not wait for others.
        """
        waiting = self._waiting.get(channel)
        if waiting is None:
            waiting = self._waiting[channel] = []
        waiting.append(index)
        if urgent or len(waiting) >= MAX_ACK_ENTRIES or not self._delay:
            del self._waiting[channel]
            if not self._waiting:
                self.due_at = None
            return DrwAck(channel, tuple(waiting))
        if self.due_at is None:
            self.due_at = now + self._delay
        return None

    def flush(self) -> list[DrwAck]:
        """Everything that waits."""
        if not self._waiting:
            return []
        acks = [DrwAck(channel, tuple(indexes)) for channel, indexes in self._waiting.items()]
        self._waiting.clear()
        self.due_at = None
        return acks
