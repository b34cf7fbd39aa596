"""Tests for :mod:`trailcam.blockingcamera`, and for what managers let go of."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

from tests.facade import CAMERA, ManagerTestCase
from trailcam import CameraClient
from trailcam.errors import CommandRejected, FolderUnusable, SessionClosed, SessionError
from trailcam.model import MediaKind
from trailcam.simulator import SimulatedCamera
from trailcam.simulator.card import Card, Contents
from trailcam.wire.messages import PunchPkt


def small_card() -> Card:
    """Three photos."""
    return Card.generated(Contents(photos=3, videos=0, photo_size=50_000))


class ClientTestCase(ManagerTestCase):
    """Clients that are closed in the end."""

    def client(self, camera_ip: str | None = CAMERA, port: int = 0, **options: Any) -> CameraClient:
        """A client on the runtime."""
        client = CameraClient(camera_ip, port, logger=self.logger, runtime=self.runtime, **options)
        self.managers.insert(0, client)  # type: ignore[arg-type]  # both are closed
        return client

    def full_camera(self, **behaviour: Any) -> SimulatedCamera:
        """A camera with a small card."""
        camera = self.camera(**behaviour)
        camera._make_card = small_card
        return camera


class TakeoverTests(ClientTestCase):
    """From the manager to the client."""

    def test_guide(self) -> None:
        """As the guide has it: connect, and go on with the same session, from the same port."""
        camera = self.full_camera()
        manager = self.manager()
        success, info = manager.connect_parallel()
        self.assertTrue(success)
        client = self.client(port=info["port"])
        self.assertTrue(client.login(12345, 7))
        self.assertEqual(camera.counters.sessions_opened, 2 if camera.open_sessions > 1 else 1)
        self.assertFalse(manager.connected)
        self.assertTrue(client.connected)
        manager.close()
        self.assertTrue(client.connected)
        self.assertEqual(client.info()["modelName"], "KJK230")
        punches = camera.counters.received[PunchPkt.type]
        client.close()
        self.network.advance(0.1)
        self.assertEqual(camera.open_sessions, 0)
        self.assertEqual(camera.counters.received[PunchPkt.type], punches)

    def test_another_camera(self) -> None:
        """The port of another camera's session is not taken."""
        self.full_camera()
        manager = self.manager()
        _, info = manager.connect_parallel()
        client = self.client("192.168.43.77", info["port"], max_connection_time=0.3)
        self.assertFalse(client.login())
        self.assertTrue(manager.connected)

    def test_connects(self) -> None:
        """Without a manager the client connects by itself."""
        self.full_camera()
        client = self.client()
        self.assertTrue(client.login())
        self.assertEqual(len(client.media()), 3)

    def test_port_that_nobody_holds(self) -> None:
        """The client connects from a new port."""
        self.full_camera()
        self.assertTrue(self.client(port=40_000).login())

    def test_lost_after_the_takeover(self) -> None:
        """The manager has nothing to tell of a session that is not its own any more."""
        self.full_camera(silent_after=0.5)
        manager = self.manager()
        _, info = manager.connect_parallel()
        client = self.client(port=info["port"])
        self.assertTrue(client.login())
        self.network.advance(9)
        self.assertFalse(client.connected)
        self.assertRaises(SessionError, client.info)
        lost = [line for line in self.lines.texts(logging.WARNING) if "Connection lost" in line]
        self.assertEqual(lost, [])


class LoginTests(ClientTestCase):
    """Being let in."""

    def test_wrong_password(self) -> None:
        """A refused login is False, and the log says why; another one may follow."""
        self.full_camera()
        client = self.client()
        self.assertFalse(client.login(password="wrong"))
        [line] = self.lines.texts(logging.WARNING)
        self.assertIn("[LOGIN]", line)
        self.assertIn("password", line)
        self.assertNotIn("wrong'", line)
        self.assertTrue(client.login())

    def test_nobody_there(self) -> None:
        """Without a camera it is False as well."""
        self.assertFalse(self.client(max_connection_time=0.5).login())
        self.assertIn("No connection", self.lines.texts(logging.WARNING)[-1])

    def test_before_the_login(self) -> None:
        """There is nothing to ask yet, and nothing to close."""
        client = self.client()
        self.assertRaises(SessionClosed, client.info)
        self.assertFalse(client.connected)
        client.close()
        self.assertEqual(self.runtime.asked, 0)

    def test_arguments(self) -> None:
        """A port that cannot be is refused by name."""
        for port in (-1, 65536, "1", True):
            with self.assertRaisesRegex(ValueError, "source_port"):
                CameraClient(CAMERA, port)  # type: ignore[arg-type]

    def test_token(self) -> None:
        """Text may be a number; other text is warned of, and not used."""
        self.full_camera()
        for token, warnings in (("12345", 0), ("A1-B2", 1)):
            client = self.client()
            self.assertTrue(client.login(token))
            lines = self.lines.texts(logging.WARNING)
            self.assertEqual(len([line for line in lines if "The token is not" in line]), warnings)
            self.assertNotIn("A1-B2", "".join(lines))

    def test_name_and_password(self) -> None:
        """Who puts them where they do not belong is told where they do."""
        client = self.client()
        with self.assertRaises(ValueError) as refused:
            client.login("admin", "secret")  # type: ignore[arg-type]
        self.assertEqual(
            str(refused.exception), "seq_num: not a number; give username= and password="
        )
        with self.assertRaisesRegex(TypeError, r"password: belongs to login\(password=\.\.\.\)"):
            self.client(password="secret")
        self.assertEqual(self.runtime.asked, 0)

    def test_context(self) -> None:
        """As a context manager it logs out and closes."""
        camera = self.full_camera()
        with self.client() as client:
            self.assertTrue(client.login())
        self.network.advance(0.1)
        self.assertEqual(camera.open_sessions, 0)

    def test_heartbeat(self) -> None:
        """The login is kept while nobody calls."""
        self.full_camera()
        client = self.client()
        client.login()
        self.network.advance(60)
        self.assertTrue(client.connected)
        self.assertEqual(len(client.media()), 3)


class MediaTests(ClientTestCase):
    """Pictures."""

    def setUp(self) -> None:
        """Log in."""
        super().setUp()
        self.simulated = self.full_camera()
        self.camera_client = self.client()
        self.camera_client.login()
        self.items = self.camera_client.media()

    def path(self) -> Path:
        """Where to."""
        folder = Path(self.mktemp())
        folder.mkdir()
        return folder / "photo.jpg"

    def test_download(self) -> None:
        """A file is there when all of it is, octet by octet."""
        path, heard = self.path(), []
        count = self.camera_client.download(
            self.items[0], path, lambda octets, total: heard.append((octets, total))
        )
        item = self.items[0]
        file = self.simulated.card.find(MediaKind.PHOTO, item.directory, item.number)
        assert file is not None
        assert file.photo is not None
        self.assertEqual(
            hashlib.sha256(path.read_bytes()).digest(), hashlib.sha256(file.photo()).digest()
        )
        self.assertEqual((count, list(path.parent.iterdir())), (path.stat().st_size, [path]))
        self.assertEqual(heard[-1], (count, count))

    def test_never_overwrites(self) -> None:
        """A file that exists stays as it is."""
        path = self.path()
        path.write_bytes(b"mine")
        with self.assertRaises(FileExistsError):
            self.camera_client.download(self.items[0], path)
        self.assertEqual(path.read_bytes(), b"mine")

    def test_unwritable(self) -> None:
        """What cannot be written is told, and the client goes on."""
        path = self.path().parent / "missing" / "photo.jpg"
        with self.assertRaises(FolderUnusable):
            self.camera_client.download(self.items[0], path)
        self.assertEqual(len(self.camera_client.media()), 3)

    def test_thumbnails(self) -> None:
        """All at once."""
        pictures = self.camera_client.thumbnails(self.items)
        self.assertEqual({data[:2] for data in pictures.values()}, {b"\xff\xd8"})

    def test_command(self) -> None:
        """Any command; a refusal is raised."""
        self.assertEqual(self.camera_client.command(512)["result"], 0)
        with self.assertRaises(CommandRejected):
            self.camera_client.command(4711)
