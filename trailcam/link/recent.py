"""
A bounded memory of what happened a short while ago.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Recent(Generic[K]):
    """
    When each key was noted last, for as long as that matters.

    :param lifetime: seconds that a note lasts.
    :param limit: keys at most; the one that was noted longest ago makes room.
    """

    def __init__(self, lifetime: float, limit: int) -> None:
        self._lifetime = lifetime
        self._limit = limit
        self._noted: OrderedDict[K, float] = OrderedDict()

    def __len__(self) -> int:
        """How many keys are kept; some of them may be past their time."""
        return len(self._noted)

    def note(self, key: K, now: float) -> None:
        """Note ``key`` at the time ``now``, in seconds, which never goes back."""
        noted = self._noted
        noted[key] = now
        noted.move_to_end(key)
        # Two that are too old go for each one that comes: so the memory shrinks by itself.
        for _ in range(2):
            if len(noted) > self._limit or now - next(iter(noted.values())) > self._lifetime:
                noted.popitem(last=False)

    def holds(self, key: K, now: float) -> bool:
        """Whether ``key`` was noted less than a lifetime ago."""
        noted = self._noted.get(key)
        return noted is not None and now - noted < self._lifetime
