"""
The options of the commands: those of a connection, the login, and each command's own.
"""

from __future__ import annotations

import getopt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
from twisted.python import usage

from trailcam.errors import shown
from trailcam.tap.login import LoginOptions
from trailcam.tap.options import HelpfulOptions

if TYPE_CHECKING:
    from trailcam.library.saver import Settings

#: Seconds between two looks at the card.
WATCH_EVERY: Final = 60.0


class CameraOptions(LoginOptions):
    """Which camera, who logs in, and how the result is shown."""

    optFlags = [
        ["json", "j", "Print the result as JSON, and nothing else."],
        ["verbose", "v", "Tell each step on standard error."],
    ]

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse; options may also come behind the command's arguments."""
        super().parseOptions(self._options_first(list(options or ())))

    def _options_first(self, words: list[str]) -> list[str]:
        try:
            found, arguments = getopt.gnu_getopt(words, self.shortOpt, self.longOpt)
        except getopt.GetoptError as problem:  # whoever parses says what is wrong
            wrong = f"--{problem.opt}", f"-{problem.opt}"
            return [word for word in words if word.startswith(wrong)] or words
        options: list[str] = []
        for name, value in found:
            if not name.startswith("--"):
                options.append(name + value)
            elif f"{name[2:]}=" in self.longOpt:
                options.append(f"{name}={value}")
            else:
                options.append(name)
        return [*options, "--", *arguments]


class _FolderOptions(CameraOptions):
    """A command that writes into a folder."""

    synopsis = "DIR [options]"
    directory: Path

    def parseArgs(self, *words: str) -> None:
        """The folder."""
        self.directory = _one_path("DIR", words)


class _NameOptions(CameraOptions):
    """
    A command about items of the card.

    :ivar names: as people wrote them.
    """

    synopsis = "NAME... [options]"
    names: tuple[str, ...]

    def parseArgs(self, *words: str) -> None:
        """The items."""
        if not words:
            raise usage.UsageError("which NAME? give one as 'trailcam ls' shows it, or more")
        self.names = words


class LsOptions(CameraOptions):
    """``trailcam ls``."""

    longdesc = "Lists what is on the camera's card, the newest first."


class InfoOptions(CameraOptions):
    """``trailcam info``."""

    longdesc = "Shows what the camera says about itself."


class ThumbsOptions(_FolderOptions):
    """``trailcam thumbs``."""

    longdesc = "Fetches small pictures of everything on the card into DIR; those there are kept."


class GetOptions(_NameOptions):
    """``trailcam get``."""

    longdesc = "Fetches single items, which keep their names; nothing is written over."

    optParameters = [["output", "o", ".", "Folder to put them into."]]

    optFlags = [["utc", None, "The camera's clock shows UTC, not this machine's local time."]]

    @property
    def directory(self) -> Path:
        """Where they go."""
        return Path(self["output"])


class FolderChoices(HelpfulOptions):
    """How a folder of pictures is kept."""

    optFlags = [
        ["restore", None, "Fetch again what was deleted from DIR."],
        ["utc", None, "The camera's clock shows UTC, not this machine's local time."],
    ]

    def looks(self, repeater: str) -> float:
        """
        Seconds between two looks at the card, from ``--every``.

        :param repeater: the option without which there is one look, or none.
        :raises UsageError: they are none, or ``--every`` was given without that option.
        """
        if self["every"] is None:
            return WATCH_EVERY
        seconds = self.seconds("every")
        if not self[repeater]:
            raise usage.UsageError(f"--every: goes with --{repeater}; give both, or leave it out")
        return seconds

    def chosen(self, settings: Settings) -> Settings:
        """``settings`` with what was chosen."""
        return attrs.evolve(settings, utc=bool(self["utc"]), restore=bool(self["restore"]))


class SyncOptions(_FolderOptions, FolderChoices):
    """``trailcam sync``."""

    longdesc = (
        "Fetches everything that is on the card and not in DIR, the newest first, and connects "
        "again as often as it takes.  What was fetched once and deleted from DIR stays deleted.  "
        "Exits with 1 when an item could not be fetched."
    )

    optParameters = [
        ["every", None, None, f"With --watch: seconds between looks. [default: {WATCH_EVERY:g}]"]
    ]

    optFlags = [["watch", None, "Stay, and fetch what is new, until Ctrl-C."]]

    #: Seconds between two looks at the card; ``None`` for one look.
    watch: float | None = None

    def postOptions(self) -> None:
        """Check everything; :raises UsageError: for the first mistake."""
        super().postOptions()
        every = self.looks("watch")
        self.watch = every if self["watch"] else None


class LiveOptions(CameraOptions):
    """``trailcam live``."""

    synopsis = "FILE [options]"
    longdesc = "Records the live view as an H.264 stream, until Ctrl-C."

    optParameters = [["seconds", None, None, "End after so many seconds."]]

    path: Path

    #: Seconds to record; ``None`` for no end.
    limit: float | None = None

    def parseArgs(self, *words: str) -> None:
        """The file."""
        self.path = _one_path("FILE", words)

    def postOptions(self) -> None:
        """Check everything; :raises UsageError: for the first mistake."""
        super().postOptions()
        self.limit = None if self["seconds"] is None else self.seconds("seconds")


class SnapOptions(CameraOptions):
    """``trailcam snap``."""

    longdesc = "Has the camera take a photo now."


class RmOptions(_NameOptions):
    """``trailcam rm``."""

    longdesc = "Deletes items from the camera's card.  There is no way back: it wants --yes."

    optFlags = [["yes", None, "Delete them really."]]

    def postOptions(self) -> None:
        """Check everything; :raises UsageError: for the first mistake."""
        super().postOptions()
        if not self["yes"]:
            raise usage.UsageError(f"{len(self.names)} to delete for ever: say so with --yes")


def _one_path(what: str, words: Sequence[str]) -> Path:
    if len(words) != 1:
        raise usage.UsageError(f"one {what} is wanted, got {len(words) or 'none'}")
    if not words[0] or "\0" in words[0]:
        raise usage.UsageError(f"one {what} is wanted, and {shown(words[0])} is none")
    return Path(words[0])
