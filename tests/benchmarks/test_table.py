"""Results for people."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.table import number, shown, table
from tests.benchmarks.samples import SAMPLE


class TableTests(SynchronousTestCase):
    """A table of one quantity."""

    def test_rows(self) -> None:
        """One line for each condition and contender."""
        rule, head, _, *rows, end = table(SAMPLE, "time")
        self.assertEqual(rule, end)
        self.assertEqual(
            [" ".join(row.split()) for row in rows],
            [
                "uphill hare 2 1 1.2 2.8 3/3 - -",
                "uphill tortoise 3 2 2.2 7.8 3/3 2 1.6 .. 2.8",
                "asleep hare - - - - 0/3 - -",
            ],
        )
        for word in ("median", "done", "ratio"):
            self.assertEqual(rule[head.index(word) - 1], " ")

    def test_whole(self) -> None:
        """Title, tables, who is missing, and notes."""
        text = shown(SAMPLE)
        self.assertTrue(text.startswith("A race\n------\n\ntime, ms:\n\n===="), text)
        self.assertTrue(text.endswith("* missing: snail (wait)\n* Only by day.\n"), text)

    def test_numbers(self) -> None:
        """Three digits that matter, and no exponent."""
        for value, text in (
            (0.0, "0"),
            (1234.56, "1235"),
            (99.96, "100"),
            (12.345, "12.3"),
            (1.0, "1"),
            (0.01234, "0.0123"),
            (0.0000123, "0.000012"),
            (-0.5, "-0.5"),
        ):
            self.assertEqual(number(value), text)
