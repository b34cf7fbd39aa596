"""Tests of attempts that cannot succeed: refused, unreachable, unresolved, without port or way."""

from __future__ import annotations

import errno
import os
from unittest import mock

from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IResolutionReceiver

from tests.connect.cameras import CAMERA, OFFER, PUNCH, READY, NetworkTestCase
from trailcam.connect.target import Target
from trailcam.errors import (
    NameNotResolved,
    NeverReady,
    NoInterface,
    NothingAnswered,
    PortsRefused,
    PortUnavailable,
    Unreachable,
)
from trailcam.wire.messages import LanSearch, PunchPkt


class LostSocketTests(NetworkTestCase):
    """A socket that somebody else closed, as a reactor does that stops."""

    def test_lost(self) -> None:
        """Each mode says so at once, and leaves nothing behind."""
        self.camera_host.silent = True
        for attempt in (self.lan(), self.p2p()):
            watch = self.watch(attempt.connect(30.0))
            self.network.advance(0.5)
            for port in list(self.client.ports()):
                port.stopListening()
            self.network.advance(0.01)
            self.assertIsInstance(watch.error, PortUnavailable)
            self.assertIn("closed", str(watch.error))


class RefusedTests(NetworkTestCase):
    """Closed ports."""

    def test_all_refused(self) -> None:
        """At once, naming the ports, with everything closed."""
        for attempt in (self.lan(), self.p2p()):
            start = self.network.clock.seconds()
            watch = self.watch(attempt.connect(30.0))
            self.network.advance(0.05)
            assert watch.at is not None
            self.assertLess(watch.at - start, 0.05)
            self.assertEqual(watch.ports, 0)
            error = watch.error
            self.assertIsInstance(error, PortsRefused)
            for port in (40611, 32100, 32108, 10000, 80, 57743):
                self.assertIn(str(port), str(error))
            self.assertEqual((error.phase, attempt.retries), ("searching", 6))
            self.assertAlmostEqual(error.elapsed, 0.002, places=9)

    def test_partly_refused(self) -> None:
        """The other ports are waited for; the closed ones are not asked again."""
        camera = self.scripted(40611)
        attempt = self.p2p(Target(CAMERA, ports=(80, 40611)))
        watch = self.watch(attempt.connect(1.0))
        self.network.advance(0.5)
        self.assertEqual((watch.at, attempt.retries), (None, 1))
        self.network.advance(0.6)
        self.assertEqual(watch.at, 1.0)
        self.assertIsInstance(watch.error, NothingAnswered)
        self.assertIn("on port 40611 within", str(watch.error))
        self.assertIn("refused port 80 (ICMP)", str(watch.error))
        self.assertEqual([a for _, a in self.sent(PunchPkt)].count((CAMERA, 80)), 1)
        self.assertGreater(camera.count(PunchPkt), 3)

    def test_partly_refused_and_won(self) -> None:
        """Refusals do not stop the port that answers."""
        self.scripted(40611).on(LanSearch, PUNCH).on(PunchPkt, READY)
        watch = self.watch(self.lan().connect(30.0))
        self.network.advance(0.01)
        self.won(watch)

    def test_refused_after_an_answer(self) -> None:
        """A candidate whose port closes is waited for: it may come back."""
        camera = self.scripted(40611).on(LanSearch, PUNCH)
        watch = self.watch(self.lan(Target(CAMERA, ports=(40611,))).connect(1.0))
        self.network.advance(0.01)
        camera.close()
        self.network.advance(1.1)
        self.assertEqual(watch.at, 1.0)
        self.assertIsInstance(watch.error, NeverReady)

    def test_refusals_unheard(self) -> None:
        """Where the system tells nothing, the budget decides."""
        self.network.refusals = False
        watch = self.watch(self.p2p().connect(2.0))
        self.network.advance(2.1)
        self.assertEqual(watch.at, 2.0)
        self.assertIsInstance(watch.error, NothingAnswered)

    def test_unreachable(self) -> None:
        """No way to the host: at once, with the system's word for it."""
        self.network.unreachable.add(CAMERA)
        for attempt in (self.lan(), self.p2p()):
            watch = self.watch(attempt.connect(30.0))
            self.network.advance(0.05)
            self.assertIsInstance(watch.error, Unreachable)
            self.assertIn("No route to host", str(watch.error))
            self.assertEqual(watch.ports, 0)

    def test_write_errors(self) -> None:
        """What the system refuses to send is a refusal too, not an exception."""
        self.client.write_error = OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        watch = self.watch(self.lan().connect(30.0))
        self.network.advance(0.05)
        self.assertIsInstance(watch.error, Unreachable)
        self.assertIn("Network is unreachable", str(watch.error))

    def test_write_error_of_the_last_word(self) -> None:
        """When CLOSE cannot be sent any more, the port closes all the same."""
        camera = self.scripted(40611).on(LanSearch, PUNCH)
        watch = self.watch(self.lan(Target(CAMERA, ports=(40611,))).connect(0.05))
        self.network.advance(0.01)
        self.client.write_error = OSError(errno.ENETDOWN, os.strerror(errno.ENETDOWN))
        self.network.advance(0.1)
        self.assertIsInstance(watch.error, NeverReady)
        self.assertEqual((watch.ports, camera.kinds()), (0, ["LAN_SEARCH", "PUNCH_PKT"]))


class BudgetTests(NetworkTestCase):
    """Time."""

    def test_nothing_answers(self) -> None:
        """Exactly the budget, not one resend later, with all ports tried."""
        self.camera_host.silent = True
        for attempt in (self.lan(), self.p2p()):
            start = self.network.clock.seconds()
            watch = self.watch(attempt.connect(30.0))
            self.network.advance(31.0)
            assert watch.at is not None
            self.assertAlmostEqual(watch.at - start, 30.0, places=9)
            self.assertEqual((watch.ports, attempt.retries), (0, 6))
            self.assertIsInstance(watch.error, NothingAnswered)
            self.assertAlmostEqual(watch.error.elapsed, 30.0, places=9)
            self.assertIn("within 30.0 s", str(watch.error))

    def test_no_budget(self) -> None:
        """A budget of nothing ends in the next turn."""
        self.camera_host.silent = True
        watch = self.watch(self.lan().connect(0.0))
        self.network.advance(0.0)
        self.assertEqual((watch.at, watch.ports), (0.0, 0))
        self.assertIsInstance(watch.error, NothingAnswered)

    def test_budget_ends_with_a_resend(self) -> None:
        """A resend that is due at the very end of the budget is not sent into a closed port."""
        self.camera_host.silent = True
        for budget in (0.1, 0.22, 0.364):
            watch = self.watch(self.lan().connect(budget))
            self.network.advance(0.5)
            self.assertIsInstance(watch.error, NothingAnswered)
            self.assertEqual(watch.ports, 0)

    def test_budget_while_punching(self) -> None:
        """The budget counts from the start, whatever the phase."""
        self.scripted(40611).on(LanSearch, PUNCH, OFFER)
        watch = self.watch(self.lan(Target(CAMERA, ports=(40611,))).connect(0.5))
        self.network.advance(0.6)
        self.assertEqual(watch.at, 0.5)
        self.assertIsInstance(watch.error, NeverReady)
        self.assertEqual(watch.error.phase, "punching")


class LocalTests(NetworkTestCase):
    """What is missing on this side."""

    def test_no_local_port(self) -> None:
        """No port to be had: said so, at once, with the system's reason."""
        taken = CannotListenError("", 0, OSError(errno.EADDRINUSE, "Address already in use"))
        self.patch(self.client, "listenUDP", mock.Mock(side_effect=taken))
        for attempt in (self.lan(), self.p2p()):
            error = self.failureResultOf(attempt.connect(30.0), PortUnavailable).value
            self.assertIn("Address already in use", str(error))
            self.assertEqual((attempt.port, attempt.retries), (None, 6))

    def test_no_interface(self) -> None:
        """A broadcast search needs an interface that can broadcast."""
        attempt = self.lan(Target(), broadcasts=list)
        error = self.failureResultOf(attempt.connect(30.0), NoInterface).value
        self.assertIn("no network interface", str(error))
        self.assertEqual((attempt.port, attempt.retries), (None, 0))

    def test_observer_that_raises(self) -> None:
        """An observer's bug ends the attempt, and still leaves nothing open."""

        def observer(event: object) -> None:
            raise KeyError("observer")

        self.camera_host.silent = True
        watch = self.watch(self.lan(observer=observer).connect(30.0))
        self.network.advance(0.0)
        self.assertEqual(watch.ports, 0)
        self.assertIsInstance(watch.error, KeyError)


class NameTests(NetworkTestCase):
    """Host names."""

    target = Target("camera.lan")

    def test_resolved(self) -> None:
        """The name's address is asked, and only it is believed."""
        self.network.name("camera.lan", CAMERA)
        self.scripted().on(LanSearch, PUNCH).on(PunchPkt, READY)
        attempt = self.lan(self.target)
        watch = self.watch(attempt.connect(30.0))
        self.assertEqual((attempt.phase, attempt.port), ("resolving", None))
        self.network.advance(0.01)
        self.assertEqual(self.won(watch).peer, (CAMERA, 40611))

    def test_stranger(self) -> None:
        """Somebody else is no more believed than with an address."""
        self.network.name("camera.lan", CAMERA)
        self.camera_host.silent = True
        stranger = self.scripted(40611, host=self.network.host("192.168.43.66"))
        attempt = self.p2p(self.target)
        watch = self.watch(attempt.connect(1.0))
        self.network.advance(0.01)
        stranger.say((self.client.address, attempt.port), READY)
        self.network.advance(1.1)
        self.assertIsInstance(watch.error, NothingAnswered)
        self.assertIn("nothing answered from camera.lan", str(watch.error))

    def test_round_trip_begins_with_the_probe(self) -> None:
        """The time that the name took is not the camera's."""
        self.network.name("camera.lan", CAMERA)
        self.scripted().on(PunchPkt, READY)
        attempt = self.p2p(self.target)
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(0.01)
        self.won(watch)
        self.assertAlmostEqual(watch.at or 0.0, 0.003, places=9)
        self.assertAlmostEqual(attempt.round_trip, 0.002, places=9)

    def test_unknown(self) -> None:
        """A name that nobody knows: at once, nothing was opened."""
        attempt = self.lan(self.target)
        watch = self.watch(attempt.connect(30.0))
        self.network.advance(0.01)
        self.assertAlmostEqual(watch.at or 0.0, 0.001, places=9)
        self.assertIsInstance(watch.error, NameNotResolved)
        self.assertEqual((watch.error.phase, attempt.retries), ("resolving", 0))
        self.assertIn("camera.lan", str(watch.error))

    def test_never_answered(self) -> None:
        """A resolver that says nothing: the budget, and the resolver is named as the reason."""

        class Mute:
            def resolveHostName(
                self, receiver: IResolutionReceiver, *_: object, **__: object
            ) -> None:
                receiver.resolutionBegan(None)  # type: ignore[arg-type]

        self.client.nameResolver = Mute()  # type: ignore[assignment]
        watch = self.watch(self.lan(self.target).connect(5.0))
        self.network.advance(6.0)
        self.assertEqual(watch.at, 5.0)
        self.assertIsInstance(watch.error, NameNotResolved)
        self.assertIn("camera.lan was not resolved within 5.0 s", str(watch.error))

    def test_name_and_camera_share_the_budget(self) -> None:
        """What the resolver used up is not given again."""
        self.network.latency = 0.4
        self.network.name("camera.lan", CAMERA)
        self.camera_host.silent = True
        watch = self.watch(self.p2p(self.target).connect(1.0))
        self.network.advance(1.5)
        self.assertAlmostEqual(watch.at or 0.0, 1.0, places=9)
        self.assertIsInstance(watch.error, NothingAnswered)
