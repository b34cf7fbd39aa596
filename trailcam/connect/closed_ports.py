"""
What all attempts of one race know of closed ports.

A system answers only a few refused datagrams per second with ICMP.  Two modes that ask the same six
ports would use that up, and the second one would wait in vain for what the first one knows.
"""

from __future__ import annotations

from collections.abc import Callable

from trailcam.interfaces import Address

_MOST_REMEMBERED = 4096

#: Is told the address that refused.
Watcher = Callable[[Address], None]


class ClosedPorts:
    """The addresses that refused, and whoever wants to know of them."""

    def __init__(self) -> None:
        self._known: dict[Address, None] = {}
        self._watchers: list[Watcher] = []

    def tell(self, address: Address) -> None:
        """``address`` refused: everybody who watches hears of it, once."""
        if address in self._known or len(self._known) >= _MOST_REMEMBERED:
            return
        self._known[address] = None
        for watcher in tuple(self._watchers):
            if watcher in self._watchers:  # an earlier one may have ended this one's attempt
                watcher(address)

    def watch(self, watcher: Watcher) -> None:
        """Tell ``watcher`` what is known, and what will be."""
        self._watchers.append(watcher)
        for address in tuple(self._known):
            watcher(address)

    def unwatch(self, watcher: Watcher) -> None:
        """Tell ``watcher`` no more; it need not have been watching."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)
