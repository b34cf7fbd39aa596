"""Tests of the LAN search by broadcast, when the camera's address is not known or not trusted."""

from __future__ import annotations

import errno
import os
from typing import Any

from tests.connect.cameras import (
    CAMERA,
    CLIENT,
    OTHER_DID,
    PUNCH,
    READY,
    NetworkTestCase,
    ScriptedCamera,
)
from trailcam.connect.target import Target
from trailcam.errors import NeverReady, NothingAnswered, Unreachable
from trailcam.simulator import SimulatedCamera
from trailcam.wire.messages import Close, LanSearch, P2PRdy, PunchPkt

SUBNET = ("192.168.43.255", 32108)
LIMITED = ("255.255.255.255", 32108)


class BroadcastTestCase(NetworkTestCase):
    """Attempts that broadcast on the client's subnet."""

    def broadcasting(self, target: Target | None = None, *addresses: str) -> Any:
        """A LAN attempt that searches by broadcast."""
        return self.lan(target or Target(), broadcasts=lambda: list(addresses or [SUBNET[0]]))

    def other(self, address: str = "192.168.43.2") -> ScriptedCamera:
        """A second camera."""
        return self.scripted(host=self.network.host(address))


class BroadcastTests(BroadcastTestCase):
    """Search without an address."""

    def test_finds_a_camera(self) -> None:
        """The camera that answers is the camera, wherever it is and from whatever port."""
        self.scripted().on(LanSearch, PUNCH, from_port=40611).on(PunchPkt, READY)
        watch = self.watch(self.broadcasting().connect(30.0))
        self.network.advance(0.01)
        self.assertEqual(self.won(watch).peer, (CAMERA, 40611))
        self.assertEqual(self.sent(LanSearch), [(0.0, SUBNET)])

    def test_recorded_camera(self) -> None:
        """As the camera's own app finds it."""
        self.simulated(SimulatedCamera(self.camera_host))
        watch = self.watch(self.broadcasting().connect(30.0))
        self.network.advance(0.4)
        self.assertEqual(self.won(watch).peer, (CAMERA, 40611))

    def test_every_interface(self) -> None:
        """Each broadcast address is asked, only on the search port, in every round."""
        watch = self.watch(self.broadcasting(None, SUBNET[0], LIMITED[0]).connect(0.15))
        self.network.advance(0.2)
        expected = [(0.0, SUBNET), (0.0, LIMITED), (0.1, SUBNET), (0.1, LIMITED)]
        self.assertEqual(self.sent(LanSearch), expected)
        self.assertIsInstance(watch.error, NothingAnswered)
        self.assertIn("nothing answered from camera LBCS-000000-CCCJJ", str(watch.error))

    def test_beside_an_address(self) -> None:
        """With an address and the wish to broadcast: its ports first, then the broadcasts."""
        target = Target(CAMERA, ports=(40611, 80), broadcast=True)
        watch = self.watch(self.broadcasting(target).connect(0.05))
        addresses = [address for _, address in self.sent(LanSearch)]
        self.assertEqual(addresses, [(CAMERA, 40611), (CAMERA, 80), SUBNET])
        self.network.advance(0.1)
        self.assertEqual(watch.at, 0.05)

    def test_no_broadcast_unasked(self) -> None:
        """With an address and no such wish nothing is broadcast."""
        self.camera_host.silent = True
        self.watch(self.lan(broadcasts=lambda: [SUBNET[0]]).connect(0.05))
        self.assertEqual({host for _, (host, _) in self.sent(LanSearch)}, {CAMERA})
        self.network.advance(0.1)

    def test_only_the_address_is_believed(self) -> None:
        """Whoever else answers the broadcast is not the camera that was named."""
        self.camera_host.silent = True
        other = self.other().on(LanSearch, PUNCH).on(PunchPkt, READY)
        target = Target(CAMERA, ports=(40611,), broadcast=True)
        watch = self.watch(self.broadcasting(target).connect(1.0))
        self.network.advance(1.1)
        self.assertIsInstance(watch.error, NothingAnswered)
        self.assertIn("answered from 192.168.43.2", str(watch.error))
        self.assertEqual(other.count(PunchPkt), 0)

    def test_refusals_leave_the_broadcast(self) -> None:
        """All ports closed, but a broadcast may still find the camera's search port."""
        target = Target(CAMERA, ports=(1, 2), broadcast=True)
        watch = self.watch(self.broadcasting(target).connect(30.0))
        self.network.advance(1.0)
        self.assertIsNone(watch.at)
        self.scripted().on(LanSearch, PUNCH, from_port=40611).on(PunchPkt, READY)
        self.network.advance(0.3)
        self.won(watch)


class ManyCamerasTests(BroadcastTestCase):
    """Every TrailCam has the same id; others have others."""

    def test_other_ids_are_ignored(self) -> None:
        """A camera with another id is not spoken to, however many there are."""
        others = [
            self.other(f"192.168.43.{n}").on(LanSearch, PunchPkt(OTHER_DID), P2PRdy(OTHER_DID))
            for n in range(2, 10)
        ]
        watch = self.watch(self.broadcasting().connect(30.0))
        self.network.advance(0.5)
        self.assertIsNone(watch.at)
        self.scripted().on(LanSearch, PUNCH).on(PunchPkt, READY)
        self.network.advance(0.3)
        self.assertEqual(self.won(watch).peer, (CAMERA, 32108))
        self.assertEqual({kind for other in others for kind in other.kinds()}, {"LAN_SEARCH"})

    def test_first_one_wins(self) -> None:
        """Of two cameras the first to answer is the candidate; the other loses no slot."""
        self.scripted().on(LanSearch, PUNCH).on(PunchPkt, READY)
        second = self.other().on(LanSearch, PUNCH).on(PunchPkt, READY)
        watch = self.watch(self.broadcasting().connect(30.0))
        self.network.advance(0.01)
        self.assertEqual(self.won(watch).peer, (CAMERA, 32108))
        self.assertEqual(second.count(PunchPkt), 0)

    def test_ready_from_somebody_else(self) -> None:
        """P2P_RDY from a host that never answered the search is not on the path of the proof."""
        camera = self.scripted().on(LanSearch, PUNCH)
        other = self.other()
        attempt = self.broadcasting()
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(0.01)
        self.assertEqual(attempt.phase, "punching")
        other.say((CLIENT, attempt.port), READY)
        self.network.advance(0.01)
        self.assertEqual((watch.at, attempt.phase), (None, "punching"))
        camera.say((CLIENT, attempt.port), READY)
        self.network.advance(0.01)
        self.assertEqual(self.won(watch).peer, (CAMERA, 40611))

    def test_second_one_after_the_first_fell_silent(self) -> None:
        """A candidate that is never ready makes way for another camera."""
        first = self.scripted().on(LanSearch, PUNCH)
        watch = self.watch(self.broadcasting().connect(30.0))
        self.network.advance(1.0)
        first.on(LanSearch)
        self.other().on(LanSearch, PUNCH).on(PunchPkt, READY)
        self.network.advance(2.0)
        self.assertEqual(self.won(watch).peer, ("192.168.43.2", 32108))

    def test_everybody_who_answered_is_dismissed(self) -> None:
        """At the end each camera that answered is told CLOSE."""
        cameras = [self.scripted(), self.other()]
        for camera in cameras:
            camera.on(LanSearch, PUNCH)
        watch = self.watch(self.broadcasting().connect(0.5))
        self.network.advance(0.6)
        self.assertIsInstance(watch.error, NeverReady)
        for camera in cameras:
            self.assertGreaterEqual(camera.count(Close), 1)


class BlockedTests(BroadcastTestCase):
    """Broadcasts that the system does not let out."""

    def test_all_blocked(self) -> None:
        """Nothing left the machine, so nothing is waited for."""
        self.client.write_error = OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        watch = self.watch(self.broadcasting(None, SUBNET[0], LIMITED[0]).connect(30.0))
        self.network.advance(0.05)
        self.assertIsInstance(watch.error, Unreachable)
        self.assertIn("Network is unreachable", str(watch.error))

    def test_one_blocked(self) -> None:
        """One interface is enough; the other is not asked again, and did not refuse anything."""
        self.network.unreachable.add(LIMITED[0])
        watch = self.watch(self.broadcasting(None, SUBNET[0], LIMITED[0]).connect(1.0))
        self.network.advance(1.1)
        self.assertEqual(watch.at, 1.0)
        self.assertIsInstance(watch.error, NothingAnswered)
        self.assertNotIn("ICMP", str(watch.error))
        self.assertEqual([a for _, a in self.sent(LanSearch)].count(LIMITED), 1)
