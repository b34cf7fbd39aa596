"""
The relay under garbage: nothing raised, nobody let in, nothing left, and others still served.
"""

from __future__ import annotations

import random
from contextlib import ExitStack
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import LogLevel, capturedLogs

from tests.server.relay_rig import (
    CONTROL,
    DID,
    DSK,
    READY,
    Party,
    RelayCase,
    frame,
    login,
    request,
)
from tests.wire.strategies import QUICK, any_message
from trailcam.errors import WireError
from trailcam.server.relay_rules import UNNAMED
from trailcam.testing import MemoryHost
from trailcam.wire.messages import (
    Alive,
    AliveAck,
    DevLgnDsk,
    Message,
    RlyHello,
    RlyPkt,
    RlyPort,
    TcpRlyReqAck,
    TcpRlyReqDsk,
)
from trailcam.wire.sockaddr import UNSPECIFIED

ROUNDS = 10_000


class HostileCase(RelayCase):
    """Watches that nothing goes wrong."""

    def setUp(self) -> None:
        """Listen to the log."""
        super().setUp()
        stack = ExitStack()
        self.events = stack.enter_context(capturedLogs())
        self.addCleanup(stack.close)

    def finish(self) -> None:
        """No bug was logged."""
        super().finish()
        critical = [event for event in self.events if event["log_level"] >= LogLevel.error]
        self.assertEqual(critical, [])

    def attack(self, host: MemoryHost, port: int, octets: bytes) -> Party:
        """Somebody sends octets to a port, and stays."""
        party = self.dial(host, port)
        assert party.transport is not None
        party.transport.write(octets)
        self.network.advance(0.01)
        return party

    def still_serves(self) -> None:
        """A client and a device still come together."""
        _, offer = self.offered()
        parties = [self.join(offer, is_device) for is_device in (True, False)]
        self.assertEqual([party.take() for party in parties], [READY, READY])
        self.hang_up(parties[0])


class GarbageTests(HostileCase):
    """Octets of any kind."""

    @given(st.binary(max_size=4000), st.lists(st.integers(1, 4000), max_size=4))
    @QUICK
    def test_octets(self, octets: bytes, cuts: list[int]) -> None:
        """Whatever comes, in whatever pieces, to whichever port."""
        _, offer = self.offered()
        for port in (CONTROL, offer.port):
            party = self.dial(self.stranger_host, port)
            edges = [0, *sorted(cuts), len(octets)]
            for start, end in pairwise(edges):
                assert party.transport is not None
                party.transport.write(octets[start:end])
                self.network.advance(0.01)
        self.network.advance(60.0)
        self.assertEqual(list(self.host.tcp.streams), [])

    @given(st.lists(any_message, max_size=8))
    @QUICK
    def test_messages(self, messages: list[Message]) -> None:
        """Any messages, in any order."""
        octets = b""
        for message in messages:
            try:
                octets += frame(message)
            except WireError:  # too long for a frame
                continue
        _, offer = self.offered()
        for port in (CONTROL, offer.port):
            self.attack(self.stranger_host, port, octets)
        self.network.advance(60.0)
        self.assertEqual(list(self.host.tcp.streams), [])


class MutationTests(HostileCase):
    """Frames in which something is wrong."""

    def setUp(self) -> None:
        """A relay that wants secrets, with its device."""
        super().setUp()
        self.closed_relay(pairs=50, pairs_per_address=10, controls=60, controls_per_address=30)
        self.device = self.logged_in()
        self.client = self.dial(self.client_host)
        self.rng = random.Random(3)

    def frames(self, magic: int) -> list[bytes]:
        """What may be said, but never with the right secret or magic."""
        wrong = bytes(self.rng.randrange(256) for _ in DSK)
        return [
            frame(message)
            for message in (
                RlyHello(),
                RlyPort(),
                request(),
                TcpRlyReqDsk(DID, UNSPECIFIED, 0, bytes(3), 0, wrong),
                login(dsk=wrong),
                DevLgnDsk(bytes(self.rng.randrange(256) for _ in range(68))),
                Alive(),
                AliveAck(),
                RlyPkt(magic ^ (1 << self.rng.randrange(32)), DID, self.rng.random() < 0.5),
            )
        ]

    def mutated(self, octets: bytes) -> bytes:
        """With some octets changed, left out or doubled."""
        changed = bytearray(octets)
        for _ in range(self.rng.randrange(4)):
            at = self.rng.randrange(len(changed))
            match self.rng.randrange(4):
                case 0:
                    changed[at] = self.rng.randrange(256)
                case 1:
                    changed[at] ^= 1 << self.rng.randrange(8)
                case 2:
                    del changed[at : at + self.rng.randrange(1, 9)]
                case _:
                    changed[at:at] = changed[at : at + self.rng.randrange(1, 9)]
            if not changed:
                break
        return bytes(changed)

    def test_mutations(self) -> None:
        """Ten thousand of them: nobody gets in, the tables stay small, the device stays."""
        attackers: list[Party] = []
        _, offer = self.offered()
        self.say(self.client, RlyPort())
        for round_ in range(ROUNDS):
            if round_ % 50 == 0:  # nothing comes free but by the relay's own limits
                self.network.advance(1.0)
                self.say(self.device, Alive())
                self.assertLess(len(self.host.tcp.streams), 60 + 50 * 9)
            if not attackers or attackers[-1].lost is not None:
                port = self.rng.choice((CONTROL, CONTROL, offer.port))
                if port != CONTROL and self.refused(self.stranger_host, port):
                    port = CONTROL
                attackers.append(self.dial(self.stranger_host, port))
            octets = self.mutated(self.rng.choice(self.frames(offer.magic)))
            transport = attackers[-1].transport
            assert transport is not None
            transport.write(octets)
            if round_ % 10 == 0:
                self.network.advance(0.01)
        self.assertGreater(len(attackers), 500)
        self.assertEqual(self.count("pairs_paired"), 0)
        self.heard(self.device)
        self.assertIsNone(self.device.lost)
        ours = [e for e in self.events if e["log_namespace"].startswith("trailcam.server")]
        self.assertLess(len(ours), 50 + self.count("pairs_waiting"))
        self.network.advance(60.0)
        self.assertEqual(list(self.host.tcp.streams), [])

    def test_device_unmoved(self) -> None:
        """Nothing of that takes the id from the device, or tells it of a client."""
        for _ in range(300):
            for octets in self.frames(0):
                self.attack(self.stranger_host, CONTROL, octets)
            self.network.advance(0.5)
            self.say(self.device, Alive())
        self.assertEqual({type(message) for message in self.heard(self.device)}, {AliveAck})
        self.assertIsNone(self.device.lost)
        client, _ = self.offered()
        message = TcpRlyReqDsk(DID, UNSPECIFIED, 0, bytes(3), 0, DSK)
        self.assertEqual(self.ask(client, message, TcpRlyReqAck).result, 0)
        self.assertEqual(len(self.heard(self.device)), 1)


class HalfOpenTests(HostileCase):
    """Connections that nobody uses."""

    def test_control(self) -> None:
        """An address fills its own share of the control port, not that of others."""
        self.start(controls=100, controls_per_address=20)
        parties = [self.dial(self.stranger_host) for _ in range(50)]
        self.assertEqual(len(self.host.tcp.streams), 20)
        self.still_serves()
        self.network.advance(12.0)
        self.ends(*parties)

    def test_data(self) -> None:
        """A data port with many who say nothing still serves the two who belong there."""
        _, offer = self.named()
        parties = [self.dial(self.stranger_host, offer.port) for _ in range(50)]
        self.assertLess(len(self.host.tcp.streams), 12)
        client, device = (self.join(offer, is_device) for is_device in (False, True))
        self.assertEqual((client.take(), device.take()), (READY, READY))
        self.ends(*parties)

    def test_pairings(self) -> None:
        """An address that asks for pairings again and again fills its own share."""
        self.start(pairs=20, pairs_per_address=5)
        began = self.host.seconds()
        for _ in range(200):
            self.attack(self.stranger_host, CONTROL, frame(RlyPort()))
        # Each holds its room until it is clear that nobody names a device.
        rounds = (self.host.seconds() - began) // UNNAMED + 1
        self.assertLessEqual(self.count("pairs_waiting"), 5 * rounds + 5)
        self.still_serves()
        self.network.advance(12.0)
        self.assertEqual(len(list(self.host.tcp.listeners())), 1)
