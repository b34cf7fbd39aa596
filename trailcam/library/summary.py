"""
What became of a run.
"""

from __future__ import annotations

from typing import Any

import attrs

from trailcam.model import MediaItem

_LONGEST_LIST = 20
_LONGEST_REASON = 200


def one_line(text: object) -> str:
    """``text`` without line breaks, bounded, and nothing in it that would command a terminal."""
    line = " ".join(str(text).split())
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}..."


def amount(octets: float) -> str:
    """A number of octets for people."""
    return f"{octets / 1e6:.1f} MB" if octets >= 1e5 else f"{octets / 1e3:.1f} kB"


def title(item: MediaItem) -> str:
    """An item for people: ``100/DSCF0318.JPG``; bounded, whatever its numbers are."""
    try:
        return one_line(f"{item.directory}/{item.name}")
    except (ValueError, TypeError):  # numbers that Python does not print
        return "an item with impossible numbers"


def raw_videos(count: int) -> str:
    """What to know about so many videos without a container."""
    return (
        f"{count} of the videos kept as .h264, without sound; "
        "for MP4 files: pip install 'trailcam[video]'"
    )


@attrs.frozen
class FailedItem:
    """
    An item that was not fetched.

    :ivar name: with its directory.
    :ivar reason: why, for people.
    :ivar code: the stable code of the error; ``refused`` when the item itself is impossible.
    """

    item: MediaItem
    name: str
    reason: str
    code: str


@attrs.frozen
class Summary:
    """
    A run, so far.

    :ivar new: items that were fetched.
    :ivar present: items that had been fetched before.
    :ivar failed: the others.
    :ivar octets: of the new ones.
    :ivar seconds: since the run began.
    :ivar reconnects: how many times a lost connection was made again.
    :ivar raw_videos: new videos that were kept as H.264 streams.
    """

    new: int = 0
    present: int = 0
    failed: tuple[FailedItem, ...] = ()
    octets: int = 0
    seconds: float = 0.0
    reconnects: int = 0
    raw_videos: int = 0

    @property
    def status(self) -> int:
        """The exit status: 0 when nothing failed, otherwise 1."""
        return 1 if self.failed else 0

    @property
    def worth_telling(self) -> bool:
        """Whether anything has become of anything."""
        return bool(self.new or self.present or self.failed)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        failed = [{"name": f.name, "code": f.code, "reason": f.reason} for f in self.failed]
        return {
            "new": self.new,
            "present": self.present,
            "failed": failed,
            "octets": self.octets,
            "seconds": round(self.seconds, 3),
            "reconnects": self.reconnects,
            "raw_videos": self.raw_videos,
        }

    def __str__(self) -> str:
        """Lines for people."""
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        line = f"{self.new} new ({amount(self.octets)}), {self.present} already here"
        line += f", {len(self.failed)} failed; {self.seconds:.1f} s"
        if self.reconnects:
            line += f", {self.reconnects} reconnect{'s' if self.reconnects > 1 else ''}"
        lines = [line, *(f"  {f.name}: {f.reason}" for f in self.failed[:_LONGEST_LIST])]
        if len(self.failed) > _LONGEST_LIST:
            lines.append(f"  ... and {len(self.failed) - _LONGEST_LIST} more")
        if self.raw_videos:
            lines.append(raw_videos(self.raw_videos))
        return lines
