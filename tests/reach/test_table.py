"""Which way leads to a camera, for each pair of NATs: the same table as in the laboratory."""

from __future__ import annotations

from tests.reach.world import P2P, RELAY, World
from trailcam.model import ConnectionMode
from trailcam.simulator import Behaviour
from trailcam.testing import NatKind

KINDS = (None, NatKind.FULL_CONE, NatKind.PORT_RESTRICTED, NatKind.SYMMETRIC)

#: Where no datagram can get through, whatever the two sides do.
HOPELESS = {
    (NatKind.PORT_RESTRICTED, NatKind.SYMMETRIC),
    (NatKind.SYMMETRIC, NatKind.PORT_RESTRICTED),
    (NatKind.SYMMETRIC, NatKind.SYMMETRIC),
}


class TableTests(World):
    """Sixteen pairs, each with every part running."""

    def one_pair(self, client: NatKind | None, agent: NatKind | None) -> None:
        """Connect, hold the connection for a while, and see who won and how fast."""
        self.rendezvous()
        self.relay()
        self.field(agent)
        self.home(client)
        session, report = self.connected(self.connecting())
        expected = RELAY if (client, agent) in HOPELESS else P2P
        self.assertEqual(report.winner, expected)
        # Ten round trips of 20 ms, and the head start of P2P where the relay has to win.
        self.assertLess(report.elapsed, 0.5)
        self.network.advance(20.0)
        self.assertEqual(session.state, "established")
        self.assertLess(session.silent_for, 2.1)
        self.assertEqual(self.camera.open_sessions, 1)
        session.close()
        self.network.advance(1.0)
        self.assertEqual(self.camera.open_sessions, 0)


def _named(kind: NatKind | None) -> str:
    return "none" if kind is None else kind.value


def _add(client: NatKind | None, agent: NatKind | None) -> None:
    def test(self: TableTests) -> None:
        self.one_pair(client, agent)

    test.__doc__ = f"Client behind {_named(client)}, agent behind {_named(agent)}."
    setattr(TableTests, f"test_{_named(client)}_to_{_named(agent)}", test)


for _client in KINDS:
    for _agent in KINDS:
        _add(_client, _agent)


class RaceTests(World):
    """All three modes in one race."""

    def test_all_three(self) -> None:
        """Relay, P2P and LAN: one wins, and the others say why they did not."""
        self.rendezvous()
        self.relay()
        self.field(NatKind.SYMMETRIC, behaviour=Behaviour.recorded())
        self.home(NatKind.SYMMETRIC)
        connecting = self.connecting(*ConnectionMode, weights={P2P: 1.0})
        _, report = self.connected(connecting)
        self.assertEqual(report.winner, RELAY)
        states = {attempt.mode: attempt.state.value for attempt in report.attempts}
        self.assertEqual(states[RELAY], "success")
        self.assertEqual(states[P2P], "cancelled")
