"""What can go wrong with a measurement, beside a bug."""

from __future__ import annotations


class BenchmarkError(Exception):
    """A contender or a peer does not work; what it says is for people."""
