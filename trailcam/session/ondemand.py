"""
Values that are made when they are first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

V = TypeVar("V")


class OnDemand(dict[int, V]):
    """
    A dictionary that makes what it lacks: most sessions use two channels of the eight, and a
    program may hold thousands of sessions.
    """

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[int], V]) -> None:
        """:param make: makes the value with this number."""
        super().__init__()
        self._make = make

    def __missing__(self, number: int) -> V:
        """The value that was not there yet."""
        value = self[number] = self._make(number)
        return value
