"""Faults, and what becomes of very many."""

from __future__ import annotations

import json
import tracemalloc

from twisted.trial.unittest import SynchronousTestCase

from tests.decode.builders import decoded, drws, from_camera, line
from trailcam.decode.faults import MOST_FAULTS, Fault, Faults
from trailcam.decode.printable import printable
from trailcam.wire.messages import Alive


class FaultsTests(SynchronousTestCase):
    """The collection."""

    def test_few(self) -> None:
        """Few are all kept, by number, and as they came where that is the same."""
        faults = Faults()
        for number, why in ((3, "c"), (1, "a"), (3, "b")):
            faults.add(number, why)
        self.assertEqual(faults.first(), [Fault(1, "a"), Fault(3, "c"), Fault(3, "b")])
        self.assertEqual(faults.count, 3)

    def test_many(self) -> None:
        """Of many the first by number are kept, in whatever order they came."""
        total = 5 * MOST_FAULTS
        orders = (range(total), reversed(range(total)), (n * 7 % total for n in range(total)))
        for order in orders:
            faults = Faults()
            for number in order:
                faults.add(number, "")
            self.assertEqual([f.number for f in faults.first()], list(range(MOST_FAULTS)))
            self.assertEqual(faults.count, total)


class ManyFaultsTests(SynchronousTestCase):
    """Recordings of which hardly anything can be read."""

    def test_lines(self) -> None:
        """All are counted; the first are named, and how many others there are."""
        found = decoded(self.mktemp(), b"0\n" * (MOST_FAULTS + 5))
        self.assertEqual((found.packets, found.bad_count), (MOST_FAULTS + 5, MOST_FAULTS + 5))
        self.assertEqual(len(found.bad), MOST_FAULTS)
        *named, last = found.as_json()["bad"]
        self.assertEqual(named, list(found.bad))
        self.assertEqual(named[-1], f"line {MOST_FAULTS}: not a JSON object")
        self.assertEqual(last, "... and 5 more")

    def test_no_more_than_are_kept(self) -> None:
        """Nothing is added where all are named."""
        found = decoded(self.mktemp(), b"0\n" * MOST_FAULTS)
        self.assertEqual(found.as_json()["bad"], list(found.bad))
        self.assertEqual((len(found.bad), found.bad_count), (MOST_FAULTS, MOST_FAULTS))

    def test_faults_of_channels(self) -> None:
        """Those of channels and those of lines are counted together."""
        first, *copies = (drws([b"%d" % n], first=3)[0] for n in range(MOST_FAULTS))
        found = decoded(self.mktemp(), from_camera(first, *copies) + b"0\n" * 3)
        self.assertEqual(found.bad_count, MOST_FAULTS - 1 + 3)
        self.assertEqual(found.bad[-1], f"line {MOST_FAULTS + 1}: not a JSON object")
        self.assertEqual(found.as_json()["bad"][-1], "... and 2 more")

    def test_memory(self) -> None:
        """The memory that bad lines take does not grow with their number."""
        self.assertLess(self.peak(40 * MOST_FAULTS), 1.5 * self.peak(4 * MOST_FAULTS))

    def peak(self, lines: int) -> int:
        """Octets that decoding so many bad lines takes at most."""
        content = b"0\n" * lines
        tracemalloc.start()
        try:
            decoded(self.mktemp(), content)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


class WritableTests(SynchronousTestCase):
    """What is found can be written, whatever it is."""

    def test_times_far_apart(self) -> None:
        """Times of which the difference is no number are bad lines."""
        content = line("camera", Alive(), -1.7e308) + line("client", Alive(), 1.7e308)
        found = decoded(self.mktemp(), content)
        self.assertEqual((found.span, found.bad_count), (None, 2))
        self.assertIn('"span_s": null', json.dumps(found.as_json(), allow_nan=False))

    def test_largest_times(self) -> None:
        """The largest times that are read have a span."""
        most = float(2**53 - 1)
        content = line("camera", Alive(), -most) + line("client", Alive(), most)
        found = json.dumps(decoded(self.mktemp(), content).as_json(), allow_nan=False)
        self.assertEqual(json.loads(found)["span_s"], 2 * most)

    def test_printable(self) -> None:
        """Only what shows itself is left as it is."""
        self.assertEqual(printable("é b\\"), "é b\\")
        self.assertEqual(printable("\x1b[2J\n\x9b\udc80"), "\\u001b[2J\\u000a\\u009b\\udc80")
