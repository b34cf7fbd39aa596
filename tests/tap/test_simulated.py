"""
A simulated camera as a service.
"""

from __future__ import annotations

from twisted.internet.protocol import DatagramProtocol
from twisted.logger import LogEvent, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trailcam.connect.connector import Connector
from trailcam.connect.target import Target
from trailcam.interfaces import ILink
from trailcam.simulator import Behaviour, ReplayedCamera, SimulatedCamera
from trailcam.tap.simulated import SimulatorService
from trailcam.testing.network import MemoryNetwork
from trailcam.wire.codec import encode
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import LanSearch, P2PRdy, PunchPkt

CAMERA = "192.168.43.1"
PLACE = {"interface": CAMERA, "search_port": 32108, "session_port": 40611}


class SimulatorServiceTests(SynchronousTestCase):
    """Its start, its end, and its log."""

    def setUp(self) -> None:
        """A camera's machine and a client's."""
        self.network = MemoryNetwork()
        self.host = self.network.host(CAMERA)
        self.client = self.network.host("192.168.43.20")

    def stop(self, service: SimulatorService) -> list[LogEvent]:
        """Stop it; what it logs."""
        with capturedLogs() as events:
            stopping = service.stopService()
            self.network.advance(1.0)
            self.successResultOf(stopping)
        self.network.assert_quiet()
        return [event for event in events if event["log_namespace"].endswith("SimulatorService")]

    def connect(self) -> ILink:
        """A client's link to it."""
        connecting = Connector(self.client, Target(CAMERA)).connect()
        self.network.advance(1.0)
        link, _ = self.successResultOf(connecting)
        return link

    def test_counts(self) -> None:
        """In the end it tells what it counted."""
        service = SimulatorService(SimulatedCamera(self.host, Behaviour.prompt()), PLACE)
        service.startService()
        self.connect().abandon()
        self.network.advance(1.0)
        [event] = self.stop(service)
        self.assertIn("sessions_opened", formatEvent(event))
        self.assertIn("PUNCH_PKT", formatEvent(event))
        self.assertNotIn("malformed", formatEvent(event))
        self.assertEqual(event["counts"]["malformed"], 0)

    def test_nothing_to_tell(self) -> None:
        """A camera that nobody met says so."""
        service = SimulatorService(SimulatedCamera(self.host), PLACE)
        service.startService()
        self.assertEqual([formatEvent(e) for e in self.stop(service)], ["counted: nothing"])

    def test_port_taken(self) -> None:
        """When a port is taken the process ends, with one line that says why."""
        taken = self.host.listenUDP(40611, DatagramProtocol())
        service = SimulatorService(SimulatedCamera(self.host), PLACE)
        problem = self.assertRaises(SystemExit, service.startService)
        self.assertTrue(str(problem.code).startswith("trailcam-simulator: Couldn't listen on"))
        self.assertIn("40611", str(problem.code))
        taken.stopListening()
        self.network.advance(1.0)
        self.network.assert_quiet()

    def test_recording(self) -> None:
        """A recording is announced, played, and counted."""
        packets = [
            {"t": None, "dir": "client", "peer_port": None, "hex": encode(LanSearch()).hex()},
            {"t": None, "dir": "camera", "hex": encode(PunchPkt(TRAILCAM_DID)).hex()},
            {"t": None, "dir": "camera", "hex": encode(P2PRdy(TRAILCAM_DID)).hex()},
        ]
        service = SimulatorService(ReplayedCamera(self.host, packets), PLACE)
        with capturedLogs() as events:
            service.startService()
            link = self.connect()
        told = [formatEvent(event) for event in events]
        self.assertIn("camera with a recording: search port 32108, session port 40611", told)
        self.assertIn("the recording was played", told)
        link.abandon()
        [event] = self.stop(service)
        self.assertEqual(event["counts"]["sent"], 2)

    def test_recording_cut_short(self) -> None:
        """A recording that was not played to its end is told apart."""
        packet = {"t": None, "dir": "camera", "hex": encode(P2PRdy(TRAILCAM_DID)).hex()}
        service = SimulatorService(ReplayedCamera(self.host, [packet]), PLACE)
        service.startService()
        told = [formatEvent(event) for event in self.stop(service)]
        self.assertEqual(told, ["the recording was cut short", "counted: nothing"])
