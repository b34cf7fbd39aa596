"""
The options of ``twist trailcam-simulator`` about the card, and about who may log in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trailcam.errors import shown
from trailcam.simulator.card import Card, Contents
from trailcam.simulator.folder import card_of
from trailcam.simulator.manners import Manners, Quirk
from trailcam.tap.options import MOST_SECONDS, number

#: The options that make a card: the field of Contents each one sets, its help.
CONTENTS: Mapping[str, tuple[str, str]] = {
    "photos": ("photos", "Photos on the card. [default: 10]"),
    "videos": ("videos", "Videos on the card. [default: 2]"),
    "photo-size": ("photo_size", "Octets of a photo. [default: 1048449]"),
    "frames": ("frames", "Pictures of a video. [default: 150]"),
    "frame-size": ("frame_size", "Octets of such a picture. [default: 20000]"),
}

#: The options about the firmware: the field of Manners each one sets, its help.
MANNERS: Mapping[str, tuple[str, str]] = {
    "username": ("username", "Who may log in. [default: admin]"),
    "password": ("password", "With which password. [default: admin]"),
}

FOLDER = "folder"
QUIRK = "quirk"
EVENT = "event"

_MOST = 9999
_LARGEST = 16 * 1024 * 1024


def card_options() -> list[list[Any]]:
    """Rows of ``optParameters``."""
    rows = [[option, None, None, text] for option, (_, text) in {**CONTENTS, **MANNERS}.items()]
    return [
        [FOLDER, None, None, "Folder of JPEG and MP4 files to be the card."],
        *rows,
        [QUIRK, None, None, f"NUMBER=KIND: what is wrong with an item: {_kinds()}."],
    ]


def checked_card(given: Mapping[str, Any]) -> Callable[[], Card]:
    """
    What makes the card.

    :param given: the options' texts, ``None`` where one was not given.
    :raises ValueError: naming the option that is wrong.
    """
    folder = given[FOLDER]
    if folder is None:
        wanted: dict[str, Any] = {
            field: _count(option, given[option])
            for option, (field, _) in CONTENTS.items()
            if given[option] is not None
        }
        contents = Contents(**wanted)
        if contents.photos + contents.videos > _MOST:
            raise ValueError(f"--photos: a card has {_MOST} items at most")
        return lambda: Card.generated(contents)
    for option in CONTENTS:
        if given[option] is not None:
            raise ValueError(f"--{FOLDER}: has its own files; leave --{option} out")
    if not os.path.isdir(folder):
        raise ValueError(f"--{FOLDER}: {shown(folder)} is not a folder")
    return lambda: card_of(Path(folder))


def checked_manners(given: Mapping[str, Any]) -> Manners:
    """How the firmware behaves; :raises ValueError: naming the option that is wrong."""
    values = {
        field: given[option] for option, (field, _) in MANNERS.items() if given[option] is not None
    }
    quirk = given[QUIRK]
    if given[EVENT]:
        values["events"] = tuple(map(_event, given[EVENT]))
    return Manners(**values, quirks={} if quirk is None else _quirk(quirk))


def _event(text: str) -> tuple[float, int]:
    seconds, _, event = text.partition("=")
    delay = number(seconds)
    if isinstance(delay, str) or not 0 <= delay <= MOST_SECONDS:
        raise ValueError(f"--{EVENT}: expected SECONDS=NUMBER such as 2.5=4, got {shown(text)}")
    return float(delay), _count(EVENT, event)


def _quirk(text: str) -> dict[int, Quirk]:
    number, _, kind = text.partition("=")
    try:
        return {_count(QUIRK, number): Quirk(kind)}
    except ValueError:
        raise ValueError(
            f"--{QUIRK}: expected NUMBER=KIND, the kind one of {_kinds()}, got {shown(text)}"
        ) from None


def _kinds() -> str:
    return ", ".join(quirk.value for quirk in Quirk)


def _count(option: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(f"--{option}: {shown(text)} is not a whole number")
    if int(text) > _LARGEST:
        raise ValueError(f"--{option}: {text} is more than {_LARGEST}")
    return int(text)
