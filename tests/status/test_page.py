"""
The status page.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.status.sources import HOSTILE, REPORT, Source
from trailcam.status.page import page
from trailcam.status.snapshot import State


class Reader(HTMLParser):
    """
    Reads a page as a browser does.

    :ivar tags: the elements that were opened, and not those that must not be closed.
    :ivar open: those that were not closed.
    :ivar words: the texts between them.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Keep it."""
        if tag != "meta":
            self.tags.append(tag)
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It has to be the one that was opened last."""
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        """Keep it."""
        if data.strip():
            self.words.append(data.strip())


class PageTests(SynchronousTestCase):
    """What people see."""

    def read(self, **changes: Any) -> Reader:
        """The page of a snapshot with these values."""
        reader = Reader(page(Source(**changes).picture))
        self.assertEqual(reader.open, [])
        return reader

    def test_facts(self) -> None:
        """Each fact stands beside its name; what there is not is a dash."""
        words = self.read(peer="10.0.0.1:5", local_port=77, silent_for=0.12345).words
        for name, value in {
            "since": "1970-01-02 00:00:00 UTC",
            "peer": "10.0.0.1:5",
            "local port": "77",
            "silent for": "0.123",
            "last loss": "-",
        }.items():
            self.assertEqual(words[words.index(name) + 1], value)

    def test_sync(self) -> None:
        """What is known of the folder is one line."""
        words = self.read(sync={"new": 3, "failed": 0, "problem": HOSTILE}).words
        self.assertEqual(words[words.index("sync") + 1], f"new 3, failed 0, problem {HOSTILE}")

    def test_state(self) -> None:
        """The state is the title and the headline."""
        reader = self.read(state=State.CONNECTED)
        self.assertIn("trailcam: connected", reader.words)
        self.assertIn("connected", reader.words)

    def test_no_race_yet(self) -> None:
        """Before the first race has ended there is one table."""
        self.assertEqual(self.read().tags.count("table"), 1)

    def test_race(self) -> None:
        """The last race has a row for each mode below its heads."""
        words = self.read(last_report=REPORT).words
        start = words.index("last race: 0.500 s") + 1
        self.assertEqual(
            words[start : start + 8],
            ["mode", "state", "elapsed", "error", "p2p", "failed", "0.250", HOSTILE],
        )

    def test_hostile_words(self) -> None:
        """What came from elsewhere stays text."""
        reader = self.read(last_loss=HOSTILE, last_report=REPORT)
        self.assertNotIn("script", reader.tags)
        self.assertEqual(reader.words.count(HOSTILE), 2)

    def test_loads_itself_again(self) -> None:
        """It stays current, without scripts."""
        self.assertIn('http-equiv="refresh"', page(Source().picture))
