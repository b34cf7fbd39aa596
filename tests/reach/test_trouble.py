"""What goes wrong on the way to a camera, and how it is told."""

from __future__ import annotations

from typing import Any

from twisted.logger import LogLevel

from tests.connect.logs import LogCapture
from tests.reach.world import P2P, PUBLIC, RELAY, World
from trailcam.model import AttemptReport, ConnectionMode
from trailcam.simulator import Behaviour
from trailcam.testing import NatKind
from trailcam.wire.did import DeviceID
from trailcam.wire.dsk import dsk_from_text

STRANGER = DeviceID("NOBODY", 1, "ABCDE")


class LossTests(World):
    """Servers and agents that come and go."""

    def setUp(self) -> None:
        """Everything is there, and only the relay can get through."""
        super().setUp()
        self.rendezvous()
        self.stop_relay = self.relay()
        self.field(NatKind.SYMMETRIC)
        self.home(NatKind.SYMMETRIC)

    def test_relay_dies(self) -> None:
        """The client hears of it at once, and finds the way again when the relay is back."""
        session, report = self.connected(self.connecting())
        self.assertEqual(report.winner, RELAY)
        self.network.advance(3.0)
        self.stop_relay()
        ended: list[Any] = []
        session.when_closed().addCallback(ended.append)
        self.network.run_until(lambda: ended, limit=8.0)
        self.assertIsNotNone(ended[0])
        codes = self.codes(self.refused(self.connecting(max_time=3.0)))
        self.assertEqual(codes[RELAY], "relay_unreachable")
        self.relay()
        self.network.advance(60.0)  # the agent waits longer after each failure
        _, report = self.connected(self.connecting())
        self.assertEqual(report.winner, RELAY)

    def test_relay_is_cut_off(self) -> None:
        """Nothing comes through any more, and nobody says so: lost within 8 s all the same."""
        session, _ = self.connected(self.connecting())
        self.network.advance(3.0)
        heal = self.network.cut(self.client, self.public)
        ended: list[Any] = []
        session.when_closed().addCallback(ended.append)
        took = self.network.run_until(lambda: ended, limit=9.0)
        self.assertLess(took, 8.0)
        self.assertIsNotNone(ended[0])
        heal()

    def test_camera_dies(self) -> None:
        """Behind the relay the camera falls silent."""
        session, _ = self.connected(self.connecting())
        self.network.advance(3.0)
        self.camera.stop()
        ended: list[Any] = []
        session.when_closed().addCallback(ended.append)
        self.network.run_until(lambda: ended, limit=8.0)
        self.assertIsNotNone(ended[0])

    def codes(self, attempts: dict[ConnectionMode, AttemptReport]) -> dict[Any, str | None]:
        """The code of each mode."""
        return {mode: attempt.code for mode, attempt in attempts.items()}


class AloneTests(World):
    """Each server without the other one."""

    def test_relay_alone(self) -> None:
        """As the seed's call has it: a relay and nothing else."""
        self.relay()
        self.field(NatKind.PORT_RESTRICTED, rendezvous=False)
        self.home(NatKind.SYMMETRIC)
        session, report = self.connected(self.connecting(RELAY, target=self.target(rendezvous=())))
        self.assertEqual(report.winner, RELAY)
        link: Any = session.link
        self.assertEqual(link.peer[0], PUBLIC)
        self.assertIn(link.peer[1], range(61000, 62000))

    def test_listed_relay(self) -> None:
        """A rendezvous server names the relay to the client, and sends the agent there."""
        self.rendezvous(relays=True)
        self.relay()
        self.field(NatKind.SYMMETRIC, relay=False)
        self.home(NatKind.SYMMETRIC)
        _, report = self.connected(self.connecting(target=self.target(relay=None)))
        self.assertEqual(report.winner, RELAY)

    def test_rendezvous_alone(self) -> None:
        """Punching needs no relay."""
        self.rendezvous()
        self.field(NatKind.PORT_RESTRICTED, relay=False)
        self.home(NatKind.PORT_RESTRICTED)
        _, report = self.connected(self.connecting(P2P, target=self.target(relay=None)))
        self.assertEqual(report.winner, P2P)


class RefusalTests(World):
    """Each cause has its own code and its own words, for each mode."""

    def setUp(self) -> None:
        """Servers and a client; the agent comes as each test says."""
        super().setUp()
        self.rendezvous(relays=True)
        self.relay()
        self.home(None)

    def both(self, code: str, *, words: str, **target: Any) -> None:
        """P2P and relay fail alike, and quickly."""
        attempts = self.refused(self.connecting(target=self.target(**target)))
        for mode in (P2P, RELAY):
            self.assertEqual(attempts[mode].code, code)
            self.assertIn(words, attempts[mode].error or "")
            self.assertLess(attempts[mode].elapsed or 9.0, 1.0)

    def test_offline(self) -> None:
        """The id is known, but no agent is there."""
        self.both("device_offline", words="MYCAM-000001-ABCDE")

    def test_unknown(self) -> None:
        """Nobody has that id."""
        self.field(None)
        self.both("device_unknown", words="does not know NOBODY-000001-ABCDE", did=STRANGER)

    def test_wrong_secret(self) -> None:
        """The agent is there, but the client's secret is another one."""
        self.field(None)
        self.both("wrong_secret", words="secret", secret=dsk_from_text("not-the-right-one"))

    def test_no_secret(self) -> None:
        """The client has none."""
        self.field(None)
        self.both("wrong_secret", words="secret", secret=None)

    def test_agent_with_wrong_secret(self) -> None:
        """The agent is refused and says so; for clients the device is offline."""
        log = LogCapture(self)
        self.field(None, secret="not-the-right-one")
        lines = log.lines(LogLevel.error)
        self.assertIn("refused the login of MYCAM-000001-ABCDE", "\n".join(lines))
        self.both("device_offline", words="MYCAM-000001-ABCDE")

    def test_camera_away(self) -> None:
        """The agent is there, and cannot reach its camera."""
        self.field(None, behaviour=Behaviour.recorded(slots=0))
        attempts = self.refused(self.connecting(max_time=25.0))
        self.assertEqual(attempts[P2P].code, "closed_by_camera")
        self.assertEqual(attempts[RELAY].code, "device_never_joined")


class TwinTests(World):
    """Two agents with one id."""

    def test_newer_wins(self) -> None:
        """The older one says that it was replaced; clients reach the newer one."""
        self.rendezvous()
        self.relay()
        log = LogCapture(self)
        self.field(NatKind.PORT_RESTRICTED)
        self.network.advance(5.0)
        older = self.camera
        self.field(NatKind.PORT_RESTRICTED, public="198.51.100.3")
        self.network.advance(40.0)
        lines = log.lines(LogLevel.error)
        self.assertIn("another agent with the id MYCAM-000001-ABCDE took over", "\n".join(lines))
        self.home(None)
        self.connected(self.connecting())
        self.assertEqual((older.open_sessions, self.camera.open_sessions), (0, 1))
