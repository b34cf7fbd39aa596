"""
``twist trailcam-agent``: its options.
"""

from __future__ import annotations

from pathlib import Path

from twisted.internet import reactor
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from tests.connect.logs import LogCapture
from trailcam.agent.identity import Identity
from trailcam.agent.service import Post
from trailcam.connect.relay_address import RelayAddress
from trailcam.connect.target import Target
from trailcam.tap.agent import Options, makeService
from trailcam.wire.did import DeviceID

DID = DeviceID("MYCAM", 1, "ABCDE")
SECRET = "correct-horse-battery"
CAMERA = ("--camera=192.168.43.1", f"--uid={DID}")
SERVER = "--rendezvous=meet.example:32100"
PLAIN = (*CAMERA, SERVER, "--no-secret")


def parsed(*words: str) -> Options:
    """The options that these words spell."""
    options = Options()
    options.parseOptions(list(words))
    return options


class OptionsTestCase(SynchronousTestCase):
    """Has files with secrets."""

    def secret(self, text: str = f"{SECRET}\nand more\n", mode: int = 0o600) -> str:
        """The path of a new file."""
        path = Path(self.mktemp())
        path.write_text(text)
        path.chmod(mode)
        return str(path)


class PostTests(OptionsTestCase):
    """What is right."""

    def test_least(self) -> None:
        """A camera, an id, a server, and the secret in the first line of its file."""
        post = parsed(*CAMERA, SERVER, "--secret-file", self.secret()).post
        expected = Post(
            camera=Target("192.168.43.1"),
            identity=Identity(DID, SECRET.encode().ljust(24, b"\0")),
            rendezvous=(("meet.example", 32100),),
        )
        self.assertEqual(post, expected)

    def test_all(self) -> None:
        """Every option counts; repetitions of a server do not."""
        post = parsed(
            "-c",
            "camera.lan",
            "-u",
            "mycam-000001-abcde",
            "--camera-uid=ABCD-000042-WXYZ",
            "--no-secret",
            "--login-key=other",
            "--max-clients=7",
            SERVER,
            "--rendezvous=198.51.100.1:1",
            SERVER,
            "--relay=relay.example:65527",
            "--relay=tls:relay.example:443",
            "--relay=relay.example:65527",
        ).post
        expected = Post(
            camera=Target("camera.lan", did=DeviceID("ABCD", 42, "WXYZ")),
            identity=Identity(DID, None, "other"),
            rendezvous=(("meet.example", 32100), ("198.51.100.1", 1)),
            relays=(
                RelayAddress("relay.example", 65527),
                RelayAddress("relay.example", 443, ""),
            ),
            max_clients=7,
        )
        self.assertEqual(post, expected)

    def test_relay_alone(self) -> None:
        """A relay is server enough."""
        post = parsed(*CAMERA, "--no-secret", "--relay=198.51.100.2:65527").post
        assert post is not None
        self.assertEqual(post.rendezvous, ())


class MistakeTests(OptionsTestCase):
    """What is wrong is said in one line that names the option."""

    def refused(self, *words: str) -> str:
        """The complaint about these words."""
        complaint = str(self.assertRaises(UsageError, parsed, *words))
        self.assertNotIn("\n", complaint)
        return complaint

    def test_missing(self) -> None:
        """What is needed is asked for."""
        for words, complaint in (
            ((), "--camera: the address of the camera is needed"),
            (CAMERA, "--rendezvous: at least one server is needed, here or as --relay"),
            ((CAMERA[0], SERVER), "--uid: an id of your own is needed, such as MYCAM-000001-ABCDE"),
            (
                (*CAMERA, SERVER),
                "--secret-file: the secret of --uid is needed; "
                "for servers that are open to everybody say --no-secret",
            ),
        ):
            self.assertEqual(self.refused(*words), complaint)

    def test_values(self) -> None:
        """Each value is checked."""
        for word in (
            "--camera=1.2.3",
            "--uid=nonsense",
            "--camera-uid=nonsense",
            "--rendezvous=nowhere",
            "--relay=nowhere",
            "--max-clients=0",
            "--max-clients=33",
            "--max-clients=many",
            "--max-clients=1.5",
            "--login-key=",
            "--login-key=\u00e4",
        ):
            name = word.partition("=")[0]
            self.assertTrue(self.refused(*PLAIN, word).startswith(f"{name}: "), word)

    def test_everybodys_id(self) -> None:
        """The id that all cameras share tells none apart."""
        self.assertEqual(
            self.refused(*PLAIN, "--uid=LBCS-000000-CCCJJ"),
            "--uid: every TrailCam has the id LBCS-000000-CCCJJ; choose one of your own",
        )

    def test_secret(self) -> None:
        """A secret that is none is refused, and not shown."""
        for text in ("", "\n", "short\n", "with a space in it\n", "\u00e4" * 12):
            complaint = self.refused(*CAMERA, SERVER, "--secret-file", self.secret(text))
            self.assertTrue(complaint.startswith("--secret-file: the first line of "), complaint)
            self.assertNotIn("short", complaint)

    def test_secret_cannot_be_read(self) -> None:
        """A file that is not there is named, and so is a name that cannot be one."""
        path = self.mktemp()
        complaint = self.refused(*CAMERA, SERVER, "--secret-file", path)
        self.assertEqual(
            complaint, f"--secret-file: {path!r} cannot be read: No such file or directory"
        )
        self.assertIn("cannot be read", self.refused(*CAMERA, SERVER, "--secret-file", "a\0b"))

    def test_contradiction(self) -> None:
        """With and without a secret is a contradiction."""
        complaint = self.refused(*PLAIN, "--secret-file", self.secret())
        self.assertEqual(complaint, "--no-secret: leave it or --secret-file out")

    def test_mistyped_option(self) -> None:
        """An unknown option is answered with the one that was meant."""
        self.assertTrue(self.refused("--rendevous=x").endswith("did you mean --rendezvous?"))

    def test_argument(self) -> None:
        """There are no arguments."""
        self.assertEqual(
            self.refused("192.168.43.1"),
            "unexpected argument '192.168.43.1'; the camera is named by --camera ADDRESS",
        )


class MakeServiceTests(OptionsTestCase):
    """What ``twist`` gets."""

    def made(self, mode: int) -> list[str]:
        """What the log warns of, when the file of the secret has this mode."""
        log = LogCapture(self)
        before = set(reactor.getReaders())
        makeService(parsed(*CAMERA, SERVER, "--secret-file", self.secret(mode=mode)))
        self.assertEqual(set(reactor.getReaders()), before)
        return log.lines()

    def test_make_service(self) -> None:
        """A service, and nothing is opened before its start."""
        self.assertEqual(self.made(0o600), [])
        makeService(parsed(*PLAIN))

    def test_readable_secret(self) -> None:
        """A secret that others may read is warned of."""
        for mode in (0o644, 0o640, 0o604):
            [line] = self.made(mode)
            self.assertIn(f"may read {line.split()[6]} (mode {mode:o})", line)
