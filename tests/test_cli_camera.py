"""Tests for :mod:`trailcam.cli_camera`, in processes of their own."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.commands import CommandTestCase
from trailcam.tap.demo import demo_card


def photos() -> dict[str, bytes]:
    """What the demonstration's camera has, as files."""
    files = demo_card().files()
    return {f.item.name: f.photo() for f in files if f.photo is not None}


class PictureTests(CommandTestCase):
    """From the simulated camera to the disk."""

    def test_list(self) -> None:
        """What is on the card, for people and for programs."""
        finished = self.trailcam("ls", "--demo")
        self.assertEqual((finished.status, finished.errors), (0, ""), finished)
        self.assertEqual(len(finished.output.splitlines()), 12)
        listed = json.loads(self.trailcam("ls", "--demo", "--json").output)
        self.assertEqual(sum(entry["kind"] == "photo" for entry in listed), 10)

    def test_sync(self) -> None:
        """Everything arrives, octet by octet; the second run has nothing to do."""
        folder = Path(self.mktemp()).resolve()
        first = self.trailcam("sync", str(folder), "--demo")
        self.assertEqual(first.status, 0, first)
        self.assertIn("12 new", first.output)
        for name, content in photos().items():
            self.assertEqual((folder / "100" / name).read_bytes(), content, name)
        second = self.trailcam("sync", str(folder), "--demo", "--json")
        self.assertEqual(json.loads(second.output)["new"], 0)
        self.assertEqual(json.loads(second.output)["present"], 12)

    def test_interrupted(self) -> None:
        """Ctrl-C leaves nothing half-written under its name, and the next run goes on."""
        folder = Path(self.mktemp()).resolve()
        command = self.start("-m", "trailcam", "sync", str(folder), "--demo")
        command.wait_for("[2/12]")
        command.signal(signal.SIGINT)
        finished = command.finish()
        self.assertEqual((finished.status, finished.errors), (130, "trailcam: interrupted\n"))
        content = photos()
        for path in (folder / "100").iterdir():
            self.assertEqual(path.read_bytes(), content[path.name])
        self.assertEqual(list((folder / ".trailcam-partial").iterdir()), [])
        again = self.trailcam("sync", str(folder), "--demo", "--json")
        summary = json.loads(again.output)
        self.assertEqual((again.status, summary["new"] + summary["present"]), (0, 12), again)
        self.assertGreaterEqual(summary["present"], 2)

    def test_wrong_password(self) -> None:
        """A refused login is one line, and status 1."""
        finished = self.trailcam("ls", "--demo", TRAILCAM_PASSWORD="wrong")
        self.assertEqual((finished.status, finished.output), (1, ""), finished)
        self.assertEqual(len(finished.errors.splitlines()), 1)
        self.assertIn("password", finished.errors)

    def test_nobody_there(self) -> None:
        """No camera is one line, and status 1."""
        finished = self.trailcam("info", "--camera=127.0.0.1", "--port=9", "--no-lan")
        self.assertEqual((finished.status, finished.output), (1, ""), finished)
        self.assertEqual(finished.errors.count("\n"), 1)

    def test_deleting_wants_a_word(self) -> None:
        """Nothing is deleted by accident."""
        finished = self.trailcam("rm", "DSCF0001.MP4", "--demo")
        self.assertEqual((finished.status, finished.output), (2, ""))
        self.assertIn("--yes", finished.errors)
