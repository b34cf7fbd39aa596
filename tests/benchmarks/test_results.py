"""What is kept of a run."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.measure import Spread
from benchmarks.results import run_as_json
from tests.benchmarks.samples import SAMPLE


class ResultTests(SynchronousTestCase):
    """What one case knows."""

    def test_quantities(self) -> None:
        """Each once, in order."""
        self.assertEqual(SAMPLE.quantities(), (("time", "ms"), ("rests", "1/s")))
        self.assertEqual([one.contender for one in SAMPLE.of("rests")], ["tortoise"])

    def test_ratio(self) -> None:
        """Of the rounds, beside the baseline under the same condition."""
        hare, tortoise, asleep, rests = SAMPLE.series
        self.assertEqual(SAMPLE.ratio(tortoise), Spread(2.0, 1.5, 1.6, 2.8, 3.0))
        for one in (hare, asleep, rests):
            self.assertIsNone(SAMPLE.ratio(one), one)

    def test_done(self) -> None:
        """Rounds that brought something."""
        self.assertEqual([one.done for one in SAMPLE.series], [3, 3, 0, 3])


class JsonTests(SynchronousTestCase):
    """The form of the file, which others read."""

    def test_shape(self) -> None:
        """All members, and what they are."""
        whole = json.loads(json.dumps(run_as_json([SAMPLE], quick=True, began=0.0)))
        self.assertEqual(set(whole), {"format", "quick", "began", "machine", "results"})
        self.assertEqual((whole["format"], whole["quick"]), (1, True))
        self.assertEqual(whole["began"], "1970-01-01T00:00:00+00:00")
        self.assertEqual(
            set(whole["machine"]), {"system", "processor", "cores", "python", "twisted"}
        )
        [result] = whole["results"]
        self.assertEqual((result["case"], result["missing"]), ("race", {"snail": "wait"}))
        one = result["series"][1]
        self.assertEqual(one["values"], [2.0, 3.0, 9.0])
        self.assertEqual(one["spread"]["median"], 3.0)
        self.assertEqual(one["ratio"]["median"], 2.0)
        self.assertIsNone(result["series"][2]["spread"])
