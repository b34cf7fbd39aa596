"""Which end is the camera."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trailcam.decode.packets import Endpoint
from trailcam.decode.roles import CAMERA, CLIENT, SERVER, Roles, is_named
from trailcam.wire.constants import MessageType

ONE, TWO = Endpoint("10.0.0.1", 5000), Endpoint("10.0.0.2", 6000)


class RolesTests(SynchronousTestCase):
    """Hints, alone and against each other."""

    def setUp(self) -> None:
        self.roles = Roles()

    def assert_client(self, client: Endpoint, other: Endpoint, other_name: str = CAMERA) -> None:
        """Fail unless ``client`` is the client, whoever of the two spoke first."""
        expected = {client: CLIENT, other: other_name}
        self.assertEqual(self.roles.names(client, other), expected)
        self.assertEqual(self.roles.names(other, client), expected)

    def test_named_by_the_recording(self) -> None:
        """Where the recording says it, nothing else counts."""
        camera, client = Endpoint("camera"), Endpoint("client")
        self.roles.message(camera, MessageType.LAN_SEARCH)
        self.assert_client(client, camera)
        self.assertEqual((is_named(camera), is_named(ONE)), (True, False))

    def test_nothing_known(self) -> None:
        """Who speaks first is the client."""
        self.assertEqual(self.roles.names(ONE, TWO), {ONE: CLIENT, TWO: CAMERA})
        self.assertEqual(self.roles.names(TWO, ONE), {TWO: CLIENT, ONE: CAMERA})

    def test_ports(self) -> None:
        """The ports of cameras tell."""
        for port in (40611, 32108):
            self.assert_client(ONE, Endpoint("10.0.0.9", port))

    def test_messages_of_clients(self) -> None:
        """Searches, requests and reports come from clients."""
        for kind in (MessageType.LAN_SEARCH, MessageType.P2P_REQ, MessageType.REPORT_SESSION_READY):
            self.roles = Roles()
            self.roles.message(TWO, kind)
            self.assert_client(TWO, ONE)

    def test_messages_of_cameras(self) -> None:
        """Offers, logins and P2P_RDY come from cameras."""
        for kind in (MessageType.LAN_TCP_OFFER, MessageType.DEV_LGN, MessageType.P2P_RDY):
            self.roles = Roles()
            self.roles.message(TWO, kind)
            self.assert_client(ONE, TWO)

    def test_known_from_elsewhere(self) -> None:
        """An end is what it was in its other conversations."""
        self.roles.message(ONE, MessageType.LAN_SEARCH)
        self.assert_client(ONE, Endpoint("10.0.0.7", 3333))

    def test_echo(self) -> None:
        """A client that echoes P2P_RDY to the port of a camera stays the client."""
        camera = Endpoint("10.0.0.9", 40611)
        self.roles.message(ONE, MessageType.P2P_RDY)
        self.assert_client(ONE, camera)

    def test_what_was_written(self) -> None:
        """What an end writes to a channel counts more than anything else."""
        on_camera_port = Endpoint("10.0.0.9", 40611)
        self.roles.wrote(on_camera_port, is_camera=False)
        self.assert_client(on_camera_port, ONE)
        self.roles.message(TWO, MessageType.LAN_SEARCH)
        self.roles.wrote(TWO, is_camera=True)
        self.assert_client(ONE, TWO)

    def test_server(self) -> None:
        """Who gives a server's answers is one, and its partner what else tells."""
        server = Endpoint("10.0.0.5", 32100)
        self.roles.message(server, MessageType.HELLO_ACK)
        self.assert_client(ONE, server, SERVER)
        self.roles.message(TWO, MessageType.DEV_LGN)
        self.assertEqual(self.roles.names(TWO, server), {TWO: CAMERA, server: SERVER})
        self.assertEqual(self.roles.names(server, TWO), {TWO: CAMERA, server: SERVER})

    def test_camera_that_sounds_like_a_server(self) -> None:
        """An end that does what only a camera does is no server."""
        self.roles.message(TWO, MessageType.PUNCH_TO)
        self.roles.wrote(TWO, is_camera=True)
        self.assert_client(ONE, TWO)
