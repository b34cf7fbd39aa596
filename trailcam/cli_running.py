"""
What the commands that talk to a camera have in common: the reactor, and the demonstration.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from trailcam.console import COULD_NOT, DONE, complain
from trailcam.tap.secretfile import readers_of_secret

if TYPE_CHECKING:
    from trailcam.connect.request import Request
    from trailcam.tap.options import ConnectOptions


def run_on_reactor(work: Callable[[Any], Coroutine[Any, Any, int]], *, verbose: bool) -> int:
    """
    Run ``work(reactor)``; returns the exit status, see :func:`trailcam.running.run`.

    :param verbose: tell each step on standard error.
    """
    from twisted.internet import reactor

    from trailcam.running import run
    from trailcam.stderrlog import log_to_stderr

    with log_to_stderr(verbose):
        return run(reactor, work)


async def reach(
    reactor: Any,
    options: ConnectOptions,
    work: Callable[[Request], Awaitable[int]],
    say: Callable[[str], None] = lambda text: None,
) -> int:
    """
    Do ``work`` with the request that the options make; returns the exit status.

    With ``--demo`` that is a request for a simulated camera, which is there meanwhile.

    :param say: is told what the simulated camera is, and what it saw.
    """
    warning = readers_of_secret(options["secret-file"])
    if warning is not None:
        complain(warning, DONE)
    if not options["demo"]:
        return await work(options.request())
    from twisted.internet.error import CannotListenError

    from trailcam.tap.demo import Demo
    from trailcam.waiting import settle

    demo = Demo(reactor)
    try:
        demo.startService()
    except CannotListenError as problem:
        return complain(f"the simulated camera has no port: {problem.socketError}", COULD_NOT)
    try:
        say(f"{demo.introduction()}\n")
        return await work(demo.aim(options.request()))
    finally:
        await settle(demo.stopService())
        say(f"\n{demo.farewell()}")
