"""
The index of a folder: which item of the card is which file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs

from trailcam.errors import FolderUnusable
from trailcam.library import disk
from trailcam.library.items import NAME, Key

_VERSION = 1
_MOST_OCTETS = 64 * 1024 * 1024


@attrs.frozen
class Entry:
    """
    A file that was fetched.

    :ivar name: relative to the folder, with ``/``.
    :ivar size: octets it had then.
    """

    name: str
    size: int


class Index:
    """
    A small JSON file, written anew after every change.

    What is in the file never makes it fail: one that is damaged counts as empty.

    :ivar missing: whether there was no file.
    :ivar damage: what is wrong with the file, ``None`` when it is sound or missing.
    """

    def __init__(self, path: Path) -> None:
        """
        Read it.

        :raises FolderUnsafe: when ``path`` is a link.
        :raises FolderUnusable: when it is there and cannot be read.
        """
        disk.refuse_link(path)
        self._path = path
        self._entries: dict[Key, Entry] = {}
        self._taken: set[str] = set()
        self._dirty = False
        self.missing = False
        self.damage: str | None = None
        self._load()

    def get(self, key: Key) -> Entry | None:
        """The file of an item."""
        return self._entries.get(key)

    def is_taken(self, name: str) -> bool:
        """Whether a file of this name belongs to some item."""
        return name in self._taken

    def add(self, key: Key, name: str, size: int) -> None:
        """Note a file; :meth:`save` writes it down."""
        self.drop(key)
        self._entries[key] = Entry(name, size)
        self._taken.add(name)
        self._dirty = True

    def drop(self, key: Key) -> None:
        """Forget the file of an item, if there is one."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._taken.discard(entry.name)
            self._dirty = True

    def save(self) -> None:
        """Write what has changed, if anything; :raises FolderUnusable: when that fails."""
        if not self._dirty:
            return
        files = [
            {**attrs.asdict(key), "name": entry.name, "size": entry.size}
            for key, entry in self._entries.items()
        ]
        text = json.dumps({"version": _VERSION, "files": files}, indent=0)
        with disk.trouble(self._path):
            disk.write(self._path, text.encode("ascii"))
        self._dirty = False

    def _load(self) -> None:
        try:
            content = json.loads(disk.read(self._path, _MOST_OCTETS))
            entries = [_entry(each) for each in _files(content)]
        except FileNotFoundError:
            self.missing = True
        except OSError as problem:
            raise FolderUnusable(
                f"{self._path} cannot be read: {disk.reason(problem)}"
            ) from problem
        except (ValueError, RecursionError) as problem:
            self.damage = str(problem)
        else:
            self._entries = dict(entries)
            self._taken = {entry.name for entry in self._entries.values()}


def _files(content: Any) -> list[Any]:
    if not isinstance(content, dict) or content.get("version") != _VERSION:
        raise ValueError(f"it is not an index of version {_VERSION}")
    files = content.get("files")
    if not isinstance(files, list):
        raise ValueError("it has no list of files")
    return files


def _entry(value: Any) -> tuple[Key, Entry]:
    """:raises ValueError: also for a name that this package would not have made."""
    if not isinstance(value, dict):
        raise ValueError("one of its files is not an object")
    name = value.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError("one of its files has a name that is none of ours")
    fields = (each.name for each in attrs.fields(Key))
    return Key(*(_integer(value, field) for field in fields)), Entry(name, _integer(value, "size"))


def _integer(value: dict[str, Any], field: str) -> int:
    number = value.get(field)
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise ValueError(f"one of its files has no {field}")
    return number
