"""
Which relays to try.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

from twisted.internet.defer import CancelledError, Deferred, succeed

from trailcam.connect.race import first_success, nothing_to_give_back
from trailcam.connect.relay_address import RelayAddress, check_relay
from trailcam.connect.rendezvous import Rendezvous
from trailcam.connect.target import Target
from trailcam.errors import DirectoryError, Hopeless, NoRelays, RelayDirectoryUnusable

if TYPE_CHECKING:
    from twisted.python.failure import Failure

#: Relays that are tried side by side.
MOST_RELAYS = 8

#: Seconds that the rendezvous servers, whose relays the device knows, are ahead of a directory.
_HEAD_START = 0.5

Relays = tuple[RelayAddress, ...]


async def find_relays(reactor: Any, target: Target, rendezvous: Rendezvous) -> Relays:
    """
    The relay that was given; else those that the rendezvous servers list; else a directory's.

    :param reactor: see :class:`~trailcam.connect.directory.Directory`.
    :return: one relay at least, and at most :data:`MOST_RELAYS`.
    :raises Hopeless: when there are none, and why.
    """
    if target.relay is not None:
        return (target.relay,)
    sources: list[Deferred[Relays]] = []
    turn: Deferred[None] = succeed(None)
    if target.rendezvous:
        listed = Deferred.fromCoroutine(_listed(rendezvous))
        sources.append(listed)
        if target.relay_directory is not None:
            turn = _head_start(reactor, listed)
    if target.relay_directory is not None:
        sources.append(Deferred.fromCoroutine(_published(reactor, target.relay_directory, turn)))
    found = await first_success(sources, nothing_to_give_back)
    if isinstance(found, list):
        raise _reason(found)
    return found[0][:MOST_RELAYS]


async def _listed(rendezvous: Rendezvous) -> Relays:
    relays = tuple(dict.fromkeys(_usable(await rendezvous.relays())))
    if not relays:
        raise Hopeless(
            NoRelays,
            f"the rendezvous servers ({rendezvous}) list no relay: start them with one, "
            "or name one here",
        )
    return relays


def _usable(addresses: Iterable[object]) -> Iterator[RelayAddress]:
    """Whatever a server lists: nobody is to be sent to a port 0 or to everybody."""
    for address in addresses:
        try:
            yield check_relay("relay", address)
        except ValueError:
            continue


def _head_start(reactor: Any, listed: Deferred[Relays]) -> Deferred[None]:
    """Fires when the rendezvous servers have had their time alone, or have failed."""
    timer = reactor.callLater(_HEAD_START, lambda: turn.callback(None))
    turn: Deferred[None] = Deferred(lambda _: timer.cancel())

    def failed(reason: Failure) -> Failure:
        if not turn.called and not reason.check(CancelledError):
            timer.cancel()
            turn.callback(None)
        return reason

    listed.addErrback(failed)
    return turn


async def _published(reactor: Any, url: str, turn: Deferred[None]) -> Relays:
    from trailcam.connect.directory import Directory  # loads much: not for who needs none

    await turn
    try:
        return tuple(dict.fromkeys(await Directory(reactor, url).relays()))
    except DirectoryError as problem:
        raise Hopeless(RelayDirectoryUnusable, str(problem)) from problem


def _reason(failures: list[Failure]) -> Exception:
    """Why no source has any: a bug before anything else, then the words of all."""
    reasons = [cast(Exception, failure.value) for failure in failures]
    hopeless = [reason for reason in reasons if isinstance(reason, Hopeless)]
    for reason in reasons:
        if reason not in hopeless:
            return reason
    return Hopeless(hopeless[0].kind, "; ".join(map(str, hopeless)))
