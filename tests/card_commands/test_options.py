"""The options of the commands."""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from trailcam.commands.options import (
    CameraOptions,
    GetOptions,
    InfoOptions,
    LiveOptions,
    LsOptions,
    RmOptions,
    SnapOptions,
    SyncOptions,
    ThumbsOptions,
)
from trailcam.model import Credentials
from trailcam.tap.login import PASSWORD_VARIABLE

CAMERA = "--camera=192.168.43.1"


class OptionsTests(SynchronousTestCase):
    """What the words spell."""

    def refused(self, options: CameraOptions, *words: str) -> str:
        """The complaint about these words."""
        complaint = str(self.assertRaises(UsageError, options.parseOptions, [CAMERA, *words]))
        self.assertEqual(complaint.count("\n"), 0)
        return complaint

    def test_everywhere(self) -> None:
        """All have the options of a connection, and those of a login; each has its own help."""
        texts = set()
        for kind, words in (
            (LsOptions, []),
            (InfoOptions, []),
            (SnapOptions, []),
            (ThumbsOptions, ["d"]),
            (SyncOptions, ["d"]),
            (LiveOptions, ["f"]),
            (GetOptions, ["n"]),
            (RmOptions, ["n", "--yes"]),
        ):
            options = kind()
            options.parseOptions([*words, CAMERA, "-j", "-t", "5", "--username", "eve"])
            self.assertEqual(options.target.host, "192.168.43.1")
            self.assertEqual(options.request().max_time, 5)
            self.assertEqual(options.credentials, Credentials("eve", "admin"))
            self.assertTrue(options["json"])
            text = options.getUsage()
            self.assertIn("--password-file=", text)
            texts.add(text)
        self.assertEqual(len(texts), 8)

    def test_sync(self) -> None:
        """Options may come before the folder and behind it."""
        options = SyncOptions()
        options.parseOptions(["-c", "10.0.0.1", "--utc", "pictures", "--watch", "--every", "5.5"])
        self.assertEqual((options.directory, options.watch), (Path("pictures"), 5.5))
        self.assertEqual((options["utc"], options["restore"]), (1, 0))
        options = SyncOptions()
        options.parseOptions([CAMERA, "--", "--every"])
        self.assertEqual((options.directory, options.watch), (Path("--every"), None))

    def test_no_folder(self) -> None:
        """One folder is wanted."""
        for words in ([], ["a", "b"], [""], ["a\0b"]):
            self.assertIn("one DIR is wanted", self.refused(SyncOptions(), *words))
        self.assertIn("'' is none", self.refused(SyncOptions(), ""))
        self.assertIn("one FILE is wanted", self.refused(LiveOptions()))

    def test_seconds(self) -> None:
        """Times are checked."""
        for words in ("0", "-1", "nan", "inf", "soon", "1e99"):
            self.assertIn(
                "--every: expected seconds", self.refused(SyncOptions(), "d", f"--every={words}")
            )
        self.assertEqual(
            self.refused(SyncOptions(), "d", "--every=5"),
            "--every: goes with --watch; give both, or leave it out",
        )
        options = SyncOptions()
        options.parseOptions([CAMERA, "d", "--watch"])
        self.assertEqual(options.watch, 60.0)
        self.assertIn("--seconds", self.refused(LiveOptions(), "f", "--seconds=x"))
        options = LiveOptions()
        options.parseOptions([CAMERA, "f", "--seconds=10"])
        self.assertEqual(options.limit, 10.0)

    def test_names(self) -> None:
        """At least one name is wanted, and a yes for what has no way back."""
        self.assertIn("which NAME?", self.refused(GetOptions()))
        self.assertIn("--yes", self.refused(RmOptions(), "a", "b"))
        options = GetOptions()
        options.parseOptions(["a", CAMERA, "b", "-o", "x"])
        self.assertEqual((options.names, options.directory), (("a", "b"), Path("x")))

    def test_unexpected(self) -> None:
        """What has no meaning is refused, and a mistyped option is guessed."""
        self.assertIn("unexpected argument 'x'", self.refused(LsOptions(), "x"))
        self.assertIn("did you mean --watch?", self.refused(SyncOptions(), "d", "--wach"))
        self.assertTrue(self.refused(SyncOptions(), "d", "--dmo").endswith("mean --demo?"))

    def test_password(self) -> None:
        """It comes from a file, the environment, or is the one that every camera has."""
        with mock.patch.dict(os.environ, {PASSWORD_VARIABLE: "from there"}):
            options = LsOptions()
            options.parseOptions([CAMERA])
            self.assertEqual(options.credentials.password, "from there")
            path = Path(self.mktemp())
            path.write_text("from file\nmore\n")
            options = LsOptions()
            options.parseOptions([CAMERA, f"--password-file={path}"])
            self.assertEqual(options.credentials.password, "from file")
        self.assertIn("--password-file: ", self.refused(LsOptions(), "--password-file=/nowhere"))
