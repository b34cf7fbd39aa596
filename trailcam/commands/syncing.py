"""
``trailcam sync``: the pictures on the card, on the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from trailcam.commands.options import SyncOptions
from trailcam.commands.output import Show, show_json
from trailcam.interfaces import ICamera
from trailcam.library.observer import SyncObserver
from trailcam.library.saver import Settings
from trailcam.library.sync import Reconnecting, sync_until_done

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred
    from twisted.internet.interfaces import IReactorTime


async def sync(
    clock: IReactorTime,
    connect: Callable[[], Deferred[ICamera]],
    options: SyncOptions,
    show: Show,
    observer: SyncObserver | None = None,
    settings: Settings | None = None,
) -> int:
    """
    Fetch what is new, and show the summary; returns the exit status.

    :param clock: provides IReactorTime.
    :param connect: fires with a camera that is logged in; it is closed here.
    :param observer: hears of the progress.
    :param settings: where the way to save videos comes from; the options decide the rest.
    :raises TrailcamError: as :func:`~trailcam.library.sync.sync_until_done` does.
    """
    # Who stays for days is not sent away by a camera that sleeps for hours.
    policy = Reconnecting(most=None) if options.watch is not None else Reconnecting()
    summary = await sync_until_done(
        connect,
        options.directory,
        clock=clock,
        observer=observer,
        settings=options.chosen(settings or Settings()),
        watch=options.watch,
        reconnecting=policy,
    )
    if options["json"]:
        show_json(show, summary.as_json())
    else:
        show(str(summary))
    return summary.status
