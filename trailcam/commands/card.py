"""
``trailcam snap`` and ``trailcam rm``: what changes the card.
"""

from __future__ import annotations

from trailcam.commands.options import RmOptions, SnapOptions
from trailcam.commands.output import DONE, Results, Show, show_json
from trailcam.commands.selection import pick
from trailcam.errors import CameraError, LoginRejected
from trailcam.interfaces import ICamera
from trailcam.library.summary import one_line, title

_SNAP = 641


async def snap(camera: ICamera, options: SnapOptions, show: Show) -> int:
    """
    Take a photo; returns the exit status.

    :raises TrailcamError: the camera refuses, or the connection is lost.
    """
    await camera.command(_SNAP)
    if options["json"]:
        show_json(show, {"taken": True})
    else:
        show("the camera has been told to take a photo")
    return DONE


async def rm(camera: ICamera, options: RmOptions, show: Show) -> int:
    """
    Delete the named items; returns the exit status.

    :raises MediaNotFound: a name means no item, or several; then nothing was deleted.
    :raises SessionError: the connection is lost.
    """
    results = Results(show, "deleted", as_json=bool(options["json"]))
    for item in pick(await camera.media(), options.names):
        try:
            await camera.delete(item)
        except LoginRejected:
            raise
        except CameraError as problem:
            results.fail(title(item), one_line(problem), problem.code)
        else:
            results.succeed(title(item))
    return results.end()
