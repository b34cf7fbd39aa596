"""
``trailcam ls`` and ``trailcam info``: looking without touching.
"""

from __future__ import annotations

import json
from typing import Any

from trailcam.commands.options import InfoOptions, LsOptions
from trailcam.commands.output import DONE, Show, show_json
from trailcam.commands.selection import as_json, line
from trailcam.interfaces import ICamera
from trailcam.library.summary import one_line

#: Members of an answer that are about the answer.
_ENVELOPE = {"cmdId", "result", "errorMsg", "token"}


async def ls(camera: ICamera, options: LsOptions, show: Show) -> int:
    """
    List what is on the card; returns the exit status.

    :raises TrailcamError: as :meth:`ICamera.media` does.
    """
    items = await camera.media()
    if options["json"]:
        show_json(show, [as_json(item) for item in items])
    else:
        for item in items:
            show(line(item))
    return DONE


async def info(camera: ICamera, options: InfoOptions, show: Show) -> int:
    """
    Show what the camera says about itself; returns the exit status.

    :raises TrailcamError: as :meth:`ICamera.info` does.
    """
    answer = {k: v for k, v in (await camera.info()).items() if k not in _ENVELOPE}
    if options["json"]:
        show_json(show, answer)
    else:
        for name, value in answer.items():
            show(f"{one_line(name)}: {one_line(_text(value))}")
    return DONE


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
