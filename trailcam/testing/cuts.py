"""
Cables that are cut: who cannot reach whom.
"""

from __future__ import annotations

import attrs

from trailcam.testing.host import MemoryHost


@attrs.frozen(eq=False)
class Cut:
    """
    A line between hosts.

    :ivar other: ``None`` for a line around ``host``, between it and all others.
    """

    host: MemoryHost
    other: MemoryHost | None

    def severs(self, one: MemoryHost, two: MemoryHost) -> bool:
        """Whether the two hosts are on different sides of it."""
        if self.other is None:
            return one is not two and self.host in (one, two)
        return {one, two} == {self.host, self.other}


class Cuts:
    """All cuts of a network."""

    def __init__(self) -> None:
        self._cuts: list[Cut] = []

    def add(self, cut: Cut) -> None:
        """Cut there; the same place may be cut more than once."""
        self._cuts.append(cut)

    def remove(self, cut: Cut) -> None:
        """Undo :meth:`add`; ValueError when that was done already."""
        self._cuts.remove(cut)

    def sever(self, one: MemoryHost, two: MemoryHost) -> bool:
        """Whether nothing passes between two hosts."""
        return any(cut.severs(one, two) for cut in self._cuts)
