"""Tests of what stands in for a mode that cannot run."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from trailcam.connect.impossible import ImpossibleAttempt
from trailcam.connect.relay import relay_attempt
from trailcam.connect.relay_address import RelayAddress
from trailcam.connect.relay_attempt import RelayAttempt
from trailcam.connect.target import Target
from trailcam.errors import NotPossible
from trailcam.interfaces import IAttempt
from trailcam.model import ConnectionMode


class ImpossibleAttemptTests(SynchronousTestCase):
    """An attempt that fails at once."""

    def test_interface(self) -> None:
        """It is an attempt."""
        verifyObject(IAttempt, ImpossibleAttempt(ConnectionMode.RELAY, "no reason"))

    def test_fails(self) -> None:
        """Each time, saying what is missing."""
        attempt = ImpossibleAttempt(ConnectionMode.RELAY, "a relay is missing")
        for _ in range(2):
            error = self.failureResultOf(attempt.connect(30.0), NotPossible).value
            self.assertEqual(str(error), "a relay is missing")
            fields = (error.mode, error.phase, error.elapsed, error.code)
            self.assertEqual(fields, (ConnectionMode.RELAY, "idle", 0.0, "not_possible"))


class RelayTests(SynchronousTestCase):
    """The relay mode."""

    def test_without_server(self) -> None:
        """Without a server that is what is missing."""
        attempt = relay_attempt(None, Target("192.168.43.1"))
        error = self.failureResultOf(attempt.connect(30.0), NotPossible).value
        self.assertEqual((error.mode, attempt.mode), (ConnectionMode.RELAY, ConnectionMode.RELAY))
        self.assertIn("no relay server was given", str(error))

    def test_with_a_source_of_relays(self) -> None:
        """A relay, a rendezvous server or a directory is enough to try."""
        for what in (
            {"relay": RelayAddress("10.0.0.1", 5)},
            {"rendezvous": (("10.0.0.1", 5),)},
            {"relay_directory": "http://relays.example/"},
        ):
            attempt = relay_attempt(None, Target("192.168.43.1", **what), pace=None)
            self.assertIsInstance(attempt, RelayAttempt)
            verifyObject(IAttempt, attempt)
