"""Everything that is measured, in the order in which it is done."""

from __future__ import annotations

from typing import Final

from benchmarks.bench import Case
from benchmarks.cases import download, held, relay, rendezvous, start, startup

CASES: Final[tuple[Case, ...]] = (
    start.CASE,
    download.CASE,
    relay.CASE,
    rendezvous.CASE,
    held.CASE,
    startup.CASE,
)
