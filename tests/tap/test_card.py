"""Tests for :mod:`trailcam.tap.card`."""

from __future__ import annotations

from pathlib import Path

from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from trailcam.simulator import SimulatedCamera
from trailcam.simulator.manners import Quirk
from trailcam.tap.simulator import Options
from trailcam.testing import MemoryNetwork


def parsed(*words: str) -> Options:
    """The options that these words spell."""
    options = Options()
    options.parseOptions(list(words))
    return options


class CardTests(SynchronousTestCase):
    """What is on the card."""

    def camera(self, *words: str) -> SimulatedCamera:
        """The camera that these words ask for."""
        camera = parsed(*words).camera(MemoryNetwork().host("10.0.0.1"))
        assert isinstance(camera, SimulatedCamera)
        return camera

    def test_default(self) -> None:
        """Ten photos and two videos."""
        self.assertEqual(len(self.camera().card.files()), 12)

    def test_generated(self) -> None:
        """As many and as large as wanted."""
        camera = self.camera("--photos=2", "--videos=1", "--photo-size=20000", "--frames=5")
        files = camera.card.files()
        self.assertEqual([file.photo is not None for file in files], [True, True, False])
        assert files[0].photo is not None
        self.assertEqual(len(files[0].photo()), 20_000)

    def test_folder(self) -> None:
        """Somebody's own files."""
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "deer.jpg").write_bytes(b"\xff\xd8\xff" + bytes(100))
        [file] = self.camera("--folder", str(folder)).card.files()
        assert file.photo is not None
        self.assertEqual(len(file.photo()), 103)

    def test_manners(self) -> None:
        """Who may log in, and what is wrong."""
        manners = parsed("--username=u", "--password=p", "--quirk=3=truncated").manners
        self.assertEqual((manners.username, manners.password), ("u", "p"))
        self.assertEqual(manners.quirks, {3: Quirk.TRUNCATED})
        self.assertEqual(manners.events, ((0.04, 4),))

    def test_events(self) -> None:
        """What the camera says unasked, and when."""
        manners = parsed("--event=0=7", "--event", "2.5=9").manners
        self.assertEqual(manners.events, ((0.0, 7), (2.5, 9)))

    def test_mistakes(self) -> None:
        """Each is told by the option's name, in one line."""
        for words, complaint in {
            ("--photos=many",): "--photos: 'many' is not a whole number",
            ("--photo-size=99999999",): "--photo-size: 99999999 is more than 16777216",
            ("--photos=9999",): "--photos: a card has 9999 items at most",
            ("--folder=/nonexistent",): "--folder: '/nonexistent' is not a folder",
            ("--folder=/", "--videos=1"): "--folder: has its own files; leave --videos out",
            ("--quirk=3",): "--quirk: expected NUMBER=KIND, the kind one of gone, truncated, "
            "corrupt, lying, stalled, got '3'",
            ("--event=4",): "--event: '' is not a whole number",
            ("--event=nan=4",): "--event: expected SECONDS=NUMBER such as 2.5=4, got 'nan=4'",
            ("--event=x=4",): "--event: expected SECONDS=NUMBER such as 2.5=4, got 'x=4'",
            ("--event=-1=4",): "--event: expected SECONDS=NUMBER such as 2.5=4, got '-1=4'",
        }.items():
            self.assertEqual(str(self.assertRaises(UsageError, parsed, *words)), complaint)

    def test_recording(self) -> None:
        """A recording has no card."""
        for word in ("--photos=1", "--password=x", "--quirk=1=gone", "--event=1=4", "--folder=/"):
            problem = self.assertRaises(UsageError, parsed, "--replay=x", word)
            self.assertIn("--replay: brings its own behaviour", str(problem))
