"""Who may use a server."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trailcam.errors import SecretsError, WireError
from trailcam.server.admission import Admission, entry
from trailcam.wire.constants import Result
from trailcam.wire.did import DeviceID
from trailcam.wire.dsk import dsk_from_text

POND = DeviceID("MYCAM", 1, "ABCDE")
GATE = DeviceID("MYCAM", 2, "FGHIJ")
STRANGER = DeviceID("MYCAM", 3, "KLMNO")
SECRET, OTHER = "secret-of-the-pond", "secret-of-the-gate"
SALT = bytes(range(16))
POND_LINE = entry(POND, SECRET, SALT)
GATE_LINE = entry(GATE, OTHER, bytes(16))


class FileTestCase(SynchronousTestCase):
    """Has files."""

    def written(self, text: str | bytes) -> Path:
        """A new file."""
        path = Path(self.mktemp())
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def load(self, *lines: str, clients_show_secret: bool = True) -> Admission:
        """What a file of these lines lets in."""
        return Admission.load(self.written("\n".join(lines)), clients_show_secret)


class DecisionTests(FileTestCase):
    """Who may do what."""

    def setUp(self) -> None:
        """Two devices are known."""
        self.admission = self.load("# ours", POND_LINE, "", f"  {GATE_LINE}\t")

    def test_device(self) -> None:
        """A device needs its own secret."""
        self.assertIs(self.admission.device(POND, dsk_from_text(SECRET)), Result.OK)
        self.assertIs(self.admission.device(GATE, dsk_from_text(OTHER)), Result.OK)
        self.assertIs(self.admission.device(POND, dsk_from_text(OTHER)), Result.INVALID_DSK)
        self.assertIs(self.admission.device(POND, bytes(24)), Result.INVALID_DSK)
        self.assertIs(self.admission.device(POND, None), Result.INVALID_DSK)

    def test_unknown_device(self) -> None:
        """Nobody else is let in, whatever he shows."""
        for dsk in (None, dsk_from_text(SECRET)):
            self.assertIs(self.admission.device(STRANGER, dsk), Result.INVALID_ID)
            self.assertIs(self.admission.client(STRANGER, dsk), Result.INVALID_ID)

    def test_client(self) -> None:
        """By default a client needs the secret of the device it wants."""
        self.assertIs(self.admission.client(POND, dsk_from_text(SECRET)), Result.OK)
        self.assertIs(self.admission.client(POND, dsk_from_text(OTHER)), Result.INVALID_DSK)
        self.assertIs(self.admission.client(POND, None), Result.INVALID_DSK)

    def test_client_without_secret(self) -> None:
        """Clients may be let in without; devices never are."""
        admission = self.load(POND_LINE, clients_show_secret=False)
        for dsk in (None, dsk_from_text(SECRET), dsk_from_text(OTHER)):
            self.assertIs(admission.client(POND, dsk), Result.OK)
        self.assertIs(admission.client(STRANGER, None), Result.INVALID_ID)
        self.assertIs(admission.device(POND, None), Result.INVALID_DSK)

    def test_open(self) -> None:
        """An open server lets everybody in."""
        admission = Admission.open_to_all()
        for dsk in (None, dsk_from_text(SECRET)):
            self.assertIs(admission.device(STRANGER, dsk), Result.OK)
            self.assertIs(admission.client(STRANGER, dsk), Result.OK)

    def test_lists(self) -> None:
        """The devices in the file are known, even before they ever came."""
        self.assertTrue(self.admission.lists(POND))
        self.assertFalse(self.admission.lists(STRANGER))
        self.assertFalse(Admission.open_to_all().lists(POND))

    def test_padding_counts(self) -> None:
        """A secret is 24 octets: what is cut short or longer is another one."""
        dsk = dsk_from_text(SECRET)
        for wrong in (dsk[:-1], dsk + b"\0", dsk.rstrip(b"\0"), b""):
            self.assertIs(self.admission.device(POND, wrong), Result.INVALID_DSK)


class EntryTests(FileTestCase):
    """Lines of the file."""

    def test_typed(self) -> None:
        """A line is the id, and the salted SHA-256 of the padded secret."""
        digest = hashlib.sha256(SALT + SECRET.encode() + bytes(6)).hexdigest()
        self.assertEqual(POND_LINE, f"MYCAM-000001-ABCDE sha256:{SALT.hex()}:{digest}")

    def test_salt(self) -> None:
        """The same secret with another salt is another line, and serves as well."""
        line = entry(POND, SECRET, b"another salt")
        self.assertNotEqual(line, POND_LINE)
        self.assertIs(self.load(line).device(POND, dsk_from_text(SECRET)), Result.OK)

    def test_lower_case_id(self) -> None:
        """Ids are read as people type them."""
        line = POND_LINE.replace("MYCAM", "mycam")
        self.assertIs(self.load(line).device(POND, dsk_from_text(SECRET)), Result.OK)

    def test_no_secret(self) -> None:
        """Something that is no secret makes no line."""
        self.assertRaises(WireError, entry, POND, "short", SALT)

    def test_line_ends(self) -> None:
        """A file from another system is read as well."""
        admission = Admission.load(self.written(f"# ours\r\n{POND_LINE}\r\n"))
        self.assertTrue(admission.lists(POND))


class RefusalTests(FileTestCase):
    """Files that cannot be used."""

    def refused(self, path: Path) -> str:
        """The complaint about a file: one line that names it."""
        complaint = str(self.assertRaises(SecretsError, Admission.load, path))
        self.assertIn(str(path), complaint)
        self.assertNotIn("\n", complaint)
        return complaint

    def test_missing(self) -> None:
        """A file that is not there."""
        self.assertIn("No such file", self.refused(Path(self.mktemp())))

    def test_folder(self) -> None:
        """A folder."""
        path = Path(self.mktemp())
        path.mkdir()
        self.assertIn("directory", self.refused(path))

    def test_unreadable(self) -> None:
        """A file that this user may not read."""

        def refuse(*_: object, **__: object) -> str:
            raise PermissionError(errno.EACCES, "Permission denied")

        path = self.written(POND_LINE)
        self.patch(Path, "read_text", refuse)
        self.assertEqual(self.refused(path), f"cannot read {path}: Permission denied")

    def test_not_text(self) -> None:
        """Octets that are no text."""
        self.assertIn("not a text file", self.refused(self.written(b"\xff\xfe\0")))

    def test_empty(self) -> None:
        """A file without any device lets nobody in: that is no intention."""
        for text in ("", "# nobody yet\n\n"):
            self.assertIn("names no device", self.refused(self.written(text)))

    def test_malformed(self) -> None:
        """A line of another shape is named by its number; what is on it is not shown."""
        for line in (
            SECRET,
            f"{POND} {SECRET}",
            f"{POND} md5:{SALT.hex()}:{'0' * 64}",
            f"{POND} sha256:{SALT.hex()}:{'0' * 63}",
            f"{POND} sha256:{SALT.hex()}:{'g' * 64}",
            f"{POND} sha256:{'00' * 7}:{'0' * 64}",
            f"{POND} sha256:{'0' * 17}:{'0' * 64}",
            f"{POND_LINE} {SECRET}",
        ):
            complaint = self.refused(self.written(f"# ours\n\n{GATE_LINE}\n{line}\n"))
            self.assertIn(", line 4: wanted is", complaint)
            self.assertNotIn(SECRET, complaint)

    def test_id(self) -> None:
        """A malformed id is explained."""
        line = POND_LINE.replace("000001", "1")
        complaint = self.refused(self.written(line))
        self.assertIn(", line 1: 'MYCAM-1-ABCDE' is not a device id", complaint)

    def test_twice(self) -> None:
        """Two secrets for one device: nobody could tell which one counts."""
        path = self.written(f"{POND_LINE}\n{entry(POND, OTHER, SALT)}\n")
        self.assertIn(", line 2: MYCAM-000001-ABCDE is there a second time", self.refused(path))
