"""
Waiting for cleanup, whoever loses patience.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredList


async def settle(work: Deferred[Any]) -> None:
    """
    Wait until ``work`` has a result of any kind.

    Cancelling the waiter changes nothing: resources are released before anybody goes on.  Never
    raises; a failure of ``work`` is consumed.
    """
    over = False
    waiter: Deferred[None] | None = None

    def note(_: object) -> None:
        nonlocal over
        over = True
        if waiter is not None:
            waiter.callback(None)

    work.addBoth(note)
    while not over:
        waiter = Deferred()
        try:
            await waiter
        except CancelledError:
            continue


async def settle_all(works: Sequence[Deferred[Any]]) -> None:
    """:func:`settle` for many."""
    await settle(DeferredList(works, consumeErrors=True))


async def see_out(work: Deferred[Any]) -> None:
    """
    :func:`settle` for those who go on afterwards: who was cancelled meanwhile does not.

    :raises CancelledError: when ``work`` has a result, if the waiter was cancelled before.
    """
    over: Deferred[None] = Deferred()

    def note(_: object) -> None:
        over.callback(None)  # a cancelled one swallows this

    work.addBoth(note)
    try:
        await over
    except CancelledError:
        await settle(work)
        raise
