"""Tests of what is remembered of a camera, and of files that are not what they should be."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import LogLevel
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.connect.logs import LogCapture
from trailcam.connect.history import FileHistory, MemoryHistory, history_path
from trailcam.interfaces import IHistory
from trailcam.model import ConnectionMode, Outcome

WON = Outcome(ConnectionMode.LAN, True, 0.33, 0.002)
LOST = Outcome(ConnectionMode.P2P, False, 30.0)
ENTRY: dict[str, Any] = {"mode": "lan", "succeeded": True, "elapsed": 0.33, "round_trip": 0.002}


def numbered(count: int) -> list[Outcome]:
    """Outcomes that can be told apart."""
    return [Outcome(ConnectionMode.LAN, True, float(number)) for number in range(count)]


class MemoryHistoryTests(SynchronousTestCase):
    """History without a file."""

    def test_interface(self) -> None:
        """It is a history."""
        verifyObject(IHistory, MemoryHistory())

    def test_order(self) -> None:
        """Oldest first."""
        history = MemoryHistory([LOST])
        history.record([WON, LOST])
        self.assertEqual(history.recall(), (LOST, WON, LOST))

    def test_bounded(self) -> None:
        """The last 100 outcomes stay."""
        history = MemoryHistory(numbered(70))
        history.record(numbered(1000)[70:])
        self.assertEqual(history.recall(), tuple(numbered(1000)[900:]))

    def test_recall_is_a_picture(self) -> None:
        """What was recalled does not change afterwards."""
        history = MemoryHistory([WON])
        before = history.recall()
        history.record([LOST])
        self.assertEqual(before, (WON,))


class FileHistoryTestCase(SynchronousTestCase):
    """A file in a folder of the test's own, and what is logged."""

    def setUp(self) -> None:
        """Make the folder."""
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.path = self.folder / "camera.json"
        self.log = LogCapture(self)

    def complaints(self) -> list[str]:
        """The warnings so far."""
        return self.log.lines(LogLevel.warn)


class FileHistoryTests(FileHistoryTestCase):
    """Files that are as they should be."""

    def test_interface(self) -> None:
        """It is a history."""
        verifyObject(IHistory, FileHistory(self.path))

    def test_absent(self) -> None:
        """No file is an empty history, and nothing to complain about; none is made by looking."""
        self.assertEqual(FileHistory(self.path).recall(), ())
        self.assertEqual((self.complaints(), self.path.exists()), ([], False))

    def test_remembers(self) -> None:
        """The next one to open it knows everything, exactly."""
        FileHistory(self.path).record([WON, LOST])
        FileHistory(self.path).record([LOST])
        self.assertEqual(FileHistory(self.path).recall(), (WON, LOST, LOST))
        self.assertEqual(self.complaints(), [])

    def test_format(self) -> None:
        """The file is a JSON list of plain objects."""
        FileHistory(self.path).record([WON])
        self.assertEqual(json.loads(self.path.read_bytes()), [ENTRY])

    def test_makes_folders(self) -> None:
        """Missing folders are made with the first record."""
        path = self.folder / "deep" / "er" / "camera.json"
        FileHistory(path).record([WON])
        self.assertEqual(FileHistory(path).recall(), (WON,))

    def test_bounded(self) -> None:
        """A hundred outcomes, also in the file, which is small enough to be read again."""
        history = FileHistory(self.path)
        for outcome in numbered(250):
            history.record([outcome])
        self.assertEqual(FileHistory(self.path).recall(), tuple(numbered(250)[150:]))
        self.assertLess(self.path.stat().st_size, 16 * 1024)

    def test_nothing_else_in_the_folder(self) -> None:
        """The file that is written beside the old one is gone afterwards."""
        FileHistory(self.path).record([WON])
        FileHistory(self.path).record([WON])
        self.assertEqual([path.name for path in self.folder.iterdir()], ["camera.json"])

    def test_atomic(self) -> None:
        """When the last step fails, the old file is whole, and memory goes on."""
        FileHistory(self.path).record([WON])
        before = self.path.read_bytes()
        history = FileHistory(self.path)
        with mock.patch("os.replace", side_effect=OSError(28, "No space left on device")):
            history.record([LOST])
        self.assertEqual(self.path.read_bytes(), before)
        self.assertEqual(history.recall(), (WON, LOST))
        (complaint,) = self.complaints()
        self.assertIn("No space left", complaint)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["camera.json"])

    def test_writes_again_when_it_can(self) -> None:
        """One failed write is not the end: the next brings everything."""
        history = FileHistory(self.path)
        with mock.patch("os.replace", side_effect=OSError(28, "No space left on device")):
            history.record([WON])
        history.record([LOST])
        self.assertEqual(FileHistory(self.path).recall(), (WON, LOST))


class NoFolderTests(FileHistoryTestCase):
    """A folder that cannot be: its parent is a file, which stops even the superuser."""

    def setUp(self) -> None:
        """Put a file in the way."""
        super().setUp()
        (self.folder / "file").write_text("in the way")
        self.path = self.folder / "file" / "history" / "camera.json"

    def test_goes_on(self) -> None:
        """Memory does the work."""
        history = FileHistory(self.path)
        history.record([WON])
        history.record([LOST])
        self.assertEqual(history.recall(), (WON, LOST))

    def test_says_so_once(self) -> None:
        """One line for reading and writing together, with the path and the reason."""
        history = FileHistory(self.path)
        history.record([WON])
        history.record([LOST])
        (complaint,) = self.complaints()
        self.assertIn(str(self.path), complaint)
        self.assertIn("going on without it", complaint)

    def test_directory_in_its_place(self) -> None:
        """A folder where the file should be is no different."""
        path = self.folder / "folder.json"
        path.mkdir()
        history = FileHistory(path)
        history.record([WON])
        self.assertEqual(history.recall(), (WON,))
        self.assertEqual(len(self.complaints()), 1)
        self.assertEqual({p.name for p in self.folder.iterdir()}, {"file", "folder.json"})


class SpecialFileTests(FileHistoryTestCase):
    """Something in place of the file that is not a file."""

    if not hasattr(os, "mkfifo"):
        skip = "this system has no FIFOs"

    def test_fifo(self) -> None:
        """Nobody waits at a FIFO until somebody writes; it is said once, and memory goes on."""
        os.mkfifo(self.path)
        history = FileHistory(self.path)
        (complaint,) = self.complaints()
        self.assertIn("cannot be read: not a regular file", complaint)
        history.record([WON])
        self.assertEqual(history.recall(), (WON,))
        self.assertEqual(len(self.complaints()), 1)

    def test_device(self) -> None:
        """An endless device is not read."""
        self.path.symlink_to("/dev/zero")
        self.assertEqual(FileHistory(self.path).recall(), ())
        (complaint,) = self.complaints()
        self.assertIn("not a regular file", complaint)


class DamagedFileTests(FileHistoryTestCase):
    """Files that are not what they should be."""

    def damage(self, octets: bytes) -> None:
        """Nothing of such a file is believed; it is said once; the next record heals it."""
        self.path.write_bytes(octets)
        self.log.clear()
        history = FileHistory(self.path)
        self.assertEqual(history.recall(), (), octets[:80])
        (complaint,) = self.complaints()
        self.assertIn("is damaged and will be written anew", complaint)
        self.assertLess(len(complaint), 500)
        history.record([WON])
        self.assertEqual(FileHistory(self.path).recall(), (WON,))

    def damage_entry(self, **changes: Any) -> None:
        """A file of one good and one bad entry."""
        self.damage(json.dumps([ENTRY, {**ENTRY, **changes}]).encode())

    def test_no_json(self) -> None:
        """Empty, cut off, binary, of another encoding."""
        whole = json.dumps([ENTRY]).encode()
        for octets in (b"", whole[:-1], whole[1:], b"\0" * 50, b"\xff\xfe\x00[", b"not json"):
            self.damage(octets)

    def test_no_list(self) -> None:
        """Another kind of value at the top."""
        for octets in (b"null", b"5", b"true", b'"text"', b'{"a": 1}'):
            self.damage(octets)

    def test_no_object(self) -> None:
        """Another kind of value inside."""
        for octets in (b"[null]", b"[5]", b"[[]]", b'["text"]', b"[{}]"):
            self.damage(octets)

    def test_missing_member(self) -> None:
        """All members have to be there."""
        for name in ENTRY:
            self.damage(json.dumps([{k: v for k, v in ENTRY.items() if k != name}]).encode())

    def test_mode(self) -> None:
        """An unknown mode."""
        for mode in ("wifi", "LAN", None, 3, [1]):
            self.damage_entry(mode=mode)

    def test_times(self) -> None:
        """Times that are none."""
        for value in ("soon", [1], {"s": 1}, float("nan"), float("inf"), -1, 10**400):
            self.damage_entry(elapsed=value)
            self.damage_entry(round_trip=value)
        self.damage_entry(elapsed=None)

    def test_deep(self) -> None:
        """A nest that a recursive reader falls into."""
        self.damage(b"[" * 60_000)

    def test_long_number(self) -> None:
        """A number of more digits than Python reads."""
        self.damage(b"[" + b"9" * 5000 + b"]")

    def test_large(self) -> None:
        """More than 64 KiB are not read, however good."""
        self.damage(json.dumps([ENTRY] * 1000).encode())
        self.damage(json.dumps([ENTRY]).encode() + b" " * 100_000)

    @settings(max_examples=100, deadline=None, derandomize=True)
    @given(octets=st.binary(max_size=60), at=st.integers(0, 150), cut=st.integers(0, 40))
    def test_any_damage(self, octets: bytes, at: int, cut: int) -> None:
        """Whatever is written into a good file: opening and recording do not raise."""
        whole = json.dumps([ENTRY, ENTRY]).encode()
        self.path.write_bytes(whole[:at] + octets + whole[at + cut :])
        history = FileHistory(self.path)
        history.record([WON])
        self.assertEqual(history.recall()[-1], WON)
        self.assertEqual(FileHistory(self.path).recall(), history.recall())


class PathTests(SynchronousTestCase):
    """Where the file is."""

    def test_one_file_per_camera(self) -> None:
        """The same camera has the same file, another one another."""
        folder = Path("state")
        self.assertEqual(history_path(folder, "a"), history_path(folder, "a"))
        self.assertNotEqual(history_path(folder, "a"), history_path(folder, "b"))

    def test_harmless(self) -> None:
        """Whatever a camera is called, the file stays in its folder."""
        path = history_path(Path("state"), "../../etc/passwd\0é")
        self.assertEqual(path.parent, Path("state/history"))
        self.assertRegex(path.name, r"\A[0-9a-f]{16}\.json\Z")
