"""
What a camera's answer says: whether it refuses, and numbers that have been checked.

Protocol: the application layer, commands and answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from trailcam.artemis.commands import command_name
from trailcam.errors import CommandRejected, LoginRejected, MediaNotFound, shown
from trailcam.model import MediaItem

#: The members that are 0 when all went well.  Those of single commands come first: they say more.
RESULTS = ("cmdRet", "getMediaListRet", "startPbRet", "delRet", "result")

#: Our own number for a result that is none; the SDK's "unknown".
UNREADABLE = -5

U32 = 0xFFFFFFFF

_LOGIN_REFUSED = {
    -1: "the camera refused the user name or the password",
    -2: "too many clients are logged in to the camera: end the others, or wait half a minute",
}


@attrs.frozen
class Refusal:
    """
    Why an answer is not a yes.

    :ivar member: which member says so.
    :ivar result: its number, :data:`UNREADABLE` when it is none.
    :ivar words: the camera's own, possibly none.
    """

    member: str
    result: int
    words: str


def refusal(answer: Mapping[str, Any]) -> Refusal | None:
    """Read the result of an answer; ``None`` when it is no refusal."""
    given = answer.get("errorMsg")
    words = given if isinstance(given, str) else ""
    results = [(member, answer[member]) for member in RESULTS if member in answer]
    for member, result in results:
        if type(result) is not int:
            return Refusal(member, UNREADABLE, words)
        if result != 0:
            return Refusal(member, result, words)
    if not results and words and words.lower() != "success":
        return Refusal("errorMsg", UNREADABLE, words)
    return None


def check(number: int, answer: Mapping[str, Any]) -> None:
    """
    Let an answer pass unless it refuses.

    :param number: the ``cmdId`` of what was asked.
    :raises CommandRejected: it does.
    """
    found = refusal(answer)
    if found is not None:
        name = command_name({"cmdId": int(number)})
        said = f": {shown(found.words)}" if found.words else ""
        raise CommandRejected(
            f"the camera refused {name} ({found.member} {found.result}){said}",
            number,
            found.result,
        )


def check_login(answer: Mapping[str, Any]) -> None:
    """
    The same for the answer to a login.

    :raises LoginRejected: it refuses.
    """
    found = refusal(answer)
    if found is not None:
        said = f": {shown(found.words)}" if found.words else ""
        usual = f"the camera refused the login ({found.member} {found.result}){said}"
        raise LoginRejected(_LOGIN_REFUSED.get(found.result, usual), found.result)


def check_item(number: int, item: MediaItem, answer: Mapping[str, Any]) -> None:
    """
    The same for what was asked about one item.

    A refusal counts as "not there" when the member for just this command says it, or the camera's
    words do; one that only ``result`` tells may have any reason.

    :raises MediaNotFound: the camera does not have the item.
    :raises CommandRejected: it refuses for another reason.
    """
    found = refusal(answer)
    if found is not None and (found.member not in ("result", "errorMsg") or _absent(found.words)):
        said = f", {shown(found.words)}" if found.words else ""
        raise MediaNotFound(
            f"the camera has no {item.name} in directory {item.directory} "
            f"({found.member} {found.result}{said})"
        )
    check(number, answer)


def _absent(words: str) -> bool:
    return any(hint in words.lower() for hint in ("not found", "no such", "not exist", "no file"))


def whole(members: Mapping[str, Any], name: str, most: int = U32) -> int | None:
    """A member that is a number from 0 to ``most``; ``None`` when it is anything else."""
    value = members.get(name)
    return value if type(value) is int and 0 <= value <= most else None
