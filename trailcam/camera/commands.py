"""
The commands that only ask or change something, each with its members.

Protocol: the application layer, commands and answers.
"""

from __future__ import annotations

from typing import Any

from trailcam.artemis.commands import CommandID
from trailcam.camera.answers import check, check_item, check_login, whole
from trailcam.camera.asking import Asker, requested
from trailcam.model import Credentials, MediaItem


async def log_in(
    camera: Asker, credentials: Credentials, now: float
) -> tuple[dict[str, Any], int | None]:
    """
    Log in; gives the answer, and the token for what follows.

    :param now: seconds since 1970; the camera sets its clock by it.
    """
    members = {
        "usrName": credentials.username,
        "password": credentials.password,
        "needVideo": 0,
        "needAudio": 0,
        "utcTime": int(now),
        "supportHeartBeat": True,
    }
    answer = await camera.ask(CommandID.LOGIN, members)
    check_login(answer)
    token = whole(answer, "token")
    return answer, credentials.token if token is None else token


async def simple(camera: Asker, number: CommandID, /, **members: Any) -> dict[str, Any]:
    """Send a command; gives its answer, which is no refusal."""
    answer = await camera.ask(number, members)
    check(number, answer)
    return answer


async def delete(camera: Asker, item: MediaItem) -> None:
    """Delete one item."""
    answer = await camera.ask(CommandID.DELETE_MEDIA, requested(item))
    check_item(CommandID.DELETE_MEDIA, item, answer)


def insist(sure: bool, what: str) -> None:
    """
    Refuse what cannot be undone unless somebody is sure.

    :raises ValueError: nobody is.
    """
    if sure is not True:
        raise ValueError(f"{what} cannot be undone: say sure=True")
