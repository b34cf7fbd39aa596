"""Files, and why some cannot be read at all."""

from __future__ import annotations

import errno
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.decode.builders import decoded, from_client, pcap
from trailcam.decode import decode_file
from trailcam.errors import CaptureError
from trailcam.wire.messages import Alive


class FileTests(SynchronousTestCase):
    """Files that cannot be read at all."""

    def refused(self, path: Path) -> str:
        """The reason for refusing a file: one line that names it."""
        reason = str(self.assertRaises(CaptureError, decode_file, path))
        self.assertTrue(reason.startswith(f"cannot read {path}: "), reason)
        self.assertNotIn("\n", reason)
        return reason

    def refused_content(self, name: str, content: bytes) -> str:
        """The reason for refusing a file with this content."""
        path = Path(self.mktemp())
        path.mkdir()
        (path / name).write_bytes(content)
        return self.refused(path / name)

    def test_missing(self) -> None:
        """A file that is not there."""
        self.assertIn("No such file", self.refused(Path(self.mktemp())))

    def test_folder(self) -> None:
        """A folder, whatever it is called."""
        path = Path(self.mktemp() + ".jsonl")
        path.mkdir()
        self.assertIn("directory", self.refused(path))

    def test_permission(self) -> None:
        """A file that may not be read."""

        def refuse(*args: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        self.patch(Path, "open", refuse)
        self.assertIn("Permission denied", self.refused(Path("any.jsonl")))

    def test_error_without_words(self) -> None:
        """An error of the system is told even when the system has no words for it."""

        def refuse(*args: object) -> None:
            raise OSError("odd")

        self.patch(Path, "open", refuse)
        self.assertIn("odd", self.refused(Path("any.jsonl")))

    def test_name_is_safe(self) -> None:
        """A name of a file cannot give orders to a terminal."""
        path = Path("a\x1b[31m\x9b\nb.jsonl")
        reason = str(self.assertRaises(CaptureError, decode_file, path))
        expected = "cannot read a\\u001b[31m\\u009b\\u000ab.jsonl: No such file or directory"
        self.assertEqual(reason, expected)

    def test_name_of_a_broken_file_is_safe(self) -> None:
        """Nor can it when its content is refused."""
        path = Path(self.mktemp() + "\x1b[2J")
        path.write_bytes(b"\x89PNG")
        reason = str(self.assertRaises(CaptureError, decode_file, path))
        self.assertIn("\\u001b[2J: it is neither", reason)
        self.assertTrue(reason.isprintable(), reason)

    def test_empty(self) -> None:
        """An empty file is no recording, whatever it is called."""
        for name in ("a.jsonl", "a.pcap"):
            self.assertIn("empty", self.refused_content(name, b""))

    def test_unknown(self) -> None:
        """Other files are refused, even when they are called pcap."""
        for name in ("a.pcap", "a.txt", "a"):
            self.assertIn("neither a pcap file", self.refused_content(name, b"\x89PNG\r\n"))

    def test_pcapng(self) -> None:
        """The newer format is named, and how to convert it."""
        reason = self.refused_content("a.pcap", b"\x0a\x0d\x0d\x0a" + bytes(24))
        self.assertIn("editcap -F pcap", reason)

    def test_pcap_header(self) -> None:
        """A pcap file without a whole header, or of an unknown link type."""
        self.assertIn("inside the header", self.refused_content("a.pcap", pcap([])[:20]))
        self.assertIn("link type 5", self.refused_content("a.pcap", pcap([], link_type=5)))

    def test_content_counts(self) -> None:
        """A recording is known by its content, not by its name."""
        self.assertEqual(decoded(self.mktemp(), pcap([]), "a.jsonl").source, "pcap")
        self.assertEqual(decoded(self.mktemp(), b"\n " + from_client(Alive()), "a.txt").packets, 1)

    def test_bad_lines_only(self) -> None:
        """A file called jsonl is read as that, though not one line is good."""
        found = decoded(self.mktemp(), b"\xff\xfe\x00garbage\nmore\n")
        self.assertEqual((found.packets, len(found.bad)), (2, 2))
