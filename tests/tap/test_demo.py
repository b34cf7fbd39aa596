"""
The camera of the demonstration.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trailcam.connect.request import Request
from trailcam.connect.target import Target
from trailcam.model import AttemptState, ConnectionMode
from trailcam.tap.demo import Demo
from trailcam.testing.network import MemoryNetwork

P2P, LAN, _ = ConnectionMode


class DemoTests(SynchronousTestCase):
    """A race against the demonstration's camera, on one machine in memory."""

    def setUp(self) -> None:
        """Start it."""
        self.network = MemoryNetwork(latency=0.0)
        self.host = self.network.host("192.168.43.20")
        self.demo = Demo(self.host)
        self.demo.startService()

    def stop(self) -> None:
        """Stop it, and see that nothing is left."""
        stopping = self.demo.stopService()
        self.network.advance(1.0)
        self.successResultOf(stopping)
        self.network.assert_quiet()

    def test_free_ports_of_loopback(self) -> None:
        """It can be reached by this machine only, where its introduction says."""
        (search, session) = (port.getHost() for port in self.host.ports())
        self.assertEqual({search.host, session.host}, {"127.0.0.1"})
        self.assertIn(f"session port {session.port}", self.demo.introduction())
        self.assertIn(f"search port {search.port}", self.demo.introduction())
        self.stop()

    def test_aim(self) -> None:
        """A request keeps everything but its target."""
        request = Request(Target("10.0.0.1"), 2.0, frozenset({LAN}), {LAN: 0.5}, adaptive=True)
        aimed = self.demo.aim(request)
        ports = (self.demo.camera.session_port, self.demo.camera.search_port)
        self.assertEqual(aimed.target, Target("127.0.0.1", ports))
        self.assertEqual(
            (aimed.max_time, aimed.modes, aimed.weights, aimed.adaptive),
            (request.max_time, request.modes, request.weights, request.adaptive),
        )
        self.stop()

    def test_both_modes_are_seen_racing(self) -> None:
        """P2P wins after one round trip; LAN has begun, and is cancelled."""
        request = self.demo.aim(Request(Target("10.0.0.1")))
        racing = request.connector(self.host).connect(request.modes)
        self.network.advance(0.5)
        link, report = self.successResultOf(racing)
        self.assertIs(report.winner, P2P)
        self.assertAlmostEqual(report.elapsed, 0.03)
        self.assertIs(report.attempt(LAN).state, AttemptState.CANCELLED)
        link.abandon()
        self.stop()

    def test_farewell(self) -> None:
        """The CLOSE that is on its way at the end is counted still."""
        request = self.demo.aim(Request(Target("10.0.0.1"), modes=frozenset({LAN})))
        racing = request.connector(self.host).connect(request.modes)
        self.network.advance(0.5)
        link, _report = self.successResultOf(racing)
        link.abandon()
        self.stop()
        self.assertIn("sessions opened 1, of these closed by us 1", self.demo.farewell())
